"""What an RCP is found to do by itself: the probe, frame pending and its table, energy scans."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.codec.spinel import Status
from coordinator.radio.errors import Fault, RadioError
from coordinator.stack.node import SetPending, TransmitStatus, Tune
from coordinator.types import Channel, Eui64, NwkAddress, PanId
from tests.dongle import host as spinel
from tests.dongle.host import (
    FROM_PEER,
    PEER,
    PEER_EUI64,
    POLL_EXTENDED,
    POLL_SHORT,
    peer,
)
from tests.radio.rig import GET, INSERT, OURS, SET, TUNE, Rig, answer, silence, status, with_radio

ELSEWHERE = Tune(channel=Channel(20), pan_id=PanId(0x2222), address=NwkAddress(0), extended_address=OURS)


# The probe


def test_the_probe_finds_a_setting_that_is_lost_though_the_line_answers() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        assert await rig.radio.probe() >= 0
        rig.bench.rcp._held.raw_stream = False  # alive on the line, deaf on the air
        with pytest.raises(RadioError, match="MAC_RAW_STREAM_ENABLED is 00, and was set to 01") as caught:
            await rig.radio.probe()
        assert caught.value.fault is Fault.RESET

    with_radio(body)


def test_the_probe_of_an_rcp_that_hangs_ends() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[GET, spinel.PHY_CHAN] = silence
        began = asyncio.get_running_loop().time()
        with pytest.raises(RadioError, match="no answer about PHY_CHAN within 2 s") as caught:
            await rig.radio.probe()
        assert caught.value.fault is Fault.UNRESPONSIVE
        assert asyncio.get_running_loop().time() - began == pytest.approx(2)

    with_radio(body)


def test_a_retuning_during_the_probe_is_not_taken_for_a_loss() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        probing = asyncio.ensure_future(rig.radio.probe())
        for turn in range(12):
            await asyncio.sleep(0)
            if turn == 5:
                rig.radio.post(ELSEWHERE)
        assert await probing >= 0
        rig.radio.post(TUNE)
        assert await rig.radio.probe() >= 0

    with_radio(body)


# Frame pending


def test_with_matching_off_every_poll_is_promised_data_and_the_report_says_so_once_seen() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        rig.radio.post(SetPending(extended=frozenset({PEER_EUI64})))
        assert await other.send(POLL_EXTENDED) == (TransmitStatus.SUCCESS, True)
        assert rig.radio.report.frame_pending == "by default"
        assert not [each for each in rig.asked if each[0] == INSERT]

    with_radio(body)


def test_an_rcp_that_promises_nothing_by_default_is_told_whom_to_promise() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        rig.radio.post(SetPending(short=frozenset({PEER}), extended=frozenset({PEER_EUI64})))
        assert (await other.send(POLL_EXTENDED))[1] is False  # that is how it is found out
        assert rig.radio.report.frame_pending == "by table"
        assert (await other.send(POLL_EXTENDED))[1] is True
        assert (await other.send(POLL_SHORT))[1] is True
        rig.radio.post(SetPending(short=frozenset({PEER})))
        await asyncio.sleep(0.01)
        assert (await other.send(POLL_EXTENDED))[1] is False
        rig.bench.rcp.reset(Status.RESET_SOFTWARE)
        await asyncio.sleep(0.01)
        await rig.start()
        assert (await other.send(POLL_SHORT))[1] is True  # the table survives a reset

    with_radio(body, pending_by_default=False)


def test_what_finds_no_room_in_a_full_table_is_told_when_there_is_room() -> None:
    entries = frozenset(Eui64(PEER_EUI64 + more) for more in range(12))

    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        await other.send(POLL_EXTENDED)
        rig.radio.post(SetPending(extended=entries))
        await asyncio.sleep(0.01)
        held = rig.bench.rcp._held
        assert len(held.match_extended) == 10
        assert rig.failures == []
        rig.radio.post(SetPending(extended=frozenset(sorted(entries)[5:])))
        await asyncio.sleep(0.01)
        assert held.match_extended == set(sorted(entries)[5:])

    with_radio(body, pending_by_default=False)


def test_an_rcp_without_source_matching_is_reported_to_never_promise() -> None:
    async def body(rig: Rig) -> None:
        rig.instead[SET, spinel.MATCH] = status(spinel.PROP_NOT_FOUND)
        await rig.start()
        await (await peer(rig.bench).start()).send(POLL_SHORT)
        assert rig.radio.report.frame_pending == "never"
        assert rig.failures == []

    with_radio(body, pending_by_default=False)


# Energy scan


def test_an_energy_scan_ends_with_a_level_and_the_radio_hears_again() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        levels = [await rig.radio.energy_scan(Channel(number), 30_000) for number in (11, 15, 26)]
        assert all(-110 <= level <= -60 for level in levels)
        both = await asyncio.gather(
            rig.radio.energy_scan(Channel(11), 30_000), rig.radio.energy_scan(Channel(12), 30_000)
        )
        assert len(both) == 2
        assert (await (await peer(rig.bench).start()).send(FROM_PEER))[0] is TransmitStatus.SUCCESS

    with_radio(body)


@pytest.mark.parametrize(
    ("reply", "fault", "says"),
    [
        (status(spinel.INVALID_STATE), Fault.REFUSED, "no energy scan: MAC_SCAN_STATE: INVALID_STATE"),
        (silence, Fault.UNRESPONSIVE, "no answer about MAC_SCAN_STATE"),
        (answer(spinel.SCAN_STATE, b"\x02"), Fault.UNRESPONSIVE, "the energy scan never ended"),
    ],
)
def test_an_energy_scan_that_comes_to_nothing_says_why(reply: object, fault: Fault, says: str) -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[SET, spinel.SCAN_STATE] = reply  # type: ignore[assignment]
        with pytest.raises(RadioError, match=says) as caught:
            await rig.radio.energy_scan(Channel(11), 30_000)
        assert caught.value.fault is fault
        assert str(caught.value).count("/dev/rcp") == 1

    with_radio(body)


def test_an_energy_scan_ends_with_the_radio() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        scan = asyncio.ensure_future(rig.radio.energy_scan(Channel(11), 1_000_000))
        await asyncio.sleep(0.1)
        rig.line.cut(OSError("unplugged"))
        with pytest.raises(RadioError, match="unplugged") as caught:
            await scan
        assert caught.value.fault is Fault.LOST
        assert str(caught.value).count("/dev/rcp") == 1

    with_radio(body)
