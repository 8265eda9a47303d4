"""Removal by the right form of leave; who left or was told to (protocol.md 1.5, 1.7; fact 4 of section 0)."""

from __future__ import annotations

from coordinator.codec import zdp
from coordinator.primitives import Request, apsme, nlme, zdo
from coordinator.trust_center.device import Device, Devices, Event
from coordinator.types import Eui64

DEVICE_LEFT = 0x02
"""Update-Device status: the device left the network."""

SECURED_REJOIN = 0x00
"""Update-Device status: the device rejoined with the network key."""

RECEIVER = Eui64(0)
"""The device of a Mgmt_Leave_req that means whoever receives it."""


def removal(device: Device, devices: Devices) -> Request | None:
    """What tells this device to leave: a NWK Leave to our own child, else an APS Remove-Device to its router.

    None when its router has no record, and so no address.
    """
    if device.parent is None:
        return nlme.LeaveRequest(device=device.eui64, address=device.address)
    parent = devices.find(device.parent)
    if parent is None:
        return None
    return apsme.RemoveDeviceRequest(parent=parent.eui64, parent_address=parent.address, target=device.eui64)


def told_to_leave(request: Request, devices: Devices) -> Eui64 | None:
    """Which device this request tells to leave once performed, by whichever form; None for other requests."""
    match request:
        case nlme.LeaveRequest():
            return request.device
        case apsme.RemoveDeviceRequest():
            return request.target
        case zdo.CommandRequest(command=zdp.MgmtLeaveRequest(device=target)):
            if target != RECEIVER:
                return target
            receiver = devices.at(request.destination)
            return None if receiver is None else receiver.eui64
        case _:
            return None


def departure(rejoin: bool) -> Event:
    """The event of a device that left, for good or to rejoin."""
    return Event.LEFT_TO_REJOIN if rejoin else Event.LEFT
