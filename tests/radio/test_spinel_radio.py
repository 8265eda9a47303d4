"""The RCP as a radio: frames up and down, and every way it can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiospinel.protocol import HDLCLiteFrame
from hypothesis import given
from hypothesis import strategies as st

from coordinator.dongle import memory
from coordinator.radio.errors import Fault
from coordinator.stack.node import ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import Channel, NwkAddress, PanId
from tests.dongle import host as spinel
from tests.dongle.host import (
    BEACON_REQUEST,
    FROM_PEER,
    POLL_SHORT,
    TO_PEER,
    peer,
)
from tests.radio.rig import GET, IS, OURS, SET, Rig, answer, frame, silence, status, with_radio

DATA_REQUEST = bytes.fromhex("6388 2b 621a 3412 0000 04")
"""0x0000 -> 0x1234: its ACK says whether more follows."""
ABORTED = TransmitStatus.ABORTED
ELSEWHERE = Tune(channel=Channel(20), pan_id=PanId(0x2222), address=NwkAddress(0), extended_address=OURS)

# Down


def test_how_a_transmission_went_is_confirmed() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        await rig.send(BEACON_REQUEST, 1)
        await rig.send(TO_PEER, 2)
        other = await peer(rig.bench).start()
        other.radio.post(SetPending(short=frozenset({NwkAddress(0)})))
        await rig.send(TO_PEER, 3)
        await rig.send(
            bytes.fromhex("6388 2b 621a 3412 0000 04"), 4
        )  # Data Request: its ACK says more follows
        assert rig.confirmed == [
            (1, TransmitStatus.SUCCESS, False),
            (2, TransmitStatus.NO_ACK, False),
            (3, TransmitStatus.SUCCESS, False),
            (4, TransmitStatus.SUCCESS, True),
        ]
        assert other.heard[0].psdu == TO_PEER

    with_radio(body)


def test_a_transmission_is_written_before_post_returns() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        written: list[bytes] = []
        rig.line.to_dongle = lambda octets, deliver: written.append(octets)
        rig.radio.post(Transmit(handle=1, psdu=BEACON_REQUEST, csma=True, retries=0))
        await asyncio.sleep(0)  # the line's own turn
        assert len(written) == 1

    with_radio(body)


def test_a_transmission_behind_a_retuning_is_sent_on_the_new_channel() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        there = await peer(rig.bench).start(channel=20)
        rig.radio.post(ELSEWHERE)
        await rig.send(BEACON_REQUEST)
        assert rig.confirmed == [(1, TransmitStatus.SUCCESS, False)]
        assert [each.psdu for each in there.heard] == [BEACON_REQUEST]

    with_radio(body)


@pytest.mark.parametrize("psdu", [bytes(200), bytes(70_000)])
def test_what_is_no_frame_is_aborted(psdu: bytes) -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        await rig.send(psdu)
        assert rig.confirmed == [(1, ABORTED, False)]
        await rig.send(BEACON_REQUEST, 2)
        assert rig.confirmed[-1] == (2, TransmitStatus.SUCCESS, False)

    with_radio(body)


def test_a_status_that_is_none_of_the_usual_ones_is_an_abort() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[SET, spinel.STREAM_RAW] = answer(0, bytes((spinel.BUSY, 0, 1)))
        await rig.send(BEACON_REQUEST)
        assert rig.confirmed == [(1, ABORTED, False)]
        assert rig.failures == []

    with_radio(body)


def test_an_rcp_that_never_says_how_a_transmission_ended_is_unresponsive() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[SET, spinel.STREAM_RAW] = silence
        await rig.send(BEACON_REQUEST)
        await asyncio.sleep(10)
        assert rig.confirmed == [(1, ABORTED, False)]
        assert [failure.fault for failure in rig.failures] == [Fault.UNRESPONSIVE]

    with_radio(body)


def lose(rig: Rig) -> None:
    rig.line.cut(OSError("unplugged"))


def restart(rig: Rig) -> None:
    rig.say(frame(0, IS, spinel.LAST_STATUS, b"\x72"))


@pytest.mark.parametrize(("mishap", "fault"), [(lose, Fault.LOST), (restart, Fault.RESET)])
def test_what_was_not_sent_yet_is_aborted_exactly_once(mishap: Callable[[Rig], None], fault: Fault) -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[SET, spinel.STREAM_RAW] = silence
        rig.radio.post(Transmit(handle=1, psdu=BEACON_REQUEST, csma=True, retries=0))
        await asyncio.sleep(0.01)
        mishap(rig)
        await asyncio.sleep(0.01)
        rig.radio.post(Transmit(handle=2, psdu=BEACON_REQUEST, csma=True, retries=0))
        assert (2, ABORTED, False) not in rig.confirmed  # never from within post
        await asyncio.sleep(10)
        assert rig.confirmed == [(1, ABORTED, False), (2, ABORTED, False)]
        assert [failure.fault for failure in rig.failures] == [fault]
        rig.instead.clear()
        await rig.start()
        await rig.send(BEACON_REQUEST, 3)
        assert rig.confirmed[2:] == [(3, TransmitStatus.SUCCESS, False)]

    with_radio(body)


@pytest.mark.parametrize(("mishap", "fault"), [(lose, Fault.LOST), (restart, Fault.RESET)])
def test_a_transmission_that_waits_for_a_retuning_is_aborted_exactly_once(
    mishap: Callable[[Rig], None], fault: Fault
) -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[SET, spinel.PHY_CHAN] = silence
        rig.radio.post(ELSEWHERE)
        rig.radio.post(Transmit(handle=1, psdu=BEACON_REQUEST, csma=True, retries=0))
        await asyncio.sleep(0.01)
        mishap(rig)
        await asyncio.sleep(10)
        assert rig.confirmed == [(1, ABORTED, False)]
        assert [failure.fault for failure in rig.failures] == [fault]

    with_radio(body)


def test_a_retuning_that_is_refused_ends_the_radio() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.instead[SET, spinel.PANID] = status(spinel.INVALID_STATE)
        rig.radio.post(ELSEWHERE)
        await asyncio.sleep(0.1)
        (failure,) = rig.failures
        assert failure.fault is Fault.REFUSED
        assert str(failure) == "/dev/rcp: the RCP refuses MAC_15_4_PANID: INVALID_STATE"

    with_radio(body)


def test_a_closed_radio_says_nothing_more_and_is_off_the_air() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        await rig.radio.close()
        assert not rig.line.open
        assert await other.send(FROM_PEER) == (TransmitStatus.NO_ACK, False)
        assert (rig.heard, rig.failures) == ([], [])

    with_radio(body)


def test_a_radio_that_does_not_answer_any_more_is_closed_all_the_same() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.line.to_dongle = lambda octets, deliver: None
        began = asyncio.get_running_loop().time()
        await rig.radio.close()
        assert asyncio.get_running_loop().time() - began < 2
        assert not rig.line.open

    with_radio(body)


def test_a_start_that_is_given_up_leaves_nothing_open() -> None:
    async def body(rig: Rig) -> None:
        rig.instead[GET, spinel.NCP_VERSION] = silence
        starting = asyncio.ensure_future(rig.start())
        await asyncio.sleep(0.5)
        starting.cancel()
        await asyncio.wait((starting,))
        await rig.radio.close()
        assert not rig.line.open

    with_radio(body)


def test_a_receiver_that_is_turned_off_hears_nothing() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        rig.radio.post(ReceiverOn(on=False))
        await asyncio.sleep(0.01)
        assert (await other.send(FROM_PEER))[0] is TransmitStatus.NO_ACK
        rig.radio.post(ReceiverOn(on=True))
        await asyncio.sleep(0.01)
        assert (await other.send(FROM_PEER))[0] is TransmitStatus.SUCCESS

    with_radio(body)


# Up


def test_a_frame_comes_with_channel_lqi_and_what_its_ack_said() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        await other.send(FROM_PEER)
        await other.send(POLL_SHORT)
        await other.send(BEACON_REQUEST)
        assert [each.psdu for each in rig.heard] == [FROM_PEER, POLL_SHORT, BEACON_REQUEST]
        assert [each.acked_with_pending for each in rig.heard] == [False, True, None]
        assert {each.channel for each in rig.heard} == {Channel(15)}
        assert all(each.rssi < 0 and 0 <= each.lqi <= 255 for each in rig.heard)

    with_radio(body)


def raw(psdu: bytes, flags: int = 0) -> bytes:
    """STREAM_RAW as firmware writes it up to its flags (radios.md 3)."""
    octets = psdu + b"\x00\x00"
    value = len(octets).to_bytes(2, "little") + octets + b"\xc4\x9c" + flags.to_bytes(2, "little")
    return frame(0, IS, spinel.STREAM_RAW, value)


def test_a_frame_whose_check_sequence_was_wrong_is_dropped() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.say(raw(FROM_PEER, 0x0004) + raw(BEACON_REQUEST))
        (heard,) = rig.heard
        assert (heard.psdu, heard.rssi, heard.channel, heard.lqi) == (BEACON_REQUEST, -60, 15, 255)

    with_radio(body)


@given(noise=st.lists(st.binary(max_size=40), max_size=8), cut=st.integers(0, 60))
def test_no_octets_on_the_line_break_the_radio(noise: list[bytes], cut: int) -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        for octets in noise:
            rig.say(octets)
            rig.say(HDLCLiteFrame(octets).serialize())
            rig.say(HDLCLiteFrame(b"\x80\x06" + octets).serialize())
        rig.say(b"\x7e" + raw(BEACON_REQUEST)[cut:])
        rig.heard.clear()
        rig.say(b"\x7e" + raw(BEACON_REQUEST))
        if not rig.failures:  # the noise may have said that it restarted
            assert [each.psdu for each in rig.heard] == [BEACON_REQUEST]

    with_radio(body)


@pytest.mark.parametrize("payload", [b"", b"\x80", b"\x80\x06", b"\x81\x7f\x00", b"\x80\x06\x71", b"\x00"])
def test_a_frame_that_is_no_spinel_is_counted_and_nothing_else(payload: bytes) -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.say(HDLCLiteFrame(payload).serialize())
        assert rig.clients[0].bad == 1
        assert await rig.radio.probe() >= 0
        assert rig.failures == []

    with_radio(body)


def one_by_one(octets: bytes, deliver: memory.Deliver) -> None:
    for octet in octets:
        deliver(bytes((octet,)))


def test_octets_that_come_one_by_one_are_the_same_frames() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        rig.line.to_host = one_by_one
        other = await peer(rig.bench).start()
        await rig.send(TO_PEER)
        await other.send(FROM_PEER)
        assert rig.confirmed == [(1, TransmitStatus.SUCCESS, False)]
        assert [each.psdu for each in rig.heard] == [FROM_PEER]
        assert await rig.radio.probe() >= 0

    with_radio(body)


def test_an_octet_that_is_lost_costs_its_frame_and_no_more() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        other = await peer(rig.bench).start()
        rig.line.to_host = lambda octets, deliver: deliver(octets[:9] + octets[10:])
        await other.send(FROM_PEER)
        rig.line.to_host = memory.pass_on
        await other.send(BEACON_REQUEST)
        assert [each.psdu for each in rig.heard] == [BEACON_REQUEST]
        assert (rig.clients[0].bad, rig.failures) == (1, [])

    with_radio(body)


# Answers that come late, twice or to something else


def test_an_answer_to_something_else_is_not_taken_for_ours() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()

        def first_another(transaction: int) -> bytes:
            other = frame(transaction, IS, spinel.PANID, b"\xad\xde")
            return other + frame(transaction, IS, spinel.PHY_CHAN, b"\x0f")

        rig.instead[GET, spinel.PHY_CHAN] = first_another
        assert await rig.radio.probe() >= 0

    with_radio(body)


def test_answers_that_nobody_waits_for_or_that_come_twice_change_nothing() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        for transaction in range(1, 16):
            rig.say(frame(transaction, IS, spinel.PHY_CHAN, b"\x0b"))
            rig.say(frame(transaction, IS, spinel.LAST_STATUS, b"\x00\x00\x01"))
        rig.instead[GET, spinel.PHY_CHAN] = lambda transaction: (
            2 * frame(transaction, IS, spinel.PHY_CHAN, b"\x0f")
        )
        assert await rig.radio.probe() >= 0
        assert (rig.failures, rig.confirmed) == ([], [])

    with_radio(body)
