"""Another network key for the whole network (05-3474, 4.6.3.4; protocol.md 1.5)."""

from __future__ import annotations

from coordinator.primitives import apsme, nlme, trust_center
from coordinator.stack.plan import Plan, Step
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.trust_center.procedures.join import NETWORK_KEY
from coordinator.types import BROADCAST_ALL, MILLISECOND, Duration, Eui64

EVERYBODY = Eui64(0)
"""The destination field of a Transport-Key to all."""

ACTIVATION_DELAY: Duration = 100 * MILLISECOND
"""From Switch-Key to our own switch: the Switch-Key leaves under the old key, which everybody opens. Which of
the two protects it is disputed (protocol.md 1.5); its repetitions go under the new one. Our choice."""


def update(policy: TrustCenterPolicy, cause: trust_center.NetworkKeyUpdateIndication) -> Plan:
    """The new key to all under the one in use, Switch-Key when that has gone round, and our own switch.

    Both are broadcasts to 0xFFFF under NWK security alone, so that sleepers are sent them as well.
    """
    sequence = cause.sequence
    transport = apsme.TransportKeyRequest(
        device=EVERYBODY,
        address=BROADCAST_ALL,
        key_type=NETWORK_KEY,
        key=cause.key,
        key_sequence=sequence,
        protection=None,
        nwk_secured=True,
    )
    switch = apsme.SwitchKeyRequest(address=BROADCAST_ALL, sequence=sequence)
    activate = nlme.SetActiveKeyRequest(sequence=sequence)
    pause = policy.key_switch_pause
    return Plan(
        (
            Step(request=transport),
            Step(request=switch, after=pause),
            Step(request=activate, after=pause + ACTIVATION_DELAY),
        )
    )
