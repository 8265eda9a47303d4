"""Whatever a host does, whenever: the RCP stays one that answers, sends and hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.codec.spinel import Status
from coordinator.dongle.bench import Bench
from coordinator.stack.node import TransmitStatus
from tests.dongle import host as spinel
from tests.dongle.host import BEACON_REQUEST, FROM_PEER, TO_PEER, Host, order, peer, with_host

Act = Callable[[Host, Bench], None]


def setting(property_id: int, value: bytes) -> Act:
    """A setting whose answer is not waited for."""

    def act(host: Host, _: Bench) -> None:
        host.hurry(host.set(property_id, value))

    return act


ACTS: dict[str, Act] = {
    "to peer": setting(spinel.STREAM_RAW, order(TO_PEER)),
    "to nobody": setting(spinel.STREAM_RAW, order(BEACON_REQUEST, retries=7)),
    "elsewhere": setting(spinel.STREAM_RAW, order(TO_PEER, channel=25, channel_after=25)),
    "channel 20": setting(spinel.PHY_CHAN, b"\x14"),
    "channel 15": setting(spinel.PHY_CHAN, b"\x0f"),
    "PHY on": setting(spinel.PHY_ENABLED, b"\x01"),
    "PHY off": setting(spinel.PHY_ENABLED, b"\x00"),
    "raw stream": setting(spinel.RAW_STREAM, b"\x01"),
    "matching on": setting(spinel.MATCH, b"\x01"),
    "scan": setting(spinel.SCAN_STATE, b"\x02"),
    "no scan": setting(spinel.SCAN_STATE, b"\x00"),
    "crash": lambda _, bench: bench.rcp.reset(Status.RESET_CRASH),
}
PAUSES = st.sampled_from([0, 0, 0.0001, 0.0005, 0.002, 0.005, 0.3])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(ACTS)), PAUSES), max_size=40))
def test_after_any_sequence_a_host_can_bring_it_up_send_and_hear(acts: list[tuple[str, float]]) -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        for name, pause in acts:
            ACTS[name](host, bench)
            await asyncio.sleep(pause)
        await asyncio.sleep(0)
        await host.bring_up()
        host.heard.clear()
        assert (await host.send(order(TO_PEER)))[0] == spinel.OK
        assert await other.send(FROM_PEER) == (TransmitStatus.SUCCESS, False)
        assert host.heard[-1].psdu == FROM_PEER

    with_host(body)


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 0.001, 0.004, 0.02]), min_size=1, max_size=12))
def test_every_transmission_is_answered_once_and_what_is_answered_ok_was_on_the_air_once(
    pauses: list[float],
) -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        other = await peer(bench).start()
        answers = []
        for sequence, pause in enumerate(pauses):
            psdu = bytes((*TO_PEER[:2], sequence, *TO_PEER[3:]))
            answers.append(asyncio.ensure_future(host.send(order(psdu))))
            await asyncio.sleep(pause)
        statuses = [(await answer)[0] for answer in answers]
        assert set(statuses) <= {spinel.OK, spinel.BUSY}
        sent = [sequence for sequence, status in enumerate(statuses) if status == spinel.OK]
        assert [frame.psdu[2] for frame in other.heard] == sent

    with_host(body)
