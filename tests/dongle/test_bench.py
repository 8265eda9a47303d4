"""The dongle's own air: devices that look for the host's network, and what ends an RCP."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.dongle import memory
from coordinator.dongle.bench import Bench
from coordinator.dongle.connection import Connection
from coordinator.profiles import joiners
from coordinator.radio.simulated import AiredRadio
from coordinator.stack.node import ReceivedFrame
from coordinator.types import Channel, Duration
from tests.dongle import host as spinel
from tests.dongle.host import FROM_PEER, Host, connected, peer, with_host

BEACON_REQUEST_TAIL = bytes.fromhex("ffff ffff 07")


def test_joiners_are_powered_half_a_second_after_the_host_first_listens_and_only_once() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await asyncio.sleep(5)
        assert not bench.joiners
        await host.bring_up(channel=11)
        began = bench.air.now()
        requests = [0, 0]
        for round_ in (0, 1):
            await asyncio.sleep(60)
            requests[round_] = len([raw for raw in host.heard if raw.psdu.endswith(BEACON_REQUEST_TAIL)])
            await host.bring_up(channel=11)
        first = host.heard[0]
        assert first.psdu.endswith(BEACON_REQUEST_TAIL)
        assert 0.5e6 <= first.timestamp - began < 0.6e6
        assert len(bench.joiners) == 2
        assert requests[1] >= requests[0] >= 2  # each of them asked

    with_host(body, joiners=[joiners.load("telink"), joiners.load("zboss-r22")])


def test_the_same_seed_gives_the_same_octets() -> None:
    async def body(host: Host, _: Bench) -> list[spinel.Raw]:
        await host.bring_up(channel=11)
        await asyncio.sleep(60)
        return host.heard

    models = [joiners.load("telink"), joiners.load("zboss-r22")]
    first, again = (with_host(body, joiners=models, seed=7) for _ in range(2))
    assert first
    assert first == again
    assert first != with_host(body, joiners=models, seed=8)


class Lost(Exception):
    """What a radio says that is gone."""


def test_a_radio_that_is_lost_ends_the_rcp_and_its_owner_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lost(_: AiredRadio, channel: Channel, span: Duration) -> int:
        raise Lost

    async def body(host: Host, bench: Bench) -> None:
        monkeypatch.setattr(AiredRadio, "energy_scan", lost)
        await host.bring_up()
        await host.set(spinel.SCAN_STATE, b"\x02")
        await asyncio.wait_for(bench.rcp.failed.wait(), 1)

    with pytest.raises(Lost):
        with_host(body)


def test_our_own_bug_in_a_handler_ends_the_rcp_and_not_the_radio(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(frame: ReceivedFrame) -> bytes:
        raise ZeroDivisionError

    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        monkeypatch.setattr("coordinator.codec.spinel_stream.encode_received", bug)
        await other.send(FROM_PEER)
        assert bench.rcp.failed.is_set()
        assert (await other.send(FROM_PEER))[0].value == "success"  # the radio still acknowledges

    with pytest.raises(ZeroDivisionError):
        with_host(body)


def test_a_scan_that_is_under_way_does_not_outlive_the_bench() -> None:
    async def body() -> None:
        bench = Bench()
        async with connected(bench) as host:
            await host.bring_up()
            for _ in range(3):
                await host.set(spinel.SCAN_STATE, b"\x02")
                await asyncio.sleep(0.01)
                await host.set(spinel.SCAN_STATE, b"\x00")
            await host.set(spinel.SCAN_STATE, b"\x02")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(body())


def test_after_a_cut_another_host_finds_the_rcp_as_it_was_and_nothing_of_the_old_line() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        bench.rcp.feed(b"\x7e\x81\x02")  # the beginning of a frame
        host.line.cut(ConnectionResetError())
        await other.send(FROM_PEER)  # nobody reads it
        successor = Host()
        memory.connect(successor.protocol, Connection(bench.rcp), successor.line)
        assert await successor.get(spinel.PHY_ENABLED) == b"\x01"
        await other.send(FROM_PEER)
        assert len(successor.heard) == 1
        assert bench.rcp.bad_frames == 0

    with_host(body)
