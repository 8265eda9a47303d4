"""Every command of MAC, NWK and APS, and every beacon."""

from __future__ import annotations

from hypothesis import strategies as st

from coordinator.codec import aps_commands, beacon, mac_commands, nwk_commands
from coordinator.types import Channel, ExtendedPanId
from tests.codec.strategies import ADDRESS, ADDRESSES, EUI64, KEY, PAN, TRAILING, U8, U16

MAC_COMMANDS = st.one_of(
    st.builds(mac_commands.AssociationRequest, capability=U8, trailing=TRAILING),
    st.builds(mac_commands.AssociationResponse, address=ADDRESS, status=U8, trailing=TRAILING),
    st.builds(mac_commands.DisassociationNotification, reason=U8, trailing=TRAILING),
    st.builds(mac_commands.DataRequest, trailing=TRAILING),
    st.builds(mac_commands.PanIdConflictNotification, trailing=TRAILING),
    st.builds(mac_commands.OrphanNotification, trailing=TRAILING),
    st.builds(mac_commands.BeaconRequest, trailing=TRAILING),
    st.builds(
        mac_commands.CoordinatorRealignment,
        pan_id=PAN,
        coordinator=ADDRESS,
        channel=U8.map(Channel),
        address=ADDRESS,
        page=U8,
        trailing=TRAILING,
    ),
    st.builds(
        mac_commands.CoordinatorRealignment,
        pan_id=PAN,
        coordinator=ADDRESS,
        channel=U8.map(Channel),
        address=ADDRESS,
    ),
    st.builds(mac_commands.GtsRequest, characteristics=U8, trailing=TRAILING),
    st.builds(mac_commands.UnknownCommand, identifier=st.integers(0x0A, 0xFF), octets=TRAILING),
)

ZIGBEE_BEACONS = st.builds(
    beacon.ZigbeePayload,
    extended_pan_id=EUI64.map(ExtendedPanId),
    stack_profile=st.integers(0, 15),
    protocol_version=st.integers(0, 15),
    reserved=st.integers(0, 3),
    router_capacity=st.booleans(),
    depth=st.integers(0, 15),
    end_device_capacity=st.booleans(),
    tx_offset=st.integers(0, 0xFFFFFF),
    update_id=U8,
    protocol_id=U8,
    trailing=TRAILING,
)

BEACONS = st.builds(
    beacon.Beacon,
    superframe=U16,
    gts=st.sampled_from([b"\x00", b"\x80", b"\x01\x00\x01\x02\x03"]),
    pending_short=st.lists(ADDRESS, max_size=7).map(tuple),
    pending_extended=st.lists(EUI64, max_size=7).map(tuple),
    pending_reserved=st.sampled_from([0, 0x08, 0x80, 0x88]),
    payload=TRAILING,
)

