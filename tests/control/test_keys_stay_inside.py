"""Without `expose_keys` no key of the network leaves the bench: in no answer, event, document or file."""

from __future__ import annotations

import json
from pathlib import Path

from tests.control.rig import Client, Json, bench

QUESTIONS = ("network/get", "device/list", "profile/get", "verdict/get", "run/get", "fault/list", "health")


def _keys(client: Client) -> set[str]:
    session = client.service.bench.session
    assert session is not None
    host = session.center.host
    keys = {held.key.octets.hex() for held in host.network_keys.held()}
    return keys | {entry.current.key.octets.hex() for entry in host.link_keys}


def test_not_even_in_frames_that_were_damaged_or_injected(tmp_path: Path) -> None:
    keys: set[str] = set()
    answers: list[Json] = []

    async def body(client: Client) -> None:
        keys.update(_keys(client))
        (network_key,) = keys
        await client.done("run/start", run="r", capture="r", permit_join=60)
        await client.done(
            "fault/arm", fault="f", match={"frame": "transport-key"}, action="flip", octet=9, mask=3, count=1
        )
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("fault-spent")
        await client.done("profile/set", profile="zb3", when="now")
        answers.append(await client.ask("inject", psdu="4188" + "00" * 8 + network_key))
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict", verdict="pass")
        await client.done("key/rotate")
        keys.update(_keys(client))
        answers.extend([await client.ask(verb) for verb in QUESTIONS])
        answers.append(await client.done("run/stop"))

    client, _ = bench(body, profile="clear-key", frames=True, folder=tmp_path, observe=30)
    assert len(keys) >= 3
    told = [*answers, *client.events, *(client.document(name) for name in ("info", "state", "health"))]
    told += [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [each for each in told if any(key in json.dumps(each) for key in keys)] == []
    assert len(client.of("frame")) > 20


def test_with_expose_keys_the_frames_are_whole() -> None:
    keys: set[str] = set()

    async def body(client: Client) -> None:
        keys.update(_keys(client))
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("joined")
        await client.until("verdict")
        assert (await client.done("network/get"))["key"] in keys

    client, _ = bench(body, profile="clear-key", frames=True, expose_keys=True)
    assert any(key in str(event["psdu"]) for event in client.of("frame") for key in keys)
