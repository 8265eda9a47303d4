"""Commands over HTTP: the same payloads as over MQTT, and HTTP's word for how it went."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from coordinator.control.payload import LARGEST
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.commands import COMMANDS
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.control.schema.profiles import Listing
from tests.control.http.bench import run, served, until, waiting

pytestmark = pytest.mark.real_time


def test_a_command_is_done_and_its_answer_is_the_body() -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, answer = await bench.post("profile/set", {"profile": "pre-zb3", "transaction": "t1"})
            assert status == 200
            assert (answer["status"], answer["transaction"]) == ("ok", "t1")
            data = answer["data"]
            assert isinstance(data, dict)
            assert (data["generation"], data["profile"]) == (2, "pre-zb3")
            assert bench.bench.asked[0][1].origin == "http 127.0.0.1"

    run(scenario())


def test_what_changes_nothing_is_asked_with_get_and_its_query_is_not_looked_at() -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, text = await bench.get("/api/v1/profile/get?profile=pre-zb3")
            assert status == 200
            assert json.loads(text)["data"]["profile"] == "zb3"

    run(scenario())


def test_what_changes_something_is_not_done_by_get() -> None:
    async def scenario() -> None:
        async with served() as bench, bench.client.get("/api/v1/profile/set") as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "POST"
            assert bench.bench.asked == []

    run(scenario())


@pytest.mark.parametrize("verb", ["profile/set", "inject", "script/run", "joiner/power", "capture/stop"])
def test_no_command_that_acts_counts_as_a_question(verb: str) -> None:
    assert not COMMANDS[verb].changes_nothing


@pytest.mark.parametrize(
    ("verb", "body", "status", "code", "says"),
    [
        ("profile/set", b"{", 400, "malformed", "not JSON"),
        ("profile/set", b"[]", 400, "malformed", "a list where an object"),
        ("profile/set", b'{"profile": "\xff"}', 400, "malformed", "octet 13 is not UTF-8"),
        ("profile/set", b'{"profile": NaN}', 400, "malformed", "NaN"),
        ("profile/set", b"[" * 60_000, 400, "malformed", "nested"),
        ("profile/set", {"profil": "zb3"}, 400, "invalid", "did you mean 'profile'"),
        ("profil/set", {}, 404, "unknown-command", "did you mean 'profile/set'"),
        ("profile/set/", {}, 404, "unknown-command", "no such command"),
        ("device/list", {}, 422, "refused", "cannot be done by this bench"),
        ("profile/get", {"not_after": 1.0}, 410, "expired", "not_after"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_in_both_languages(
    verb: str, body: object, status: int, code: str, says: str
) -> None:
    async def scenario() -> None:
        async with served() as bench:
            found, answer = await bench.post(verb, body)
            error = answer["error"]
            assert isinstance(error, dict)
            assert (found, error["code"]) == (status, code)
            assert says in error["message"]
            assert bench.bench.asked == []
            assert (await bench.post("profile/get"))[0] == 200

    run(scenario())


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("not-found", 404),
        ("conflict", 409),
        ("refused", 422),
        ("partly-done", 422),
        ("busy", 429),
        ("timeout", 504),
        ("radio-lost", 503),
        ("internal", 500),
    ],
)
def test_a_handler_that_says_no_has_its_status(code: str, status: int) -> None:
    def refuse(_request: Request, _context: object) -> Data:
        raise ControlError(ErrorCode(code), "no")

    async def scenario() -> None:
        async with served({"device/list": refuse}) as bench:
            found, answer = await bench.post("device/list")
            assert found == status
            assert answer == {
                "status": "error",
                "error": {
                    "code": code,
                    "message": "no",
                    "hint": "",
                    "details": [{"path": "", "message": "no"}] if code == "refused" else [],
                },
            }

    run(scenario())


def test_a_body_larger_than_a_request_may_be_is_not_read() -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, answer = await bench.post("profile/set", b" " * (1024 * 1024))
            assert (status, answer["status"]) == (413, "error")
            assert str(LARGEST) in json.dumps(answer)
            assert (await bench.post("profile/get", b" " * LARGEST))[0] == 200

    run(scenario())


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_of_another_page_can_send_is_no_command(kind: str) -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, answer = await bench.post("profile/set", {"profile": "zb3"}, {"Content-Type": kind})
            assert (status, answer["status"]) == (415, "error")
            assert bench.bench.asked == []

    run(scenario())


def test_who_hangs_up_does_not_undo_what_is_under_way() -> None:
    async def scenario() -> None:
        done: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        async with served({"profile/list": waiting(done)}) as bench:
            asking = asyncio.ensure_future(bench.post("profile/list", {"transaction": "once"}))
            await until(lambda: bench.plane.dispatcher.in_flight == 1)
            asking.cancel()
            await asyncio.wait((asking,))
            assert bench.plane.dispatcher.in_flight == 1
            done.set_result(Listing(entries=[]))
            status, answer = await bench.post("profile/list", {"transaction": "once"})
            assert (status, answer["data"]) == (200, {"entries": []})

    run(scenario())


def test_an_exception_of_ours_is_told_without_its_text_and_the_server_goes_on() -> None:
    def fail(_request: Request, _context: object) -> Data:
        raise RuntimeError("a secret")

    async def scenario() -> None:
        async with served({"device/list": fail}) as bench:
            status, answer = await bench.post("device/list")
            assert status == 500
            assert "secret" not in json.dumps(answer)
            assert [str(error) for error in bench.broken] == ["a secret"]
            assert (await bench.post("profile/get"))[0] == 200

    run(scenario())


def test_nothing_outside_the_endpoints_is_there() -> None:
    async def scenario() -> None:
        async with served() as bench:
            for path in ("/etc/passwd", "/../../etc/passwd", "/static/", "/api/v2/profile/get", "/metrics"):
                status, text = await bench.get(path)
                assert (status, json.loads(text)["error"]["code"]) == (404, "not-found")
            async with bench.client.put("/state", data=b"{}") as answer:
                assert answer.status == 405

    run(scenario())


def test_curl_commands_the_bench() -> None:
    async def scenario() -> None:
        async with served() as bench:
            arguments = ["-H", "Content-Type: application/json", "-d", '{"profile": "pre-zb3"}']
            url = f"{bench.address.url}/api/v1/profile/set"
            curl = await asyncio.create_subprocess_exec(
                "curl", "-sS", "--max-time", "60", *arguments, url, stdout=subprocess.PIPE
            )
            out, _ = await curl.communicate()
            assert json.loads(out)["data"]["profile"] == "pre-zb3"
            assert bench.bench.profile == "pre-zb3"

    run(scenario())


def test_the_list_of_commands_names_each_with_its_summary() -> None:
    async def scenario() -> None:
        async with served() as bench:
            _, text = await bench.get("/api/v1/")
            lines = text.splitlines()
            assert len(lines) == len(COMMANDS)
            assert "device/forget      Forget a device: as if it had never joined. Nothing is sent." in lines

    run(scenario())
