"""What can be sent on order, by name, that nobody asked the Trust Center for.

Values first: `parse` makes one from what was typed, `Network.request` finds out what it means here. What is
injected is no answer, so no behaviour sees it, and it is labelled wherever it appears.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Request, apsme, nlme, zdo
from coordinator.stack.application import Services
from coordinator.trust_center.device import Devices, Standing
from coordinator.trust_center.procedures import join, leave, link_key
from coordinator.types import BROADCAST_ALL, GLOBAL_LINK_KEY, Eui64, Key, LinkKeyKind, NwkAddress

FRESH, GLOBAL = "fresh", "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A NWK Leave that tells the device to leave."""

    device: Eui64
    rejoin: bool = False
    remove_children: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtLeave:
    """A Mgmt_Leave_req to the device."""

    device: Eui64
    rejoin: bool = False
    remove_children: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDevice:
    """An APS Remove-Device, to the device's router, or to the device itself if it has none."""

    device: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescriptorRequest:
    """A Node_Desc_req for the device's own descriptor."""

    device: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class IeeeAddressRequest:
    """An IEEE_addr_req for the device's own address."""

    device: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportNetworkKey:
    """A network key to the device: the one in use, or the one with `sequence`.

    `nwk_secured` None: as the device needs it, which opens nothing else before it has a network key.
    """

    device: Eui64
    sequence: int | None = None
    nwk_secured: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLinkKey:
    """A Trust Center link key that the device did not ask for: a fresh one, or everyone's."""

    device: Eui64
    key: str = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmKey:
    """A Confirm-Key. As always, status 0 makes a key that awaits its proof the one in use."""

    device: Eui64
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchKey:
    """A Switch-Key to the device, or to all: the newest network key's, or `sequence`, held or not.

    We ourselves do not switch.
    """

    device: Eui64 | None = None
    sequence: int | None = None


Injection = (
    Leave
    | MgmtLeave
    | RemoveDevice
    | NodeDescriptorRequest
    | IeeeAddressRequest
    | TransportNetworkKey
    | TransportLinkKey
    | ConfirmKey
    | SwitchKey
)

INJECTIONS: Mapping[str, type[Injection]] = MappingProxyType(
    {
        "leave": Leave,
        "mgmt-leave": MgmtLeave,
        "remove-device": RemoveDevice,
        "node-descriptor-request": NodeDescriptorRequest,
        "ieee-address-request": IeeeAddressRequest,
        "transport-key-nwk": TransportNetworkKey,
        "transport-key-tclk": TransportLinkKey,
        "confirm-key": ConfirmKey,
        "switch-key": SwitchKey,
    }
)
_NAMES = {kind: name for name, kind in INJECTIONS.items()}
_FLAGS = ("rejoin", "remove_children", "nwk_secured")
_OCTETS = ("sequence", "status")


def name_of(injection: Injection) -> str:
    """The name that `parse` knows it by."""
    return _NAMES[type(injection)]


def settings_of(name: str) -> tuple[str, ...]:
    """What an injection can be told besides its device. Raises KeyError when there is none such."""
    return tuple(field.name for field in dataclasses.fields(INJECTIONS[name]) if field.name != "device")


def parse(name: str, device: Eui64 | None = None, settings: Mapping[str, object] | None = None) -> Injection:
    """The injection of this name. Raises ValueError, in words, for what it cannot be."""
    kind = INJECTIONS.get(name)
    if kind is None:
        raise ValueError(f"nothing to inject is called {name!r}; there are {', '.join(INJECTIONS)}")
    known = settings_of(name)
    for setting, value in (settings or {}).items():
        if setting not in known:
            rather = f"it has {', '.join(known)}" if known else "it has none"
            raise ValueError(f"{name} has no setting {setting!r}; {rather}")
        _check(setting, value)
    if device is None and kind is not SwitchKey:
        raise ValueError(f"{name} is for one device; say which")
    make: Callable[..., Injection] = kind
    return make(device=device, **(settings or {}))


def _check(setting: str, value: object) -> None:
    if setting in _FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"{setting}: true or false, not {value!r}")
    elif setting in _OCTETS:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 0xFF:
            raise ValueError(f"{setting}: an integer, 0 to 255, not {value!r}")
    elif value not in (FRESH, GLOBAL):
        raise ValueError(f"{setting}: {FRESH!r} or {GLOBAL!r}, not {value!r}")


