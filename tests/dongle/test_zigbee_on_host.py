"""A Trust Center that nobody here wrote, zigbee-on-host, on our dongle; our simulated joiners join it.

It answers Request-Key with the global link key and says in its node descriptor that it is R22. A
joiner of its time takes that; one that follows R22 leaves. tshark reads what was on the air.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from coordinator.dongle.bench import Bench
from coordinator.dongle.listen import Tcp, listen
from coordinator.joiner.device import State
from coordinator.profiles import joiners
from tests.codec import wireshark
from tests.pace import unhurried

pytestmark = [pytest.mark.real_time, pytest.mark.node, pytest.mark.tshark]

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "build" / "node" / "node_modules" / "zigbee-on-host"
SCRIPT = Path(__file__).with_name("zoh.mjs")
NETWORK_KEY = "01030507090b0d0f00020406080a0c0d"
"""The one the script forms with."""
GLOBAL_KEY = "5a6967426565416c6c69616e63653039"
DEADLINE = 60
"""Seconds for what takes five."""
TRANSPORT_KEY, CONFIRM_KEY, LEAVE = 0x05, 0x10, 0x04

Event = dict[str, object]


@dataclass(frozen=True)
class Told:
    """What zigbee-on-host said, what was on the air, and how each joiner ended."""

    events: Sequence[Event]
    frames: Sequence[wireshark.Reading]
    states: Sequence[State]
    addresses: Sequence[str]
    """The joiners' EUI-64s in sixteen digits."""

    def said_of(self, joiner: int) -> list[str]:
        return [str(event["event"]) for event in self.events if event.get("eui64") == self.addresses[joiner]]

    def network_address(self, joiner: int) -> int:
        """The one that zigbee-on-host gave it."""
        return next(
            cast(int, event["nwk"]) for event in self.events if event.get("eui64") == self.addresses[joiner]
        )


@asynccontextmanager
async def zigbee_on_host(port: int, folder: Path) -> AsyncIterator[asyncio.StreamReader]:
    """Its events, a line each; it is told to stop at the end."""
    node = shutil.which("node")
    assert node is not None, "there is no node: run `make zigbee-on-host`"
    assert PACKAGE.is_dir(), f"{PACKAGE} is not there: run `make zigbee-on-host`"
    process = await asyncio.create_subprocess_exec(
        node, str(SCRIPT), str(PACKAGE), "127.0.0.1", str(port), str(folder),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout
        process.stdin.close()
        await asyncio.wait_for(process.wait(), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0


async def form_and_join(folder: Path) -> Told:
    """Two joiners look for a network; run until one is authorized and the other has left."""
    models = [joiners.load(name) for name in ("telink", "zboss-r22")]
    events: list[Event] = []
    psdus: list[bytes] = []
    where: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with Bench(seed=1, joiners=models) as bench:
        bench.air.medium.observe(lambda frame: psdus.append(frame.psdu))
        listening = asyncio.ensure_future(listen(Tcp(host="127.0.0.1", port=0), bench.rcp, where.set_result))
        try:
            port = int((await where).rpartition(":")[2])
            async with zigbee_on_host(port, folder) as lines:
                async with asyncio.timeout(DEADLINE):
                    while not {"authorized", "left"} <= {event["event"] for event in events}:
                        line = await lines.readline()
                        assert line, f"zigbee-on-host ended after {events}"
                        events.append(json.loads(line))
                    while not all(joiner.engine.finished for joiner in bench.joiners):
                        await asyncio.sleep(0.05)
            assert bench.rcp.bad_frames == 0
            assert bench.rcp.resets == 1  # the one it asked for
        finally:
            listening.cancel()
            await asyncio.wait((listening,))
        return Told(
            events,
            read(folder / "air.pcap", psdus),
            [joiner.engine.state for joiner in bench.joiners],
            [f"{joiner.host.eui64:016x}" for joiner in bench.joiners],
        )


def read(path: Path, psdus: Sequence[bytes]) -> list[wireshark.Reading]:
    """tshark's reading, with the network key and the global link key."""
    wireshark.write_pcap(path, psdus, wireshark.NO_FCS)
    fields = ("zbee_aps.cmd.id", "zbee_aps.cmd.key_type", "zbee_aps.cmd.key", "zbee_aps.cmd.status",
              "zbee_nwk.cmd.id", "zbee_nwk.src", "zbee_nwk.dst", "zbee_nwk.cmd.leave.rejoin")  # fmt: skip
    keys = []
    for key in (NETWORK_KEY, GLOBAL_KEY):
        keys += ["-o", f'uat:zigbee_pc_keys:"{key}","Normal",""']
    return wireshark.read(path, fields, preferences=keys)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    def attempt() -> Told:
        told = asyncio.run(form_and_join(tmp_path_factory.mktemp("zigbee-on-host")))
        assert told.states == [State.JOINED, State.LEFT]
        return told

    return unhurried(attempt)


def number(frame: wireshark.Reading, field: str) -> int | None:
    values = frame.get(field)
    return int(values[0], 0) if values else None


def test_zigbee_on_host_starts_on_our_firmware_and_forms_a_network(told: Told) -> None:
    assert told.events[0]["event"] == "started"
    assert told.events[0]["protocol"] == "4.3"
    assert told.events[0]["api"] == 11
    assert told.events[1] == {"event": "formed"}
    assert not [event for event in told.events if event["event"] in ("fatal", "error", "socket-error")]


def test_it_sends_both_joiners_the_global_key_again(told: Told) -> None:
    for joiner in (0, 1):
        keys = {
            frame["zbee_aps.cmd.key"]
            for frame in told.frames
            if number(frame, "zbee_aps.cmd.id") == TRANSPORT_KEY
            and number(frame, "zbee_aps.cmd.key_type") == 4
            and number(frame, "zbee_nwk.dst") == told.network_address(joiner)
        }
        assert keys == {(GLOBAL_KEY,)}


def test_telink_takes_the_global_key_is_authorized_and_stays(told: Told) -> None:
    said = told.said_of(0)
    assert said[0] == "joined"
    assert "authorized" in said
    assert "left" not in said
    assert told.states[0] is State.JOINED
    confirmed = [
        frame
        for frame in told.frames
        if number(frame, "zbee_aps.cmd.id") == CONFIRM_KEY
        and number(frame, "zbee_nwk.dst") == told.network_address(0)
    ]
    assert confirmed
    assert {number(frame, "zbee_aps.cmd.status") for frame in confirmed} == {0}


def test_zboss_r22_refuses_the_global_key_and_leaves_by_itself(told: Told) -> None:
    said = told.said_of(1)
    assert said[0] == "joined"
    assert said[-1] == "left"
    assert "authorized" not in said
    assert told.states[1] is State.LEFT
    leaves = [frame for frame in told.frames if number(frame, "zbee_nwk.cmd.id") == LEAVE]
    assert {number(frame, "zbee_nwk.src") for frame in leaves} == {told.network_address(1)}
