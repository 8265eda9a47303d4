"""Causes, plans and keys for behaviours to work on."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from coordinator.behaviours import registry
from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Indication, Request, apsme, bdb, mlme, nlme, zdo
from coordinator.primitives.apsde import NWK_ONLY, Security
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Plan, Step
from coordinator.types import SECOND, Eui64, Key, LinkKeyKind, NwkAddress

DEVICE = Eui64(0xF4CE360011223344)
PARENT = Eui64(0x00124B0001020304)
ADDRESS = NwkAddress(0x3412)
FRESH = Key(bytes(range(0xA0, 0xB0)))
EARLIER = Key(bytes(range(0x10, 0x20)))
INSTALL_CODE_KEY = Key(bytes.fromhex("66b6900981e1ee3ca4206b6b861c02bb"))

ASKED = apsme.RequestKeyIndication(
    device=DEVICE,
    address=ADDRESS,
    key_type=0x04,
    partner=None,
    security=Security(nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.GLOBAL),
)
VERIFIED = apsme.VerifyKeyIndication(
    device=DEVICE, address=ADDRESS, key_type=0x04, source=DEVICE, hash=bytes(16), security=NWK_ONLY
)
JOINED = nlme.JoinIndication(device=DEVICE, address=ADDRESS, capability=0x8E)
ASSOCIATING = mlme.AssociateIndication(device=DEVICE, capability=0x8E)
TIMED_OUT = bdb.NodeJoinTimeoutIndication(device=DEVICE, address=ADDRESS)
DESCRIPTOR_ASKED = zdo.CommandIndication(
    source=ADDRESS,
    device=DEVICE,
    broadcast=False,
    sequence=1,
    command=zdp.NodeDescriptorRequest(address=NwkAddress(0)),
    security=NWK_ONLY,
)

LINK_KEY = apsme.TransportKeyRequest(
    device=DEVICE,
    address=ADDRESS,
    key_type=0x04,
    key=FRESH,
    kind=LinkKeyKind.UNIQUE,
    protection=KeyIdentifier.KEY_LOAD,
    nwk_secured=True,
)
NETWORK_KEY = apsme.TransportKeyRequest(
    device=DEVICE,
    address=ADDRESS,
    key_type=0x01,
    key=EARLIER,
    key_sequence=0,
    protection=KeyIdentifier.KEY_TRANSPORT,
    nwk_secured=False,
)
CONFIRM = apsme.ConfirmKeyRequest(device=DEVICE, address=ADDRESS, status=0, key_type=0x04)
ADMIT = mlme.AssociateResponse(device=DEVICE, address=ADDRESS, status=0)
LEAVE = nlme.LeaveRequest(device=DEVICE, address=ADDRESS)
REMOVE = apsme.RemoveDeviceRequest(parent=PARENT, parent_address=NwkAddress(1), target=DEVICE)
DESCRIPTOR = zdp.NodeDescriptor(
    logical_type=0,
    mac_capability=0x8F,
    manufacturer=0x1337,
    server_mask=0x2C41,
    max_buffer=82,
    max_incoming=82,
    max_outgoing=82,
)
DESCRIBE = zdo.CommandRequest(
    destination=ADDRESS,
    sequence=1,
    command=zdp.NodeDescriptorResponse(status=0, address=NwkAddress(0), descriptor=DESCRIPTOR),
)

SETTINGS: dict[str, dict[str, object]] = {
    "beacon.capacity": {"router": False, "end_device": False},
    "beacon.stack_profile": {"stack_profile": 1},
    "confirm.delay": {"seconds": 6},
    "confirm.status": {"status": 0xAD},
    "leave.timeout": {"seconds": 5},
    "nodedesc.revision": {"revision": 20},
    "nodedesc.status": {"status": 0x84},
    "reqkey.delay": {"seconds": 7.5},
}
"""Settings for the behaviours that must have some."""


def behaviour(name: str, **settings: object) -> Behaviour:
    """The behaviour of this name, with these settings or those of `SETTINGS`."""
    return registry.find(name).build(settings or SETTINGS.get(name, {}))


def decided(name: str, cause: Indication, *requests: Request, **settings: object) -> tuple[Step, ...]:
    """What this behaviour makes of a plan of these requests."""
    return behaviour(name, **settings).decide(cause, Plan.of(*requests)).steps


def at_once(*requests: Request) -> tuple[Step, ...]:
    """The steps of a plan that makes these requests now."""
    return tuple(Step(request=request) for request in requests)


def later(request: Request, seconds: float) -> Step:
    """One step, this much later."""
    return replace(Step(request=request), after=round(seconds * SECOND))


st.register_type_strategy(Key, st.binary(min_size=16, max_size=16).map(Key))
st.register_type_strategy(Eui64, st.integers(0, 2**64 - 1).map(Eui64))

causes: st.SearchStrategy[Indication] = st.from_type(Indication)  # type: ignore[arg-type]  # a union is a type form
requests: st.SearchStrategy[Request] = st.from_type(Request)  # type: ignore[arg-type]  # the same
steps = st.builds(Step, request=requests, after=st.integers(0, 60 * SECOND))
plans = st.lists(steps, max_size=4).map(lambda drawn: Plan(tuple(drawn)))
