"""Frames through the emulated RCP: aiospinel at one end, other simulated radios at the other."""

from __future__ import annotations

import asyncio

import pytest
from aiospinel.types import CommandID

from coordinator.codec.spinel import Status
from coordinator.dongle.bench import Bench
from coordinator.radio.simulated import AiredRadio
from coordinator.sim.air import AirFrame
from coordinator.stack.node import Transmit, TransmitStatus, Tune
from coordinator.types import NwkAddress
from tests.dongle import host as spinel
from tests.dongle.host import (
    BEACON_REQUEST,
    FROM_PEER,
    POLL_EXTENDED,
    POLL_SHORT,
    TO_PEER,
    Answer,
    Host,
    order,
    peer,
    read_raw,
    with_host,
)

ACKED_WITH_FRAME_PENDING = 0x10


def on_air(bench: Bench) -> list[AirFrame]:
    """What a sniffer sees from now on."""
    frames: list[AirFrame] = []
    bench.air.medium.observe(frames.append)
    return frames


# Transmission


def test_a_broadcast_ends_ok_without_an_ack() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        frames = on_air(bench)
        assert await host.send(order(BEACON_REQUEST)) == bytes((spinel.OK, 0, 1))
        assert [frame.psdu for frame in frames] == [BEACON_REQUEST]
        assert await host.get(spinel.LAST_STATUS) == b"\x00"

    with_host(body)


@pytest.mark.parametrize("given", range(3, 15))
def test_transmit_parameters_may_be_left_out_from_the_end(given: int) -> None:
    async def body(host: Host, _: Bench) -> None:
        await host.bring_up()
        whole = order(BEACON_REQUEST)
        least = 2 + len(BEACON_REQUEST) + 2
        assert (await host.send(whole[: least + given if given < 8 else len(whole)]))[0] == spinel.OK
        assert (await host.send(whole + b"\x7f"))[0] == spinel.OK  # the power, which few give

    with_host(body)


def test_an_acknowledged_frame_ends_ok_with_its_ack() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        outcome = await host.send(order(TO_PEER))
        assert outcome[:3] == bytes((spinel.OK, 0, 1))
        ack = read_raw(outcome[3:])
        assert ack.psdu == bytes.fromhex("0200 2a")
        assert (ack.channel, ack.timestamp) == (15, bench.air.now())
        assert [frame.psdu for frame in other.heard] == [TO_PEER]

    with_host(body)


def test_a_frame_that_nobody_acknowledges_ends_no_ack_after_its_retries() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        frames = on_air(bench)
        for retries in (0, 4):
            assert await host.send(order(TO_PEER, retries=retries)) == bytes((spinel.NO_ACK, 0, 1))
            assert [frame.psdu for frame in frames] == [TO_PEER] * (retries + 1)
            frames.clear()

    with_host(body)


async def jam(radio: AiredRadio) -> None:
    """Keep the channel busy from now on."""

    def again(*_: object) -> None:
        radio.post(Transmit(handle=1, psdu=bytes(125), csma=False, retries=0))

    await radio.start(lambda _: None, again)
    radio.post(
        Tune(
            channel=spinel.CHANNEL,
            pan_id=spinel.PAN,
            address=spinel.PEER,
            extended_address=spinel.PEER_EUI64,
        )
    )
    again()


def test_a_channel_that_never_clears_ends_in_cca_failure_unless_csma_is_off() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        jammer = bench.air.radio("jammer")
        await jam(jammer)
        assert await host.send(order(BEACON_REQUEST)) == bytes((spinel.CCA_FAILURE, 0, 1))
        assert (await host.send(order(BEACON_REQUEST, csma=False)))[0] == spinel.OK
        await jammer.close()

    with_host(body)


def test_one_transmission_at_a_time() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        await peer(bench).start()
        first = asyncio.ensure_future(host.send(order(TO_PEER)))
        await asyncio.sleep(0.0005)
        await host.refused(host.set(spinel.STREAM_RAW, order(TO_PEER)), spinel.BUSY)
        assert not first.done()
        assert (await first)[0] == spinel.OK
        assert (await host.send(order(TO_PEER)))[0] == spinel.OK

    with_host(body)


