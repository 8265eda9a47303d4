"""Faults 4 and 5: what an exchange comes to when octets are lost, doubled, swapped, wrong, late or in pieces.

The undisturbed run ends in a pass. A disturbed one may end so too, where the damage was before or after
the join or did none; else it is inconclusive. It never ends in a fail, for nobody misbehaved but the line.
"""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.dongle.faults import Fault, Kind, Matching, Passing
from coordinator.evidence.outcome import Ruling
from coordinator.radio.spinel.lateness import PATIENCE, Lateness
from coordinator.trace import RadioState
from tests.faults import rig
from tests.faults.rig import JOINED, LINE, SOON, Seen

LAST_STATUS, STREAM_RAW = 0, 113
FLAG = 0x7E
"""One more or less between two frames is no damage."""
SWEEP = 7
"""Each sweep takes every seventh place; hypothesis takes any."""


@functools.cache
def undisturbed() -> Seen:
    """Counts what passes, by faults that never strike."""
    return rig.run(plan=["drop/host@frame:999999", "drop/dongle@frame:999999"])


def octets(direction: str) -> int:
    return undisturbed().rig.disturbance.armed[direction == "dongle"].octets


def frames(direction: str) -> int:
    return undisturbed().rig.disturbance.armed[direction == "dongle"].frames


def judged_fairly(seen: Seen, *, noticed: bool) -> None:
    """`noticed`: damage while a device was watched must have been seen."""
    if seen.error is not None:  # before anything was formed
        assert not seen.audience.begun
        assert str(seen.error).startswith(LINE) or "looked for other networks" in str(seen.error)
        return
    verdict = seen.verdict
    assert verdict.verdict is not Ruling.FAIL
    if verdict.verdict is Ruling.PASS:
        assert (verdict.outcome, verdict.verdict) == JOINED
        watched = (
            seen.audience.seen_at("Association Re") < seen.rig.struck_at < seen.audience.verdict_times[0]
        )
        assert not (noticed and watched)


def test_the_undisturbed_run_is_a_pass() -> None:
    seen = undisturbed()
    assert (seen.verdict.outcome, seen.verdict.verdict) == JOINED
    assert octets("host") > 1500
    assert octets("dongle") > 1000


def test_a_line_that_brings_every_octet_alone_changes_nothing() -> None:
    split = rig.run(plan=["split"])
    assert split.rig.disturbance.struck
    assert split.verdict == undisturbed().verdict
    assert [row.what for row in split.audience.rows] == [row.what for row in undisturbed().audience.rows]


@pytest.mark.parametrize("direction", ["host", "dongle"])
@pytest.mark.parametrize("harm", ["flip", "drop=1", "double=1", "drop=3"])
def test_damaged_octets_are_noticed_wherever_they_are(harm: str, direction: str) -> None:
    for place in range(1, octets(direction), SWEEP * 3):
        seen = rig.run(plan=[f"{harm}/{direction}@octet:{place}"])
        strikes = seen.rig.disturbance.struck
        at_flag = bool(strikes) and strikes[0].octet == FLAG
        # The last octet of a write is a flag, and the next frame brings its own.
        judged_fairly(seen, noticed=harm == "flip" or not at_flag)


def test_every_octet_from_association_to_the_network_key_may_be_wrong_and_is_noticed() -> None:
    first = undisturbed().rig.octets_at["Association Response"]
    last = undisturbed().rig.octets_at["Device_annce"]
    assert 100 < last - first < 500
    for place in range(first, last):
        seen = rig.run(plan=[f"flip/host@octet:{place}"])
        judged_fairly(seen, noticed=True)


@pytest.mark.parametrize("direction", ["host", "dongle"])
@pytest.mark.parametrize("harm", ["double", "reorder", "delay=2", "delay=6"])
def test_whole_frames_twice_late_or_out_of_order_never_make_a_fail(harm: str, direction: str) -> None:
    late = harm.startswith("delay")
    for number in range(1, frames(direction), 2):
        judged_fairly(rig.run(plan=[f"{harm}/{direction}@frame:{number}"]), noticed=late)


def test_a_frame_to_the_dongle_that_is_lost_is_noticed_for_its_answer_is() -> None:
    for number in range(1, frames("dongle"), 2):
        judged_fairly(rig.run(plan=[f"drop/dongle@frame:{number}"]), noticed=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["flip", "flip=3", "drop=1", "drop=9", "double=2", "drop", "double", "reorder"]),
            st.sampled_from(["host", "dongle", "both"]),
            st.sampled_from(["0.5%", "2%", "10%"]),
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 1000),
)
def test_a_noisy_line_makes_no_fail_and_no_traceback(noise: list[tuple[str, str, str]], seed: int) -> None:
    plan = [f"{harm}/{direction}@{chance}" for harm, direction, chance in noise]
    seen = rig.run(plan=plan, seed=seed, order=rig.BRIEF)
    if seen.error is None and seen.verdict.verdict is Ruling.PASS:
        joiner, *_ = seen.rig.bench.joiners
        assert joiner.host.nib.joined


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(min_size=1, max_size=60), st.floats(3.0, 20.0))
def test_garbage_on_the_line_is_no_frame_and_no_traceback(garbage: bytes, when: float) -> None:
    async def body(bench: rig.Rig) -> None:
        await rig.asleep(when)
        bench.lines[-1].host_end.deliver(b"\x7e" + garbage + b"\x7e")
        await rig.until(lambda: len(bench.audience.verdicts) == 1)

    judged_fairly(rig.run(body), noticed=False)


@pytest.mark.parametrize("garbage", [b"\x7e\x00\x00\x7e", b"\x7e\xff\xff\x7e", b"\x7e\x7d\x7e", b"\x7e" * 9])
def test_an_empty_frame_does_not_end_the_line(garbage: bytes) -> None:
    async def body(bench: rig.Rig) -> None:
        await rig.asleep(1.0)
        bench.lines[-1].host_end.deliver(garbage)
        await rig.until(lambda: len(bench.audience.verdicts) == 1)

    seen = rig.run(body)
    assert RadioState.LOST not in seen.audience.states


def completion(passing: Passing) -> bool:
    """The end of a transmission: LAST_STATUS 0 with more than a status."""
    return passing.property_id == LAST_STATUS and len(passing.octets) > 9


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize(("harm", "seconds"), [(Kind.DROP, None), (Kind.DELAY, 6.0), (Kind.DELAY, 1.0)])
def test_a_transmission_that_ends_late_or_never_is_said_and_leaves_the_verdict_open(
    harm: Kind, seconds: float | None, number: int
) -> None:
    """The first two completions are those of the beacon requests before the network is formed."""
    found = 0

    def nth(passing: Passing) -> bool:
        nonlocal found
        found += completion(passing)
        return completion(passing) and found == number

    seen = rig.run(plan=[Fault(harm, Matching(nth), value=seconds)])
    assert seen.rig.disturbance.struck
    judged_fairly(seen, noticed=True)
    if seen.error is None and seconds != 1.0:
        assert seen.audience.time_of(RadioState.LOST) - seen.rig.struck_at <= SOON


def test_timestamps_that_are_no_clock_are_disregarded_in_the_end() -> None:
    constant, wrapping = Lateness(), Lateness()
    late = [constant.is_late(77, now / 2) for now in range(1000)]
    assert sum(late) == PATIENCE
    assert not any(wrapping.is_late((now * 1_000_000) % 2**32, float(now)) for now in range(1, 10_000))
