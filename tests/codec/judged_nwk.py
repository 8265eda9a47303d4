"""NWK frames built by the codecs, with what an independent reader must find in them."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.codec import nwk, nwk_commands, security_header
from coordinator.types import NwkAddress, PanId
from tests.codec.cast import DEVICE, DEVICE_IEEE, EPID, PAN, ROUTER, ROUTER_IEEE, TC, TC_IEEE, over_mac
from tests.codec.wireshark import Case, Expected


def nwk_header_cases() -> list[Case]:
    control = nwk.frame_control(
        nwk.FrameType.DATA,
        discover_route=1,
        secured=True,
        source_route=True,
        destination_ieee=True,
        source_ieee=True,
        end_device_initiator=True,
    )
    security = security_header.AuxiliaryHeader(
        security_header.control(key_identifier=security_header.KeyIdentifier.NETWORK, extended_nonce=True),
        0x89ABCDEF,
        ROUTER_IEEE,
        3,
    )
    full = nwk.Frame(
        control,
        DEVICE,
        TC,
        30,
        55,
        destination_ieee=DEVICE_IEEE,
        source_ieee=TC_IEEE,
        relay_index=1,
        relays=(ROUTER, NwkAddress(0x0102)),
        security=security,
        payload=bytes(12),
    )
    short = security._replace(control=security.control & ~0x20, source=None)
    return [
        Case(
            "nwk-with-every-field",
            over_mac(nwk.encode(full)),
            {
                "zbee_nwk.frame_type": 0,
                "zbee_nwk.proto_version": 2,
                "zbee_nwk.discovery": 1,
                "zbee_nwk.multicast": False,
                "zbee_nwk.security": True,
                "zbee_nwk.src_route": True,
                "zbee_nwk.ext_dst": True,
                "zbee_nwk.ext_src": True,
                "zbee_nwk.end_device_initiator": True,
                "zbee_nwk.dst": 0x4AB1,
                "zbee_nwk.src": 0,
                "zbee_nwk.radius": 30,
                "zbee_nwk.seqno": 55,
                "zbee_nwk.dst64": DEVICE_IEEE,
                "zbee_nwk.src64": TC_IEEE,
                "zbee_nwk.relay.count": 2,
                "zbee_nwk.relay.index": 1,
                "zbee_nwk.relay": (0x77C2, 0x0102),
                "zbee.sec.key_id": 1,
                "zbee.sec.ext_nonce": True,
                "zbee.sec.counter": 0x89ABCDEF,
                "zbee.sec.src64": ROUTER_IEEE,
                "zbee.sec.key_seqno": 3,
            },
            leftover=8,
        ),
        Case(
            "nwk-without-extended-nonce",
            over_mac(
                nwk.encode(nwk.Frame(0x0208, DEVICE, TC, 30, 56, security=short, payload=bytes(range(12))))
            ),
            {
                "zbee.sec.ext_nonce": False,
                "zbee.sec.key_id": 1,
                "zbee.sec.counter": 0x89ABCDEF,
                "zbee.sec.key_seqno": 3,
                "zbee.sec.mic": bytes(range(8, 12)),
            },
            leftover=8,
        ),
        Case(
            "nwk-multicast",
            over_mac(
                nwk.encode(
                    nwk.Frame(
                        0x0108,
                        DEVICE,
                        TC,
                        30,
                        57,
                        multicast_control=0x5D,
                        payload=b"\x02\x01\x06\x00\x04\x01\x01\x07",
                    )
                )
            ),
            {
                "zbee_nwk.multicast": True,
                "zbee_nwk.multicast.mode": 1,
                "zbee_nwk.multicast.radius": 7,
                "zbee_nwk.multicast.max_radius": 2,
            },
        ),
    ]


def nwk_command_octets(command: nwk_commands.Command) -> bytes:
    control = nwk.frame_control(nwk.FrameType.COMMAND, source_ieee=True)
    frame = nwk.Frame(control, DEVICE, TC, 1, 9, source_ieee=TC_IEEE, payload=nwk_commands.encode(command))
    return over_mac(nwk.encode(frame))


def nwk_command_cases() -> list[Case]:
    c = nwk_commands
    cases: list[tuple[str, c.Command, Mapping[str, Expected]]] = [
        (
            "route-request",
            c.RouteRequest(
                options=0x60, identifier=17, destination=DEVICE, path_cost=5, destination_ieee=DEVICE_IEEE
            ),
            {
                "zbee_nwk.cmd.id": 1,
                "zbee_nwk.cmd.route.opts.dest_ext": True,
                "zbee_nwk.cmd.route.opts.mcast": True,
                "zbee_nwk.cmd.route.opts.many2one": 0,
                "zbee_nwk.cmd.route.id": 17,
                "zbee_nwk.cmd.route.dest": 0x4AB1,
                "zbee_nwk.cmd.route.cost": 5,
                "zbee_nwk.cmd.route.dest_ext": DEVICE_IEEE,
            },
        ),
        (
            "route-request-many-to-one",
            c.RouteRequest(options=0x08, identifier=18, destination=NwkAddress(0xFFFC), path_cost=0),
            {
                "zbee_nwk.cmd.route.opts.many2one": 1,
                "zbee_nwk.cmd.route.dest": 0xFFFC,
            },
        ),
        (
            "route-reply",
            c.RouteReply(
                options=0x30,
                identifier=19,
                originator=TC,
                responder=DEVICE,
                path_cost=3,
                originator_ieee=TC_IEEE,
                responder_ieee=DEVICE_IEEE,
            ),
            {
                "zbee_nwk.cmd.id": 2,
                "zbee_nwk.cmd.route.opts.orig_ext": True,
                "zbee_nwk.cmd.route.opts.resp_ext": True,
                "zbee_nwk.cmd.route.opts.mcast": False,
                "zbee_nwk.cmd.route.id": 19,
                "zbee_nwk.cmd.route.orig": 0,
                "zbee_nwk.cmd.route.resp": 0x4AB1,
                "zbee_nwk.cmd.route.cost": 3,
                "zbee_nwk.cmd.route.orig_ext": TC_IEEE,
                "zbee_nwk.cmd.route.resp_ext": DEVICE_IEEE,
            },
        ),
        (
            "route-reply-with-responder-only",
            c.RouteReply(
                options=0x20,
                identifier=20,
                originator=TC,
                responder=DEVICE,
                path_cost=3,
                responder_ieee=DEVICE_IEEE,
            ),
            {"zbee_nwk.cmd.route.resp_ext": DEVICE_IEEE, "zbee_nwk.cmd.route.orig_ext": ()},
        ),
        (
            "network-status",
            c.NetworkStatus(status=0x0B, target=DEVICE),
            {"zbee_nwk.cmd.id": 3, "zbee_nwk.cmd.status": 0x0B, "zbee_nwk.cmd.route.dest": 0x4AB1},
        ),
        (
            "leave-request-rejoin",
            c.Leave(options=c.leave_options(rejoin=True, request=True)),
            {
                "zbee_nwk.cmd.id": 4,
                "zbee_nwk.cmd.leave.rejoin": True,
                "zbee_nwk.cmd.leave.request": True,
                "zbee_nwk.cmd.leave.children": False,
            },
        ),
        (
            "leave-remove-children",
            c.Leave(options=c.leave_options(remove_children=True)),
            {
                "zbee_nwk.cmd.leave.rejoin": False,
                "zbee_nwk.cmd.leave.request": False,
                "zbee_nwk.cmd.leave.children": True,
            },
        ),
        (
            "route-record",
            c.RouteRecord(relays=(ROUTER, DEVICE)),
            {
                "zbee_nwk.cmd.id": 5,
                "zbee_nwk.cmd.relay_count": 2,
                "zbee_nwk.cmd.relay_device": (0x77C2, 0x4AB1),
            },
        ),
        (
            "rejoin-request",
            c.RejoinRequest(capability=0x8C),
            {
                "zbee_nwk.cmd.id": 6,
                "zbee_nwk.cmd.cinfo.alt_coord": False,
                "zbee_nwk.cmd.cinfo.ffd": False,
                "zbee_nwk.cmd.cinfo.power": True,
                "zbee_nwk.cmd.cinfo.on_idle": True,
                "zbee_nwk.cmd.cinfo.security": False,
                "zbee_nwk.cmd.cinfo.alloc": True,
            },
        ),
        (
            "rejoin-response",
            c.RejoinResponse(address=DEVICE, status=1),
            {"zbee_nwk.cmd.id": 7, "zbee_nwk.cmd.addr": 0x4AB1, "zbee_nwk.cmd.rejoin_status": 1},
        ),
        (
            "link-status",
            c.LinkStatus(
                options=c.LINK_STATUS_FIRST,
                entries=(
                    c.LinkStatusEntry(address=DEVICE, cost=0x31),
                    c.LinkStatusEntry(address=ROUTER, cost=0x07),
                ),
            ),
            {
                "zbee_nwk.cmd.id": 8,
                "zbee_nwk.cmd.link.first": True,
                "zbee_nwk.cmd.link.last": False,
                "zbee_nwk.cmd.link.count": 2,
                "zbee_nwk.cmd.link.address": (0x4AB1, 0x77C2),
                "zbee_nwk.cmd.link.incoming_cost": (1, 7),
                "zbee_nwk.cmd.link.outgoing_cost": (3, 0),
            },
        ),
        (
            "network-report",
            c.NetworkReport(options=0x02, extended_pan_id=EPID, pan_ids=(PAN, PanId(0xBEEF))),
            {
                "zbee_nwk.cmd.id": 9,
                "zbee_nwk.cmd.report.type": 0,
                "zbee_nwk.cmd.report.count": 2,
                "zbee_nwk.cmd.epid": EPID,
                "zbee_nwk.panid": (0x1A62, 0xBEEF),
            },
        ),
        (
            "network-report-of-another-kind",
            c.NetworkReport(options=0x21, extended_pan_id=EPID),
            {"zbee_nwk.cmd.report.type": 1, "zbee_nwk.cmd.report.count": 1, "zbee_nwk.panid": ()},
        ),
        (
            "network-update-of-another-kind",
            c.NetworkUpdate(options=0x21, extended_pan_id=EPID, update_id=6),
            {"zbee_nwk.cmd.update.type": 1, "zbee_nwk.cmd.update.id": 6, "zbee_nwk.panid": ()},
        ),
        (
            "network-update",
            c.NetworkUpdate(options=0x01, extended_pan_id=EPID, update_id=6, pan_ids=(PanId(0xBEEF),)),
            {
                "zbee_nwk.cmd.id": 0x0A,
                "zbee_nwk.cmd.update.type": 0,
                "zbee_nwk.cmd.update.count": 1,
                "zbee_nwk.cmd.epid": EPID,
                "zbee_nwk.cmd.update.id": 6,
                "zbee_nwk.panid": 0xBEEF,
            },
        ),
        (
            "end-device-timeout-request",
            c.EndDeviceTimeoutRequest(timeout=8),
            {
                "zbee_nwk.cmd.id": 0x0B,
                "zbee_nwk.cmd.ed_tmo_req": 8,
                "zbee_nwk.cmd.ed_config": 0,
            },
        ),
        (
            "end-device-timeout-response",
            c.EndDeviceTimeoutResponse(status=0, parent_information=0x03),
            {
                "zbee_nwk.cmd.id": 0x0C,
                "zbee_nwk.cmd.ed_tmo_rsp_status": 0,
                "zbee_nwk.cmd.ed_prnt_info.mac_data_poll_keepalive": True,
                "zbee_nwk.cmd.ed_prnt_info.ed_tmo_req_keepalive": True,
            },
        ),
        (
            "link-power-delta",
            c.LinkPowerDelta(
                options=1,
                entries=(
                    c.PowerDelta(address=DEVICE, delta=-7),
                    c.PowerDelta(address=ROUTER, delta=12),
                ),
            ),
            {
                "zbee_nwk.cmd.id": 0x0D,
                "zbee_nwk.cmd.link_pwr_delta.type": 1,
                "zbee_nwk.cmd.link_pwr_delta.list_count": 2,
                "zbee_nwk.cmd.link_pwr_delta.address": (0x4AB1, 0x77C2),
                "zbee_nwk.cmd.link_pwr_delta.power_delta": (-7, 12),
            },
        ),
    ]
    return [Case(name, nwk_command_octets(command), expected) for name, command, expected in cases]
