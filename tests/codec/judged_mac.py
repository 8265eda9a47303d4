"""MAC frames and beacons built by the codecs, with what an independent reader must find in them."""

from __future__ import annotations

from coordinator.codec import beacon, mac, mac_commands
from coordinator.types import BROADCAST_PAN, Channel, Eui64, NwkAddress, PanId
from tests.codec.cast import DEVICE, DEVICE_IEEE, EPID, EVERYONE, PAN, ROUTER, TC, TC_IEEE
from tests.codec.wireshark import Case

SHORT, EXTENDED, NONE = mac.AddressMode.SHORT, mac.AddressMode.EXTENDED, mac.AddressMode.NONE


def _mac_command(
    command: mac_commands.Command,
    *,
    destination: NwkAddress | Eui64 | None,
    source: NwkAddress | Eui64 | None,
    destination_pan: PanId | None = PAN,
    source_pan: PanId | None = None,
) -> bytes:
    def mode(address: NwkAddress | Eui64 | None) -> mac.AddressMode:
        if address is None:
            return NONE
        return EXTENDED if isinstance(address, Eui64) else SHORT

    control = mac.frame_control(
        mac.FrameType.COMMAND,
        pan_id_compression=destination is not None and source is not None and source_pan is None,
        destination_mode=mode(destination),
        source_mode=mode(source),
    )
    payload = mac_commands.encode(command)
    return mac.encode(mac.Frame(control, 7, destination_pan, destination, source_pan, source, payload))


def mac_cases() -> list[Case]:
    c = mac_commands
    return [
        Case(
            "acknowledgement",
            mac.encode(mac.ack(0x64, frame_pending=True)),
            {"wpan.frame_type": 2, "wpan.seq_no": 0x64, "wpan.pending": True, "wpan.ack_request": False},
        ),
        Case(
            "data",
            mac.encode(
                mac.data(
                    sequence=200,
                    pan_id=PAN,
                    destination=TC,
                    source=DEVICE,
                    payload=bytes.fromhex("0800b14a00001e09 1263"),
                    ack_request=True,
                    frame_pending=True,
                )
            ),
            {
                "wpan.fcf": 0x8871,
                "wpan.frame_type": 1,
                "wpan.ack_request": True,
                "wpan.pending": True,
                "wpan.pan_id_compression": True,
                "wpan.security": False,
                "wpan.version": 0,
                "wpan.seq_no": 200,
                "wpan.dst_pan": 0x1A62,
                "wpan.dst16": 0,
                "wpan.src16": 0x4AB1,
                "zbee_nwk.radius": 30,
                "zbee_aps.counter": 0x63,
            },
        ),
        Case(
            "beacon-request",
            _mac_command(c.BeaconRequest(), destination=EVERYONE, destination_pan=BROADCAST_PAN, source=None),
            {"wpan.fcf": 0x0803, "wpan.cmd": 7, "wpan.dst_pan": 0xFFFF, "wpan.dst16": 0xFFFF},
        ),
        Case(
            "association-request",
            _mac_command(
                c.AssociationRequest(
                    capability=c.Capability.FULL_FUNCTION_DEVICE
                    | c.Capability.MAINS_POWERED
                    | c.Capability.RX_ON_WHEN_IDLE
                    | c.Capability.ALLOCATE_ADDRESS
                ),
                destination=TC,
                source=DEVICE_IEEE,
                source_pan=BROADCAST_PAN,
            ),
            {
                "wpan.cmd": 1,
                "wpan.dst_pan": 0x1A62,
                "wpan.dst16": 0,
                "wpan.src_pan": 0xFFFF,
                "wpan.src64": DEVICE_IEEE,
                "wpan.cinfo.alt_coord": False,
                "wpan.cinfo.device_type": True,
                "wpan.cinfo.power_src": True,
                "wpan.cinfo.idle_rx": True,
                "wpan.cinfo.sec_capable": False,
                "wpan.cinfo.alloc_addr": True,
            },
        ),
        Case(
            "association-response",
            _mac_command(
                c.AssociationResponse(address=DEVICE, status=c.AssociationStatus.SUCCESS),
                destination=DEVICE_IEEE,
                source=TC_IEEE,
            ),
            {
                "wpan.cmd": 2,
                "wpan.dst64": DEVICE_IEEE,
                "wpan.src64": TC_IEEE,
                "wpan.asoc.addr": 0x4AB1,
                "wpan.assoc.status": 0,
            },
        ),
        Case(
            "association-refused",
            _mac_command(
                c.AssociationResponse(address=EVERYONE, status=c.AssociationStatus.PAN_ACCESS_DENIED),
                destination=DEVICE_IEEE,
                source=TC_IEEE,
            ),
            {"wpan.cmd": 2, "wpan.asoc.addr": 0xFFFF, "wpan.assoc.status": 2},
        ),
        Case(
            "disassociation-notification",
            _mac_command(c.DisassociationNotification(reason=2), destination=TC_IEEE, source=DEVICE_IEEE),
            {"wpan.cmd": 3, "wpan.disassoc.reason": 2},
        ),
        Case(
            "data-request-extended",
            _mac_command(c.DataRequest(), destination=TC, source=DEVICE_IEEE),
            {"wpan.cmd": 4, "wpan.dst16": 0, "wpan.src64": DEVICE_IEEE},
        ),
        Case(
            "data-request-short",
            _mac_command(c.DataRequest(), destination=TC, source=DEVICE),
            {"wpan.cmd": 4, "wpan.dst16": 0, "wpan.src16": 0x4AB1},
        ),
        Case(
            "pan-id-conflict-notification",
            _mac_command(c.PanIdConflictNotification(), destination=TC_IEEE, source=DEVICE_IEEE),
            {"wpan.cmd": 5},
        ),
        Case(
            "orphan-notification",
            _mac_command(
                c.OrphanNotification(),
                destination=EVERYONE,
                destination_pan=BROADCAST_PAN,
                source=DEVICE_IEEE,
            ),
            {"wpan.cmd": 6, "wpan.src64": DEVICE_IEEE},
        ),
        Case(
            "coordinator-realignment",
            _mac_command(
                c.CoordinatorRealignment(
                    pan_id=PAN, coordinator=TC, channel=Channel(15), address=DEVICE, page=0
                ),
                destination=DEVICE_IEEE,
                destination_pan=BROADCAST_PAN,
                source=TC_IEEE,
                source_pan=PAN,
            ),
            {
                "wpan.cmd": 8,
                "wpan.src_pan": 0x1A62,
                "wpan.realign.pan": 0x1A62,
                # tshark names both the coordinator's address and the orphan's so.
                "wpan.realign.addr": (0, 0x4AB1),
                "wpan.realign.channel": 15,
                "wpan.realign.channel_page": 0,
            },
        ),
        Case(
            "gts-request",
            _mac_command(
                c.GtsRequest(characteristics=0x35),
                destination=None,
                destination_pan=None,
                source=DEVICE,
                source_pan=PAN,
            ),
            {
                "wpan.cmd": 9,
                "wpan.src_pan": 0x1A62,
                "wpan.gtsreq.length": 5,
                "wpan.gtsreq.direction": True,
                "wpan.gtsreq.type": True,
            },
        ),
        *_beacon_cases(),
    ]


