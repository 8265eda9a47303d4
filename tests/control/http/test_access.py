"""Who is let in, and where the server listens."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from coordinator.control.http import commands, server
from coordinator.control.http.listening import Address, CannotListen
from tests.control.http.bench import post_documents, run, served

pytestmark = pytest.mark.real_time

TOKEN = "correct-horse-battery-staple"


async def opened(address: Address, token: str | None = None) -> None:
    async with served(address=address, token=token):
        pass


def test_without_a_token_only_this_machine_is_listened_to() -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(CannotListen, match=r"other machines: that needs a token.*127\.0\.0\.1"):
            run(opened(Address(host=host, port=0)))
    run(opened(Address(host="localhost", port=0)))
    run(opened(Address(host="::1", port=0)))
    run(opened(Address(host="0.0.0.0", port=0), TOKEN))


def test_an_empty_token_is_none_at_all() -> None:
    with pytest.raises(CannotListen, match="the token is empty"):
        run(opened(Address(host="127.0.0.1", port=0), " \n"))


def test_a_port_that_somebody_else_has_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            run(opened(Address(host="127.0.0.1", port=port)))
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; port 0 takes a free one"
    )


def test_an_address_that_is_not_ours_or_no_address_is_one_clear_line() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1:0: Cannot assign requested address"):
        run(opened(Address(host="192.0.2.1", port=0), TOKEN))
    with pytest.raises(CannotListen, match=r"no\.such\.invalid"):
        run(opened(Address(host="no.such.invalid", port=0)))
    with pytest.raises(CannotListen, match="70000 is no port"):
        run(opened(Address(host="127.0.0.1", port=70_000)))


def test_the_same_port_can_be_had_again_at_once() -> None:
    async def scenario() -> None:
        async with served() as bench:
            address = bench.address
            assert (await bench.post("profile/get"))[0] == 200
        async with served(address=address) as bench:
            assert bench.address == address
            assert (await bench.post("profile/get"))[0] == 200

    run(scenario())


def test_the_token_opens_everything_and_health_is_open_anyway() -> None:
    async def scenario() -> None:
        async with served(token=TOKEN) as bench:
            post_documents(bench.plane.board)
            good = {"Authorization": f"Bearer {TOKEN}"}
            for path in ("/", "/info", "/state", "/api/v1/profile/get", "/api/v1/events", "/nowhere"):
                async with bench.client.get(path) as refusal:
                    assert refusal.status == 401
                    assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
                    assert json.loads(await refusal.text())["error"]["code"] == "forbidden"
            for wrong in ("Bearer x", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer \xff"):
                status, answer = await bench.post("profile/set", {"profile": "zb3"}, {"Authorization": wrong})
                assert (status, answer["status"]) == (401, "error")
            assert bench.bench.asked == []
            assert (await bench.get("/health"))[0] == 200
            assert (await bench.get("/info", good))[0] == 200
            assert (await bench.post("profile/get", headers=good))[0] == 200

    run(scenario())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::2]:1"])
def test_a_name_that_was_made_to_mean_this_machine_is_refused(host: str) -> None:
    async def scenario() -> None:
        async with served() as bench:
            post_documents(bench.plane.board)
            for path in ("/health", "/api/v1/profile/get"):
                status, text = await bench.get(path, {"Host": host})
                assert (status, json.loads(text)["error"]["code"]) == (403, "forbidden")
            assert bench.bench.asked == []

    run(scenario())


@pytest.mark.parametrize("host", ["localhost", "LocalHost:9", "127.0.0.1:8080", "127.9.9.9", "[::1]:80"])
def test_every_name_of_this_machine_will_do(host: str) -> None:
    async def scenario() -> None:
        async with served() as bench:
            assert (await bench.get("/", {"Host": host}))[0] == 200

    run(scenario())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_is_refused(headers: dict[str, str]) -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, answer = await bench.post("profile/set", {"profile": "zb3"}, headers)
            assert (status, answer["status"]) == (403, "error")
            assert bench.bench.asked == []

    run(scenario())


def test_our_own_page_and_a_link_that_was_followed_are_not() -> None:
    async def scenario() -> None:
        async with served() as bench:
            own = {"Origin": bench.address.url, "Sec-Fetch-Site": "same-origin"}
            assert (await bench.post("profile/get", headers=own))[0] == 200
            link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
            assert (await bench.get("/", link))[0] == 200

    run(scenario())


def test_what_is_no_http_ends_its_connection_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served() as bench:
            for octets in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"A" * 100_000):
                reader, writer = await asyncio.open_connection(bench.address.host, bench.address.port)
                writer.write(octets)
                writer.write_eof()
                answer = await reader.read()
                assert not answer or answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
                writer.close()
            assert (await bench.post("profile/get"))[0] == 200
            assert bench.broken == []

    run(scenario())
    assert [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")] == []


async def answered(address: Address, octets: bytes) -> bytes:
    """What comes back until the server closes."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(octets)
    answer = await reader.read()
    writer.close()
    return answer


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "BODY_WITHIN", 0.1)
    head = (
        b"POST /api/v1/profile/set HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )

    async def scenario() -> None:
        async with served() as bench:
            assert (await answered(bench.address, head)).startswith(b"HTTP/1.1 408")
            assert bench.bench.asked == []

    run(scenario())


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HTTP/1.1\r\nHost:", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
)
def test_a_connection_without_a_whole_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(server, "IDLE", 0.2)

    async def scenario() -> None:
        async with served() as bench:
            answer = await answered(bench.address, begun)
            assert answer.startswith(b"HTTP/1.1 200") == begun.endswith(b"\r\n\r\n")

    run(scenario())


def test_so_many_connections_and_no_more_leave_descriptors_for_the_radio() -> None:
    """Fault 36."""

    async def scenario() -> None:
        async with served() as bench:
            where = bench.address
            writers = [
                (await asyncio.open_connection(where.host, where.port))[1] for _ in range(server.CONNECTIONS)
            ]
            assert (await answered(where, b"")).startswith(b"HTTP/1.1 503")
            for writer in writers:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in writers))
            assert (await bench.post("profile/get"))[0] == 200

    run(scenario())
