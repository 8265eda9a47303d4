"""State that survives: one folder, one network. Opened before a coordinator is made, attached to it
before it starts, and asked by the driver before each frame leaves (`runtime.driver.Gate`).

Durable before use: outgoing counters, in blocks. Durable before a frame that depends on it leaves: the
network and its keys, link keys offered, promoted or fallen back, install codes, and that a device may
have the network key. Durable within LATER (and `committer.LAZY`), or at `close`: every other change of
standing, and incoming counters. So after a crash, and only then, a frame that was accepted within that
time could be accepted once more.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coordinator import trace
from coordinator.composition import Setting, TrustCenterNode
from coordinator.runtime import records, snapshot, state_folder
from coordinator.runtime.committer import Committer
from coordinator.runtime.errors import StateError
from coordinator.runtime.files import Files, Lock, OsFiles
from coordinator.runtime.records import NetworkState, Saved
from coordinator.runtime.reservation import Reservations
from coordinator.security.counters import CounterUnreserved
from coordinator.stack.host import Network
from coordinator.stack.timers import Timer
from coordinator.types import SECOND, Duration, Eui64, Instant

LATER: Duration = 2 * SECOND
"""How long changes that no frame depends on are gathered before they are written."""
AT_ONCE = 32
"""Gathered devices written between two frames: half a millisecond at most."""


class Store:
    """The state of one network. Implements `driver.Gate`."""

    def __init__(self, committer: Committer, lock: Lock, saved: Saved) -> None:
        self.saved = saved
        self._lock = lock
        self._committer = committer
        self._reservations = Reservations(self._committer, self.saved.bounds, self.saved.floor)
        self._center: TrustCenterNode | None = None
        self._dirty: set[Eui64] = set()
        self._network_dirty = False
        self._identity: tuple[int, ...] = ()
        self._keys: dict[Eui64, bytes] = {}
        self._covered: dict[Eui64, int] = {}
        self._critical = 0
        self._reported = ""
        self._gathered: set[Eui64] = set()
        self._accepted: set[Eui64] = set()
        self._tick: Timer | None = None

    @classmethod
    def open(
        cls, folder: Path, files: Files | None = None, clock: Callable[[], float] = time.monotonic
    ) -> Store:
        """Open the state in this folder, or begin one. Raises StateError, StateHeld when it is in use.

        `clock` spaces the attempts on a disk that refuses.
        """
        files = files or OsFiles()
        lock = state_folder.hold(folder, files)
        try:
            image, saved = state_folder.load(folder, files)
            return cls(state_folder.begin(folder, files, image, clock), lock, saved)
        except StateError:
            lock.release()
            raise

    # --- before the network is up -----------------------------------------------------------------

    @property
    def network(self) -> Network | None:
        """The network that was saved, to be formed again; None: none yet."""
        network = self.saved.network
        if network is None:
            return None
        return Network(
            channel=network.channel,
            pan_id=network.pan_id,
            extended_pan_id=network.extended_pan_id,
            key=self.saved.network_keys[network.key_sequence],
            key_sequence=network.key_sequence,
            update_id=network.update_id,
        )

    def setting(self, asked: Setting) -> Setting:
        """The setting to make the coordinator with: what was saved, and for the rest what was asked for.

        Raises StateError when something else was asked for than what was saved.
        """
        network, state = self.network, self.saved.network
        if network is None or state is None:
            return asked
        for name, wanted, has in (
            ("EUI-64", asked.trust_center, state.eui64),
            ("channel", asked.channel if asked.channel_asked else None, network.channel),
            ("PAN identifier", asked.pan_id, network.pan_id),
            ("extended PAN identifier", asked.extended_pan_id, network.extended_pan_id),
            ("network key", asked.network_key, network.key),
        ):
            if wanted is not None and wanted != has:
                raise StateError(f"the saved network has another {name}; network reset begins a new one")
        return replace(
            asked,
            trust_center=state.eui64,
            channel=network.channel,
            pan_id=network.pan_id,
            extended_pan_id=network.extended_pan_id,
            network_key=network.key,
            key_sequence=network.key_sequence,
            update_id=network.update_id,
        )

    def attach(self, center: TrustCenterNode, now: Instant) -> None:
        """Restore a coordinator made with `setting` and not started yet, and keep its state from now on.

        What a start needs is on disk when this returns. Raises StateError when that fails.
        """
        host, network = center.host, center.network
        if self.network not in (None, network):
            raise AssertionError("a store is attached to the network that it saved, or to a new one")
        host.network_keys.guard(self._reservations.guard_network_key)
        self._reservations.guard(records.APS_COUNTER, host.link_keys.outgoing)
        snapshot.restore(center, self.saved, now)
        entry = host.network_keys.install(network.key, network.key_sequence)
        if host.network_keys.active is None:
            host.network_keys.activate(network.key_sequence)
        self._center = center
        self._watch(center)
        self._keep_network(center, self._of_network(center, network))
        for eui64, state in self.saved.devices.items():
            if state.link_keys is not None:
                self._keys[eui64] = records.encode_link_keys(state.link_keys)
            if state.standing in snapshot.COVERING:
                self._covered[eui64] = 0
        self._dirty.update(self.saved.devices)
        self._keep_devices(center)
        try:
            self._reservations.prepare(records.network_counter(entry.key), entry.outgoing)
            self._reservations.prepare(records.APS_COUNTER, host.link_keys.outgoing)
        except CounterUnreserved as error:
            raise StateError(str(error)) from None
        self._committer.settle()
        if self._committer.failure:
            raise StateError(self._committer.failure)

    def _watch(self, center: TrustCenterNode) -> None:
        host, dirty = center.host, self._dirty
        host.link_keys.changed = dirty.add
        host.nwk.addresses.changed = dirty.add
        center.engine.devices.changed = self._note_device
        host.network_keys.changed = self._note_network
        host.network_keys.accepted = self._accepted

    def _note_device(self, device: Eui64) -> None:
        """A change of standing is written later, if there is a record that says that this is a member: what
        is sent to a device waits for that record only.
        """
        covered = self._covered.get(device)
        if covered is None:
            self._dirty.add(device)
            return
        self._gathered.add(device)
        self._critical = max(self._critical, covered)

    def _note_network(self) -> None:
        self._network_dirty = True

    def start(self) -> None:
        """Commit in a thread from now on: nothing below waits for the disk."""
        self._committer.start()

    async def close(self) -> None:
        """Save what there is and let go of the folder; waits for the disk, `committer.PATIENCE` at most."""
        self.shut()

    def shut(self) -> None:
        """The same, outside an event loop."""
        if self._center is not None:
            self._dirty.update(device.eui64 for device in self._center.engine.devices)
            self._keep_devices(self._center)
        self._committer.close()
        self._lock.release()

    # --- driver.Gate ------------------------------------------------------------------------------

    def settle(self, now: Instant) -> int:
        """Take note of what changed. What was decided until now may leave once this mark is durable."""
        center = self._center
        if center is None:
            return 0
        nib = center.host.nib
        identity = (nib.channel, nib.pan_id, nib.extended_pan_id, nib.update_id)
        if nib.started and (self._network_dirty or identity != self._identity):
            active = center.host.network_keys.active
            if active is not None:
                # A key that came into use goes on where the one before was, after a restart as well.
                self._reservations.begin(records.network_counter(active.key), active.outgoing)
            self._keep_network(center, self._of_network(center, None))
        if self._dirty:
            self._keep_devices(center)
        if self._tick is None and (self._gathered or self._accepted):
            self._tick = center.host.timers.set(Instant(now + LATER), self._later)
        if self._critical > self._committer.durable:
            self._committer.request()
        if self._committer.failure != self._reported:
            self._report(center, now)
        return self._critical

    @property
    def durable(self) -> int:
        """The highest mark that is on disk."""
        return self._committer.durable

    @property
    def failure(self) -> str:
        """Why nothing can be saved at present; empty when it can."""
        return self._committer.failure

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call this, from any thread, when `durable` or `failure` changed."""
        self._committer.listen(listener)

    @property
    def committer(self) -> Committer:
        """The way to the disk, with what it counts."""
        return self._committer

    # --- what changed -----------------------------------------------------------------------------

    def _of_network(self, center: TrustCenterNode, forming: Network | None) -> NetworkState:
        nib, active = center.host.nib, center.host.network_keys.active
        return NetworkState(
            eui64=nib.eui64,
            channel=nib.channel if forming is None else forming.channel,
            pan_id=nib.pan_id if forming is None else forming.pan_id,
            extended_pan_id=nib.extended_pan_id if forming is None else forming.extended_pan_id,
            update_id=nib.update_id if forming is None else forming.update_id,
            key_sequence=0 if active is None else active.sequence,
        )

    def _keep_network(self, center: TrustCenterNode, network: NetworkState) -> None:
        held = {
            records.NETWORK_KEY + bytes((key.sequence,)): key.key.octets
            for key in center.host.network_keys.held()
        }
        for sequence in range(256):
            key = records.NETWORK_KEY + bytes((sequence,))
            self._put_critical(key, held.get(key, b""))
        self._put_critical(records.DEFAULT_LINK_KEY, center.host.link_keys.default.key.octets)
        self._put_critical(records.NETWORK, records.encode_network(network))
        self._network_dirty = False
        self._identity = (network.channel, network.pan_id, network.extended_pan_id, network.update_id)

    def _put_critical(self, key: bytes, value: bytes) -> None:
        if self._committer.value(key) != value:
            self._critical = self._committer.put(key, value)

    def _keep_devices(self, center: TrustCenterNode) -> None:
        for eui64 in self._dirty:
            self._keep_device(center, eui64)
        self._dirty.clear()

    def _keep_device(self, center: TrustCenterNode, eui64: Eui64) -> None:
        self._gathered.discard(eui64)
        state = snapshot.device_state(center, eui64)
        key = records.device_key(eui64)
        link_keys = value = b""
        if state is not None:
            if state.link_keys is not None:
                link_keys = records.encode_link_keys(state.link_keys)
            value = records.encode_device(state, link_keys)
        if value == self._committer.value(key):
            return
        mark = self._committer.put(key, value)
        if link_keys != self._keys.get(eui64, b""):
            self._critical = mark
            self._keys[eui64] = link_keys
        if state is None or state.standing not in snapshot.COVERING:
            self._covered.pop(eui64, None)
        else:
            covered = self._covered.get(eui64)
            if covered is None:
                self._covered[eui64] = covered = mark
                self._committer.request()
            if covered > self._critical and center.engine.devices.find(eui64) is not None:
                self._critical = covered
        if not value:
            self._keys.pop(eui64, None)

    def _later(self, now: Instant) -> None:
        """Have some of what was gathered written when the driver settles."""
        assert self._center is not None
        gathered, self._tick = self._gathered, None
        gathered |= self._accepted
        self._accepted.clear()
        for eui64 in tuple(itertools.islice(gathered, AT_ONCE)):
            gathered.discard(eui64)
            self._dirty.add(eui64)
        if gathered:
            self._tick = self._center.host.timers.set(now, self._later)

    def _report(self, center: TrustCenterNode, now: Instant) -> None:
        self._reported = reason = self._committer.failure
        summary = (
            f"the state cannot be saved: {reason}; nothing that depends on it is sent"
            if reason
            else "the state can be saved again"
        )
        center.host.note(trace.Finding(at=now, device=None, summary=summary))
