"""Between a running coordinator and its records: what a device is now, and putting it back."""

from __future__ import annotations

from coordinator import trace
from coordinator.codec.mac_commands import Capability
from coordinator.composition import TrustCenterNode
from coordinator.runtime.records import DeviceState, LinkKeysState, Saved
from coordinator.security.material import LinkKey, LinkKeyEntry
from coordinator.security.suites import suite
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, Neighbor, Relationship
from coordinator.trust_center.device import MEMBERS, Device, Standing
from coordinator.types import GLOBAL_LINK_KEY, NO_ADDRESS, Eui64, Instant, Key, LinkKeyKind

COVERING = frozenset((Standing.ASSOCIATED, *MEMBERS))
"""Standings that are restored as a member's: a device so recorded may be sent the network key."""


def device_state(center: TrustCenterNode, eui64: Eui64) -> DeviceState | None:
    """What is to be kept of a device; None when nothing is known of it.

    An applicant counts as associated before it is: it can be sent the network key the moment that it
    fetches its response, and then its record is on disk already.
    """
    host = center.host
    device = center.engine.devices.find(eui64)
    neighbor = host.nwk.neighbors.find_device(eui64)
    entry = host.link_keys.find(eui64)
    address = device.address if device is not None else host.nwk.addresses.address_of(eui64)
    if address is None and entry is None:
        return None
    applicant = host.applicant(eui64) if device is None and address is not None else None
    standing = Standing.UNKNOWN if applicant is None else Standing.ASSOCIATED
    capability = applicant or 0
    parent = stack_revision = None
    if device is not None:
        standing, capability = device.standing, device.capability
        parent, stack_revision = device.parent, device.stack_revision
    return DeviceState(
        address=NO_ADDRESS if address is None else address,
        standing=standing,
        capability=capability,
        parent=parent,
        stack_revision=stack_revision,
        relationship=_relationship(neighbor, applicant),
        timeout=8 if neighbor is None else END_DEVICE_TIMEOUTS.index(neighbor.timeout),
        link_keys=None if entry is None else _link_keys_state(entry, host.link_keys.default),
        nwk_incoming={
            key.sequence: key.incoming[eui64] for key in host.network_keys.held() if eui64 in key.incoming
        },
        aps_incoming={} if entry is None else dict(entry.incoming),
    )


def _relationship(neighbor: Neighbor | None, applicant: int | None) -> int | None:
    if neighbor is not None:
        return neighbor.relationship.value
    return None if applicant is None else Relationship.UNAUTHENTICATED_CHILD.value


def _link_keys_state(entry: LinkKeyEntry, default: LinkKey) -> LinkKeysState | None:
    """None when there is nothing to remember: a device with the default key and no other."""
    pending = entry.pending
    if entry.current is default and entry.provisional is default and pending is None and not entry.previous:
        return None
    return LinkKeysState(
        provisional=(entry.provisional.key, entry.provisional.kind),
        current=(entry.current.key, entry.current.kind),
        pending=None if pending is None else (pending.key, pending.kind),
        previous=entry.previous,
    )


def restore(center: TrustCenterNode, saved: Saved, now: Instant) -> None:
    """Give a coordinator that has not started yet what was saved of its devices and keys."""
    host = center.host
    if saved.default_link_key != GLOBAL_LINK_KEY:
        host.link_keys.expect(saved.default_link_key, LinkKeyKind.GLOBAL)
        host.note(trace.KeyInUse(at=now, key=saved.default_link_key, kind=LinkKeyKind.GLOBAL))
    for sequence, key in saved.network_keys.items():
        host.network_keys.install(key, sequence)
        host.note(trace.KeyInUse(at=now, key=key, sequence=sequence))
    if saved.network is not None:
        host.network_keys.activate(saved.network.key_sequence)
    for eui64, state in saved.devices.items():
        _restore_device(center, eui64, state, now)


def _restore_device(center: TrustCenterNode, eui64: Eui64, state: DeviceState, now: Instant) -> None:
    host = center.host
    for sequence, counter in state.nwk_incoming.items():
        key = host.network_keys.find(sequence)
        if key is not None:
            key.incoming[eui64] = counter
    if state.link_keys is not None:
        host.link_keys.restore(_entry(eui64, state.link_keys))
        _note_keys(center, eui64, state.link_keys, now)
    if state.aps_incoming:
        host.link_keys.entry(eui64).incoming.update(state.aps_incoming)
    if state.address != NO_ADDRESS:
        host.nwk.learn(eui64, state.address)
    if state.standing is Standing.UNKNOWN:
        return
    if state.relationship is not None:
        host.nwk.neighbors.add(
            Neighbor(
                device=eui64,
                address=state.address,
                is_router=bool(state.capability & Capability.FULL_FUNCTION_DEVICE),
                receiver_on_when_idle=bool(state.capability & Capability.RX_ON_WHEN_IDLE),
                relationship=Relationship(state.relationship),
                capability=state.capability,
                last_heard=now,
                timeout=END_DEVICE_TIMEOUTS[state.timeout],
            )
        )
    # Whether the network key went out between the last record and the crash, nobody knows.
    standing = Standing.KEYED if state.standing is Standing.ASSOCIATED else state.standing
    device = Device(
        eui64=eui64,
        address=state.address,
        capability=state.capability,
        standing=standing,
        parent=state.parent,
        stack_revision=state.stack_revision,
    )
    center.engine.resume(device, now)
    entry = host.link_keys.entry(eui64)
    host.note(
        trace.Resumed(
            at=now,
            device=eui64,
            address=state.address,
            link_key=entry.current.kind,
            pending=None if entry.pending is None else entry.pending.kind,
        )
    )


def _entry(partner: Eui64, state: LinkKeysState) -> LinkKeyEntry:
    def link_key(pair: tuple[Key, LinkKeyKind]) -> LinkKey:
        return LinkKey(suite(pair[0]), pair[1])

    entry = LinkKeyEntry(partner, link_key(state.provisional))
    entry.current = link_key(state.current)
    entry.pending = None if state.pending is None else link_key(state.pending)
    entry.previous = state.previous
    return entry


def _note_keys(center: TrustCenterNode, eui64: Eui64, state: LinkKeysState, now: Instant) -> None:
    """A capture of this session must open what is protected with the keys of an earlier one."""
    named: dict[Key, LinkKeyKind] = {
        key: kind for key, kind in (state.provisional, state.current) if kind is not LinkKeyKind.GLOBAL
    }
    if state.pending is not None:
        named[state.pending[0]] = state.pending[1]
    for key, kind in named.items():
        center.host.note(trace.KeyInUse(at=now, key=key, device=eui64, kind=kind))
