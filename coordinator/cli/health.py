"""Does a running bench work? For people, and for a container's health check."""

from __future__ import annotations

import asyncio
import json as json_format
import time

import typer

from coordinator.cli import exits, place
from coordinator.control.http import client
from coordinator.control.http.client import Server, Unreachable
from coordinator.control.mqtt.link import Link

LEAST = 0.2
"""Seconds that the radio is given at least."""
OF_A_BROKER = 0.5
"""The part of --timeout that the radio is given where the way goes over a broker."""

Health = dict[str, object]


def run(bench: Server | Link, *, timeout: float, json: bool) -> int:
    """Print what is wrong. A lost broker is told, and is nothing wrong: restarting would end the run.

    What the bench says of itself comes first; then it is asked for a round trip to its radio, where it lets
    us ask. On a broker, one question does both.
    """
    ends = time.monotonic() + timeout
    if isinstance(bench, Link):
        return _on_its_broker(bench, timeout, json=json)
    try:
        health = client.ask(bench, "GET", "/health", timeout=timeout).body
        if health.get("ok") is True:
            health = _probed(bench, ends, health)
    except Unreachable as error:
        return place.unreachable(error)
    return _told(health, json=json)


def _told(health: Health, *, json: bool) -> int:
    well = health.get("ok") is True
    if json:
        typer.echo(json_format.dumps(health))
        return exits.PASS if well else exits.FAIL
    listed = health.get("problems")
    problems = [str(each) for each in listed] if isinstance(listed, list) else []
    for problem in problems or ([] if well else ["the bench does not say what"]):
        typer.echo(f"problem: {problem}")
    if health.get("mqtt") == "disconnected":
        typer.echo("note: there is no broker; the bench goes on without")
    if well:
        rtt = health.get("radio_rtt_ms")
        typer.echo("ok" if rtt is None else f"ok, the radio answered in {rtt} ms")
    return exits.PASS if well else exits.FAIL


def _on_its_broker(link: Link, timeout: float, *, json: bool) -> int:
    from coordinator.control.mqtt.client import NoAnswerError, NoBrokerError, request  # others need not wait

    body = json_format.dumps({"timeout": round(max(LEAST, timeout * OF_A_BROKER), 3)}).encode()
    try:
        octets = asyncio.run(request(link, link.id, "health", body, timeout))
    except NoBrokerError as error:
        if json:
            typer.echo(json_format.dumps({"ok": None, "problems": [], "mqtt": "disconnected"}))
        else:
            typer.echo(f"note: {error}: nobody can say how the bench is; [http] listen would let it be asked")
        return exits.PASS
    except NoAnswerError as error:
        return place.complain(str(error), exits.BROKER)
    try:
        answer = json_format.loads(octets)
    except ValueError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    if isinstance(answer.get("data"), dict):
        return _told(answer["data"], json=json)
    return place.refused(answer)


def _probed(bench: Server, ends: float, health: Health) -> Health:
    """What the bench says once it has asked its radio; `health` where we may not ask for that."""
    left = max(LEAST, ends - time.monotonic())
    body = json_format.dumps({"timeout": round(max(LEAST, left * 0.8), 3)}).encode()
    try:
        answer = client.command(bench, "health", body, left)
    except Unreachable as silence:  # it answered just now: this is about the radio
        return {**health, "ok": False, "problems": [f"no word of the radio: {silence}"]}
    data, error = answer.get("data"), answer.get("error")
    if isinstance(data, dict):
        return data
    code = error.get("code") if isinstance(error, dict) else None
    if code in ("forbidden", "refused"):
        return health
    message = error.get("message") if isinstance(error, dict) else "it does not say why"
    return {**health, "ok": False, "problems": [f"no word of the radio: {message}"]}
