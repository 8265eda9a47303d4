"""`legacy-tc request`, `events` and `health` against a bench that is served."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from coordinator.cli import invoke, place
from coordinator.control.dispatch import Context
from coordinator.control.http.listening import Address
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.bench import Run, RunGet
from coordinator.control.schema.commands import COMMANDS
from coordinator.control.schema.documents import Health
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.control.schema.profiles import ProfileSet
from tests.control.http.bench import Served, post_documents, run, served, until
from tests.ports import free_port

pytestmark = pytest.mark.real_time

TOKEN = "correct-horse"
OK, FAIL, USAGE, CONFIGURATION, UNREACHABLE, INCONCLUSIVE = 0, 1, 2, 3, 6, 7


class Told:
    """How a program ended, and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> dict[str, object]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


async def program(*arguments: str, stdin: bytes = b"", **environment: str) -> Told:
    """The command line in a thread: it blocks, and the bench must answer meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    before, typed = dict(os.environ), sys.stdin
    os.environ.update(environment)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = await asyncio.to_thread(invoke, list(arguments))
    finally:
        sys.stdin = typed
        os.environ.clear()
        os.environ.update(before)
    return Told(code, out.getvalue(), err.getvalue())


async def asked(bench: Served, *words: str, stdin: bytes = b"", **environment: str) -> Told:
    return await program("request", *words, "--http", bench.address.url, stdin=stdin, **environment)


def test_the_program_itself_asks_and_says_how_it_went() -> None:
    async def scenario() -> None:
        async with served() as bench:
            asking = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "import coordinator.cli as c; c.main()"),
                *(
                    "request",
                    "profile/set",
                    "profile=pre-zb3",
                    "if_generation=7",
                    "--http",
                    bench.address.url,
                ),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await asking.communicate()
            assert (asking.returncode, err) == (OK, b"")
            assert json.loads(out)["profile"] == "pre-zb3"

    run(scenario())


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_answer_is_laid_out_for_people() -> None:
    async def scenario() -> None:
        async with served() as bench:
            for arguments, laid_out in (([], True), (["--json"], False)):
                shown = Terminal()
                words = ["request", "profile/get", *arguments, "--http", bench.address.url]
                with contextlib.redirect_stdout(shown):
                    assert await asyncio.to_thread(invoke, words) == OK
                assert json.loads(shown.getvalue())["profile"] == "zb3"
                assert (shown.getvalue().count("\n") > 1) == laid_out

    run(scenario())


def request_of(bench: Served) -> Request:
    return bench.bench.asked[-1][0]


def test_a_request_is_carried_out_and_its_data_is_one_line() -> None:
    async def scenario() -> None:
        async with served() as bench:
            told = await asked(bench, "profile/set", "profile=pre-zb3", "when=now")
            assert (told.code, told.err, told.out.count("\n")) == (OK, "", 1)
            assert (told.data["generation"], told.data["profile"]) == (2, "pre-zb3")
            assert bench.bench.profile == "pre-zb3"

    run(scenario())


def test_dotted_keys_nest_and_values_are_json_or_text() -> None:
    async def scenario() -> None:
        async with served() as bench:
            words = (
                "profile=pre-zb3",
                "when.after.event=request-key",
                "when.after.count=2",
                "if_generation=1",
            )
            assert (await asked(bench, "profile/set", *words)).code == OK
            request = request_of(bench)
            assert isinstance(request, ProfileSet)
            expected = {"profile": "pre-zb3", "when": {"after": {"event": "request-key", "count": 2}}}
            sent = request.model_dump(exclude_unset=True)
            assert {key: sent[key] for key in expected} == expected
            assert sent["if_generation"] == 1

    run(scenario())


@pytest.mark.parametrize("name", ["311", "1e3", "true", "null", "[1]", "007", "fw-1.8#3=x"])
def test_what_reads_as_a_number_is_a_text_where_one_is_wanted(name: str) -> None:
    found: list[str | None] = []

    def get(request: Request, _context: Context) -> Data:
        assert isinstance(request, RunGet)
        found.append(request.run)
        return Run(run=request.run, active=True)

    async def scenario() -> None:
        async with served({"run/get": get}) as bench:
            assert (await asked(bench, "run/get", f"run={name}")).code == OK
            assert found == [None if name == "null" else name]

    run(scenario())


def test_a_request_is_an_object_a_file_or_stdin(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "request.json"
        file.write_text('{"profile": "from-file"}')
        async with served() as bench:
            await asked(bench, "profile/set", '{"profile": "as-object"}', "if_generation=1")
            assert bench.bench.profile == "as-object"
            await asked(bench, "profile/set", f"@{file}")
            assert bench.bench.profile == "from-file"
            await asked(bench, "profile/set", "-", stdin=b'{"profile": "from-stdin"}')
            assert bench.bench.profile == "from-stdin"

    run(scenario())


def test_what_the_bench_refuses_is_one_line_with_every_detail() -> None:
    def refuse(_request: Request, _context: object) -> Data:
        details = [
            Detail(path="nwk.no_ack", message="the firmware acknowledges"),
            Detail(path="tclk", message="fixed by firmware"),
        ]
        raise ControlError(ErrorCode.REFUSED, "ezsp cannot honour it", hint="use spinel:", details=details)

    async def scenario() -> None:
        async with served({"profile/reload": refuse}) as bench:
            told = await asked(bench, "profile/reload")
            assert (told.code, told.out) == (FAIL, "")
            assert told.err == (
                "legacy-tc: refused: ezsp cannot honour it; nwk.no_ack: the firmware acknowledges; "
                "tclk: fixed by firmware; use spinel:\n"
            )
            told = await asked(bench, "profile/set", "profil=zb3")
            assert told.code == FAIL
            assert "did you mean 'profile'" in told.err

    run(scenario())


def test_the_time_to_wait_is_told_to_the_bench() -> None:
    async def scenario() -> None:
        clock = asyncio.get_running_loop().time
        never: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        heard: list[Request] = []

        def wait(request: Request, _context: Context) -> asyncio.Future[Data]:
            heard.append(request)
            return never

        async with served({"profile/set": wait}) as bench:
            began = clock()
            told = await asked(
                bench, "profile/set", "profile=zb3", "--timeout", "2.5", "--transaction", "t-1"
            )
            assert told.code == UNREACHABLE
            assert "did not answer within 2.5 s" in told.err
            assert clock() - began < 10  # less than is waited when nothing is said
            request = heard[0]
            assert isinstance(request, ProfileSet)
            assert request.transaction == "t-1"
            assert request.within == 2.0
            assert request.not_after is not None
            never.cancel()

    run(scenario())


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "token"
        file.write_text(f"{TOKEN}\n")
        async with served(token=TOKEN) as bench:
            told = await asked(bench, "profile/get")
            assert told.code == FAIL
            assert "asks for a token" in told.err
            assert (await asked(bench, "profile/get", "--token-file", str(file))).code == OK
            assert (await asked(bench, "profile/get", LEGACY_TC_TOKEN_FILE=str(file))).code == OK
            told = await program(
                "request", "profile/get", LEGACY_TC_TOKEN=TOKEN, LEGACY_TC_HTTP=bench.address.url
            )
            assert told.code == OK

    run(scenario())


def test_the_bench_of_this_machine_is_found_by_its_own_settings(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = tmp_path / "token"
        file.write_text(TOKEN)
        everywhere = Address(host="0.0.0.0", port=0)
        async with served(address=everywhere, token=TOKEN) as bench:
            told = await program(
                *("request", "profile/get"),
                LEGACY_TC__HTTP__LISTEN=f"0.0.0.0:{bench.address.port}",
                LEGACY_TC__HTTP__TOKEN_FILE=str(file),
            )
            assert (told.code, told.err) == (OK, "")

    run(scenario())


def test_who_is_no_bench_is_said_in_one_line() -> None:
    async def speak(octets: bytes) -> Told:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(octets)
            writer.close()

        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await program("request", "profile/get", "--http", f"http://127.0.0.1:{port}")

    async def scenario() -> None:
        told = await speak(b"220 mail.example ESMTP\r\n")
        assert (told.code, told.err.count("\n")) == (UNREACHABLE, 1)
        assert "does not speak HTTP" in told.err
        told = await speak(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>")
        assert (told.code, told.err.count("\n")) == (UNREACHABLE, 1)
        assert "is no bench: it answered 200" in told.err
        told = await speak(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        assert told.code == UNREACHABLE
        told = await speak(b"")
        assert told.code == UNREACHABLE

    run(scenario())


def test_nobody_there_and_no_tls_there_are_exit_code_6() -> None:
    async def scenario() -> None:
        url = f"http://127.0.0.1:{free_port()}"
        for verb in (("request", "profile/get"), ("events",), ("health",)):
            told = await program(*verb, "--http", url)
            assert (told.code, told.out) == (UNREACHABLE, "")
            assert told.err == f"legacy-tc: {url} cannot be reached: Connection refused\n"
        async with served() as bench:
            told = await program("health", "--http", bench.address.url.replace("http", "https"))
            assert told.code == UNREACHABLE
            assert "TLS failed" in told.err

    run(scenario())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["request"], "name a command; --list has them all"),
        (["request", "profil/set"], "no such command: 'profil/set'; did you mean 'profile/set'?"),
        (["request", "profile/set", "pre-zb3"], "'pre-zb3' is neither a JSON object nor key=value"),
        (["request", "profile/set", "{"], "not JSON"),
        (["request", "profile/set", "@/nowhere.json"], "/nowhere.json: No such file or directory"),
        (["request", "profile/set", "a=1", "a.b=2"], "'a.b=2': a has a value already"),
        (["request", "profile/set", "a=1", "a=2"], "'a=2': a has a value already"),
        (["request", "profile/set", ".=1"], "neither a JSON object nor key=value"),
        (["request", "profile/get", "--http", "rack7"], "not an HTTP address: 'rack7'"),
        (["request", "profile/get", "--http", "http://h:99999"], "no port that there is"),
        (["request", "profile/get", "--http", "http://a:b@h"], "a token comes from a file"),
        (["request", "profile/get", "--http", "http://a:b@h:99999"], "a token comes from a file"),
        (["request", "profile/get", "--mqtt", "mqtt://h"], "--mqtt needs --tc-id"),
        (["request", "profile/get", "--mqtt", "mqtt://h", "--http", "http://h"], "one of --http and --mqtt"),
        (
            ["request", "profile/get", "--mqtt", "mqtt://h", "--tc-id", "#"],
            "1 to 32 of a to z, 0 to 9 and '-', not '#'",
        ),
        (["request", "profile/get", "--mqtt", "mqtt://h", "--tc-id", "a"], "mqtt:// is plain text"),
        (["request", "profile/get", "--mqtt", "http://h", "--tc-id", "a"], "not the URL of a broker"),
        (["request", "profile/get", "--token-file", "/dev/null"], "/dev/null: is empty"),
        (["events", "--kinds", "verdict,lef"], "no such kind of event: 'lef'; did you mean 'left'?"),
    ],
)
def test_a_slip_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(arguments) == USAGE
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert says in told
    assert "a:b" not in told


def test_a_secret_is_read_as_the_bench_reads_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "secret"
    file.write_text("one\ntwo\n")
    over_mqtt = ["--mqtt", "mqtt://127.0.0.1", "--tc-id", "a", "--username", "me", "--password-file"]
    for options in (["--token-file"], over_mqtt):
        assert invoke(["request", "profile/get", *options, str(file)]) == USAGE
        assert f"{file}: more than one line: not a secret" in capsys.readouterr().err
    file.write_bytes(b"has a space at its end \r\n")
    bench = place.broker(
        "mqtt://127.0.0.1", "a", allow_plaintext=False, ca=None, certificate=None, key=None,
        username="me", password_file=file,
    )  # fmt: skip
    assert bench.password == "has a space at its end "


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("", "http://127.0.0.1:8321"),
        ("0.0.0.0:8322", "http://127.0.0.1:8322"),
        ("[::]:8322", "http://[::1]:8322"),
        ("localhost:8322", "http://localhost:8322"),
    ],
)
def test_the_bench_of_this_machine_is_where_its_own_variable_says(
    listen: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGACY_TC__HTTP__LISTEN", listen)
    assert place.http_server(None, None, None).url == url


@pytest.mark.parametrize(
    ("listen", "says"),
    [("8322", "not an address with a port: '8322'"), ("127.0.0.1:0", "name the one it took")],
)
def test_a_variable_that_does_not_say_where_the_bench_is_does_not_pass_for_the_default(
    listen: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC__HTTP__LISTEN", listen)
    assert invoke(["health"]) == CONFIGURATION
    told = capsys.readouterr().err
    assert "LEGACY_TC__HTTP__LISTEN" in told
    assert says in told


def test_the_commands_are_listed_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["request", "--list", "--json"]) == OK
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["command"] for line in listed] == list(COMMANDS)
    assert invoke(["request", "permit-join", "--help-schema"]) == OK
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({"seconds": 5})
    assert not jsonschema.Draft202012Validator(schema).is_valid({"second": 5})


async def following(bench: Served, publish: Callable[[], object], *arguments: str) -> Told:
    program_ = asyncio.create_task(program("events", "--http", bench.address.url, *arguments))
    await until(lambda: len(bench.plane.feed._readers) == 2)
    publish()
    return await program_


def test_events_are_followed_until_there_were_enough() -> None:
    async def scenario() -> None:
        async with served() as bench:

            def publish() -> None:
                for kind in ("joined", "left", "verdict", "left"):
                    bench.plane.feed.publish(kind, {"device": "00:12:4b:00:01:02:03:04", "why": "two words"})

            told = await following(bench, publish, "--kinds", "left", "--count", "2", "--json")
            assert (told.code, told.err) == (OK, "")
            assert [json.loads(line)["seq"] for line in told.out.splitlines()] == [2, 4]
            told = await program("events", "--http", bench.address.url, "--since", "3", "--count", "1")
            assert told.code == OK
            number, _, kind, fields = told.out.strip().split(maxsplit=3)
            assert (number, kind) == ("4", "left")
            assert fields == 'device=00:12:4b:00:01:02:03:04 why="two words"'

    run(scenario())


def test_events_end_with_their_time_and_too_few_are_inconclusive() -> None:
    async def scenario() -> None:
        async with served() as bench:
            told = await program("events", "--http", bench.address.url, "--for", "2")
            assert (told.code, told.out, told.err) == (OK, "", "")
            told = await program("events", "--http", bench.address.url, "--for", "2", "--count", "1")
            assert (told.code, told.out, told.err) == (INCONCLUSIVE, "", "")

    run(scenario())


def test_events_of_a_bench_that_ends_or_forbids_are_one_line() -> None:
    async def scenario() -> None:
        async with served() as bench:
            program_ = asyncio.create_task(program("events", "--http", bench.address.url))
            await until(lambda: len(bench.plane.feed._readers) == 2)
        told = await program_
        assert told.code == UNREACHABLE
        assert told.err.endswith("has ended the stream\n")
        async with served(token=TOKEN) as bench:
            told = await program("events", "--http", bench.address.url)
            assert told.code == FAIL
            assert told.err.startswith("legacy-tc: forbidden: this bench asks for a token")

    run(scenario())


def probe(ok: bool, **fields: object) -> Callable[[Request, Context], Data]:
    document = Health.model_validate({"ok": ok, "radio": "ok", "loop_lag_ms": 0.1, **fields})
    return lambda _request, _context: document


def test_health_asks_the_radio_and_a_lost_broker_is_no_fault() -> None:
    async def scenario() -> None:
        async with served({"health": probe(True, radio_rtt_ms=3.5, mqtt="disconnected")}) as bench:
            post_documents(bench.plane.board)
            told = await program("health", "--http", bench.address.url)
            assert (told.code, told.err) == (OK, "")
            assert (
                told.out
                == "note: there is no broker; the bench goes on without\nok, the radio answered in 3.5 ms\n"
            )

    run(scenario())


def test_health_tells_what_is_wrong() -> None:
    async def scenario() -> None:
        async with served({"health": probe(False, problems=["the radio does not answer"])}) as bench:
            told = await program("health", "--http", bench.address.url)
            assert (told.code, told.out) == (FAIL, "problem: the bench is not up yet\n")
            post_documents(bench.plane.board)
            told = await program("health", "--http", bench.address.url)
            assert (told.code, told.out) == (FAIL, "problem: the radio does not answer\n")
            post_documents(bench.plane.board, ok=False)
            told = await program("health", "--http", bench.address.url, "--json")
            assert (told.code, told.data["problems"]) == (FAIL, ["the radio is lost"])

    run(scenario())


def test_health_needs_no_token_and_no_longer_than_it_was_given() -> None:
    async def scenario() -> None:
        never: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        async with served({"health": lambda _request, _context: never}, token=TOKEN) as bench:
            post_documents(bench.plane.board)
            assert (await program("health", "--http", bench.address.url)).out == "ok\n"
            told = await program(
                "health", "--http", bench.address.url, "--timeout", "2.5", LEGACY_TC_TOKEN=TOKEN
            )
            assert told.code == FAIL
            assert told.out.startswith("problem: no word of the radio:")
            never.cancel()

    run(scenario())


def test_tls_with_a_certificate_that_nobody_signed_is_not_trusted(tmp_path: Path) -> None:
    async def scenario() -> None:
        certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
        made = await asyncio.create_subprocess_exec(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert await made.wait() == 0
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            body = b'{"status": "ok", "data": {"a": 1}}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context) as server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            told = await program("request", "profile/get", "--http", url)
            assert told.code == UNREACHABLE
            assert "is not to be trusted" in told.err
            told = await program("request", "profile/get", "--http", url, "--ca", str(certificate))
            assert (told.code, told.out) == (OK, '{"a": 1}\n')

    run(scenario())
