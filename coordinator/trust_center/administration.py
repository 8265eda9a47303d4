"""What whoever runs the network may do to it while it runs: rotate its key, be rid of a device, send what
nobody asked for.

After any of it the driver must be settled, as after every call from outside.
"""

from __future__ import annotations

from coordinator import trace
from coordinator.primitives import Request, apsme
from coordinator.primitives.describe import describe
from coordinator.stack.frame_fault import LEAST_OCTETS
from coordinator.stack.host import HostStack
from coordinator.stack.outbox import MAX_PSDU
from coordinator.stack.plan import Step
from coordinator.stack.ticket import Ticket
from coordinator.trust_center import injection
from coordinator.trust_center.device import Standing
from coordinator.trust_center.engine import Engine
from coordinator.trust_center.procedures import leave
from coordinator.types import Eui64, Instant, Key

INJECT = "inject"
"""What labels everything that was injected, in the place of a behaviour's name."""


class Administration:
    """Of one coordinator. Everything here happens at once, or raises and has changed nothing."""

    def __init__(self, host: HostStack, engine: Engine) -> None:
        self._host = host
        self._engine = engine
        self._network = injection.Network(host, engine.devices, host.nwk.addresses.address_of)

    def rotate_key(self, key: Key | None, now: Instant) -> int:
        """Begin to replace the network key by this one, or by a random one; the new sequence number.

        It comes into use after `TrustCenterPolicy.key_switch_pause`. Raises key_rotation.RotationRefused.
        """
        chosen = Key(self._host.entropy.octets(16)) if key is None else key
        return self._engine.key_rotation.begin(chosen, now)

    def remove(
        self, device: Eui64, now: Instant, *, how: leave.Form | None = None, rejoin: bool = False
    ) -> None:
        """Tell a device to leave, as a Trust Center does: by the form that is right for it, or the one named.

        Raises ValueError for a device that is not in the network, and for a form that it cannot be told by.
        """
        record = self._engine.devices.find(device)
        if record is None:
            raise ValueError(f"{device} is not known: it has not joined this network, or was forgotten")
        if record.standing is Standing.LEFT:
            raise ValueError(f"{device} has left already")
        request = leave.request(record, self._engine.devices, how, rejoin=rejoin)
        self._host.conductor.carry_out_step(Step(request=request), now, ())

    def forget(self, device: Eui64, now: Instant) -> bool:
        """Forget a device as if it had never joined: record, link keys, counters, address, what waits for it.

        It is told nothing: remove it first if it is to leave. An install code stays: it was configured.
        False when nothing was known of it.
        """
        host = self._host
        address = host.nwk.addresses.address_of(device)
        known = self._engine.forget(device, now)
        host.mac.indirect.discard(device, now)
        if address is not None:
            host.mac.indirect.discard(address, now)
            host.aps.forget(address)
            host.nwk.broadcasts.table.forget(address)
        host.nwk.neighbors.remove(device)
        host.nwk.addresses.forget(device)
        return known or address is not None

    def inject(self, what: injection.Injection, now: Instant) -> trace.Deviated:
        """Send this. The record returned labels its request and every frame of it.

        Raises ValueError for a device that nobody knows, or that the allow-list keeps from a key.
        """
        request = self._network.request(what)
        if isinstance(request, apsme.TransportKeyRequest) and not self._host.nib.admits(request.device):
            raise ValueError(f"{request.device} is not on the allow-list, and gets no key")
        label = self._label(injection.name_of(what), describe(request), now)
        self._carry_out(request, now, label)
        return label

    def inject_raw(self, psdu: bytes, now: Instant) -> trace.Deviated:
        """Hand these octets to the radio, once and as they are: PSDU without FCS. Raises ValueError."""
        if not LEAST_OCTETS <= len(psdu) <= MAX_PSDU:
            raise ValueError(
                f"a frame has {LEAST_OCTETS} to {MAX_PSDU} octets without its FCS, not {len(psdu)}"
            )
        label = self._label("raw octets", f"{len(psdu)} octets", now)
        self._host.mac.outbox.put(lambda: psdu, now, ticket=Ticket(None, (label,)), retries=0, verbatim=True)
        return label

    def _carry_out(self, request: Request, now: Instant, label: trace.Deviated) -> None:
        self._host.conductor.carry_out_step(Step(request=request), now, (label,))

    def _label(self, what: str, after: str, now: Instant) -> trace.Deviated:
        record = trace.Deviated(
            at=now, behaviour=INJECT, cause=f"told to: {what}", before="nothing", after=after, clause=""
        )
        self._host.note(record)
        return record