def test_other_commands_are_answered_while_a_transmission_is_under_way() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        first = asyncio.ensure_future(host.send(order(TO_PEER)))
        await asyncio.sleep(0.0005)
        assert await host.get(spinel.PHY_CHAN) == b"\x0f"
        assert not first.done()
        await first

    with_host(body)


@pytest.mark.parametrize(
    "value",
    [order(BEACON_REQUEST, channel=10), order(BEACON_REQUEST, channel=0), order(bytes(126))],
)
def test_what_no_radio_can_send_is_an_invalid_argument(value: bytes) -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        await host.refused(host.set(spinel.STREAM_RAW, value), spinel.INVALID_ARGUMENT)
        assert (await host.send(order(BEACON_REQUEST)))[0] == spinel.OK

    with_host(body)


def test_a_frame_on_another_channel_goes_there_and_the_receiver_comes_back() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        there = await peer(bench, "there").start(channel=20)
        here = await peer(bench, "here").start(address=NwkAddress(0x4321))
        assert (await host.send(order(TO_PEER, channel=20, channel_after=15)))[0] == spinel.OK
        assert (await host.send(order(TO_PEER, channel=20)))[0] == spinel.OK
        assert [frame.psdu for frame in there.heard] == [TO_PEER] * 2
        assert await host.get(spinel.PHY_CHAN) == b"\x0f"
        assert await here.send(FROM_PEER) == (TransmitStatus.SUCCESS, False)
        assert [raw.psdu for raw in host.heard] == [FROM_PEER]

    with_host(body)


def test_a_channel_set_during_a_transmission_counts_when_it_has_ended() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        first = asyncio.ensure_future(host.send(order(TO_PEER, channel_after=15)))
        await asyncio.sleep(0.0001)
        await host.set(spinel.PHY_CHAN, b"\x14")
        assert (await first)[0] == spinel.OK
        assert await other.send(FROM_PEER) == (TransmitStatus.NO_ACK, False)

    with_host(body)


def test_a_receiver_sent_to_another_channel_stays_there_until_its_channel_is_set() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        there = await peer(bench, "there").start(channel=25)
        here = await peer(bench, "here").start(address=NwkAddress(0x4321))
        assert (await host.send(order(BEACON_REQUEST, channel_after=25)))[0] == spinel.OK
        assert (await there.send(FROM_PEER))[0] is TransmitStatus.SUCCESS
        assert (await here.send(FROM_PEER))[0] is TransmitStatus.NO_ACK
        await host.set(spinel.PHY_CHAN, b"\x0f")
        assert (await here.send(FROM_PEER))[0] is TransmitStatus.SUCCESS

    with_host(body)


def test_a_disabled_phy_neither_sends_nor_hears_nor_acknowledges() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        await host.set(spinel.PHY_ENABLED, b"\x00")
        await host.refused(host.set(spinel.STREAM_RAW, order(TO_PEER)), spinel.INVALID_STATE)
        assert await other.send(FROM_PEER) == (TransmitStatus.NO_ACK, False)
        assert not host.heard
        await host.set(spinel.PHY_ENABLED, b"\x01")
        assert await other.send(FROM_PEER) == (TransmitStatus.SUCCESS, False)
        assert [raw.psdu for raw in host.heard] == [FROM_PEER]

    with_host(body)


def test_without_the_raw_stream_frames_are_acknowledged_and_not_told() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        await host.set(spinel.RAW_STREAM, b"\x00")
        assert await other.send(FROM_PEER) == (TransmitStatus.SUCCESS, False)
        assert not host.heard

    with_host(body)


