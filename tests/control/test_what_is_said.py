"""What a refusal says: the thing that is wrong, where it is, and what was probably meant."""

from __future__ import annotations

import json

import jsonschema
import pytest

from coordinator.cli import wording
from coordinator.control import payload
from coordinator.control.http.answers import STATUS
from coordinator.control.json_schemas import request_name, schemas
from coordinator.control.schema.commands import COMMANDS
from coordinator.control.schema.errors import ControlError, ErrorCode
from tests.control.rig import Client, Json, bench

SPELLINGS = (
    "00:12:4b:00:01:02:03:04",
    "00:12:4B:00:01:02:03:04",
    "00-12-4b-00-01-02-03-04",
    "00124b0001020304",
    "0x00124b0001020304",
    "0X00124B0001020304",
)
NAMED = "a name is up to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit"


def read(verb: str, request: dict[str, object]) -> dict[str, object]:
    return payload.request_of(COMMANDS[verb], request).model_dump()


def is_right_by_the_schema(verb: str, request: dict[str, object]) -> bool:
    return bool(jsonschema.Draft202012Validator(schemas()[request_name(verb)]).is_valid(request))


@pytest.mark.parametrize("text", SPELLINGS)
def test_an_eui64_may_be_written_as_anybody_writes_it(text: str) -> None:
    requests: list[tuple[str, dict[str, object]]] = [
        ("device/forget", {"device": text}),
        ("permit-join", {"seconds": 1, "allow": [text]}),
        ("network/form", {"extended_pan_id": text}),
        ("fault/arm", {"fault": "x", "action": "drop", "match": {"device": text}}),
        ("profile/set", {"profile": "zb3", "when": {"after": {"event": "leave", "device": text}}}),
    ]
    for verb, request in requests:
        assert is_right_by_the_schema(verb, request)
        assert "00:12:4b:00:01:02:03:04" in json.dumps(read(verb, request))


@pytest.mark.parametrize("text", ["", "00:12:4b", "00124b00010203040", "0x00124b000102030g", "x" * 5000])
def test_what_is_no_eui64_is_told_how_one_is_written(text: str) -> None:
    assert not is_right_by_the_schema("device/forget", {"device": text})
    with pytest.raises(ControlError) as caught:
        read("device/forget", {"device": text})
    (detail,) = caught.value.details
    assert detail.path == "device"
    assert detail.message.startswith(
        "an EUI-64 is 16 hexadecimal digits, as 00:12:4b:00:01:02:03:04, found '" + text[:16]
    )
    assert len(detail.message) < 200


@pytest.mark.parametrize(
    ("verb", "request_", "says"),
    [
        ("capture/start", {"file": "Run_1"}, f"file: {NAMED}, found 'Run_1'; did you mean 'run_1'?"),
        ("capture/start", {"file": "a b"}, f"file: {NAMED}, found 'a b'"),
        ("run/start", {"run": "r\n"}, r"run: no control characters, no end of line, found 'r\n'"),
        (
            "run/start",
            {"run": "r", "expect": "joined-secure"},
            "expect: expected a list, found 'joined-secure'; a list of one is [\"joined-secure\"]",
        ),
        ("inject", {"psdu": "010"}, "psdu: octets, two hexadecimal digits each, found '010'"),
        (
            "network/form",
            {"pan_id": "1a2b"},
            "pan_id: 0x and four hexadecimal digits, as 0x1a2b, found '1a2b'",
        ),
        (
            "profile/get",
            {"transaction": "a b"},
            "transaction: letters, digits and punctuation of ASCII, no spaces, found 'a b'",
        ),
    ],
)
def test_what_a_text_should_be_like_is_said_in_words(
    verb: str, request_: dict[str, object], says: str
) -> None:
    with pytest.raises(ControlError) as caught:
        read(verb, request_)
    assert caught.value.message == says


def said_of(verb: str, request: dict[str, object]) -> str:
    try:
        read(verb, request)
    except ControlError as error:
        return error.message
    return ""


def test_no_bare_pattern_is_ever_said() -> None:
    said = [
        said_of(verb, {field: "\n \x7f"})
        for verb, command in COMMANDS.items()
        for field in command.request.model_fields
    ]
    assert any("no control characters" in each for each in said)
    assert [each for each in said if "pattern" in each or "^" in each] == []


@pytest.mark.parametrize(
    ("verb", "words", "body"),
    [
        (
            "run/start",
            ["run=311", "expect=joined-secure"],
            {"run": "311", "expect": ["joined-secure"]},
        ),
        ("run/start", ["run=r", "expect=[]"], {"run": "r", "expect": []}),
        ("run/start", ["run=r", 'expect=["a","b"]'], {"run": "r", "expect": ["a", "b"]}),
        (
            "permit-join",
            ["seconds=60", "allow=00:12:4b:00:01:02:03:04"],
            {"seconds": 60, "allow": ["00:12:4b:00:01:02:03:04"]},
        ),
        (
            "permit-join",
            ["seconds=60", "allow=1234567890123456"],
            {"seconds": 60, "allow": ["1234567890123456"]},
        ),
        (
            "script/run",
            ["script=s", 'steps={"when": "now", "profile": "zb3"}'],
            {"script": "s", "steps": [{"when": "now", "profile": "zb3"}]},
        ),
    ],
)
def test_one_value_on_the_command_line_is_a_list_of_one(
    verb: str, words: list[str], body: dict[str, object]
) -> None:
    assert wording.body_of(COMMANDS[verb], words) == body


def test_what_is_invalid_or_refused_always_has_its_details() -> None:
    for code in ErrorCode:
        error = payload.not_done(ControlError(code, "no"), None).error
        assert error is not None
        told = [(each.path, each.message) for each in error.details]
        assert told == ([("", "no")] if code in (ErrorCode.INVALID, ErrorCode.REFUSED) else [])


def test_what_the_bench_finds_wrong_has_its_place_and_what_was_meant() -> None:
    async def only(client: Client, verb: str, **request: object) -> tuple[str, str, str]:
        error: Json = await client.refused(verb, **request)
        details = error["details"]
        assert isinstance(details, list)
        (detail,) = details
        return str(error["code"]), detail["path"], detail["message"]

    async def body(client: Client) -> None:
        assert await only(client, "fault/arm", fault="x", action="drop", match={"frame": "confirmkey"}) == (
            "invalid",
            "match.frame",
            "no frame is called 'confirmkey'; did you mean 'confirm-key'?",
        )
        assert await only(client, "run/start", run="r", expect=["joined-secure", "joined-secur"]) == (
            "invalid",
            "expect[1]",
            "no such outcome: 'joined-secur'; did you mean 'joined-secure'?",
        )
        code, path, message = await only(client, "run/start", run="r", expect=["qqq"])
        assert (code, path) == ("invalid", "expect[0]")
        assert "left-by-joiner" in message
        await client.done("behaviour/add", name="reqkey.delay", settings={"seconds": 1.0})
        code, path, message = await only(
            client, "behaviour/update", name="reqkey.delay", settings={"secnds": 2.0}
        )
        assert (code, path) == ("invalid", "settings.secnds")
        assert "did you mean 'seconds'?" in message
        await client.done("run/start", run="r")
        assert await only(client, "run/start", run="s") == ("refused", "", "the run 'r' is under way")

    bench(body)


def test_every_reason_has_its_status_in_http() -> None:
    assert set(STATUS) == set(ErrorCode)
    assert all(400 <= status < 600 for status in STATUS.values())
