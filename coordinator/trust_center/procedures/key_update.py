"""Another network key for the whole network (05-3474, 4.6.3.4; protocol.md 1.5)."""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.primitives import apsme, nlme
from coordinator.security.material import NetworkKey
from coordinator.stack.plan import Plan, Step
from coordinator.trust_center.device import Device
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.trust_center.procedures.join import NETWORK_KEY, NEXT_KEY_DELAY
from coordinator.trust_center.procedures.join import transport as transport_to
from coordinator.types import BROADCAST_ALL, MILLISECOND, Duration, Eui64

EVERYBODY = Eui64(0)
"""The destination field of a Transport-Key to all."""

ACTIVATION_DELAY: Duration = 100 * MILLISECOND
"""From Switch-Key to our own switch: the Switch-Key leaves under the old key, which everybody opens. Which of
the two protects it is disputed (protocol.md 1.5); its repetitions go under the new one. Our choice."""


def update(policy: TrustCenterPolicy, key: NetworkKey, newcomers: Sequence[Device]) -> Plan:
    """The new key to all under the one in use, Switch-Key when that has gone round, and our own switch.

    Both are broadcasts to 0xFFFF under NWK security alone, so that sleepers are sent them as well.
    `newcomers` associated and have not used the network key yet: they may not open a broadcast, and are
    sent the new key one by one.
    """
    sequence = key.sequence
    transport = apsme.TransportKeyRequest(
        device=EVERYBODY,
        address=BROADCAST_ALL,
        key_type=NETWORK_KEY,
        key=key.key,
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
            *(
                Step(
                    request=transport_to(device.eui64, device.address, key, nwk_secured=True),
                    after=NEXT_KEY_DELAY,
                )
                for device in newcomers
            ),
            Step(request=switch, after=pause),
            Step(request=activate, after=pause + ACTIVATION_DELAY),
        )
    )