def _beacon(value: beacon.Beacon) -> bytes:
    control = mac.frame_control(mac.FrameType.BEACON, source_mode=SHORT)
    return mac.encode(mac.Frame(control, 3, None, None, PAN, TC, beacon.encode(value)))


def _beacon_cases() -> list[Case]:
    payload = beacon.encode_zigbee(
        beacon.ZigbeePayload(
            extended_pan_id=EPID,
            router_capacity=True,
            depth=9,
            end_device_capacity=False,
            tx_offset=0x123456,
            update_id=77,
        )
    )
    superframe = beacon.superframe(association_permit=True, pan_coordinator=True)
    return [
        Case(
            "beacon",
            _beacon(beacon.Beacon(superframe=superframe, payload=payload)),
            {
                "wpan.fcf": 0x8000,
                "wpan.src_pan": 0x1A62,
                "wpan.src16": 0,
                "wpan.beacon_order": 15,
                "wpan.superframe_order": 15,
                "wpan.cap": 15,
                "wpan.battery_ext": False,
                "wpan.bcn_coord": True,
                "wpan.assoc_permit": True,
                "wpan.gts.count": 0,
                "zbee_beacon.protocol": 0,
                "zbee_beacon.profile": 2,
                "zbee_beacon.version": 2,
                "zbee_beacon.router": True,
                "zbee_beacon.depth": 9,
                "zbee_beacon.end_dev": False,
                "zbee_beacon.ext_panid": EPID,
                "zbee_beacon.tx_offset": 0x123456,
                "zbee_beacon.update_id": 77,
            },
        ),
        Case(
            "beacon-with-pending-addresses",
            _beacon(
                beacon.Beacon(
                    superframe=beacon.superframe(association_permit=False, pan_coordinator=False),
                    gts=bytes.fromhex("82 01 b14a37 c277a1"),
                    pending_short=(DEVICE, ROUTER),
                    pending_extended=(DEVICE_IEEE,),
                    payload=payload,
                )
            ),
            {
                "wpan.bcn_coord": False,
                "wpan.assoc_permit": False,
                "wpan.gts.count": 2,
                "wpan.gts.permit": True,
                "wpan.pending16": (0x4AB1, 0x77C2),
                "wpan.pending64": DEVICE_IEEE,
                "zbee_beacon.ext_panid": EPID,
            },
        ),
    ]
