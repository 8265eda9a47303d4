"""Promise P5: a radio that is lost is said to be within two probe intervals, however it was lost; it is told
everything again when it is back (faults 3, 6, 8, 9, 10), and what the loss touched is inconclusive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiospinel.protocol import HDLCLiteFrame

from coordinator.codec import spinel
from coordinator.codec.spinel import Property, Status
from coordinator.dongle import faults, memory
from coordinator.dongle.faults import Fault, Kind, Matching, Passing
from coordinator.dongle.registers import READERS
from coordinator.evidence.outcome import Ruling
from coordinator.evidence.rungs import Row
from coordinator.trace import RadioState
from coordinator.types import SECOND
from tests.faults import rig
from tests.faults.rig import JOINED, SOON, Rig

Act = Callable[[Rig], None]
TOLD = (
    Property.PHY_ENABLED,
    Property.PHY_CHAN,
    Property.MAC_15_4_LADDR,
    Property.MAC_15_4_SADDR,
    Property.MAC_15_4_PANID,
    Property.MAC_RAW_STREAM_ENABLED,
    Property.MAC_PROMISCUOUS_MODE,
    Property.MAC_RX_ON_WHEN_IDLE_MODE,
    Property.MAC_SRC_MATCH_ENABLED,
)
STEPS = ("Association Request", "Transport-Key (NWK", "Node_Desc_req", "Request-Key", "Verify-Key")


def registers(bench: Rig) -> dict[Property, bytes]:
    """What the RCP holds of what it was told."""
    held = bench.bench.rcp._held
    return {each: READERS[each](held) for each in TOLD}


def nothing(_bench: Rig) -> None:
    """It mends itself."""


def behind_our_back(property_id: int, value: str) -> Act:
    """The RCP has another value than it was told, as after a fault of its own."""
    octets = HDLCLiteFrame(bytes.fromhex("80 03") + spinel.pack(property_id) + bytes.fromhex(value))
    return lambda bench: bench.bench.rcp.feed(octets.serialize())


def half_open(*, host: bool, dongle: bool) -> Act:
    """This line takes octets and gives none, in either direction or both; the next one is a new one."""

    def act(bench: Rig) -> None:
        line = bench.lines[-1]
        if host:
            line.to_host = memory.swallow
        if dongle:
            line.to_dongle = memory.swallow

    return act


def into_the_bootloader(bench: Rig) -> None:
    bench.bench.rcp.feed(HDLCLiteFrame(bytes.fromhex("80 01 03")).serialize())


def babbling(bench: Rig) -> None:
    """The bootloader, and what it says of itself."""
    into_the_bootloader(bench)
    line = bench.lines[-1]
    line.host_end.deliver(b"\r\nGecko Bootloader v1.12.0\r\n1. upload gbl\r\n2. run\r\nBL > ")


def slow(seconds: float) -> Act:
    def act(bench: Rig) -> None:
        bench.disturbance.arm(Fault(Kind.SLOW, value=seconds))

    return act


LOSSES: dict[str, tuple[Act, Act]] = {
    "unplugged": (Rig.unplug, Rig.plug),
    "reset": (lambda bench: bench.bench.rcp.reset(Status.RESET_WATCHDOG), nothing),
    "half-open": (half_open(host=True, dongle=True), nothing),
    "silent to the host": (half_open(host=True, dongle=False), nothing),
    "deaf to the host": (half_open(host=False, dongle=True), nothing),
    "in its bootloader": (into_the_bootloader, Rig.plug),
    "babbling in its bootloader": (babbling, Rig.plug),
    "raw stream off": (behind_our_back(Property.MAC_RAW_STREAM_ENABLED, "00"), nothing),
    "PHY off": (behind_our_back(Property.PHY_ENABLED, "00"), nothing),
    "on another channel": (behind_our_back(Property.PHY_CHAN, "14"), nothing),
    "PAN forgotten": (behind_our_back(Property.MAC_15_4_PANID, "ffff"), nothing),
    "short address forgotten": (behind_our_back(Property.MAC_15_4_SADDR, "ffff"), nothing),
    "EUI-64 forgotten": (behind_our_back(Property.MAC_15_4_LADDR, "00124b0011223344"), nothing),
    "receiver off": (behind_our_back(Property.MAC_RX_ON_WHEN_IDLE_MODE, "00"), nothing),
    "source matching on": (behind_our_back(Property.MAC_SRC_MATCH_ENABLED, "01"), nothing),
    "promiscuous": (behind_our_back(Property.MAC_PROMISCUOUS_MODE, "02"), nothing),
    "2.5 s a reply": (slow(2.5), lambda bench: bench.disturbance.mend()),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("when", [0.0, 1.3, 2.6, 3.9])
def test_a_loss_is_said_within_two_probe_intervals_and_mended(loss: str, when: float) -> None:
    strike, mend = LOSSES[loss]

    async def body(bench: Rig) -> None:
        loop = asyncio.get_running_loop()
        audience = bench.audience
        await rig.until(lambda: any(row.what == "Mgmt_Permit_Joining_req" for row in audience.rows))
        await asyncio.sleep(when)
        told = registers(bench)
        strike(bench)
        struck = loop.time()
        await rig.until(lambda: RadioState.LOST in audience.states, SOON)
        assert loop.time() - struck <= SOON
        mend(bench)
        await rig.until(lambda: audience.states[-1] is RadioState.UP, 60)
        assert registers(bench) == told
        await rig.until(lambda: len(audience.verdicts) == 1)
        bench.power("zboss-r22")
        await rig.until(lambda: len(audience.verdicts) == 2)

    seen = rig.run(body)
    first, second = seen.audience.verdicts
    assert first.verdict is Ruling.INCONCLUSIVE
    assert (second.outcome, second.verdict) == JOINED
    assert seen.rig.counters.seen > 20


def is_reset_notice(passing: Passing) -> bool:
    return passing.property_id == Property.LAST_STATUS and b"\x80\x06\x00\x78" in passing.octets


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_a_reset_in_the_middle_of_an_exchange_is_noticed_whether_the_radio_says_so_or_not(
    step: str, said: bool
) -> None:
    async def body(bench: Rig) -> None:
        told: dict[Property, bytes] = {}

        def climb(row: Row) -> None:
            if row.what.startswith(step) and not told:
                told.update(registers(bench))
                bench.bench.rcp.reset(Status.RESET_WATCHDOG)

        bench.audience.on_row = climb
        await rig.until(lambda: RadioState.LOST in bench.audience.states, 30)
        await rig.until(lambda: bench.audience.states[-1] is RadioState.UP, 30)
        assert registers(bench) == told
        await rig.until(lambda: len(bench.audience.verdicts) == 1)
        bench.power("telink")
        await rig.until(lambda: len(bench.audience.verdicts) == 2)

    seen = rig.run(body, plan=[] if said else [Fault(Kind.DROP, Matching(is_reset_notice))])
    first, second = seen.audience.verdicts
    assert first.verdict is Ruling.INCONCLUSIVE
    assert (second.outcome, second.verdict) == JOINED
    if said:
        assert "RESET_WATCHDOG" in " ".join(first.incomplete)


@pytest.mark.parametrize("loss", ["half-open", "raw stream off", "in its bootloader"])
def test_a_loss_that_nobody_noticed_yet_is_looked_for_before_a_verdict_is_given(loss: str) -> None:
    """The window closes a moment after the loss, and long before the next probe."""
    strike, _ = LOSSES[loss]

    async def body(bench: Rig) -> None:
        await rig.until(lambda: any("Association Request" in row.what for row in bench.audience.rows))
        await asyncio.sleep(19.9)
        strike(bench)
        await rig.until(lambda: len(bench.audience.verdicts) == 1, 10)

    seen = rig.run(body)
    assert seen.verdict.verdict is Ruling.INCONCLUSIVE
    assert seen.verdict.outcome is JOINED[0]


@pytest.mark.parametrize("seconds", [0.4, 1.0, 1.9])
def test_a_radio_that_is_slow_from_the_beginning_ends_in_bounded_time_and_passes_only_who_joined(
    seconds: float,
) -> None:
    order = replace(rig.ORDER, setting=replace(rig.ORDER.setting, permit=60 * SECOND))
    seen = rig.run(plan=[f"slow={seconds}"], limit=300, order=order)
    if seen.error is None:
        (joiner,) = seen.rig.bench.joiners
        passed = seen.verdict.verdict is Ruling.PASS
        assert not passed or joiner.host.nib.joined
    assert all(len(client._pending_frames) == 0 for client in seen.rig.clients)
    assert [strike.fault for strike in seen.rig.disturbance.struck] == [faults.parse(f"slow={seconds}")]


def test_nobody_fails_because_the_radio_was_too_slow_for_a_joiner() -> None:
    seen = rig.run(plan=["slow=0.11"])
    assert seen.verdict.verdict is Ruling.INCONCLUSIVE
    assert "too slow" in " ".join(seen.verdict.incomplete)


def test_a_radio_of_two_seconds_a_reply_is_refused_in_one_line() -> None:
    seen = rig.run(plan=["slow=2.1"], limit=60)
    assert "no answer about PROTOCOL_VERSION within 2 s" in str(seen.error)
