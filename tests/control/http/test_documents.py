"""What is true now, as HTTP serves it."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coordinator.control.http.pages import Text
from coordinator.control.metrics import CONTENT_TYPE, Metrics
from tests.control.http.bench import post_documents, run, served

pytestmark = pytest.mark.real_time


def test_health_says_by_its_status_whether_it_works() -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, text = await bench.get("/health")
            assert (status, json.loads(text)["ok"]) == (503, False)
            post_documents(bench.plane.board)
            status, text = await bench.get("/health")
            assert (status, json.loads(text)["ok"]) == (200, True)
            post_documents(bench.plane.board, ok=False)
            status, text = await bench.get("/health")
            assert (status, json.loads(text)["problems"]) == (503, ["the radio is lost"])

    run(scenario())


def test_info_and_state_are_the_boards_and_nobody_stores_them() -> None:
    async def scenario() -> None:
        async with served() as bench:
            assert (await bench.get("/state"))[0] == 503
            post_documents(bench.plane.board)
            for name in ("info", "state"):
                async with bench.client.get(f"/{name}") as answer:
                    assert await answer.read() == bench.plane.board.documents[name]
                    assert answer.headers["Content-Type"] == "application/json"
                    assert answer.headers["Cache-Control"] == "no-store"

    run(scenario())


def test_metrics_are_written_when_they_are_asked_for() -> None:
    written = iter((b"a 1\n", b"a 2\n"))

    async def scenario() -> None:
        text = Text(write=lambda: next(written), kind="text/plain; version=0.0.4")
        async with served(metrics=text) as bench:
            assert await bench.get("/metrics") == (200, "a 1\n")
            assert await bench.get("/metrics") == (200, "a 2\n")

    run(scenario())


def test_the_first_page_names_the_endpoints() -> None:
    async def scenario() -> None:
        async with served() as bench:
            status, text = await bench.get("/")
            assert status == 200
            for path in ("/health", "/info", "/metrics", "/api/v1/events"):
                assert path in text

    run(scenario())


def test_prometheus_is_served_what_it_reads() -> None:
    async def scenario() -> None:
        figures = Metrics()
        figures.verdict("zb3", "pass")
        async with (
            served(metrics=Text(write=figures.text, kind=CONTENT_TYPE)) as bench,
            bench.client.get("/metrics") as answer,
        ):
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            families = text_string_to_metric_families(await answer.text())
            assert "legacytc_joins" in {family.name for family in families}

    run(scenario())


def test_the_api_is_described_where_it_is_served() -> None:
    async def scenario() -> None:
        async with served() as bench:
            _, listed = await bench.get("/schema/")
            for name in listed.split():
                status, text = await bench.get(f"/schema/{name}")
                assert status == 200
                assert isinstance(json.loads(text), dict)
            assert json.loads((await bench.get("/schema/asyncapi.json"))[1])["asyncapi"] == "3.0.0"
            assert (await bench.get("/schema/..%2f..%2fpyproject.toml"))[0] == 404

    run(scenario())
