"""One command to a running bench, over HTTP or MQTT, and its answer."""

from __future__ import annotations

import asyncio
import json as json_format
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer

from coordinator.cli import exits, place, wording
from coordinator.control import json_schemas, payload
from coordinator.control.http import client
from coordinator.control.http.client import Server, Unreachable
from coordinator.control.mqtt.link import Link
from coordinator.control.schema.commands import COMMANDS, Command
from coordinator.evidence.outcome import Ruling

MARGIN = 10.0
"""Seconds that an answer may take beyond what the request itself waits for."""
WITHDRAWN_BEFORE = 0.8
"""A change waits for its moment for this part of --timeout: it must not happen once nobody waits any more."""


JUDGED = ("verdict/get", "run/stop")
"""Commands whose answers have verdicts, and no more will come."""
NO_VERDICT = ("timeout", "not-found")
"""Why there is none: nobody came, or nobody was judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a request is asked, and what is made of its answer. `timeout` is seconds.

    `exit_code`: the verdicts in the answer give the exit code, and a refusal has one that no verdict has.
    """

    transaction: str | None = None
    timeout: float | None = None
    exit_code: bool = False
    json: bool = False


def run(bench: Server | Link, verb: str, words: Sequence[str], how: How) -> int:
    """Ask, print the answer's data or what went wrong, and return the exit code."""
    command = wording.command_of(verb)
    if how.exit_code and command.verb not in JUDGED:
        raise typer.BadParameter(
            f"is for {' and '.join(JUDGED)}: {command.verb} has no verdict", param_hint="--exit-code"
        )
    body = wording.body_of(command, words)
    if how.transaction is not None:
        body["transaction"] = how.transaction
    body.setdefault("transaction", f"cli-{secrets.token_hex(8)}")
    patience = _patience(command, body, how.timeout)
    body.setdefault("not_after", round(time.time() + patience, 3))
    octets = json_format.dumps(body).encode()
    if len(octets) > payload.LARGEST:
        raise typer.BadParameter(
            f"{len(octets)} octets are more than a request may have ({payload.LARGEST})", param_hint="WORDS"
        )
    try:
        answer = _ask(bench, command.verb, octets, patience)
    except Unreachable as error:
        return place.unreachable(error)
    if answer.get("status") != "ok":
        code = place.refused(answer)
        return _code_without_verdict(answer) if how.exit_code else code
    pretty = sys.stdout.isatty() and not how.json
    typer.echo(json_format.dumps(answer.get("data"), indent=2 if pretty else None))
    return _code_of_verdicts(answer.get("data")) if how.exit_code else exits.PASS


def list_commands(*, json: bool) -> int:
    """Print every verb and its summary."""
    for verb, command in COMMANDS.items():
        line = {"command": verb, "summary": command.summary}
        typer.echo(json_format.dumps(line) if json else f"{verb:<18} {command.summary}")
    return exits.PASS


def print_schema(verb: str) -> int:
    """Print the JSON Schema of a command's payload."""
    typer.echo(json_format.dumps(json_schemas.request(wording.command_of(verb)), indent=2))
    return exits.PASS


def _code_of_verdicts(data: object) -> int:
    """The code of the worst verdict in an answer's data; where there is none it is inconclusive."""
    found = data if isinstance(data, dict) else {}
    run = found.get("run")
    verdicts = run.get("verdicts") if isinstance(run, dict) else [found]
    words = [each.get("verdict") for each in verdicts or [{}] if isinstance(each, dict)]
    known = {ruling.value: ruling for ruling in exits.OF_RULING}
    return exits.worst({known.get(str(word), Ruling.INCONCLUSIVE) for word in words})


def _code_without_verdict(answer: Mapping[str, object]) -> int:
    """That of a refusal, which must not pass for a verdict of fail."""
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return exits.INCONCLUSIVE if code in NO_VERDICT else exits.CONFIGURATION


def _patience(command: Command, body: wording.Body, timeout: float | None) -> float:
    """Seconds to wait for the answer: --timeout, or as long as the request itself takes, and some."""
    fields = command.request.model_fields
    if timeout is None:
        spans = (
            body.get(name, fields[name].default) for name in ("within", "wait", "timeout") if name in fields
        )
        held = body.get("first_frame_within", 0)
        waits = [span for span in (*spans, held) if isinstance(span, int | float)]
        return MARGIN + sum(waits)
    if "within" in fields and "within" not in body and timeout < fields["within"].default:
        body["within"] = round(timeout * WITHDRAWN_BEFORE, 3)
    return timeout


def _ask(bench: Server | Link, verb: str, body: bytes, timeout: float) -> dict[str, object]:
    if isinstance(bench, Server):
        return client.command(bench, verb, body, timeout)
    from coordinator.control.mqtt.client import NoAnswerError, request  # nobody else should wait for it

    try:
        octets = asyncio.run(request(bench, bench.id, verb, body, timeout))
    except NoAnswerError as error:
        raise Unreachable(str(error)) from None
    try:
        answer = json_format.loads(octets)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable(f"{bench}: {bench.id} answered without a JSON object")
    return answer
