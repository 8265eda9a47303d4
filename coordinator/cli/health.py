"""Does a running bench work? For people, and for a container's health check."""

from __future__ import annotations

import json as json_format
import time

import typer

from coordinator.cli import exits, place
from coordinator.control.http import client
from coordinator.control.http.client import Server, Unreachable

LEAST = 0.2
"""Seconds that the radio is given at least."""


def run(bench: Server, *, timeout: float, json: bool) -> int:
    """Print what is wrong. A lost broker is told, and is nothing wrong: restarting would end the run.

    What the bench says of itself comes first; then it is asked for a round trip to its radio, where it lets
    us ask.
    """
    ends = time.monotonic() + timeout
    try:
        health = client.ask(bench, "GET", "/health", timeout=timeout).body
        if health.get("ok") is True:
            health = _probed(bench, ends, health)
    except Unreachable as error:
        return place.unreachable(error)
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


def _probed(bench: Server, ends: float, health: dict[str, object]) -> dict[str, object]:
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