NWK_COMMANDS = st.one_of(
    st.builds(
        nwk_commands.RouteRequest,
        options=U8.map(lambda options: options & ~0x20),
        identifier=U8,
        destination=ADDRESS,
        path_cost=U8,
        trailing=TRAILING,
    ),
    st.builds(
        nwk_commands.RouteRequest,
        options=U8.map(lambda options: options | 0x20),
        identifier=U8,
        destination=ADDRESS,
        path_cost=U8,
        destination_ieee=EUI64,
        trailing=TRAILING,
    ),
    st.builds(
        nwk_commands.RouteReply,
        options=st.just(0x30),
        identifier=U8,
        originator=ADDRESS,
        responder=ADDRESS,
        path_cost=U8,
        originator_ieee=EUI64,
        responder_ieee=EUI64,
        trailing=TRAILING,
    ),
    st.builds(nwk_commands.NetworkStatus, status=U8, target=ADDRESS, trailing=TRAILING),
    st.builds(nwk_commands.Leave, options=U8, trailing=TRAILING),
    st.builds(nwk_commands.RouteRecord, relays=ADDRESSES, trailing=TRAILING),
    st.builds(nwk_commands.RejoinRequest, capability=U8, trailing=TRAILING),
    st.builds(nwk_commands.RejoinResponse, address=ADDRESS, status=U8, trailing=TRAILING),
    st.builds(
        nwk_commands.LinkStatus,
        options=st.sampled_from([0, 0x20, 0x40, 0x60, 0x80]),
        entries=st.lists(st.builds(nwk_commands.LinkStatusEntry, address=ADDRESS, cost=U8), max_size=31).map(
            tuple
        ),
        trailing=TRAILING,
    ),
    st.builds(
        nwk_commands.NetworkReport,
        options=st.just(0x02),
        extended_pan_id=EUI64.map(ExtendedPanId),
        pan_ids=st.tuples(PAN, PAN),
        trailing=TRAILING,
    ),
    st.builds(
        nwk_commands.NetworkUpdate,
        options=st.integers(0x20, 0xFF),
        extended_pan_id=EUI64.map(ExtendedPanId),
        update_id=U8,
        trailing=TRAILING,
    ),
    st.builds(nwk_commands.EndDeviceTimeoutRequest, timeout=U8, configuration=U8, trailing=TRAILING),
    st.builds(nwk_commands.EndDeviceTimeoutResponse, status=U8, parent_information=U8, trailing=TRAILING),
    st.builds(
        nwk_commands.LinkPowerDelta,
        options=U8,
        entries=st.lists(
            st.builds(nwk_commands.PowerDelta, address=ADDRESS, delta=st.integers(-128, 127)), max_size=5
        ).map(tuple),
        trailing=TRAILING,
    ),
    st.builds(nwk_commands.UnknownCommand, identifier=st.integers(0x0E, 0xFF), octets=TRAILING),
)

APS_COMMANDS = st.one_of(
    st.builds(
        aps_commands.TransportNetworkKey,
        key=KEY,
        sequence=U8,
        destination=EUI64,
        source=EUI64,
        trailing=TRAILING,
    ),
    st.builds(
        aps_commands.TransportTrustCenterLinkKey,
        key=KEY,
        destination=EUI64,
        source=EUI64,
        key_type=st.sampled_from([0, 4]),
        trailing=TRAILING,
    ),
    st.builds(
        aps_commands.TransportApplicationLinkKey,
        key=KEY,
        partner=EUI64,
        initiator=U8,
        key_type=st.sampled_from([2, 3]),
        trailing=TRAILING,
    ),
    st.builds(aps_commands.TransportUnknownKey, key_type=st.integers(5, 0xFF), octets=TRAILING),
    st.builds(aps_commands.UpdateDevice, device=EUI64, address=ADDRESS, status=U8, trailing=TRAILING),
    st.builds(aps_commands.RemoveDevice, target=EUI64, trailing=TRAILING),
    st.builds(aps_commands.RequestKey, key_type=st.integers(3, 0xFF), trailing=TRAILING),
    st.builds(aps_commands.RequestKey, key_type=st.just(2), partner=EUI64, trailing=TRAILING),
    st.builds(aps_commands.SwitchKey, sequence=U8, trailing=TRAILING),
    st.builds(aps_commands.Tunnel, destination=EUI64, frame=st.binary(max_size=60)),
    st.builds(
        aps_commands.VerifyKey,
        key_type=U8,
        source=EUI64,
        hash=st.binary(min_size=16, max_size=16),
        trailing=TRAILING,
    ),
    st.builds(aps_commands.ConfirmKey, status=U8, key_type=U8, destination=EUI64, trailing=TRAILING),
    st.builds(
        aps_commands.UnknownCommand,
        identifier=st.sampled_from([1, 2, 3, 4, 0x0A, 0x0B, 0x0C, 0x0D, 0x11, 0x12, 0xFF]),
        octets=TRAILING,
    ),
)
