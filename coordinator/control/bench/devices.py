"""Commands on devices, real and simulated."""

from __future__ import annotations

from coordinator.control.bench.bench import Bench
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.base import Changed
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.profiles import joiners
from coordinator.profiles.errors import suggestion
from coordinator.runtime.session import Session
from coordinator.trust_center.procedures import leave
from coordinator.types import Eui64, Instant, hex16

DEFAULT_JOINER = "zboss-r22"


def list_devices(bench: Bench, _request: schema.DeviceList, _context: Context) -> schema.Devices:
    """Who is or was in the network."""
    center = bench.up().center
    devices = []
    for device in center.engine.devices:
        key = center.host.link_keys.find(device.eui64)
        devices.append(
            schema.Device(
                device=str(device.eui64),
                address=hex16(device.address),
                standing=device.standing.value,
                link_key=None if key is None else key.current.kind.value,
            )
        )
    return schema.Devices(devices=devices)


def power(bench: Bench, request: schema.JoinerPower, _context: Context) -> schema.Powered:
    """Power a simulated device on or off."""
    session = bench.up()
    supply = session.ground.joiners
    if supply is None:
        raise ControlError(
            ErrorCode.REFUSED,
            "only the simulated radio's own air has devices to power",
            hint="on an air that others share, run `legacy-tc joiner --air ...`",
        )
    device = None if request.device is None else Eui64.parse(request.device)
    if not request.on:
        chosen = device or next(reversed(tuple(supply.powered)), None)
        if chosen is None or chosen not in supply.powered:
            raise ControlError(ErrorCode.NOT_FOUND, "no such simulated device is on")
        name = supply.power_off(chosen)
        return _told(bench, schema.Powered(device=str(chosen), joiner=name, on=False))
    name = request.joiner or DEFAULT_JOINER
    if name not in joiners.catalogue():
        near = suggestion(name, joiners.catalogue())
        raise ControlError(ErrorCode.NOT_FOUND, f"no such joiner: '{name}'{near}")
    model = joiners.load(name)
    session.ground.catch_up()
    try:
        joiner = supply.power_on(model, device)
    except ValueError as error:
        raise ControlError(ErrorCode.REFUSED, str(error)) from None
    session.judge.powered(joiner, model)
    return _told(bench, schema.Powered(device=str(joiner.host.eui64), joiner=name, on=True))


def _told(bench: Bench, powered: schema.Powered) -> schema.Powered:
    bench.feed.publish("joiner", powered.model_dump())
    return powered


def forget(bench: Bench, request: schema.DeviceForget, _context: Context) -> Changed:
    """Forget a device."""
    device = Eui64.parse(request.device)

    def act(session: Session, now: Instant) -> None:
        if not session.center.administration.forget(device, now):
            raise ControlError(ErrorCode.NOT_FOUND, f"nothing is known of {device}")

    return bench.changed(bench.advance(f"device/forget {device}", request.if_generation, act))


def remove(bench: Bench, request: schema.DeviceRemove, _context: Context) -> Changed:
    """Tell a device to leave."""
    bench.on_air()
    device = Eui64.parse(request.device)

    def act(session: Session, now: Instant) -> None:
        try:
            session.center.administration.remove(
                device, now, how=leave.Form(request.how), rejoin=request.rejoin
            )
        except ValueError as error:
            raise ControlError(ErrorCode.REFUSED, str(error)) from None

    return bench.changed(bench.advance(f"device/remove {device}", request.if_generation, act))
