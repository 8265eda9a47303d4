"""What describes the control plane, judged by jsonschema and by the AsyncAPI project's own parser."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from coordinator.cli import invoke
from coordinator.control import asyncapi, payload
from coordinator.control.dispatch import Call, Dispatcher
from coordinator.control.feed import Feed
from coordinator.control.json_schemas import answer_name, event_name, request_name, schemas
from coordinator.control.schema.base import Changed, Data, Effective, Frame, Request
from coordinator.control.schema.bench import Run, RunChanged, Verdict
from coordinator.control.schema.commands import COMMANDS
from coordinator.control.schema.documents import Health, Info, Radio, State
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.control.schema.events import EVENTS
from coordinator.control.schema.profiles import Profile
from coordinator.types import Instant

REPOSITORY = Path(__file__).parents[2]
COMMITTED = REPOSITORY / "docs" / "api"
PARSER = REPOSITORY / "build" / "asyncapi" / "node_modules" / "@asyncapi" / "parser" / "cjs" / "index.js"
JUDGE = """
const {{ Parser }} = require({parser});
const text = require('node:fs').readFileSync(0, 'utf8');
new Parser().parse(text).then((judged) => {{
  const faults = judged.diagnostics.filter((each) => each.severity < 2).map((each) => each.message);
  const operations = judged.document ? judged.document.operations().length : 0;
  console.log(JSON.stringify({{ faults, operations }}));
}});
"""


def valid(name: str, document: object) -> bool:
    return bool(jsonschema.Draft202012Validator(schemas()[name]).is_valid(document))


def parsed_by_asyncapi(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    script = folder / "judge.cjs"
    script.write_text(JUDGE.format(parser=json.dumps(str(PARSER))))
    judged = subprocess.run(
        ["node", str(script)],
        input=json.dumps(document).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    found = json.loads(judged.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.node
def test_asyncapis_own_parser_has_nothing_to_say(tmp_path: Path) -> None:
    judged = parsed_by_asyncapi(asyncapi.document(), tmp_path)
    assert judged["faults"] == []
    assert judged["operations"] == 4 + len(EVENTS) + len(COMMANDS)


@pytest.mark.node
def test_that_parser_would_say_something(tmp_path: Path) -> None:
    broken = json.loads(json.dumps(asyncapi.document()))
    del broken["channels"]["response.profile-set"]
    broken["operations"]["send.info"]["bindings"]["mqtt"]["qos"] = 3
    assert len(parsed_by_asyncapi(broken, tmp_path)["faults"]) >= 2


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_schema_is_one_of_draft_2020_12(name: str) -> None:
    schema = schemas()[name]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_every_topic_is_there_with_what_mqtt_has_to_know() -> None:
    document = asyncapi.document()
    addresses = {channel["address"] for channel in document["channels"].values()}
    expected = {f"legacy-tc/{{tcId}}/{name}" for name in ("availability", "info", "state", "health")}
    expected |= {f"legacy-tc/{{tcId}}/event/{kind}" for kind in EVENTS}
    for verb in COMMANDS:
        expected |= {f"legacy-tc/{{tcId}}/request/{verb}", f"legacy-tc/{{tcId}}/response/{verb}"}
    assert addresses == expected
    for name, operation in document["operations"].items():
        mqtt = operation["bindings"]["mqtt"]
        assert mqtt["qos"] == 1
        assert mqtt["retain"] == (name in ("send.availability", "send.info", "send.state", "send.health"))
        assert ("messageExpiryInterval" in mqtt) == (operation["action"] == "receive")
        assert ("reply" in operation) == (operation["action"] == "receive")
    will = document["servers"]["broker"]["bindings"]["mqtt"]["lastWill"]
    assert (will["message"], will["retain"]) == ("offline", True)
    asked = document["components"]["messages"]["request.profile-set"]["bindings"]["mqtt"]
    assert {"responseTopic", "correlationData"} <= set(asked)


REQUESTS: list[tuple[str, dict[str, object], bool]] = [
    ("profile/set", {"profile": "pre-zb3"}, True),
    ("profile/set", {"profile": {"extends": "zb3"}, "when": "now", "if_generation": 6}, True),
    ("profile/set", {"profile": "zb3", "when": {"after": {"event": "request-key", "count": 2}}}, True),
    ("profile/set", {"profile": "zb3", "when": {"after": {"event": "request-kee"}}}, False),
    ("profile/set", {"profile": "zb3", "when": "later"}, False),
    ("profile/set", {"profil": "zb3"}, False),
    ("profile/set", {}, False),
    ("profile/set", {"profile": "zb3", "transaction": "with space"}, False),
    ("profile/set", {"profile": "zb3", "within": 0}, False),
    ("profile/set", {"profile": "zb3", "within": 3}, True),
    ("profile/get", {}, True),
    ("profile/get", {"verbose": True}, False),
    ("permit-join", {"seconds": 60}, True),
    ("permit-join", {"seconds": "60"}, False),
    ("permit-join", {"seconds": 60, "allow": ["00:12:4b:00:01:02:03:04"]}, True),
    ("permit-join", {"seconds": 60, "allow": ["00:12:4b"]}, False),
    ("fault/arm", {"fault": "f1", "action": "flip", "match": {"frame": "beacon"}}, True),
    ("fault/arm", {"fault": "f1", "action": "flip", "match": {"frames": "beacon"}}, False),
    ("fault/arm", {"fault": "f1", "action": "explode"}, False),
    ("script/run", {"script": "s", "steps": [{"when": "now", "profile": "zb3"}]}, True),
    ("script/run", {"script": "s", "steps": []}, False),
    ("inject", {"psdu": "0102", "settings": {"a": 1}}, True),
    ("inject", {"psdu": "010"}, False),
    ("run/start", {"run": "fw-1.8.2#311", "on_disconnect": "stop"}, True),
    ("health", {"timeout": 31}, False),
]


@pytest.mark.parametrize(("verb", "request_", "right"), REQUESTS)
def test_a_request_is_right_by_the_schema_as_it_is_by_the_bench(
    verb: str, request_: dict[str, object], right: bool
) -> None:
    assert valid(request_name(verb), request_) == right
    if verb == "inject" and right:
        return  # that two keys exclude each other is not in the schema
    try:
        payload.request_of(COMMANDS[verb], request_)
        accepted = True
    except ControlError:
        accepted = False
    assert accepted == right


EFFECTIVE = Effective(
    t_mono_ns=5,
    t_wall="2026-01-01T00:00:00.000000Z",
    last_frame_old=Frame(frame=7, t_mono_ns=4, mac_sequence=9),
)
VERDICT = Verdict.model_validate({"verdict": "pass", "outcome": "joined-secure", "profile": "zb3", "more": 1})
ANSWERS: dict[str, Data] = {
    "profile/get": Profile(profile="zb3", title="Zigbee 3.0", generation=1),
    "profile/set": Changed(generation=2, effective=EFFECTIVE, profile="pre-zb3"),
    "run/stop": RunChanged(
        generation=2, effective=EFFECTIVE, profile="zb3", run=Run(run="r", active=False, verdicts=[VERDICT])
    ),
    "verdict/get": VERDICT,
    "health": Health(ok=True, radio="ok", loop_lag_ms=0.5),
}


@pytest.mark.parametrize("verb", ANSWERS)
def test_an_answer_as_it_is_sent_is_what_its_schema_says(verb: str) -> None:
    body = json.loads(payload.encode(payload.done(ANSWERS[verb], "t")))
    assert valid(answer_name(verb), body)
    assert valid(answer_name(verb), {**body, "data": {**body["data"], "grown": [1]}, "grown": 1})
    assert not valid(answer_name(verb), {"status": "ok"})
    assert not valid(answer_name(verb), {**body, "status": "perhaps"})
    assert not valid(answer_name(verb), {**body, "data": {}})


def test_a_refusal_as_it_is_sent_is_what_every_answers_schema_says() -> None:
    details = [Detail(path="a", message="b")]
    error = ControlError(ErrorCode.REFUSED, "no", hint="h", details=details)
    body = json.loads(payload.encode(payload.not_done(error, None)))
    for verb in COMMANDS:
        assert valid(answer_name(verb), body)
        assert not valid(answer_name(verb), {**body, "error": {**body["error"], "code": "made-up"}})


def test_what_a_dispatcher_really_answers_is_what_the_schema_says() -> None:
    def refuse(_request: Request, _context: object) -> Data:
        raise ControlError(ErrorCode.NOT_FOUND, "no such device")

    async def ask() -> list[tuple[str, dict[str, object]]]:
        dispatcher = Dispatcher(
            {"profile/get": lambda _request, _context: ANSWERS["profile/get"], "device/forget": refuse}
        )
        calls = [
            ("profile/get", b"{}"),
            ("profile/get", b'{"transaction": "t-1"}'),
            ("profile/get", b'{"x": 1}'),
            ("profile/set", b"\xff"),
            ("device/forget", b'{"device": "00:12:4b:00:01:02:03:04"}'),
        ]
        found = []
        for verb, body in calls:
            response = await dispatcher.answer(Call(verb=verb, body=body, origin="test"))
            found.append((verb, json.loads(payload.encode(response))))
        return found

    answers = asyncio.run(ask())
    assert [body["status"] for _, body in answers] == ["ok", "ok", "error", "error", "error"]
    for verb, body in answers:
        assert valid(answer_name(verb), body)


EVENT_FIELDS: dict[str, dict[str, object]] = {
    "left": {"device": "00:12:4b:00:01:02:03:04", "by": "device", "rejoin": False},
    "broker": {"state": "connected", "reason": ""},
    "verdict": {"verdict": "fail", "outcome": "left-by-joiner", "profile": "pre-zb3", "grown": True},
    "switched": {"change": "c", "profile": "p", "effective": EFFECTIVE.model_dump(), "transaction": None},
}


@pytest.mark.parametrize("kind", EVENT_FIELDS)
def test_an_event_as_it_is_published_is_what_its_schema_says(kind: str) -> None:
    async def publish() -> bytes:
        return Feed(lambda: Instant(1), 0).publish(kind, EVENT_FIELDS[kind]).octets

    body = json.loads(asyncio.run(publish()))
    if kind == "verdict":
        body["device"] = None
    assert valid(event_name(kind), body)
    assert not valid(event_name(kind), {**body, "kind": "other"})
    assert not valid(event_name(kind), {key: value for key, value in body.items() if key != "seq"})


def test_the_word_of_a_gap_is_what_its_schema_says() -> None:
    async def lose() -> bytes:
        feed = Feed(lambda: Instant(1), 0)
        reader = feed.read(2)
        for _ in range(5):
            feed.publish("left", {})
        event = reader.take()
        assert event is not None
        return event.octets

    assert valid("event.dropped", json.loads(asyncio.run(lose())))


def test_the_documents_are_what_their_schemas_say() -> None:
    info = Info(id="rack7-tc0", version="1", radio=Radio(kind="sim"), commands=[])
    state = State(profile="zb3", generation=1, radio="ok")
    for name, document in (("info", info), ("state", state), ("health", ANSWERS["health"])):
        assert valid(name, json.loads(document.model_dump_json()))
        assert not valid(name, {})


def test_the_committed_files_are_up_to_date() -> None:
    assert invoke(["api", "--check", str(COMMITTED)]) == 0


def test_drift_is_shown_and_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["api", "--output", str(tmp_path)]) == 0
    assert invoke(["api", "--check", str(tmp_path)]) == 0
    changed = tmp_path / "schemas" / "state.json"
    changed.write_bytes(changed.read_bytes().replace(b'"pending"', b'"waiting"'))
    (tmp_path / "schemas" / "event.gone.json").write_text("{}")
    (tmp_path / "schemas" / "info.json").unlink()
    assert invoke(["api", "--check", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert '+    "pending"' in told
    assert "event.gone.json describes nothing any more" in told
    assert "info.json is not there" in told
    assert f"legacy-tc api --output {tmp_path}" in told


def test_a_place_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["api", "--output", "/proc/nowhere"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "/proc/nowhere" in told


def test_without_an_option_the_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["api"]) == 0
    assert json.loads(capsys.readouterr().out)["asyncapi"] == "3.0.0"
