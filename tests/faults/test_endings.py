"""How a session ends whose radio is not there, and what becomes of a radio that fails while it comes up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from coordinator.codec.spinel import Property, Status
from coordinator.dongle import memory
from coordinator.dongle.faults import Direction, Fault, Kind, Matching, Passing
from coordinator.evidence.outcome import Ruling
from coordinator.radio.errors import RadioLost
from coordinator.radio.spinel import bringup
from coordinator.radio.spinel.client import Client
from coordinator.runtime.supervisor import Supervisor
from coordinator.stack.node import Tune
from coordinator.trace import RadioState
from tests.faults import rig
from tests.faults.rig import JOINED, Rig

P3 = 5.0
"""Seconds within which it ends when told to."""


def test_once_with_a_radio_that_never_comes_back_is_inconclusive_and_says_that_the_radio_is_lost() -> None:
    seen = rig.run(plan=["cut=80000@frame:50"])
    assert seen.ending is not None
    assert seen.ending.radio_lost  # exit code 5
    assert seen.verdict.verdict is Ruling.INCONCLUSIVE
    assert seen.audience.states[-1] is RadioState.ABSENT


def test_once_with_a_radio_lost_before_anybody_came_is_inconclusive_too() -> None:
    async def body(bench: Rig) -> None:
        await asyncio.sleep(2)
        bench.unplug()
        await asyncio.sleep(3600)

    seen = rig.run(body, joiner=None, once=True, order=rig.BRIEF)
    assert seen.ending is not None
    assert seen.ending.radio_lost
    assert seen.verdict.verdict is Ruling.INCONCLUSIVE
    assert seen.verdict.incomplete


def hang(bench: Rig) -> None:
    """The next open takes for ever, or as long as its limit."""
    bench.opens_in = 3600.0
    bench.unplug()


def mute(bench: Rig) -> None:
    bench.disturbance.arm(Fault(Kind.SWALLOW))
    bench.lines[-1].cut(None)


def half_open(bench: Rig) -> None:
    bench.lines[-1].to_dongle = memory.swallow


@pytest.mark.parametrize("strike", [Rig.unplug, hang, mute, half_open])
@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 1.0, 2.5, 4.4, 11.0, 61.0])
def test_told_to_stop_while_the_radio_is_lost_it_ends_within_five_seconds(
    strike: Callable[[Rig], None], after: float
) -> None:
    async def body(bench: Rig) -> None:
        await rig.until(lambda: any("Verify-Key" in row.what for row in bench.audience.rows))
        strike(bench)
        await asyncio.sleep(after)
        bench.tell_to_stop()
        await asyncio.sleep(3600)

    seen = rig.run(body)
    assert seen.ended - seen.rig.stopped_at <= P3
    assert seen.ending is not None
    assert seen.ending.signal == 15
    if after < 20:
        assert seen.verdict.verdict is Ruling.INCONCLUSIVE


def test_a_slow_radio_does_not_hold_up_the_end() -> None:
    async def body(bench: Rig) -> None:
        await asyncio.sleep(5)
        bench.disturbance.arm(Fault(Kind.SLOW, value=1.9))
        bench.tell_to_stop()
        await asyncio.sleep(3600)

    seen = rig.run(body, joiner=None)
    assert seen.ended - seen.rig.stopped_at <= P3


@pytest.mark.parametrize("before", [0.01, 1.0, 3.0, 4.9])
def test_a_radio_that_does_not_answer_before_a_verdict_does_not_hold_up_the_end(before: float) -> None:
    async def body(bench: Rig) -> None:
        await rig.until(lambda: any("Association Request" in row.what for row in bench.audience.rows))
        await asyncio.sleep(20 - before)
        bench.disturbance.arm(Fault(Kind.SLOW, value=0.39))
        await asyncio.sleep(before + 0.1)
        bench.tell_to_stop()
        await asyncio.sleep(3600)

    seen = rig.run(body)
    assert seen.ended - seen.rig.stopped_at <= P3
    assert seen.verdict.verdict is Ruling.INCONCLUSIVE


def test_who_comes_while_the_radio_is_asked_before_a_verdict_has_a_window_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Joining closes after 40 s and nobody came: until the radio has answered, somebody has."""
    real = Supervisor.verify

    async def verify(supervisor: Supervisor) -> None:
        await asyncio.sleep(2)
        await real(supervisor)

    async def body(bench: Rig) -> None:
        await asyncio.sleep(38.4)
        bench.power("zboss-r22")  # asks for beacons while it is open, and associates when it is closed
        await rig.until(lambda: bool(bench.audience.verdicts))

    monkeypatch.setattr(Supervisor, "verify", verify)
    seen = rig.run(body, joiner=None, order=rig.BRIEF)
    assert seen.verdict.device is not None
    assert 60e6 < seen.verdict.closed < 63e6


