"""Removal by the right form of leave; who left or was told to (protocol.md 1.5, 1.7; fact 4 of section 0)."""

from __future__ import annotations

import enum
from typing import assert_never

from coordinator.codec import zdp
from coordinator.primitives import Request, apsme, nlme, zdo
from coordinator.trust_center.device import Device, Devices, Event
from coordinator.types import Eui64, NwkAddress

DEVICE_LEFT = 0x02
"""Update-Device status: the device left the network."""

SECURED_REJOIN = 0x00
"""Update-Device status: the device rejoined with the network key."""

RECEIVER = Eui64(0)
"""The device of a Mgmt_Leave_req that means whoever receives it."""


class Form(enum.Enum):
    """The ways to tell a device to leave."""

    LEAVE = "leave"
    REMOVE_DEVICE = "remove-device"
    MGMT_LEAVE = "mgmt-leave"


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


def request(device: Device, devices: Devices, form: Form | None, *, rejoin: bool = False) -> Request:
    """What tells this device to leave, by this form, or by the right one when that is None.

    Raises ValueError, in words, where that form cannot say it.
    """
    if form is None:
        form = Form.LEAVE if device.parent is None else Form.REMOVE_DEVICE
    match form:
        case Form.LEAVE:
            return nlme.LeaveRequest(device=device.eui64, address=device.address, rejoin=rejoin)
        case Form.MGMT_LEAVE:
            return by_management(device.eui64, device.address, rejoin=rejoin)
        case Form.REMOVE_DEVICE:
            if rejoin:
                raise ValueError("a Remove-Device cannot ask a device to rejoin")
            parent = device if device.parent is None else devices.find(device.parent)
            if parent is None:
                raise ValueError(f"{device.eui64} is behind {device.parent}, which is not known")
            return apsme.RemoveDeviceRequest(
                parent=parent.eui64, parent_address=parent.address, target=device.eui64
            )
        case _ as never:
            assert_never(never)


def by_management(
    device: Eui64, address: NwkAddress, *, rejoin: bool, remove_children: bool = False
) -> zdo.CommandRequest:
    """A Mgmt_Leave_req to this device about itself."""
    flags = (zdp.LEAVE_REJOIN if rejoin else 0) | (zdp.LEAVE_REMOVE_CHILDREN if remove_children else 0)
    return zdo.CommandRequest(destination=address, command=zdp.MgmtLeaveRequest(device=device, flags=flags))


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
