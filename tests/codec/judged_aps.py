"""APS frames built by the codecs, with what an independent reader must find in them."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.codec import aps, aps_commands, mac, nwk, security_header
from coordinator.types import BROADCAST_PAN
from tests.codec.cast import DEVICE, DEVICE_IEEE, EVERYONE, KEY, PAN, ROUTER_IEEE, TC, TC_IEEE, over_nwk
from tests.codec.wireshark import Case, Expected


def aps_header_cases() -> list[Case]:
    group = aps.frame_control(aps.FrameType.DATA, delivery=aps.DeliveryMode.GROUP)
    fragment = aps.frame_control(aps.FrameType.DATA, ack_request=True, extended=True)
    ack = aps.frame_control(aps.FrameType.ACK, extended=True)
    command_ack = aps.frame_control(aps.FrameType.ACK, ack_format=True)
    return [
        Case(
            "aps-group",
            over_nwk(aps.encode(aps.Frame(group, None, 0x4321, 6, 0x0104, 2, 99, payload=b"\x01\x05\x00"))),
            {
                "zbee_aps.type": 0,
                "zbee_aps.delivery": 3,
                "zbee_aps.group": 0x4321,
                "zbee_aps.cluster": 6,
                "zbee_aps.profile": 0x0104,
                "zbee_aps.src": 2,
                "zbee_aps.counter": 99,
            },
        ),
        Case(
            "aps-fragment",
            over_nwk(
                aps.encode(
                    aps.Frame(
                        fragment, 1, None, 6, 0x0104, 2, 100, aps.ExtendedHeader(1, 4), payload=b"\x01" * 20
                    )
                )
            ),
            {
                "zbee_aps.ack_req": True,
                "zbee_aps.ext_header": True,
                "zbee_aps.fragmentation": 1,
                "zbee_aps.block": 4,
                "zbee_aps.dst": 1,
            },
            leftover=20,
        ),
        Case(
            "aps-fragment-acknowledgement",
            over_nwk(aps.encode(aps.Frame(ack, 1, None, 6, 0x0104, 2, 101, aps.ExtendedHeader(2, 3, 0xA5)))),
            {
                "zbee_aps.type": 2,
                "zbee_aps.cluster": 6,
                "zbee_aps.counter": 101,
                "zbee_aps.fragmentation": 2,
                "zbee_aps.block": 3,
                "zbee_aps.block_acks": 0xA5,
            },
        ),
        Case(
            "aps-acknowledgement-of-a-command",
            over_nwk(aps.encode(aps.Frame(command_ack, None, None, None, None, None, 102))),
            {
                "zbee_aps.type": 2,
                "zbee_aps.ack_format": True,
                "zbee_aps.counter": 102,
                "zbee_aps.cluster": (),
            },
        ),
        _inter_pan_case(),
        *_aps_security_cases(),
    ]


def _inter_pan_case() -> Case:
    """A touchlink Scan Request: from an extended address in another PAN to everyone."""
    scan_request = bytes.fromhex("11 05 00 78563412 02 33")
    control = aps.frame_control(aps.FrameType.INTER_PAN, delivery=aps.DeliveryMode.BROADCAST)
    stub = aps.encode(aps.Frame(control, None, None, 0x1000, 0xC05E, None, 0, payload=scan_request))
    octets = nwk.encode(nwk.Frame(0x000B, TC, TC, 0, 0, payload=stub))
    mac_control = mac.frame_control(
        mac.FrameType.DATA,
        destination_mode=mac.AddressMode.SHORT,
        source_mode=mac.AddressMode.EXTENDED,
    )
    frame = mac.Frame(mac_control, 1, BROADCAST_PAN, EVERYONE, PAN, DEVICE_IEEE, octets)
    return Case(
        "inter-pan",
        mac.encode(frame),
        {
            "wpan.src_pan": 0x1A62,
            "zbee_nwk.frame_type": 3,
            "zbee_nwk.dst": (),
            "zbee_aps.type": 3,
            "zbee_aps.delivery": 2,
            "zbee_aps.cluster": 0x1000,
            "zbee_aps.profile": 0xC05E,
            "zbee_aps.counter": (),
        },
    )


def _aps_security_cases() -> list[Case]:
    cases = []
    control = aps.frame_control(aps.FrameType.COMMAND, secured=True)
    for identifier in security_header.KeyIdentifier:
        sequence = 9 if identifier is security_header.KeyIdentifier.NETWORK else None
        security = security_header.AuxiliaryHeader(
            security_header.control(key_identifier=identifier, extended_nonce=True),
            0x1000 + identifier,
            TC_IEEE,
            sequence,
        )
        frame = aps.Frame(
            control, None, None, None, None, None, 40, security=security, payload=bytes(range(20))
        )
        expected: dict[str, Expected] = {
            "zbee_aps.security": True,
            "zbee_aps.counter": 40,
            "zbee.sec.key_id": int(identifier),
            "zbee.sec.counter": 0x1000 + identifier,
            "zbee.sec.src64": TC_IEEE,
            "zbee.sec.mic": bytes(range(16, 20)),
            "zbee.sec.key_seqno": () if sequence is None else sequence,
        }
        name = f"aps-secured-{identifier.name.lower()}"
        cases.append(Case(name, over_nwk(aps.encode(frame)), expected, leftover=16))
    return cases


def aps_command_cases() -> list[Case]:
    c = aps_commands
    inner = aps.encode(
        aps.Frame(
            0x01,
            None,
            None,
            None,
            None,
            None,
            44,
            payload=c.encode(c.SwitchKey(sequence=5)),
        )
    )
    cases: list[tuple[str, c.Command, Mapping[str, Expected]]] = [
        (
            "transport-network-key",
            c.TransportNetworkKey(key=KEY, sequence=4, destination=DEVICE_IEEE, source=TC_IEEE),
            {
                "zbee_aps.cmd.id": 5,
                "zbee_aps.cmd.key_type": 1,
                "zbee_aps.cmd.key": KEY.octets,
                "zbee_aps.cmd.seqno": 4,
                "zbee_aps.cmd.dst": DEVICE_IEEE,
                "zbee_aps.cmd.src": TC_IEEE,
            },
        ),
        (
            "transport-trust-center-link-key",
            c.TransportTrustCenterLinkKey(key=KEY, destination=DEVICE_IEEE, source=TC_IEEE),
            {
                "zbee_aps.cmd.id": 5,
                "zbee_aps.cmd.key_type": 4,
                "zbee_aps.cmd.key": KEY.octets,
                "zbee_aps.cmd.dst": DEVICE_IEEE,
                "zbee_aps.cmd.src": TC_IEEE,
            },
        ),
        (
            "transport-trust-center-master-key",
            c.TransportTrustCenterLinkKey(key=KEY, destination=DEVICE_IEEE, source=TC_IEEE, key_type=0),
            {"zbee_aps.cmd.key_type": 0, "zbee_aps.cmd.dst": DEVICE_IEEE, "zbee_aps.cmd.src": TC_IEEE},
        ),
        (
            "transport-application-link-key",
            c.TransportApplicationLinkKey(key=KEY, partner=ROUTER_IEEE, initiator=1),
            {
                "zbee_aps.cmd.id": 5,
                "zbee_aps.cmd.key_type": 3,
                "zbee_aps.cmd.key": KEY.octets,
                "zbee_aps.cmd.partner": ROUTER_IEEE,
                "zbee_aps.cmd.init_flag": True,
            },
        ),
        (
            "update-device",
            c.UpdateDevice(device=DEVICE_IEEE, address=DEVICE, status=3),
            {
                "zbee_aps.cmd.id": 6,
                "zbee_aps.cmd.device": DEVICE_IEEE,
                "zbee_aps.cmd.addr": 0x4AB1,
                "zbee_aps.cmd.update_status": 3,
            },
        ),
        (
            "remove-device",
            c.RemoveDevice(target=DEVICE_IEEE),
            {"zbee_aps.cmd.id": 7, "zbee_aps.cmd.device": DEVICE_IEEE},
        ),
        (
            "request-trust-center-link-key",
            c.RequestKey(key_type=4),
            {"zbee_aps.cmd.id": 8, "zbee_aps.cmd.key_type": 4, "zbee_aps.cmd.partner": ()},
        ),
        (
            "request-application-link-key",
            c.RequestKey(key_type=2, partner=ROUTER_IEEE),
            {"zbee_aps.cmd.id": 8, "zbee_aps.cmd.key_type": 2, "zbee_aps.cmd.partner": ROUTER_IEEE},
        ),
        (
            "switch-key",
            c.SwitchKey(sequence=8),
            {"zbee_aps.cmd.id": 9, "zbee_aps.cmd.seqno": 8},
        ),
        (
            "tunnel",
            c.Tunnel(destination=DEVICE_IEEE, frame=inner),
            {
                "zbee_aps.cmd.id": (0x0E, 9),
                "zbee_aps.cmd.dst": DEVICE_IEEE,
                "zbee_aps.counter": (45, 44),
                "zbee_aps.cmd.seqno": 5,
            },
        ),
        (
            "verify-key",
            c.VerifyKey(key_type=4, source=DEVICE_IEEE, hash=bytes(range(16))),
            {
                "zbee_aps.cmd.id": 0x0F,
                "zbee_aps.cmd.key_type": 4,
                "zbee_aps.cmd.src": DEVICE_IEEE,
                "zbee_aps.cmd.key_hash": bytes(range(16)),
            },
        ),
        (
            "confirm-key",
            c.ConfirmKey(status=0xAD, key_type=4, destination=DEVICE_IEEE),
            {
                "zbee_aps.cmd.id": 0x10,
                "zbee_aps.cmd.status": 0xAD,
                "zbee_aps.cmd.key_type": 4,
                "zbee_aps.cmd.dst": DEVICE_IEEE,
            },
        ),
    ]
    found = []
    for name, command, expected in cases:
        frame = aps.Frame(0x01, None, None, None, None, None, 45, payload=c.encode(command))
        found.append(Case(name, over_nwk(aps.encode(frame)), expected))
    return found