PHASES = [
    Property.PROTOCOL_VERSION,
    Property.HWADDR,
    Property.PHY_ENABLED,
    Property.MAC_15_4_PANID,
    Property.MAC_RAW_STREAM_ENABLED,
    Property.MAC_SRC_MATCH_ENABLED,
]


@pytest.mark.parametrize("phase", PHASES)
def test_a_reset_while_the_radio_is_set_up_does_not_leave_it_up_and_deaf(phase: Property) -> None:
    """It comes in the middle of the second bring-up, after the first was undone by a reset too."""
    resets = 0

    async def body(bench: Rig) -> None:
        nonlocal resets
        await rig.until(lambda: any("Association Request" in row.what for row in bench.audience.rows))
        bench.disturbance.arm(Fault(Kind.RESET, Matching(lambda passing: passing.property_id == phase)))
        bench.bench.rcp.reset(Status.RESET_WATCHDOG)
        resets = bench.bench.rcp.resets
        await rig.until(lambda: bench.audience.states[-1:] == [RadioState.UP], 30)
        resets = bench.bench.rcp.resets - resets
        assert bench.bench.rcp._is_up()
        await rig.until(lambda: len(bench.audience.verdicts) == 1)
        bench.power("zboss-r22")
        await rig.until(lambda: len(bench.audience.verdicts) == 2)

    seen = rig.run(body)
    assert resets == 3  # ours of the bring-up, the one in its middle, ours again
    assert "while it was being set up" in " ".join(change.reason for _, change in seen.audience.changes)
    assert (seen.audience.verdicts[1].outcome, seen.audience.verdicts[1].verdict) == JOINED


def beacon_request(passing: Passing) -> bool:
    return passing.psdu is not None and passing.psdu.startswith(b"\x03\x08")


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.RESET, Kind.DROP])
def test_a_radio_that_is_lost_while_it_looks_for_other_networks_forms_none(kind: Kind) -> None:
    fault = Fault(kind, Matching(beacon_request), Direction.DONGLE)
    seen = rig.run(plan=[fault], limit=60)
    assert isinstance(seen.error, RadioLost)
    assert "\n" not in str(seen.error)
    assert not seen.audience.begun
    assert all(not line.open for line in seen.rig.lines)


def test_no_line_is_left_open_and_none_is_opened_twice() -> None:
    seen = rig.run(plan=["cut=1@frame:40", "reset@frame:80", "flip/dongle@frame:90"])
    assert len(seen.rig.lines) > 2  # and the rig asserts that the one before is closed
    assert all(not line.open for line in seen.rig.lines)


def test_an_error_of_ours_in_what_the_radio_is_told_ends_the_session_as_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = bringup.tune

    async def tune(client: Client, wanted: Tune) -> None:
        if wanted.address == 0:
            raise ZeroDivisionError("a bug")
        await real(client, wanted)

    monkeypatch.setattr(bringup, "tune", tune)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        rig.run(once=True, limit=60)


def test_counters_do_not_go_back_over_ten_recoveries() -> None:
    async def body(bench: Rig) -> None:
        for number in range(10):
            await asyncio.sleep(3)
            bench.power("zboss-r22")
            await asyncio.sleep(2.9)
            if number % 2:
                bench.bench.rcp.reset(Status.RESET_CRASH)
            else:
                bench.unplug()
                await asyncio.sleep(1)
                bench.plug()
            await asyncio.sleep(20)

    seen = rig.run(body)
    assert seen.rig.counters.seen > 60  # each of them was compared with the one before
    assert seen.audience.states.count(RadioState.LOST) >= 10
