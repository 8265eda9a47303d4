"""How long a command takes to have its effect, and how many events a second reach the broker.

The program runs as in a rack, with a mosquitto on loopback between it and this process. When a change took
effect it says itself, on the host's monotonic clock, which is ours too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from benchmarks.broker import mosquitto
from benchmarks.measurement import Effort, Measurement
from coordinator.control.board import Board
from coordinator.control.dispatch import Dispatcher
from coordinator.control.feed import Feed
from coordinator.control.mqtt import link
from coordinator.control.mqtt.transport import MqttTransport
from coordinator.control.plane import Plane
from coordinator.types import Instant

IDENTIFIER = "bench"
REPLY = "legacy-tc/_reply/bench/1"
EFFECT_AIM = 3.0
EVENTS_AIM = 5_000.0
PATIENCE = 10.0
AHEAD = 1_000
"""Events that may wait in the outbox while we look for the rate that it sustains."""
STEP = {
    "device": "00:12:4b:00:01:02:03:04", "direction": "to-joiner",
    "what": "Transport-Key (TC link, unique key)",
    "key": "NWK + key-load (global)", "since_association_s": 0.539, "note": "", "ghost": False,
    "deviations": [], "frame": 9,
}  # fmt: skip
"""An event of the usual size."""


def measure_effect(effort: Effort) -> list[Measurement]:
    """From the publication of `profile/set` to the effect, and to the answer."""
    samples = 2_000 if effort.span >= 0.1 else 200
    with mosquitto() as port, _program(port):
        effects, answers = asyncio.run(_changes(port, samples))
    conditions = f"aim {EFFECT_AIM:g}; {samples:,} switches, one by one; host load {os.getloadavg()[0]:.2f}"
    return [
        Measurement(name="command to effect, p50", value=_at(effects, 0.5), unit="ms", conditions=conditions),
        Measurement(name="command to effect, p99", value=_at(effects, 0.99), unit="ms", conditions=""),
        Measurement(name="command to answer, p50", value=_at(answers, 0.5), unit="ms", conditions=""),
        Measurement(name="command to answer, p99", value=_at(answers, 0.99), unit="ms", conditions=""),
    ]


def measure_events(effort: Effort) -> list[Measurement]:
    """Events that leave through the transport while a subscriber of another process takes each."""
    count = 50_000 if effort.span >= 0.1 else 2_000
    with mosquitto() as port:
        rate, lost, taken = asyncio.run(_events(port, count))
    conditions = (
        f"aim {EVENTS_AIM:,.0f}; {count:,} events, QoS 1, {lost} dropped, {taken:,} at the subscriber; "
        f"host load {os.getloadavg()[0]:.2f}"
    )
    return [Measurement(name="events to the broker", value=rate, unit="/s", conditions=conditions)]


@contextlib.contextmanager
def _program(port: int) -> Iterator[None]:
    running = subprocess.Popen(
        [
            sys.executable, "-c", "from coordinator.cli import main; main()", "--profile", "zb3",
            "--mqtt", f"mqtt://127.0.0.1:{port}", "--tc-id", IDENTIFIER,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        running.terminate()
        running.wait(PATIENCE)


@contextlib.asynccontextmanager
async def _client(port: int) -> AsyncIterator[aiomqtt.Client]:
    nodelay = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    async with aiomqtt.Client(
        "127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, socket_options=nodelay
    ) as client:
        yield client


async def _changes(port: int, samples: int) -> tuple[list[float], list[float]]:
    effects, answers = [], []
    topic = f"legacy-tc/{IDENTIFIER}/request/profile/set"
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho types its clients only
    properties.ResponseTopic = REPLY
    async with _client(port) as client, asyncio.timeout(PATIENCE * 12):
        await client.subscribe(f"legacy-tc/{IDENTIFIER}/availability", qos=1)
        await client.subscribe(REPLY, qos=1)
        messages = aiter(client.messages)
        while (await anext(messages)).payload != b"online":
            pass
        for index in range(samples):
            profile = ("pre-zb3", "zb3")[index & 1]
            body = json.dumps({"profile": profile, "when": "now"})
            began = time.monotonic_ns()
            sending = asyncio.ensure_future(client.publish(topic, body, qos=1, properties=properties))
            message = await anext(messages)
            ended = time.monotonic_ns()
            await sending
            answer = json.loads(message.payload)
            assert answer["status"] == "ok", answer
            effects.append((answer["data"]["effective"]["t_mono_ns"] - began) / 1e6)
            answers.append((ended - began) / 1e6)
            await asyncio.sleep(0.002)
    return effects, answers


async def _events(port: int, count: int) -> tuple[float, int, int]:
    """The rate, how many the outbox dropped, how many the subscriber has."""
    loop = asyncio.get_running_loop()
    feed = Feed(lambda: Instant(round(loop.time() * 1e6)), 0)
    plane = Plane(dispatcher=Dispatcher({}), feed=feed, board=Board())
    place = link.at(f"mqtt://127.0.0.1:{port}", id=IDENTIFIER)
    ready = asyncio.Event()
    transport = MqttTransport(plane, place, lambda connected, _reason: ready.set() if connected else None)
    subscriber = await asyncio.create_subprocess_exec(
        "mosquitto_sub", "-p", str(port), "-q", "1", "-t", f"legacy-tc/{IDENTIFIER}/event/#",
        "-C", str(count),
        "-F", "%l", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    running = asyncio.ensure_future(transport.run())
    taking = asyncio.ensure_future(subscriber.communicate())
    try:
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        await asyncio.sleep(0.5)
        began = time.perf_counter()
        while feed.seq < count:
            for _ in range(min(count - feed.seq, AHEAD - transport.waiting)):
                feed.publish("join-step", STEP)
            await asyncio.sleep(0.001)
        async with asyncio.timeout(PATIENCE * 6):
            taken, _ = await taking
        took = time.perf_counter() - began
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return count / took, transport.lost, len(taken.splitlines())


def _at(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(share * len(taken)))]
