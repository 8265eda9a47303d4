"""A switch leaves no trace of itself on the air: who was switched answers like who always was so."""

from __future__ import annotations

import pytest

from coordinator.profiles import joiners, load
from tests.switching.bench import BEFORE_ALL, Bench

PROFILES = tuple(load.catalogue())


def frames(bench: Bench) -> list[tuple[int, bytes]]:
    """When each frame left, and its octets: the same seed draws the same keys and counters."""
    bench.run()
    return [(each.at, each.psdu) for each in bench.sent]


@pytest.mark.parametrize("joiner", joiners.catalogue())
@pytest.mark.parametrize("profile", PROFILES)
def test_there_and_back_before_a_join_changes_no_octet_of_it(profile: str, joiner: str) -> None:
    there = PROFILES[(PROFILES.index(profile) + 5) % len(PROFILES)]
    switched = Bench(profile, joiner)
    switched.at(BEFORE_ALL, lambda: switched.ask(there))
    switched.at(BEFORE_ALL, lambda: switched.ask(profile))
    found = frames(switched)
    assert switched.switcher.generation == 3
    assert found == frames(Bench(profile, joiner))


@pytest.mark.parametrize("after", PROFILES)
def test_whoever_became_another_before_a_join_answers_as_if_it_had_always_been_so(after: str) -> None:
    for joiner in ("zboss-r22", "ha12"):
        always = frames(Bench(after, joiner))
        for before in PROFILES:
            switched = Bench(before, joiner)
            switched.at(BEFORE_ALL, lambda bench=switched: bench.ask(after))  # type: ignore[misc]
            assert frames(switched) == always, before


@pytest.mark.parametrize("joiner", joiners.catalogue())
@pytest.mark.parametrize("profile", PROFILES)
def test_a_switcher_that_nobody_asks_changes_no_record(profile: str, joiner: str) -> None:
    watched = Bench(profile, joiner)
    watched.run()
    alone = Bench(profile, joiner)
    alone.simulation.center.observers.clear()
    alone.run()
    assert watched.records == alone.records