class Network:
    """What an injection is looked up in. `address_of` knows devices that have no record as well."""

    def __init__(
        self, services: Services, devices: Devices, address_of: Callable[[Eui64], NwkAddress | None]
    ) -> None:
        self._services = services
        self._devices = devices
        self._address_of = address_of

    def request(self, injection: Injection) -> Request:
        """The request that carries it out. Raises ValueError: an unknown device, a key that is not there."""
        match injection:
            case Leave() | MgmtLeave() | RemoveDevice():
                return self._departure(injection)
            case NodeDescriptorRequest(device=device):
                address = self.address(device)
                descriptor = zdp.NodeDescriptorRequest(address=address)
                return zdo.CommandRequest(destination=address, command=descriptor)
            case IeeeAddressRequest(device=device):
                address = self.address(device)
                ieee = zdp.IeeeAddressRequest(address=address)
                return zdo.CommandRequest(destination=address, command=ieee)
            case TransportNetworkKey():
                return self._network_key(injection)
            case TransportLinkKey(device=device, key=which):
                fresh = which == FRESH
                return apsme.TransportKeyRequest(
                    device=device,
                    address=self.address(device),
                    key_type=link_key.TRUST_CENTER_LINK_KEY,
                    key=Key(self._services.entropy.octets(16)) if fresh else GLOBAL_LINK_KEY,
                    kind=LinkKeyKind.UNIQUE if fresh else LinkKeyKind.GLOBAL,
                    protection=KeyIdentifier.KEY_LOAD,
                    nwk_secured=True,
                )
            case ConfirmKey(device=device, status=status):
                return apsme.ConfirmKeyRequest(
                    device=device,
                    address=self.address(device),
                    status=status,
                    key_type=link_key.TRUST_CENTER_LINK_KEY,
                )
            case SwitchKey():
                return self._switch_key(injection)
            case _ as never:
                assert_never(never)

    def address(self, device: Eui64) -> NwkAddress:
        """Where this device is. Raises ValueError when nobody knows."""
        record = self._devices.find(device)
        address = self._address_of(device) if record is None else record.address
        if address is None:
            raise ValueError(f"{device} is not known: it has not joined this network, or was forgotten")
        return address

    def _departure(self, injection: Leave | MgmtLeave | RemoveDevice) -> Request:
        device = injection.device
        address = self.address(device)
        if isinstance(injection, RemoveDevice):
            record = self._devices.find(device)
            if record is None or record.parent is None:
                return apsme.RemoveDeviceRequest(parent=device, parent_address=address, target=device)
            parent = record.parent
            return apsme.RemoveDeviceRequest(
                parent=parent, parent_address=self.address(parent), target=device
            )
        rejoin, remove_children = injection.rejoin, injection.remove_children
        if isinstance(injection, MgmtLeave):
            return leave.by_management(device, address, rejoin=rejoin, remove_children=remove_children)
        return nlme.LeaveRequest(
            device=device, address=address, rejoin=rejoin, remove_children=remove_children
        )

    def _network_key(self, injection: TransportNetworkKey) -> Request:
        device, keys = injection.device, self._services.network_keys
        address = self.address(device)
        key = keys.active if injection.sequence is None else keys.find(injection.sequence)
        if key is None:
            held = ", ".join(str(each.sequence) for each in keys.held()) or "none"
            raise ValueError(
                f"there is no network key with sequence number {injection.sequence}; held: {held}"
            )
        secured = injection.nwk_secured
        if secured is None:
            record = self._devices.find(device)
            secured = record is None or record.standing not in (Standing.ASSOCIATED, Standing.KEYED)
        return join.transport(device, address, key, nwk_secured=secured)

    def _switch_key(self, injection: SwitchKey) -> Request:
        sequence = injection.sequence
        if sequence is None:
            held = self._services.network_keys.held()
            if not held:
                raise ValueError("there is no network key to switch to")
            sequence = held[-1].sequence
        if injection.device is None:
            return apsme.SwitchKeyRequest(address=BROADCAST_ALL, sequence=sequence)
        return apsme.SwitchKeyRequest(
            address=self.address(injection.device),
            sequence=sequence,
            device=injection.device,
            protection=KeyIdentifier.DATA,
        )
