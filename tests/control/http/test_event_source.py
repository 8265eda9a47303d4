"""The stream of events, read by an EventSource that nobody here wrote."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from coordinator.control.board import Board
from coordinator.control.dispatch import Dispatcher
from coordinator.control.feed import Feed
from coordinator.control.http.listening import Address
from coordinator.control.http.server import serve
from coordinator.control.plane import Plane
from coordinator.types import Instant
from tests.control.http.bench import run, until
from tests.ports import free_port

pytestmark = [pytest.mark.real_time, pytest.mark.node]

REPOSITORY = Path(__file__).parents[3]
EVENT_SOURCE = REPOSITORY / "build" / "asyncapi" / "node_modules" / "eventsource" / "dist" / "index.cjs"
VIEWER = """
const {{ EventSource }} = require({module});
const source = new EventSource(process.argv[2]);
const tell = (kind, event) => console.log(JSON.stringify([kind, event.lastEventId, JSON.parse(event.data)]));
for (const kind of ['left', 'dropped', 'verdict'])
  source.addEventListener(kind, (event) => tell(kind, event));
source.addEventListener('verdict', () => source.close());
"""


def test_it_sees_each_event_comes_back_by_itself_and_learns_what_it_missed(tmp_path: Path) -> None:
    script = tmp_path / "viewer.cjs"
    script.write_text(VIEWER.format(module=json.dumps(str(EVENT_SOURCE))))

    async def scenario() -> list[list[object]]:
        feed = Feed(lambda: Instant(1), 0)
        plane = Plane(dispatcher=Dispatcher({}), feed=feed, board=Board())

        async def viewed(count: int) -> None:
            await until(lambda: len(feed._readers) == count)

        async with serve(plane, Address(host="127.0.0.1", port=free_port())) as bound:
            url = f"{bound.url}/api/v1/events?kinds=left,verdict"
            node = await asyncio.create_subprocess_exec(
                "node", str(script), url, stdout=asyncio.subprocess.PIPE
            )
            await viewed(2)
            feed.publish("left", {"device": "\u00e4\n\u2028:"})
            feed.publish("joined", {})
            feed.publish("left", {})
            assert node.stdout is not None
            lines = [await node.stdout.readline() for _ in range(2)]
        feed.publish("left", {})
        async with serve(plane, Address(host=bound.host, port=bound.port)):
            await viewed(2)
            feed.publish("verdict", {})
            out, _ = await node.communicate()
        return [json.loads(line) for line in [*lines, *out.splitlines()]]

    seen = run(scenario())
    assert [(kind, number) for kind, number, _ in seen] == [
        ("left", "1"),
        ("left", "3"),
        ("dropped", "4"),
        ("verdict", "5"),
    ]
    assert isinstance(seen[0][2], dict)
    assert seen[0][2]["device"] == "\u00e4\n\u2028:"
