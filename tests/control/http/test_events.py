"""The stream of events: whole for who reads, gone for who does not, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess

import pytest

from coordinator.control.http import server
from coordinator.control.http.stream import KEPT, VIEWERS
from tests.control.http.bench import LIMIT, run, served, until
from tests.control.http.viewer import viewer

pytestmark = pytest.mark.real_time


def test_an_event_arrives_with_its_number_its_kind_and_its_payload() -> None:
    async def scenario() -> None:
        async with served() as bench, viewer(bench.client) as view:
            event = bench.plane.feed.publish("left", {"device": "00:12:4b:00:01:02:03:04"})
            seen = await view.next()
            assert (seen.id, seen.kind) == ("1", "left")
            assert json.dumps(seen.data, separators=(",", ":")).encode() == event.octets

    run(scenario())


def test_only_the_kinds_asked_for_come() -> None:
    async def scenario() -> None:
        async with served() as bench, viewer(bench.client, "/api/v1/events?kinds=left,run") as view:
            for kind in ("joined", "left", "frame", "run"):
                bench.plane.feed.publish(kind, {})
            assert [(await view.next()).kind, (await view.next()).kind] == ["left", "run"]

    run(scenario())


def test_a_kind_that_does_not_exist_is_refused_with_what_was_meant() -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, text = await bench.get("/api/v1/events?kinds=left,verdikt")
            assert status == 400
            assert "did you mean 'verdict'" in json.loads(text)["error"]["message"]
            for wrong in ("-1", "x", "9" * 400):
                status, text = await bench.get("/api/v1/events", {"Last-Event-ID": wrong})
                assert (status, json.loads(text)["error"]["code"]) == (400, "invalid")

    run(scenario())


def test_who_comes_back_is_given_what_it_missed() -> None:
    async def scenario() -> None:
        async with served() as bench:
            for _ in range(5):
                bench.plane.feed.publish("left", {})
            async with viewer(bench.client, headers={"Last-Event-ID": "2"}) as view:
                bench.plane.feed.publish("left", {})
                assert [(await view.next()).id for _ in range(4)] == ["3", "4", "5", "6"]

    run(scenario())


def test_what_is_not_kept_any_more_is_a_visible_gap() -> None:
    async def scenario() -> None:
        async with served() as bench:
            for _ in range(KEPT + 10):
                bench.plane.feed.publish("left", {})
            async with viewer(bench.client, headers={"Last-Event-ID": "3"}) as view:
                gap, first = await view.next(), await view.next()
            assert gap.kind == "dropped"
            assert gap.data == {"kind": "dropped", "seq": 10, "count": 7, "first_seq": 4, "last_seq": 10}
            assert (gap.id, first.id) == ("10", "11")

    run(scenario())


def test_a_number_of_an_earlier_life_of_the_bench_brings_everything_there_is() -> None:
    async def scenario() -> None:
        async with served() as bench:
            bench.plane.feed.publish("left", {})
            async with viewer(bench.client, headers={"Last-Event-ID": "900"}) as view:
                assert (await view.next()).id == "1"

    run(scenario())


def test_a_quiet_stream_shows_that_it_lives_and_moves_the_number_on() -> None:
    async def scenario() -> None:
        async with (
            served(heartbeat=0.05) as bench,
            viewer(bench.client, "/api/v1/events?kinds=verdict") as view,
        ):
            bench.plane.feed.publish("left", {})
            while view.last != "1":  # until then it was alive before anything had happened
                assert view.last in ("", "0")
                view.comments.clear()
                await view.until_comment("alive")

    run(scenario())


def test_a_steady_flow_of_what_was_not_asked_for_does_not_silence_the_signs_of_life() -> None:
    async def scenario() -> None:
        async with (
            served(heartbeat=0.1) as bench,
            viewer(bench.client, "/api/v1/events?kinds=verdict") as view,
        ):

            async def flow() -> None:
                while True:
                    bench.plane.feed.publish("frame", {})
                    await asyncio.sleep(0.02)

            flowing = asyncio.create_task(flow())
            await view.until_comment("alive")
            flowing.cancel()
            await asyncio.gather(flowing, return_exceptions=True)

    run(scenario())


def test_a_viewer_that_never_reads_is_dropped_and_nobody_else_notices() -> None:
    """Fault 38."""

    async def scenario() -> None:
        async with served(written_within=0.3) as bench, viewer(bench.client) as good:
            feed = bench.plane.feed
            before = len(feed._readers)
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, (bench.address.host, bench.address.port))
            await loop.sock_sendall(deaf, b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: len(feed._readers) == before + 1)
            count = 0
            while len(feed._readers) > before:
                feed.publish("frame", {"psdu": "00" * 8000})
                count += 1
                seen = await good.next()
                assert (seen.kind, seen.id) == ("frame", str(count))
                assert count < 20_000
            assert (await bench.post("profile/get"))[0] == 200
            received = 0
            with contextlib.suppress(ConnectionResetError):
                while octets := await loop.sock_recv(deaf, 1 << 20):
                    received += len(octets)
            deaf.close()
            assert received < count * 16_000

    run(scenario())


def test_a_viewer_that_reads_too_slowly_sees_how_much_it_lost() -> None:
    async def scenario() -> None:
        published = 20_000
        async with served() as bench:
            feed = bench.plane.feed
            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(slow, (bench.address.host, bench.address.port))
            reader, writer = await asyncio.open_connection(sock=slow, limit=4096)
            writer.write(b"GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\n\r\n")
            await until(lambda: len(feed._readers) == 2)
            for number in range(published):
                feed.publish("frame", {"psdu": "00" * 120})
                if number % 100 == 0:
                    await asyncio.sleep(0)
            feed.publish("verdict", {})
            seen: list[int] = []
            lost: list[int] = []
            kind = ""
            while not seen or seen[-1] <= published:
                line = (await reader.readline()).decode()
                assert line
                name, _, value = line.strip().partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    body = json.loads(value)
                    if kind == "dropped":
                        gap = range(body["first_seq"], body["last_seq"] + 1)
                        assert len(gap) == body["count"]
                        lost += gap
                    else:
                        seen.append(body["seq"])
            writer.close()
            assert lost
            assert sorted(seen + lost) == list(range(1, published + 2))
            assert seen == sorted(seen)

    run(scenario())


def test_a_viewer_that_goes_away_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        async with served() as bench:
            before = len(bench.plane.feed._readers)
            for _ in range(5):
                async with viewer(bench.client):
                    assert len(bench.plane.feed._readers) == before + 1
                await until(lambda: len(bench.plane.feed._readers) == before)

    run(scenario())


def test_only_so_many_viewers_are_served() -> None:
    async def scenario() -> None:
        request = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
        async with served() as bench:
            writers = []
            for _ in range(VIEWERS):
                _, writer = await asyncio.open_connection(bench.address.host, bench.address.port)
                writer.write(request)
                writers.append(writer)
            await until(lambda: len(bench.plane.feed._readers) == VIEWERS + 1)
            status, text = await bench.get("/api/v1/events")
            assert (status, json.loads(text)["error"]["code"]) == (429, "busy")
            writers[0].close()
            await until(lambda: len(bench.plane.feed._readers) == VIEWERS)
            async with viewer(bench.client):
                pass
            for writer in writers:
                writer.close()

    run(scenario())


def test_the_server_ends_with_viewers_looking_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ENDED_WITHIN", LIMIT)

    async def scenario() -> None:
        clock = asyncio.get_running_loop().time
        async with served() as bench:
            _, writer = await asyncio.open_connection(bench.address.host, bench.address.port)
            writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            feed = bench.plane.feed
            await until(lambda: len(feed._readers) == 2)
            began = clock()
        assert clock() - began < LIMIT / 4  # it has not waited for them
        assert feed._readers == []
        writer.close()

    run(scenario())


def test_curl_follows_the_stream() -> None:
    async def scenario() -> None:
        async with served() as bench:
            curl = await asyncio.create_subprocess_exec(
                "curl",
                "-sSN",
                "--max-time",
                "60",
                "-H",
                "Last-Event-ID: 0",
                f"{bench.address.url}/api/v1/events",
                stdout=subprocess.PIPE,
            )
            await until(lambda: len(bench.plane.feed._readers) == 2)
            bench.plane.feed.publish("left", {"device": None})
            assert curl.stdout is not None
            out = b""
            while not out.endswith(b"}\n"):
                line = await curl.stdout.readline()
                assert line, out
                out += line
            curl.terminate()
            await curl.wait()
            assert b"\nid: 1\nevent: left\ndata: {" in out

    run(scenario())