def test_a_reset_during_a_transmission_answers_nothing_of_it_and_the_next_one_goes() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        await peer(bench).start()
        frames = on_air(bench)
        lost = asyncio.ensure_future(host.set(spinel.STREAM_RAW, order(TO_PEER)))
        await asyncio.sleep(0.0001)
        bench.rcp.reset(Status.RESET_CRASH)
        await asyncio.sleep(0)
        assert host.statuses == [b"\x74"]
        await host.set(spinel.PHY_ENABLED, b"\x01")
        assert await host.send(order(BEACON_REQUEST)) == bytes((spinel.OK, 0, 1))
        assert not lost.done()
        lost.cancel()
        assert frames[-1].psdu == BEACON_REQUEST

    with_host(body)


# Reception


def fcs(psdu: bytes) -> bytes:
    """The ITU-T CRC of IEEE 802.15.4, bit by bit."""
    crc = 0
    for bit in (octet >> place & 1 for octet in psdu for place in range(8)):
        crc = crc >> 1 ^ (0x8408 if (crc ^ bit) & 1 else 0)
    return crc.to_bytes(2, "little")


def test_a_received_frame_carries_all_its_metadata() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        frames = on_air(bench)
        await other.send(BEACON_REQUEST)
        await other.send(FROM_PEER)
        request, data = host.heard
        assert request.psdu == BEACON_REQUEST
        assert request.fcs == fcs(BEACON_REQUEST)
        assert (request.rssi, request.noise, request.channel, request.lqi) == (-40, -95, 15, 255)
        assert request.timestamp == frames[0].end
        assert (data.psdu, data.flags, request.flags) == (FROM_PEER, 0, 0)

    with_host(body)


def test_frames_to_others_are_filtered() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        await other.send(bytes.fromhex("6188 01 621a 0100 3412 00"))  # to 0x0001
        await other.send(bytes.fromhex("6188 02 631a 0000 3412 00"))  # another PAN
        await other.send(bytes.fromhex("4188 03 621a ffff 3412 00"))
        assert [raw.psdu[2] for raw in host.heard] == [3]

    with_host(body)


# Frame pending and source matching


@pytest.mark.parametrize("by_default", [True, False])
@pytest.mark.parametrize("poll", [POLL_SHORT, POLL_EXTENDED])
def test_with_source_matching_off_frame_pending_is_as_the_firmware_has_it(
    by_default: bool, poll: bytes
) -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        assert await other.send(poll) == (TransmitStatus.SUCCESS, by_default)
        assert host.heard[-1].flags == (ACKED_WITH_FRAME_PENDING if by_default else 0)
        assert await other.send(FROM_PEER) == (TransmitStatus.SUCCESS, False)  # not a data request

    with_host(body, pending_by_default=by_default)


@pytest.mark.parametrize(
    ("table", "entry", "other_entry", "poll"),
    [
        (spinel.MATCH_SHORT, "3412", "3512", POLL_SHORT),
        (spinel.MATCH_EXTENDED, "00124b0001020304", "0403020100 4b1200", POLL_EXTENDED),
    ],
)
def test_with_source_matching_on_only_who_is_in_the_table_gets_frame_pending(
    table: int, entry: str, other_entry: str, poll: bytes
) -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        one, another = bytes.fromhex(entry), bytes.fromhex(other_entry)

        async def pending() -> bool:
            status, bit = await other.send(poll)
            assert status is TransmitStatus.SUCCESS
            assert host.heard[-1].flags == (ACKED_WITH_FRAME_PENDING if bit else 0)
            return bit

        await host.set(spinel.MATCH, b"\x01")
        assert not await pending()
        inserted = await host.ask(CommandID.PROP_VALUE_INSERT, table, another)
        assert inserted == Answer(CommandID.PROP_VALUE_INSERTED, table, another)
        assert not await pending()
        await host.ask(CommandID.PROP_VALUE_INSERT, table, one)
        assert await pending()
        assert await host.ask(CommandID.PROP_VALUE_REMOVE, table, one) == Answer(
            CommandID.PROP_VALUE_REMOVED, table, one
        )
        assert not await pending()
        await host.set(table, another + one)
        assert await pending()
        await host.set(table, b"")
        assert not await pending()
        await host.set(spinel.MATCH, b"\x00")
        assert await pending()

    with_host(body)


