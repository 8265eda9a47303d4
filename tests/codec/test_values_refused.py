"""A value that no octets can say raises EncodeError, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coordinator.codec import (
    aps,
    aps_commands,
    beacon,
    mac,
    mac_commands,
    nwk,
    nwk_commands,
    security_header,
    tlv,
    zdp,
)
from coordinator.codec.cursor import EncodeError
from coordinator.types import GLOBAL_LINK_KEY, Channel, Eui64, ExtendedPanId, NwkAddress, PanId

IEEE = Eui64(0x00124B0001020304)
HERE = NwkAddress(0x4AB1)


def _zdp(command: zdp.Command) -> bytes:
    return zdp.encode(zdp.Message(sequence=1, command=command))


_NWK = nwk.Frame(0x0008, HERE, HERE, 30, 1)
_APS = aps.Frame(0x00, 1, None, 6, 0x0104, 1, 9)
_HEADER = security_header.AuxiliaryHeader(0x28, 1, IEEE, 0)
_MAC = mac.Frame(0x8841, 1, PanId(1), HERE, None, HERE)

REFUSED: dict[str, Callable[[], bytes]] = {
    "mac-address-out-of-range": lambda: mac.encode(_MAC._replace(source=NwkAddress(0x10000))),
    "mac-address-missing": lambda: mac.encode(_MAC._replace(source=None)),
    "mac-source-pan-not-announced": lambda: mac.encode(_MAC._replace(source_pan=PanId(2))),
    "mac-reserved-mode": lambda: mac.encode(_MAC._replace(frame_control=0x8441)),
    "mac-status-out-of-range": lambda: mac_commands.encode(
        mac_commands.AssociationResponse(address=HERE, status=256)
    ),
    "mac-realignment-without-page": lambda: mac_commands.encode(
        mac_commands.CoordinatorRealignment(
            pan_id=PanId(1), coordinator=HERE, channel=Channel(11), address=HERE, trailing=b"\x01"
        )
    ),
    "beacon-eight-pending": lambda: beacon.encode(beacon.Beacon(superframe=0, pending_short=(HERE,) * 8)),
    "beacon-gts-cut": lambda: beacon.encode(beacon.Beacon(superframe=0, gts=b"\x01")),
    "beacon-superframe-out-of-range": lambda: beacon.encode(beacon.Beacon(superframe=0x10000)),
    "zigbee-beacon-depth-out-of-range": lambda: beacon.encode_zigbee(
        beacon.ZigbeePayload(extended_pan_id=ExtendedPanId(IEEE), depth=16)
    ),
    "zigbee-beacon-offset-out-of-range": lambda: beacon.encode_zigbee(
        beacon.ZigbeePayload(extended_pan_id=ExtendedPanId(IEEE), tx_offset=1 << 24)
    ),
    "auxiliary-source-missing": lambda: security_header.encode(_HEADER._replace(source=None)),
    "auxiliary-sequence-not-announced": lambda: security_header.encode(_HEADER._replace(control=0x20)),
    "auxiliary-counter-out-of-range": lambda: security_header.encode(_HEADER._replace(frame_counter=1 << 32)),
    "nwk-radius-out-of-range": lambda: nwk.encode(_NWK._replace(radius=256)),
    "nwk-ieee-not-announced": lambda: nwk.encode(_NWK._replace(source_ieee=IEEE)),
    "nwk-ieee-missing": lambda: nwk.encode(_NWK._replace(frame_control=0x1008)),
    "nwk-relays-not-announced": lambda: nwk.encode(_NWK._replace(relays=(HERE,))),
    "nwk-security-missing": lambda: nwk.encode(_NWK._replace(frame_control=0x0208)),
    "nwk-security-not-announced": lambda: nwk.encode(_NWK._replace(security=_HEADER)),
    "nwk-key-sequence-missing": lambda: nwk.encode(
        _NWK._replace(frame_control=0x0208, security=_HEADER._replace(key_sequence=None))
    ),
    "nwk-count-of-pan-ids": lambda: nwk_commands.encode(
        nwk_commands.NetworkReport(options=2, extended_pan_id=ExtendedPanId(IEEE), pan_ids=(PanId(1),))
    ),
    "nwk-link-status-too-long": lambda: nwk_commands.encode(
        nwk_commands.LinkStatus(entries=(nwk_commands.LinkStatusEntry(address=HERE, cost=0),) * 32)
    ),
    "nwk-route-request-ieee-missing": lambda: nwk_commands.encode(
        nwk_commands.RouteRequest(options=0x20, identifier=1, destination=HERE, path_cost=0)
    ),
    "nwk-leave-out-of-range": lambda: nwk_commands.encode(nwk_commands.Leave(options=-1)),
    "aps-endpoint-missing": lambda: aps.encode(_APS._replace(destination_endpoint=None)),
    "aps-group-not-announced": lambda: aps.encode(_APS._replace(group=1)),
    "aps-control-out-of-range": lambda: aps.encode(_APS._replace(frame_control=256)),
    "aps-counter-out-of-range": lambda: aps.encode(_APS._replace(counter=256)),
    "aps-cluster-in-command": lambda: aps.encode(_APS._replace(frame_control=0x21, security=_HEADER)),
    "aps-extended-missing": lambda: aps.encode(_APS._replace(frame_control=0x80)),
    "aps-block-missing": lambda: aps.encode(
        _APS._replace(frame_control=0x80, extended=aps.ExtendedHeader(1))
    ),
    "aps-partner-missing": lambda: aps_commands.encode(aps_commands.RequestKey(key_type=2)),
    "aps-partner-superfluous": lambda: aps_commands.encode(aps_commands.RequestKey(key_type=4, partner=IEEE)),
    "aps-wrong-type-of-link-key": lambda: aps_commands.encode(
        aps_commands.TransportTrustCenterLinkKey(
            key=GLOBAL_LINK_KEY, destination=IEEE, source=IEEE, key_type=3
        )
    ),
    "aps-wrong-type-of-application-key": lambda: aps_commands.encode(
        aps_commands.TransportApplicationLinkKey(key=GLOBAL_LINK_KEY, partner=IEEE, initiator=0, key_type=4)
    ),
    "aps-short-hash": lambda: aps_commands.encode(
        aps_commands.VerifyKey(key_type=4, source=IEEE, hash=bytes(15))
    ),
    "aps-status-out-of-range": lambda: aps_commands.encode(
        aps_commands.ConfirmKey(status=256, key_type=4, destination=IEEE)
    ),
    "zdp-descriptor-missing": lambda: _zdp(zdp.NodeDescriptorResponse(status=0, address=HERE)),
    "zdp-address-missing": lambda: _zdp(zdp.PowerDescriptorResponse(status=0, address=None, descriptor=1)),
    "zdp-endpoints-missing": lambda: _zdp(
        zdp.ActiveEndpointsResponse(status=0, address=HERE, endpoints=None)
    ),
    "zdp-table-missing": lambda: _zdp(zdp.MgmtLqiResponse(status=0)),
    "zdp-scan-count-missing": lambda: _zdp(zdp.MgmtNwkUpdateRequest(channels=0, scan_duration=1)),
    "zdp-energies-missing": lambda: _zdp(zdp.MgmtNwkUpdateResponse(status=0, energies=None)),
    "zdp-children-missing": lambda: _zdp(zdp.ParentAnnounceResponse(status=0, children=None)),
    "zdp-one-address": lambda: _zdp(zdp.NwkAddressResponse(status=1, ieee=IEEE, address=None)),
    "zdp-start-index-missing": lambda: _zdp(
        zdp.NwkAddressResponse(status=0, ieee=IEEE, address=HERE, associated=(HERE,))
    ),
    "zdp-duration-out-of-range": lambda: _zdp(zdp.MgmtPermitJoiningRequest(duration=256, tc_significance=0)),
    "zdp-logical-type-out-of-range": lambda: _zdp(
        zdp.NodeDescriptorResponse(
            status=0,
            address=HERE,
            descriptor=zdp.NodeDescriptor(
                logical_type=8,
                mac_capability=0,
                manufacturer=0,
                server_mask=0,
                max_buffer=0,
                max_incoming=0,
                max_outgoing=0,
            ),
        )
    ),
    "tlv-empty": lambda: tlv.encode((tlv.Tlv(tag=1, value=b""),)),
    "tlv-tag-out-of-range": lambda: tlv.encode((tlv.Tlv(tag=256, value=b"\x00"),)),
}


@pytest.mark.parametrize("encode", REFUSED.values(), ids=REFUSED.keys())
def test_a_value_without_octets_is_refused(encode: Callable[[], bytes]) -> None:
    with pytest.raises(EncodeError):
        encode()
