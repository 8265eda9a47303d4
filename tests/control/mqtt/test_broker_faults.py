"""A broker that dies, comes back, stands still or is slow; nobody but the broker's clients notices."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from coordinator.control.mqtt import transport
from coordinator.control.mqtt.connection import ACKNOWLEDGED_WITHIN, CONNECTED_WITHIN, GIVEN_UP_WITHIN
from coordinator.control.mqtt.transport import LEFT_WITHIN, Patience
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.documents import Health
from coordinator.control.schema.profiles import Profile
from tests import pace
from tests.control.http.bench import waiting
from tests.control.mqtt.bench import BASE, QUICK, ask, bench, listener, run, until
from tests.control.mqtt.broker import KEEPS, OPEN, Broker, broker
from tests.control.mqtt.proxy import proxy

pytestmark = pytest.mark.real_time

DAEMON = """
import asyncio, sys
from tests.control.mqtt.bench import bench
async def main():
    async with bench(sys.argv[1]):
        print("up", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
STALL = 0.5
"""Seconds; who waits for a broker waits for longer."""
AVAILABILITY = ("-q", "1", "-t", f"{BASE}/availability", "-C", "1", "-F", "%p")


class Stalls:
    """The longest time that the event loop did not come round, though the machine would have let it."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        last, kept_waiting = time.monotonic(), pace.kept_waiting()
        while True:
            await asyncio.sleep(0.005)
            now, kept_now = time.monotonic(), pace.kept_waiting()
            self.longest = max(self.longest, now - last - (kept_now - kept_waiting))
            last, kept_waiting = now, kept_now


@contextlib.asynccontextmanager
async def stalls() -> AsyncIterator[Stalls]:
    made = Stalls()
    watching = asyncio.ensure_future(made.watch())
    try:
        yield made
    finally:
        watching.cancel()


def test_after_kill_9_the_broker_says_that_the_bench_is_offline(own: Broker) -> None:
    async def scenario() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DAEMON, own.url, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"up\n"
        async with listener(own, f"{BASE}/availability") as heard:
            assert (await heard.until(f"{BASE}/availability"))[0].payload == b"online"
            process.kill()
            await process.wait()
            assert (await heard.until(f"{BASE}/availability", 2))[1].payload == b"offline"
        assert (await own.client("sub", *AVAILABILITY)).strip() == "offline"

    run(scenario())


@pytest.mark.parametrize("kept", [False, True], ids=["forgets", "persistent"])
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_broker_that_was_restarted_is_told_everything_again(own: Broker, kept: bool, end: str) -> None:
    own.stop()
    own.config = f"{OPEN}\n{KEEPS}" if kept else OPEN
    own.start()

    async def scenario() -> None:
        async with bench(own) as served:
            getattr(own, end)()
            why = await served.lost()
            assert "connection was lost" in why or "shutting down" in why
            own.start()
            await served.connected(2)
            said = await own.client(
                "sub", "-q", "1", "-t", f"{BASE}/#", "-F", "%r %t %p", "-C", "4", "-W", "60"
            )
            assert f"1 {BASE}/availability online" in said.splitlines()
            assert {line.split()[1].rpartition("/")[2] for line in said.splitlines()} == {
                "availability", "info", "state", "health",
            }  # fmt: skip

    run(scenario())


def test_a_client_with_a_session_misses_nothing_when_a_persistent_broker_restarts(own: Broker) -> None:
    own.stop()
    own.config = f"{OPEN}\n{KEEPS}"
    own.start()
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    session.SessionExpiryInterval = 600
    stays = {"identifier": "runner", "clean_start": False, "properties": session}

    async def scenario() -> None:
        async with bench(own, patience=QUICK) as served:
            async with listener(own, f"{BASE}/event/#", **stays) as heard:
                for _ in range(20):
                    served.plane.feed.publish("left", {})
                await heard.until(f"{BASE}/event/", 20)
                before = heard.seqs()
            own.stop()
            await served.lost()
            for _ in range(20):
                served.plane.feed.publish("left", {})
            own.start()
            await served.connected(2)
            await until(lambda: served.transport.waiting == 0)
            async with listener(own, f"{BASE}/event/#", **stays) as heard:
                await until(lambda: 40 in heard.seqs())
                new = [seq for seq in heard.seqs() if seq > 20]  # QoS 1 may deliver again what came before
                assert before + new == list(range(1, 41))

    run(scenario())


def test_a_broker_that_is_not_there_at_first_is_found_and_told_once_meanwhile(own: Broker) -> None:
    own.kill()

    async def scenario() -> None:
        async with bench(own, connected=False) as served:
            assert "connection refused" in (await served.lost()).lower()
            await asyncio.sleep(0.5)
            assert len(served.told) == 1
            own.start()
            await served.connected()
            assert served.told[1][0]

    run(scenario())


def test_a_frozen_broker_is_told_lost_in_time_and_stalls_nothing(own: Broker) -> None:
    async def scenario() -> None:
        async with bench(own, keepalive=1) as served, stalls() as seen:
            own.freeze()
            began = time.monotonic()
            why = await served.lost()
            assert "does not answer" in why or "lost" in why
            assert time.monotonic() - began < ACKNOWLEDGED_WITHIN / 2
            for _ in range(5):
                served.plane.feed.publish("left", {})
            await asyncio.sleep(0.5)  # attempts go on meanwhile
            own.thaw()
            await until(lambda: served.transport.connected and served.transport.waiting == 0)
            assert seen.longest < STALL

    run(scenario())


def test_leaving_a_frozen_broker_takes_no_longer_than_a_goodbye_and_is_told_when_it_thaws(
    own: Broker,
) -> None:
    async def scenario() -> None:
        async with bench(own) as served:
            own.freeze()
            served.plane.feed.publish("left", {})
            began = time.monotonic()
            await served.leave()
            assert time.monotonic() - began < 3 * LEFT_WITHIN + 3
            own.thaw()
        assert (await own.client("sub", *AVAILABILITY)).strip() == "offline"

    run(scenario())


def test_leaving_while_a_connection_is_being_made_to_a_frozen_broker_is_quick(own: Broker) -> None:
    own.freeze()

    async def scenario() -> None:
        async with bench(own, connected=False) as served:
            await asyncio.sleep(0.3)
            watch = pace.Watch()
            await served.leave()
            assert watch.seconds < 2 * GIVEN_UP_WITHIN + 1 < CONNECTED_WITHIN

    run(scenario())


def test_a_host_that_swallows_connections_is_told_and_stalls_nothing() -> None:
    async def scenario() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            loop = asyncio.get_running_loop()
            waiting = [socket.socket() for _ in range(4)]
            for each in waiting:
                each.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    each.connect(("127.0.0.1", port))
            async with stalls() as seen, bench(f"mqtt://127.0.0.1:{port}", connected=False) as served:
                began = loop.time()
                assert (await served.lost()).endswith("the broker does not answer")
                assert loop.time() - began < 3 * CONNECTED_WITHIN
            assert seen.longest < STALL
            for each in waiting:
                each.close()

    run(scenario())


def test_what_was_not_acknowledged_is_sent_again_in_order(own: Broker) -> None:
    async def scenario() -> None:
        async with (
            proxy(own.port) as net,
            listener(own, f"{BASE}/event/#") as heard,
            bench(net.url) as served,
        ):
            net.deaf = True
            for _ in range(100):
                served.plane.feed.publish("left", {})
            await heard.until(f"{BASE}/event/", 5)
            net.deaf = False
            net.cut()
            await served.connected(2)
            await until(lambda: served.transport.waiting == 0 and heard.seqs()[-1] == 100)
            seqs = heard.seqs()
            again = seqs.index(1, 1)
            assert seqs[:again] == list(range(1, again + 1))
            assert seqs[again:] == list(range(1, 101))

    run(scenario())


def test_answers_owed_while_the_broker_was_away_arrive_when_it_is_back(own: Broker) -> None:
    async def scenario() -> None:
        effect: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        async with (
            proxy(own.port) as net,
            listener(own, "legacy-tc/_reply/#") as heard,
            bench(net.url, {"profile/set": waiting(effect)}) as served,
        ):
            reply = "legacy-tc/_reply/me/1"
            await ask(heard.client, "profile/set", {"profile": "zb3"}, answer_to=reply, correlation=b"c1")
            await until(lambda: served.plane.dispatcher.in_flight == 1)
            net.refuses = True
            net.cut()
            await served.lost()
            effect.set_result(Profile(profile="zb3", title="A Trust Center", generation=1))
            await until(lambda: served.plane.dispatcher.in_flight == 0)
            net.refuses = False
            (answer,) = await heard.until(reply)
            assert (answer.json["status"], answer.correlation) == ("ok", b"c1")
            assert served.transport.connections == 2

    run(scenario())


def test_over_a_slow_network_everything_arrives_in_order(own: Broker) -> None:
    async def scenario() -> None:
        async with (
            proxy(own.port) as net,
            listener(own, f"{BASE}/event/#") as heard,
            bench(net.url) as served,
            stalls() as seen,
        ):
            net.rate = 40_000  # octets a second, for some 60,000
            for _ in range(300):
                served.plane.feed.publish("left", {"why": "x" * 60})
            await heard.until(f"{BASE}/event/", 300)
            assert heard.seqs() == list(range(1, 301))
            assert served.transport.connections == 1
            assert seen.longest < STALL

    run(scenario())


def test_an_outbox_that_was_too_small_says_what_is_missing(own: Broker) -> None:
    async def scenario() -> None:
        async with (
            proxy(own.port) as net,
            listener(own, f"{BASE}/event/#") as heard,
            bench(net.url, outbox=10) as served,
        ):
            net.refuses = True
            net.cut()
            await served.lost()
            for _ in range(50):
                served.plane.feed.publish("left", {})
            assert (served.transport.waiting, served.transport.lost) == (10, 40)
            net.refuses = False
            events = await heard.until(f"{BASE}/event/", 11)
            gap = events[0].json
            assert events[0].topic == f"{BASE}/event/dropped"
            assert (gap["count"], gap["first_seq"], gap["last_seq"]) == (40, 1, 40)
            assert heard.seqs() == [40, *range(41, 51)]

    run(scenario())


def test_two_benches_with_one_id_take_turns_ever_more_slowly_and_say_why(own: Broker) -> None:
    patience = Patience(first=0.05, longest=5.0)

    async def scenario() -> None:
        async with bench(own, patience=patience) as first, bench(own, patience=patience) as second:
            await asyncio.sleep(2.5)
            assert first.transport.connections + second.transport.connections <= 14
            again = f"{own.url}: the connection was lost again; does another client use the id 'tc0'?"

            def reasons() -> set[str]:
                return {why for up, why in first.told + second.told if not up}

            await until(lambda: again in reasons())
            assert reasons() == {f"{own.url}: the connection was lost", again}

    run(scenario())


def test_a_broker_that_says_that_the_id_was_taken_over_is_believed() -> None:
    """The octets of MQTT 5, 3.2 and 3.14: mosquitto 2.0.11 says nothing in this case."""
    made: list[float] = []

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(time.monotonic())
        await reader.read(1024)
        writer.write(bytes.fromhex("2003000000 e0018e"))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(taken, "127.0.0.1", 0)
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with bench(url, connected=False) as served:
            why = f"another client uses the id 'tc0' on {url}: one of the two must have another"
            assert await served.lost() == why
            await until(lambda: len(made) == 2)
            assert made[1] - made[0] >= QUICK.hopeless / 2
            assert served.told == [(False, why)]
        server.close()

    run(scenario())


def test_a_thousand_requests_in_flight_are_answered_in_order_and_the_next_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    reply = "legacy-tc/_reply/me/1"

    async def scenario(made: Broker) -> None:
        effect: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        done: list[str] = []

        def effective(_request: Request, _context: object) -> asyncio.Future[Data]:
            return asyncio.shield(effect)

        def at_once(_request: Request, _context: object) -> Data:
            done.append("profile/list")
            return Profile(profile="zb3", title="A Trust Center", generation=1)

        async with (
            bench(made, {"profile/set": effective, "profile/list": at_once}, keepalive=60) as served,
            listener(made, reply) as heard,
        ):
            for n in range(1_200):
                body = {"profile": "zb3", "transaction": f"t{n}"}
                await ask(heard.client, "profile/set", body, answer_to=reply, correlation=str(n).encode())
            refused = await heard.until(reply, 200)
            assert served.plane.dispatcher.in_flight == 1_000
            assert [each.correlation for each in refused] == [str(n).encode() for n in range(1_000, 1_200)]
            assert all("'busy'" in str(each.json) for each in refused)
            effect.set_result(Profile(profile="zb3", title="A Trust Center", generation=1))
            answered = (await heard.until(reply, 1_200))[200:]
            assert [each.json["transaction"] for each in answered] == [f"t{n}" for n in range(1_000)]
            assert served.plane.dispatcher.in_flight == 0
            assert served.transport.connections == 1

    with broker(tmp_path_factory.mktemp("wide"), f"{OPEN}\nmax_queued_messages 10000") as made:
        run(scenario(made))


def test_the_last_events_leave_before_the_goodbye(own: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LEFT_WITHIN", pace.PATIENCE)

    async def scenario() -> None:
        async with listener(own) as heard, bench(own) as served:
            for _ in range(200):
                served.plane.feed.publish("left", {})
            served.plane.feed.publish("verdict", {})
            await served.leave()
            await until(lambda: heard.heard[-1].payload == b"offline")
            assert heard.seqs() == list(range(1, 202))

    run(scenario())


def test_the_last_documents_leave_before_the_goodbye(own: Broker) -> None:
    async def scenario() -> None:
        async with listener(own) as heard, bench(own, keepalive=10) as served:
            for problem in ("first", "last"):  # the broker has not acknowledged one when the next comes
                health = Health(ok=False, problems=[problem], radio="ok", loop_lag_ms=0.1)
                served.plane.board.post("health", health)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            await served.leave()
            await until(lambda: heard.heard[-1].payload == b"offline")
            assert heard.heard[-2].topic == f"{BASE}/health"
            assert heard.heard[-2].json["problems"] == ["last"]

    run(scenario())


def test_a_broker_that_takes_small_packets_only_is_not_asked_for_more(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async def scenario(made: Broker) -> None:
        async with listener(made, f"{BASE}/event/#") as heard, bench(made) as served:
            served.plane.feed.publish("left", {"why": "x" * 3_000})
            served.plane.feed.publish("left", {})
            await heard.until(f"{BASE}/event/left")
            assert heard.seqs() == [2]
            assert served.transport.connections == 1
            assert "octets are more than the broker takes (2000)" in served.told[-1][1]

    with broker(tmp_path_factory.mktemp("narrow"), f"{OPEN}\nmax_packet_size 2000") as made:
        run(scenario(made))


def test_a_bench_that_ends_by_a_signal_says_goodbye(own: Broker) -> None:
    async def scenario() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DAEMON, own.url,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        await process.wait()
        assert (await own.client("sub", *AVAILABILITY)).strip() == "offline"

    run(scenario())
