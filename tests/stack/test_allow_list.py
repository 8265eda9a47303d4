"""A device that is not on the allow-list gets no address and no key, whatever a behaviour would have done."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.codec import mac_commands
from coordinator.composition import Setting
from coordinator.evidence.outcome import Outcome
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.scenario import Scenario, Simulation
from coordinator.types import Eui64

STRANGER = Eui64(0x020000BB263A1A36)
"""The first joiner of seed 1."""
SOMEBODY = Eui64(0x00124B0001020304)


def run(allowed: frozenset[Eui64] | None, profile: str = "zb3") -> tuple[list[trace.Record], Outcome]:
    scenario = Scenario(
        profile=profiles.load(profile),
        joiners=(joiners.load("zboss-r22"),),
        setting=Setting(allowed=allowed),
    )
    simulation = Simulation(scenario)
    records: list[trace.Record] = []
    simulation.watch(records.append)
    return records, simulation.run().verdict.outcome


def test_a_device_on_the_list_joins() -> None:
    assert run(frozenset({STRANGER, SOMEBODY}))[1] is Outcome.JOINED_SECURE


@pytest.mark.parametrize("allowed", [frozenset[Eui64](), frozenset({SOMEBODY})])
@pytest.mark.parametrize("profile", ["zb3", "clear-key", "pre-zb3"])
def test_a_stranger_is_denied_and_the_trust_center_never_hears_of_it(
    allowed: frozenset[Eui64], profile: str
) -> None:
    records, _ = run(allowed, profile)
    responses = [record for record in records if isinstance(record, trace.Sent) and is_response(record.psdu)]
    assert responses
    denied = mac_commands.AssociationStatus.PAN_ACCESS_DENIED
    assert {sent.psdu[-3:] for sent in responses} == {b"\xff\xff" + bytes((denied,))}
    assert not [record for record in records if isinstance(record, trace.Requested) and "Key" in str(record)]
    assert any(isinstance(record, trace.TurnedAway) and record.device == STRANGER for record in records)


def test_the_verdict_says_who_was_denied_and_why() -> None:
    scenario = Scenario(
        profile=profiles.load("zb3"),
        joiners=(joiners.load("zboss-r22"),),
        setting=Setting(allowed=frozenset()),
    )
    verdict = Simulation(scenario).run().verdict
    assert verdict.outcome is Outcome.NOT_ASSOCIATED
    assert verdict.explanation.startswith(f"{STRANGER} asked to associate ")
    assert "--allow does not name it" in verdict.explanation


def is_response(psdu: bytes) -> bool:
    """An Association Response: 0xcc63, command 0x02 behind both extended addresses (protocol.md 1.1)."""
    return psdu[:2] == b"\x63\xcc" and psdu[21] == 0x02