def test_the_source_match_tables_are_small() -> None:
    async def body(host: Host, _: Bench) -> None:
        table = spinel.MATCH_SHORT
        for entry in range(10):
            await host.ask(CommandID.PROP_VALUE_INSERT, table, entry.to_bytes(2, "little"))
        one_more = host.ask(CommandID.PROP_VALUE_INSERT, table, b"\x0a\x00")
        await host.refused(one_more, spinel.NOMEM)
        again = await host.ask(CommandID.PROP_VALUE_INSERT, table, b"\x09\x00")
        assert again.command == CommandID.PROP_VALUE_INSERTED
        absent = host.ask(CommandID.PROP_VALUE_REMOVE, table, b"\x0a\x00")
        await host.refused(absent, spinel.ITEM_NOT_FOUND)
        assert len(await host.get(table)) == 20

    with_host(body)


# Energy scan


async def start_scan(host: Host, channels: bytes, period: int) -> None:
    await host.set(spinel.SCAN_MASK, channels)
    await host.set(spinel.SCAN_PERIOD, period.to_bytes(2, "little"))
    answer = await host.set(spinel.SCAN_STATE, b"\x02")
    assert answer == Answer(6, spinel.SCAN_STATE, b"\x02")


def test_an_energy_scan_tells_each_channel_s_level_and_then_that_it_is_idle() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        await jam(bench.air.radio("jammer"))
        began = asyncio.get_running_loop().time()
        await start_scan(host, bytes((14, 15, 16)), 100)
        await asyncio.sleep(0.29)
        assert await host.get(spinel.SCAN_STATE) == b"\x02"
        await asyncio.sleep(0.02)
        assert host.levels == [(14, -95), (15, -40), (16, -95)]
        assert host.scan_states[-1] == 0
        assert await host.get(spinel.SCAN_STATE) == b"\x00"
        assert asyncio.get_running_loop().time() - began < 0.32

    with_host(body)


def test_during_a_scan_there_is_neither_a_second_one_nor_a_transmission() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        await start_scan(host, bytes((14,)), 100)
        await host.refused(host.set(spinel.SCAN_STATE, b"\x02"), spinel.BUSY)
        await host.refused(host.set(spinel.STREAM_RAW, order(BEACON_REQUEST)), spinel.BUSY)
        await asyncio.sleep(0.2)
        assert host.levels == [(14, -95)]
        assert (await host.send(order(BEACON_REQUEST)))[0] == spinel.OK

    with_host(body)


@pytest.mark.parametrize("reset", [False, True])
def test_a_scan_that_is_ended_early_tells_no_more_and_another_can_follow_at_once(reset: bool) -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        await start_scan(host, bytes((11, 12, 13)), 100)
        await asyncio.sleep(0.15)
        if reset:
            await host.bring_up()
        else:
            await host.set(spinel.SCAN_STATE, b"\x00")
        assert host.levels == [(11, -95)]
        await start_scan(host, bytes((25,)), 50)
        await asyncio.sleep(1)
        assert host.levels == [(11, -95), (25, -95)]
        assert await host.get(spinel.SCAN_STATE) == b"\x00"

    with_host(body)


# A host that does not read


def test_a_host_that_never_reads_costs_frames_and_no_memory_and_what_is_not_a_frame_is_kept() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        host.line.host_end.pause_reading()
        outbox = bench.rcp.outbox
        sizes = []
        for round_ in range(1500):
            await other.send(bytes((*BEACON_REQUEST[:2], round_ % 256, *BEACON_REQUEST[3:])))
            sizes.append(outbox.size + host.line.dongle_end.get_write_buffer_size())
        assert max(sizes) < 40_000
        assert outbox.dropped > 500
        answer = asyncio.ensure_future(host.get(spinel.PHY_CHAN))
        await asyncio.sleep(0.01)
        for _ in range(1500):
            await other.send(BEACON_REQUEST)
        assert not answer.done()
        host.line.host_end.resume_reading()
        assert await answer == b"\x0f"
        told = len(host.heard)
        assert told + outbox.dropped == 3000

    with_host(body)
