"""The rotation of the network key: one at a time, each under the next key sequence number."""

from __future__ import annotations

from coordinator import trace
from coordinator.primitives import trust_center
from coordinator.security.material import NetworkKey
from coordinator.stack import conductor
from coordinator.stack.application import Services
from coordinator.trust_center.device import Devices, Standing
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.trust_center.procedures import key_update
from coordinator.types import SECOND, Instant, Key

NEWCOMERS = (Standing.ASSOCIATED, Standing.KEYED)
"""Not heard to use the network key yet."""


class RotationRefused(Exception):
    """The network key cannot be rotated to this key now; the message says why."""


class KeyRotation:
    """The new key opens frames from the moment it is sent, the old one until the next rotation.

    A rotation that a restart cuts short is forgotten: the old key stays in use, and the next rotation takes
    the same sequence number again.
    """

    def __init__(
        self, services: Services, policy: conductor.Standing[TrustCenterPolicy], devices: Devices
    ) -> None:
        self._services = services
        self._policy = policy
        self._devices = devices
        self._latest: int | None = None
        self._switches = Instant(0)

    def begin(self, key: Key, now: Instant) -> int:
        """Distribute this key, to be used after `TrustCenterPolicy.key_switch_pause`; its sequence number.

        Raises RotationRefused while another rotation is under way, for the key in use, and without one.
        """
        keys = self._services.network_keys
        active = keys.active
        if active is None:
            raise RotationRefused("there is no network key to replace: no network was formed")
        if now < self._switches:
            raise RotationRefused(
                f"a rotation of the network key is under way: sequence number {self._latest} comes into use "
                f"in {(self._switches - now) / SECOND:.1f} s"
            )
        if key == active.key:
            raise RotationRefused("this is the network key in use already; a rotation takes another one")
        # Not simply the active one's successor: a behaviour may have kept the last one from being used.
        last = active.sequence if self._latest is None else self._latest
        sequence = self._latest = (last + 1) & 0xFF
        pause = max(self._policy.base.key_switch_pause, self._policy.current.key_switch_pause)
        self._switches = Instant(now + pause + key_update.ACTIVATION_DELAY)
        entry = keys.install(key, sequence)
        self._services.note(trace.KeyInUse(at=now, key=key, sequence=sequence))
        cause = trust_center.NetworkKeyUpdateIndication(key=key, sequence=sequence)
        self._services.note(trace.Indicated(at=now, indication=cause, observed=trace.Observed.INFERRED))
        newcomers = [device for device in self._devices if device.standing in NEWCOMERS]
        self._services.conductor.answer(
            cause, lambda policy: key_update.update(policy, entry, newcomers), self._policy, now
        )
        return sequence

    def next_key(self, now: Instant) -> NetworkKey | None:
        """The key that was sent and is not in use yet, while a rotation is under way."""
        return self._services.network_keys.find(self._latest) if now < self._switches else None
