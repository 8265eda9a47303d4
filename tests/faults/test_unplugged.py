"""Fault 1: the radio is pulled out in each step of a join (protocol.md 1.8), and put back."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.evidence.outcome import Ruling
from coordinator.evidence.rungs import Row
from coordinator.trace import RadioState
from tests.faults import rig
from tests.faults.rig import JOINED, Rig

STEPS = (
    "Association Request",
    "Association Response",
    "Transport-Key (NWK",
    "Device_annce",
    "Node_Desc_req",
    "Node_Desc_rsp",
    "Request-Key",
    "Transport-Key (TC link",
    "Verify-Key",
    "Confirm-Key",
    "Mgmt_Permit_Joining_req",
)
PLUGGED_IN_AGAIN = 2.0


def at_row(what: str, act: str) -> rig.Seen:
    """Pull it out when this step is seen, put it back, and let another device join after the verdict."""

    async def body(bench: Rig) -> None:
        def climb(row: Row) -> None:
            if row.what.startswith(what) and bench.plugged and not bench.audience.changes:
                bench.unplug()

        bench.audience.on_row = climb
        await rig.until(lambda: not bench.plugged)
        await asyncio.sleep(PLUGGED_IN_AGAIN)
        bench.plug()
        await rig.until(lambda: len(bench.audience.verdicts) == 1)
        bench.power(act)
        await rig.until(lambda: len(bench.audience.verdicts) == 2)

    return rig.run(body)


@pytest.mark.parametrize("step", STEPS)
def test_an_unplug_in_any_step_is_said_at_once_and_no_verdict_on_that_join_is_given(step: str) -> None:
    seen = at_row(step, "zboss-r22")
    first, second = seen.audience.verdicts
    assert first.verdict is Ruling.INCONCLUSIVE
    assert "Input/output error" in " ".join(first.incomplete)
    lost = seen.audience.time_of(RadioState.LOST)
    assert lost - seen.audience.seen_at(step) < 0.01
    assert RadioState.ABSENT in seen.audience.states
    assert seen.audience.states[-1] is RadioState.UP
    assert (second.outcome, second.verdict) == JOINED
    assert second.incomplete == ()


def test_an_unplug_in_the_observation_window_leaves_the_verdict_open() -> None:
    async def body(bench: Rig) -> None:
        await rig.until(lambda: any(row.what == "Mgmt_Permit_Joining_req" for row in bench.audience.rows))
        await asyncio.sleep(10)
        bench.unplug()
        await asyncio.sleep(PLUGGED_IN_AGAIN)
        bench.plug()
        await rig.until(lambda: len(bench.audience.verdicts) == 1)

    seen = rig.run(body)
    assert seen.verdict.verdict is Ruling.INCONCLUSIVE
    assert seen.verdict.outcome is JOINED[0]


def test_an_unplug_before_anybody_asked_to_join_harms_nobody_who_comes_later() -> None:
    async def body(bench: Rig) -> None:
        await asyncio.sleep(5)
        bench.unplug()
        await asyncio.sleep(60)
        assert bench.audience.states[-1] is RadioState.ABSENT
        bench.plug()
        await rig.until(lambda: bench.audience.states[-1] is RadioState.UP, 15)
        bench.power("telink")
        await rig.until(lambda: len(bench.audience.verdicts) == 1)

    seen = rig.run(body, joiner=None)
    assert (seen.verdict.outcome, seen.verdict.verdict) == JOINED
    assert seen.verdict.incomplete == ()


def frames_of_a_join() -> int:
    """Spinel frames both ways until the joiner was in, counted by a fault that never strikes."""
    seen = rig.run(plan=["drop/both@frame:999999"])
    (armed,) = seen.rig.disturbance.armed
    return armed.frames


def test_a_cut_before_any_spinel_frame_of_a_run_never_ends_in_a_pass_that_it_touched() -> None:
    total = frames_of_a_join()
    assert total > 100
    for number in range(1, total, 3):
        seen = rig.run(plan=[f"cut=1/both@frame:{number}"])
        if seen.error is not None:  # before anything was formed
            assert not seen.audience.begun
            assert str(seen.error).startswith(rig.LINE) or "looked for other networks" in str(seen.error)
        elif RadioState.LOST not in seen.audience.states:  # after the verdict
            assert (seen.verdict.outcome, seen.verdict.verdict) == JOINED
        else:
            touched = seen.audience.seen_at("Association Re") < seen.audience.time_of(RadioState.LOST)
            expected = Ruling.INCONCLUSIVE if touched else Ruling.PASS
            assert seen.verdict.verdict is expected, number
