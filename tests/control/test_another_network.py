"""Another network is another one: no key, PAN or counter of an earlier network comes again."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest

from coordinator.runtime import state_folder
from tests.control.rig import Client, bench
from tests.end_to_end import wireshark


@dataclass(frozen=True, kw_only=True)
class Net:
    """A network, as its Trust Center has it."""

    key: str
    pan_id: str
    extended_pan_id: str
    trust_center: str
    nwk_counter: int
    aps_counter: int


async def now(client: Client) -> Net:
    got = await client.done("network/get")
    session = client.service.bench.session
    assert session is not None
    active = session.center.host.network_keys.active
    assert active is not None
    return Net(
        key=str(got["key"]),
        pan_id=str(got["pan_id"]),
        extended_pan_id=str(got["extended_pan_id"]),
        trust_center=str(got["trust_center"]),
        nwk_counter=active.outgoing.value,
        aps_counter=session.center.host.link_keys.outgoing.value,
    )


def differ(nets: list[Net]) -> bool:
    """Whether no two have anything in common but who their Trust Center is."""
    return all(
        len({getattr(net, name) for net in nets}) == len(nets)
        for name in ("key", "pan_id", "extended_pan_id")
    )


def formed(verb: str, times: int, *, seed: int = 1, state: Path | None = None) -> list[Net]:
    """The networks of one process: its first, and those that it was asked for."""
    nets: list[Net] = []

    async def body(client: Client) -> None:
        nets.append(await now(client))
        for _ in range(times):
            await client.done("permit-join", seconds=60)
            await client.done("joiner/power", joiner="zboss-r22")
            await asyncio.sleep(20)  # virtual
            last = await now(client)
            await client.done(verb)
            after = await now(client)
            assert after.aps_counter >= last.aps_counter > 0
            nets.append(after)

    bench(body, seed=seed, state=state, expose_keys=True)
    return nets


@pytest.mark.parametrize("verb", ["network/form", "network/reset"])
def test_each_network_of_a_process_has_key_and_identifiers_of_its_own(verb: str) -> None:
    nets = formed(verb, 3)
    assert differ(nets)
    assert len({net.trust_center for net in nets}) == 1


def test_a_seed_gives_the_same_networks_again_and_another_seed_others() -> None:
    nets = formed("network/form", 2)
    assert formed("network/form", 2) == nets
    assert differ([*nets, *formed("network/form", 2, seed=2)])


def test_what_is_asked_for_is_as_asked_and_the_key_is_new() -> None:
    nets: list[Net] = []

    async def body(client: Client) -> None:
        for _ in range(2):
            await client.done("network/form", pan_id="0x1234", extended_pan_id="02:00:00:00:00:00:12:34")
            nets.append(await now(client))

    bench(body, expose_keys=True)
    assert {net.pan_id for net in nets} == {"0x1234"}
    assert {net.extended_pan_id for net in nets} == {"02:00:00:00:00:00:12:34"}
    assert len({net.key for net in nets}) == 2


def test_with_a_state_folder_no_network_comes_again_after_resets_and_restarts(tmp_path: Path) -> None:
    state = tmp_path / "state"
    lives = [formed("network/reset", 2, state=state) for _ in range(3)]
    for before, after in itertools.pairwise(lives):
        kept, restarted = before[-1], after[0]
        assert restarted.key == kept.key
        assert restarted.nwk_counter > kept.nwk_counter
        assert restarted.aps_counter > kept.aps_counter
    networks = [lives[0][0], *(net for life in lives for net in life[1:])]
    assert differ(networks)
    counters = [net.nwk_counter for net in networks]
    assert counters == sorted(counters)


def test_a_network_that_was_forgotten_by_hand_does_not_come_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (first,) = formed("network/reset", 0, state=state)
    assert state_folder.forget(state)  # legacy-tc network reset
    assert not state_folder.forget(state)
    assert first.key not in (state / "state").read_bytes().hex()
    (second,) = formed("network/reset", 0, state=state)
    assert differ([first, second])
    assert second.nwk_counter > first.nwk_counter
    assert second.aps_counter > first.aps_counter


def test_a_reader_of_the_captures_finds_another_network_key_in_each(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="r", capture="r", permit_join=120)
        for _ in range(2):
            await client.done("joiner/power", joiner="zboss-r22")
            await client.until("joined")
            await client.done("network/form", permit_join=60)
        await client.done("run/stop")

    bench(body, folder=tmp_path)
    read = [_network_keys(tmp_path / name) for name in ("r.pcapng", "r-2.pcapng")]
    assert all(len(keys) == 1 for keys in read), read
    assert not read[0] & read[1]


def _network_keys(capture: Path) -> set[str]:
    """The network keys that Transport-Keys of a capture carry, by tshark and the keys within the capture."""
    return {
        frame.text("zbee_aps.cmd.key")
        for frame in wireshark.read(capture)
        if "zbee_aps.cmd.key" in frame and frame.text("zbee_aps.cmd.key_type") in ("0x01", "1")
    }
