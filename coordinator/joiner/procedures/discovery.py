"""Network discovery: which of the networks heard a device may associate with, best first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from coordinator.joiner.model import JoinerModel
from coordinator.primitives import nlme
from coordinator.types import Channel, DeviceType, NwkAddress, PanId


class Parent(NamedTuple):
    """What tells one potential parent from another."""

    channel: Channel
    pan_id: PanId
    address: NwkAddress


def parent_of(network: nlme.NetworkDescriptor) -> Parent:
    """The identity of the device that sent this beacon."""
    return Parent(network.channel, network.pan_id, network.address)


def rank(
    networks: Iterable[nlme.NetworkDescriptor], model: JoinerModel, refused: Collection[Parent]
) -> tuple[nlme.NetworkDescriptor, ...]:
    """The networks that `model` may join, the strongest first, each parent once.

    Equal ones stay in the order they were heard. `refused` are not considered.
    """
    heard: dict[Parent, nlme.NetworkDescriptor] = {}
    for network in networks:
        parent = parent_of(network)
        if parent not in refused and is_suitable(network, model):
            best = heard.get(parent)
            if best is None or network.lqi > best.lqi:
                heard[parent] = network
    return tuple(sorted(heard.values(), key=lambda network: -network.lqi))


def is_suitable(network: nlme.NetworkDescriptor, model: JoinerModel) -> bool:
    """Open, of a stack profile the device takes, and with room for a device of its type (protocol.md 1.1)."""
    return _has_room(network, model) and network.payload.stack_profile in model.scan.stack_profiles


def is_refused_for_profile(network: nlme.NetworkDescriptor, model: JoinerModel) -> bool:
    """True when nothing but its stack profile keeps the device from this network."""
    return _has_room(network, model) and network.payload.stack_profile not in model.scan.stack_profiles


def _has_room(network: nlme.NetworkDescriptor, model: JoinerModel) -> bool:
    if model.device_type is DeviceType.ROUTER:
        return network.association_permit and network.payload.router_capacity
    return network.association_permit and network.payload.end_device_capacity
