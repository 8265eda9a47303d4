"""How long a command takes to have its effect.

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

IDENTIFIER = "bench"
REPLY = "legacy-tc/_reply/bench/1"
EFFECT_AIM = 3.0
PATIENCE = 10.0


def measure_effect(effort: Effort) -> list[Measurement]:
    """From the publication of `profile/set` to the effect, and to the answer."""
    samples = 2_000 if effort.span >= 0.1 else 200
    with mosquitto() as port, _program(port):
        effects, answers = asyncio.run(_changes(port, samples))
    conditions = f"aim {EFFECT_AIM:g}; {samples:,} switches, one by one; host load {os.getloadavg()[0]:.2f}"
    return [
        Measurement(name="command to effect, p50", value=at(effects, 0.5), unit="ms", conditions=conditions),
        Measurement(name="command to effect, p99", value=at(effects, 0.99), unit="ms", conditions=""),
        Measurement(name="command to answer, p50", value=at(answers, 0.5), unit="ms", conditions=""),
        Measurement(name="command to answer, p99", value=at(answers, 0.99), unit="ms", conditions=""),
    ]


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


def at(taken: list[float], share: float) -> float:
    """The sample below which this share of them is."""
    return sorted(taken)[min(len(taken) - 1, int(share * len(taken)))]
