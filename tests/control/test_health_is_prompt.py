"""`health` says what is so, not what was when somebody last looked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from coordinator.radio.simulated import AiredRadio
from coordinator.trace import RadioState
from tests.control.rig import Client, bench

SOON = 0.1
"""Seconds, virtual; looks that nobody asks for are 5 s apart."""
OPENS_IN = 7.0


@contextlib.asynccontextmanager
async def looked_after(client: Client) -> AsyncIterator[None]:
    """As a daemon does: somebody looks now and again."""
    keeping = asyncio.ensure_future(client.service.keep())
    await asyncio.sleep(2)
    assert client.document("health")["ok"] is True
    yield
    assert not keeping.done()
    keeping.cancel()


def test_a_network_that_is_formed_is_told_of_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = AiredRadio.start

    async def opens_slowly(radio: AiredRadio, *told: object) -> None:
        await asyncio.sleep(OPENS_IN)
        await opened(radio, *told)  # type: ignore[arg-type]

    monkeypatch.setattr(AiredRadio, "start", opens_slowly)

    async def body(client: Client) -> None:
        async with looked_after(client):
            forming = asyncio.ensure_future(client.done("network/form"))
            await asyncio.sleep(SOON)
            health = client.document("health")
            assert (health["ok"], health["problems"]) == (False, ["the network is being formed"])
            await forming
            await asyncio.sleep(SOON)
            health = client.document("health")
            assert (health["ok"], health["problems"], health["radio"]) == (True, [], "ok")

    bench(body)


def test_a_radio_that_goes_and_comes_is_told_of_at_once() -> None:
    async def body(client: Client) -> None:
        session = client.service.bench.session
        assert session is not None
        async with looked_after(client):
            for state, word in (
                (RadioState.LOST, "lost"),
                (RadioState.RECOVERING, "recovering"),
                (RadioState.UP, "ok"),
                (RadioState.ABSENT, "lost"),
                (RadioState.UP, "ok"),
            ):
                session.radio_changed(state, "a test", state is RadioState.LOST)
                await asyncio.sleep(SOON)
                health = client.document("health")
                assert (health["radio"], health["ok"]) == (word, word == "ok")

    bench(body)


def test_what_changes_nothing_is_no_reason_to_look() -> None:
    async def body(client: Client) -> None:
        session = client.service.bench.session
        assert session is not None
        asked: list[float] = []
        client.service.doctor.answered = asked.append
        async with looked_after(client):
            looks = len(asked)
            for _ in range(8):
                session.radio_changed(RadioState.UP, "late", missed=True)
                await asyncio.sleep(SOON)
            assert len(asked) == looks

    bench(body)
