"""What happens on a running bench, as it happens."""

from __future__ import annotations

import contextlib
import json as json_format
import time
from urllib.parse import quote

import typer

from coordinator.cli import exits, place
from coordinator.control.http import client
from coordinator.control.http.client import Event, Refused, Server, Unreachable
from coordinator.control.schema.events import EVENTS
from coordinator.profiles.errors import suggestion

STAMP = ("seq", "t_mono_ns", "t_wall", "run", "gen", "kind")


def run(
    bench: Server,
    kinds: str,
    *,
    since: int | None,
    limit: float | None,
    count: int | None,
    json: bool,
) -> int:
    """Print events until `limit` seconds are over or `count` were seen; 7 when there were fewer of them."""
    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    for kind in wanted:
        if kind not in EVENTS:
            hint = suggestion(kind, EVENTS) or f"; kinds are {', '.join(EVENTS)}"
            raise typer.BadParameter(f"no such kind of event: '{kind}'{hint}", param_hint="--kinds")
    path = "/api/v1/events" + (f"?kinds={quote(','.join(wanted), safe=',')}" if wanted else "")
    until = None if limit is None else time.monotonic() + limit
    left = count
    try:
        with contextlib.closing(client.events(bench, path, since, until)) as following:
            for event in following:
                typer.echo(event.data if json else _line(event))
                if left is not None:
                    left -= 1
                    if left == 0:
                        return exits.PASS
    except Refused as refusal:
        return place.refused(refusal.answer)
    except Unreachable as error:
        return place.unreachable(error)
    return exits.PASS if left is None else exits.INCONCLUSIVE


def _line(event: Event) -> str:
    """``     7  12:00:00.000000  left  device=00:12:4b:00:01:02:03:04 by=device``"""
    try:
        body = json_format.loads(event.data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return event.data
    wall = str(body.get("t_wall", ""))
    moment = wall.partition("T")[2].rstrip("Z") or "-"
    fields = " ".join(f"{key}={_shown(value)}" for key, value in body.items() if key not in STAMP)
    return f"{body.get('seq', '-'):>6}  {moment:<15}  {event.kind:<12}  {fields}".rstrip()


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else json_format.dumps(value)
