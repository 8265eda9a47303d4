"""ZDP messages built by the codecs, with what an independent reader must find in them."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.codec import aps, zdp
from tests.codec.cast import DEVICE, DEVICE_IEEE, EPID, ROUTER, ROUTER_IEEE, TC, over_nwk
from tests.codec.wireshark import Case, Expected


def zdp_octets(command: zdp.Command) -> bytes:
    message = zdp.Message(sequence=21, command=command)
    frame = aps.Frame(0x00, 0, None, zdp.cluster_of(command), 0, 0, 46, payload=zdp.encode(message))
    return over_nwk(aps.encode(frame))


def discovery_cases() -> list[Case]:
    node = zdp.NodeDescriptor(
        logical_type=0,
        mac_capability=0x8E,
        manufacturer=0x1234,
        server_mask=0x2C41,
        max_buffer=82,
        max_incoming=0x0105,
        max_outgoing=0x0207,
        descriptor_capability=2,
        user_available=True,
    )
    simple = zdp.SimpleDescriptor(
        endpoint=5,
        profile=0x0104,
        device=0x0101,
        version=3,
        input_clusters=(0, 6, 0x0500),
        output_clusters=(0x0019,),
    )
    cases: list[tuple[str, zdp.Command, Mapping[str, Expected]]] = [
        (
            "nwk-address-request",
            zdp.NwkAddressRequest(ieee=DEVICE_IEEE, request_type=1, start_index=2),
            {
                "zbee_aps.zdp_cluster": 0,
                "zbee_zdp.seqno": 21,
                "zbee_zdp.ext_addr": DEVICE_IEEE,
                "zbee_zdp.req_type": 1,
                "zbee_zdp.index": 2,
            },
        ),
        (
            "nwk-address-response",
            zdp.NwkAddressResponse(
                status=0, ieee=DEVICE_IEEE, address=DEVICE, associated=(ROUTER, TC), start_index=1
            ),
            {
                "zbee_aps.zdp_cluster": 0x8000,
                "zbee_zdp.status": 0,
                "zbee_zdp.ext_addr": DEVICE_IEEE,
                "zbee_zdp.nwk_addr": 0x4AB1,
                "zbee_zdp.assoc_device_count": 2,
                "zbee_zdp.index": 1,
                "zbee_zdp.assoc_device": (0x77C2, 0),
            },
        ),
        (
            "nwk-address-response-single",
            zdp.NwkAddressResponse(status=0, ieee=DEVICE_IEEE, address=DEVICE),
            {"zbee_zdp.ext_addr": DEVICE_IEEE, "zbee_zdp.nwk_addr": 0x4AB1, "zbee_zdp.index": ()},
        ),
        (
            "ieee-address-request",
            zdp.IeeeAddressRequest(address=DEVICE, request_type=0, start_index=3),
            {
                "zbee_aps.zdp_cluster": 1,
                "zbee_zdp.nwk_addr": 0x4AB1,
                "zbee_zdp.req_type": 0,
                "zbee_zdp.index": 3,
            },
        ),
        (
            "ieee-address-response",
            zdp.IeeeAddressResponse(status=0, ieee=DEVICE_IEEE, address=DEVICE),
            {
                "zbee_aps.zdp_cluster": 0x8001,
                "zbee_zdp.status": 0,
                "zbee_zdp.ext_addr": DEVICE_IEEE,
                "zbee_zdp.nwk_addr": 0x4AB1,
            },
        ),
        (
            "device-announce",
            zdp.DeviceAnnounce(address=DEVICE, ieee=DEVICE_IEEE, capability=0x8E),
            {
                "zbee_aps.zdp_cluster": 0x13,
                "zbee_zdp.nwk_addr": 0x4AB1,
                "zbee_zdp.ext_addr": DEVICE_IEEE,
                "zbee_zdp.cinfo.ffd": True,
                "zbee_zdp.cinfo.power": True,
                "zbee_zdp.cinfo.idle_rx": True,
                "zbee_zdp.cinfo.alloc": True,
                "zbee_zdp.cinfo.alt_coord": False,
            },
        ),
        (
            "parent-announce",
            zdp.ParentAnnounce(children=(DEVICE_IEEE, ROUTER_IEEE)),
            {
                "zbee_aps.zdp_cluster": 0x1F,
                "zbee_zdp.n_children": 2,
                "zbee_zdp.ext_addr": (DEVICE_IEEE, ROUTER_IEEE),
            },
        ),
        (
            "parent-announce-response",
            zdp.ParentAnnounceResponse(status=0, children=(DEVICE_IEEE,)),
            {
                "zbee_aps.zdp_cluster": 0x801F,
                "zbee_zdp.status": 0,
                "zbee_zdp.n_children": 1,
                "zbee_zdp.ext_addr": DEVICE_IEEE,
            },
        ),
        (
            "node-descriptor-request",
            zdp.NodeDescriptorRequest(address=TC),
            {"zbee_aps.zdp_cluster": 2, "zbee_zdp.nwk_addr": 0},
        ),
        (
            "node-descriptor-response",
            zdp.NodeDescriptorResponse(status=0, address=TC, descriptor=node),
            {
                "zbee_aps.zdp_cluster": 0x8002,
                "zbee_zdp.status": 0,
                "zbee_zdp.nwk_addr": 0,
                "zbee_zdp.node.type": 0,
                "zbee_zdp.node.complex": False,
                "zbee_zdp.node.user": True,
                "zbee_zdp.node.freq.868mhz": False,
                "zbee_zdp.node.freq.2400mhz": True,
                "zbee_zdp.cinfo.ffd": True,
                "zbee_zdp.cinfo.alt_coord": False,
                "zbee_zdp.node.manufacturer": 0x1234,
                "zbee_zdp.node.max_buffer": 82,
                "zbee_zdp.node.max_incoming_transfer": 0x0105,
                "zbee_zdp.server.pri_trust": True,
                "zbee_zdp.server.bak_trust": False,
                "zbee_zdp.server.nwk_mgr": True,
                "zbee_zdp.server.stack_compliance_revision": 22,
                "zbee_zdp.node.max_outgoing_transfer": 0x0207,
                "zbee_zdp.dcf.eaela": False,
                "zbee_zdp.dcf.esdla": True,
            },
        ),
        (
            "node-descriptor-refused",
            zdp.NodeDescriptorResponse(status=zdp.Status.DEVICE_NOT_FOUND, address=DEVICE),
            {"zbee_zdp.status": 0x81, "zbee_zdp.nwk_addr": 0x4AB1, "zbee_zdp.node.type": ()},
        ),
        (
            "power-descriptor-request",
            zdp.PowerDescriptorRequest(address=DEVICE),
            {"zbee_aps.zdp_cluster": 3, "zbee_zdp.nwk_addr": 0x4AB1},
        ),
        (
            "power-descriptor-response",
            zdp.PowerDescriptorResponse(status=0, address=DEVICE, descriptor=0xC110),
            {
                "zbee_aps.zdp_cluster": 0x8003,
                "zbee_zdp.power.mode": 0,
                "zbee_zdp.power.avail.ac": True,
                "zbee_zdp.power.source.ac": True,
                "zbee_zdp.power.source.dispose": False,
                "zbee_zdp.power.level": 12,
            },
        ),
        (
            "simple-descriptor-request",
            zdp.SimpleDescriptorRequest(address=DEVICE, endpoint=5),
            {"zbee_aps.zdp_cluster": 4, "zbee_zdp.nwk_addr": 0x4AB1, "zbee_zdp.endpoint": 5},
        ),
        (
            "simple-descriptor-response",
            zdp.SimpleDescriptorResponse(status=0, address=DEVICE, descriptor=simple),
            {
                "zbee_aps.zdp_cluster": 0x8004,
                "zbee_zdp.simple_length": 16,
                "zbee_zdp.endpoint": 5,
                "zbee_zdp.profile": 0x0104,
                "zbee_zdp.app.device": 0x0101,
                "zbee_zdp.app.version": 3,
                "zbee_zdp.in_count": 3,
                "zbee_zdp.in_cluster": (0, 6, 0x0500),
                "zbee_zdp.out_count": 1,
                "zbee_zdp.out_cluster": 0x0019,
            },
        ),
        (
            "simple-descriptor-refused",
            zdp.SimpleDescriptorResponse(status=0x82, address=DEVICE, zero_length=True),
            {"zbee_zdp.status": 0x82, "zbee_zdp.nwk_addr": 0x4AB1, "zbee_zdp.simple_length": 0},
        ),
        (
            "active-endpoints-request",
            zdp.ActiveEndpointsRequest(address=DEVICE),
            {"zbee_aps.zdp_cluster": 5, "zbee_zdp.nwk_addr": 0x4AB1},
        ),
        (
            "active-endpoints-response",
            zdp.ActiveEndpointsResponse(status=0, address=DEVICE, endpoints=(1, 242)),
            {
                "zbee_aps.zdp_cluster": 0x8005,
                "zbee_zdp.ep_count": 2,
                "zbee_zdp.endpoint": (1, 242),
            },
        ),
        (
            "active-endpoints-refused",
            zdp.ActiveEndpointsResponse(status=zdp.Status.NO_DESCRIPTOR, address=DEVICE),
            {"zbee_zdp.status": 0x89, "zbee_zdp.nwk_addr": 0x4AB1, "zbee_zdp.ep_count": 0},
        ),
        (
            "match-descriptor-request",
            zdp.MatchDescriptorRequest(
                address=DEVICE, profile=0x0104, input_clusters=(6, 8), output_clusters=(0x19,)
            ),
            {
                "zbee_aps.zdp_cluster": 6,
                "zbee_zdp.nwk_addr": 0x4AB1,
                "zbee_zdp.profile": 0x0104,
                "zbee_zdp.in_count": 2,
                "zbee_zdp.in_cluster": (6, 8),
                "zbee_zdp.out_count": 1,
                "zbee_zdp.out_cluster": 0x19,
            },
        ),
        (
            "match-descriptor-response",
            zdp.MatchDescriptorResponse(status=0, address=DEVICE, endpoints=(7,)),
            {"zbee_aps.zdp_cluster": 0x8006, "zbee_zdp.ep_count": 1, "zbee_zdp.endpoint": 7},
        ),
    ]
    return [Case(name, zdp_octets(command), expected) for name, command, expected in cases]


def management_cases() -> list[Case]:
    table = zdp.NeighborTable(
        total=9,
        start_index=4,
        neighbors=(
            zdp.Neighbor(
                extended_pan_id=EPID,
                ieee=DEVICE_IEEE,
                address=DEVICE,
                kind=0x12,
                permit_joining=2,
                depth=1,
                lqi=201,
            ),
            zdp.Neighbor(
                extended_pan_id=EPID,
                ieee=ROUTER_IEEE,
                address=ROUTER,
                kind=0x25,
                permit_joining=1,
                depth=2,
                lqi=99,
            ),
        ),
    )
    cases: list[tuple[str, zdp.Command, Mapping[str, Expected]]] = [
        (
            "mgmt-lqi-request",
            zdp.MgmtLqiRequest(start_index=4),
            {"zbee_aps.zdp_cluster": 0x31, "zbee_zdp.index": 4},
        ),
        (
            "mgmt-lqi-response",
            zdp.MgmtLqiResponse(status=0, table=table),
            {
                "zbee_aps.zdp_cluster": 0x8031,
                "zbee_zdp.status": 0,
                "zbee_zdp.table_size": 9,
                "zbee_zdp.index": 4,
                "zbee_zdp.table_count": 2,
                "zbee_zdp.extended_pan": (EPID, EPID),
                "zbee_zdp.ext_addr": (DEVICE_IEEE, ROUTER_IEEE),
                "zbee_zdp.addr": (0x4AB1, 0x77C2),
                "zbee_zdp.table_entry_type": (2, 1),
                "zbee_zdp.idle_rx": (0, 1),
                "zbee_zdp.relationship": (1, 2),
                "zbee_zdp.permit_joining": (2, 1),
                "zbee_zdp.depth": (1, 2),
                "zbee_zdp.lqi": (201, 99),
            },
        ),
        (
            "mgmt-leave-request",
            zdp.MgmtLeaveRequest(device=DEVICE_IEEE, flags=0x80),
            {
                "zbee_aps.zdp_cluster": 0x34,
                "zbee_zdp.ext_addr": DEVICE_IEEE,
                "zbee_zdp.leave.rejoin": True,
                "zbee_zdp.leave.children": False,
            },
        ),
        (
            "mgmt-leave-response",
            zdp.MgmtLeaveResponse(status=0x84),
            {"zbee_aps.zdp_cluster": 0x8034, "zbee_zdp.status": 0x84},
        ),
        (
            "mgmt-permit-joining-request",
            zdp.MgmtPermitJoiningRequest(duration=180, tc_significance=1),
            {"zbee_aps.zdp_cluster": 0x36, "zbee_zdp.duration": 180, "zbee_zdp.significance": 1},
        ),
        (
            "mgmt-permit-joining-response",
            zdp.MgmtPermitJoiningResponse(status=0),
            {"zbee_aps.zdp_cluster": 0x8036, "zbee_zdp.status": 0},
        ),
        (
            "mgmt-nwk-update-scan",
            zdp.MgmtNwkUpdateRequest(channels=0x07FFF800, scan_duration=3, scan_count=2),
            {
                "zbee_aps.zdp_cluster": 0x38,
                "zbee_zdp.channel_mask": 0x07FFF800,
                "zbee_zdp.duration": 3,
                "zbee_zdp.scan_count": 2,
            },
        ),
        (
            "mgmt-nwk-update-channel",
            zdp.MgmtNwkUpdateRequest(channels=1 << 20, scan_duration=zdp.CHANGE_CHANNEL, nwk_update_id=7),
            {"zbee_zdp.channel_mask": 1 << 20, "zbee_zdp.duration": 0xFE, "zbee_zdp.update_id": 7},
        ),
        (
            "mgmt-nwk-update-parameters",
            zdp.MgmtNwkUpdateRequest(
                channels=1 << 20, scan_duration=zdp.CHANGE_PARAMETERS, nwk_update_id=8, nwk_manager=DEVICE
            ),
            {"zbee_zdp.duration": 0xFF, "zbee_zdp.update_id": 8, "zbee_zdp.manager": 0x4AB1},
        ),
        (
            "mgmt-nwk-update-response",
            zdp.MgmtNwkUpdateResponse(
                status=0, channels=0x00001800, transmissions=300, failures=4, energies=(0x51, 0x62)
            ),
            {
                "zbee_aps.zdp_cluster": 0x8038,
                "zbee_zdp.status": 0,
                "zbee_zdp.channel_mask": 0x00001800,
                "zbee_zdp.tx_total": 300,
                "zbee_zdp.tx_fail": 4,
                "zbee_zdp.channel_count": 2,
                "zbee_zdp.channel_energy": (0x51, 0x62),
            },
        ),
    ]
    return [Case(name, zdp_octets(command), expected) for name, command, expected in cases]
