"""A bench of a few lines behind the MQTT transport, and somebody who listens with a plain aiomqtt."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from coordinator.control.board import Board
from coordinator.control.dispatch import Context, Dispatcher, Handler
from coordinator.control.feed import Feed
from coordinator.control.mqtt.link import Link, at
from coordinator.control.mqtt.transport import MqttTransport, Patience
from coordinator.control.plane import Plane
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.documents import Health, Info, Radio, State
from coordinator.control.schema.profiles import Profile
from coordinator.types import Instant
from tests.control.http.bench import run, until
from tests.control.mqtt.broker import Broker
from tests.pace import PATIENCE

__all__ = ["BASE", "QUICK", "Bench", "Listener", "ask", "bench", "listener", "plane_of", "run", "until"]

BASE = "legacy-tc/tc0"
QUICK = Patience(first=0.05, longest=0.2, hopeless=0.6)
Json = dict[str, object]


@dataclass
class Bench:
    """What answers, what was told of the broker, and how often something was done."""

    plane: Plane
    transport: MqttTransport
    told: list[tuple[bool, str]]
    broken: list[BaseException]
    running: asyncio.Task[None]
    done: list[str] = field(default_factory=list)

    async def connected(self, times: int = 1) -> None:
        """Until it has been connected so often, and is."""
        await until(lambda: self.transport.connected and self.transport.connections >= times)

    async def lost(self, limit: float = PATIENCE) -> str:
        """Until it is told that there is no broker; why, as it was told first."""
        await until(lambda: bool(self.told) and not self.told[-1][0], limit)
        since = max((number for number, (up, _) in enumerate(self.told) if up), default=-1)
        return self.told[since + 1][1]

    async def leave(self) -> None:
        """As a daemon does that ends."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


def plane_of(handlers: Mapping[str, Handler], broken: list[BaseException]) -> Plane:
    clock = asyncio.get_running_loop().time
    board = Board()
    board.post("info", Info(id="tc0", version="1", radio=Radio(kind="sim"), commands=["profile/get"]))
    board.post("state", State(profile="zb3", generation=1, radio="ok"))
    board.post("health", Health(ok=True, problems=[], radio="ok", loop_lag_ms=0.1))
    return Plane(
        dispatcher=Dispatcher(handlers, broken=broken.append),
        feed=Feed(lambda: Instant(round(clock() * 1_000_000)), 0),
        board=board,
    )


@contextlib.asynccontextmanager
async def bench(
    broker: Broker | str,
    handlers: Mapping[str, Handler] | None = None,
    *,
    patience: Patience = QUICK,
    connected: bool = True,
    **link: object,
) -> AsyncIterator[Bench]:
    """A bench on this broker; `link` says how it gets there."""
    broken: list[BaseException] = []
    told: list[tuple[bool, str]] = []
    done: list[str] = []

    def get(_request: Request, context: Context) -> Data:
        done.append(context.verb)
        return Profile(profile="zb3", title="A Trust Center", generation=len(done))

    def complain(_loop: object, context: dict[str, object]) -> None:
        broken.append(RuntimeError(str(context)))

    asyncio.get_running_loop().set_exception_handler(complain)
    plane = plane_of({"profile/get": get, "profile/set": get, **(handlers or {})}, broken)
    place: Link = at(
        broker if isinstance(broker, str) else broker.url,
        **{"id": "tc0", "keepalive": round(PATIENCE), **link},  # type: ignore[arg-type]  # fields of Link
    )
    transport = MqttTransport(plane, place, lambda up, why: told.append((up, why)), patience=patience)
    running = asyncio.ensure_future(transport.run())
    made = Bench(plane, transport, told, broken, running, done)
    try:
        if connected:
            await made.connected()
        yield made
    finally:
        ended = running.done() and not running.cancelled()
        await made.leave()
        await plane.dispatcher.close()
        await asyncio.sleep(0.01)  # what the socket's end brings about
    if ended:
        running.result()
    assert broken == [], [str(each) for each in broken]


@dataclass
class Heard:
    """One message, as somebody else sees it."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    correlation: bytes | None
    expiry: int | None

    @property
    def json(self) -> Json:
        found = json.loads(self.payload)
        assert isinstance(found, dict)
        return found


@dataclass
class Listener:
    """A client that keeps what it hears."""

    client: aiomqtt.Client
    heard: list[Heard] = field(default_factory=list)

    def on(self, topic: str) -> list[Heard]:
        """What came to this topic, or below it when it ends with a slash."""
        below = topic.endswith("/")
        return [
            each for each in self.heard if each.topic == topic or (below and each.topic.startswith(topic))
        ]

    async def until(self, topic: str, count: int = 1, limit: float = PATIENCE) -> list[Heard]:
        """The messages on a topic, once there are so many."""
        await until(lambda: len(self.on(topic)) >= count, limit)
        return self.on(topic)

    def seqs(self) -> list[int]:
        """The numbers of the events that came, a `dropped` one included."""
        return [int(str(each.json["seq"])) for each in self.on(f"{BASE}/event/")]


@contextlib.asynccontextmanager
async def listener(broker: Broker, *topics: str, **client: object) -> AsyncIterator[Listener]:
    """Hears these topics, or the whole tree."""
    arguments: dict[str, object] = {"protocol": aiomqtt.ProtocolVersion.V5, "max_inflight_messages": 100}
    arguments |= client
    async with aiomqtt.Client("127.0.0.1", broker.port, **arguments) as connection:  # type: ignore[arg-type]
        heard = Listener(connection)
        for topic in topics or ("legacy-tc/#",):
            await connection.subscribe(topic, qos=1)

        async def listen() -> None:
            with contextlib.suppress(aiomqtt.MqttError):
                async for message in connection.messages:
                    heard.heard.append(
                        Heard(
                            str(message.topic),
                            bytes(message.payload),
                            message.retain,
                            message.qos,
                            getattr(message.properties, "CorrelationData", None),
                            getattr(message.properties, "MessageExpiryInterval", None),
                        )
                    )

        listening = asyncio.ensure_future(listen())
        try:
            yield heard
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def ask(
    client: aiomqtt.Client,
    verb: str,
    body: object = None,
    *,
    answer_to: str | None = None,
    correlation: bytes | None = None,
    expiry: int | None = None,
    retain: bool = False,
) -> None:
    """Publish a request."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if answer_to is not None:
        properties.ResponseTopic = answer_to
    if correlation is not None:
        properties.CorrelationData = correlation
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    octets = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    await client.publish(f"{BASE}/request/{verb}", octets, qos=1, retain=retain, properties=properties)
