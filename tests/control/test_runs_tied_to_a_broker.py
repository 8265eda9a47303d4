"""A run that is to end when the broker goes: what counts, and where it cannot be promised."""

from __future__ import annotations

import pytest

from coordinator.control.bench.bench import Broker
from tests.control.rig import Client, bench


@pytest.mark.parametrize(
    ("broker", "why"), [("off", "this bench is on no broker"), ("disconnected", "the broker is gone already")]
)
def test_a_bench_without_a_broker_does_not_promise_to_end_a_run_when_it_goes(
    broker: Broker, why: str
) -> None:
    async def body(client: Client) -> None:
        if broker != "off":
            client.service.doctor.gauges.broker = lambda: broker
        before = client.document("state")["generation"]
        error = await client.refused("run/start", run="tied", on_disconnect="stop", permit_join=60)
        assert error["code"] == "refused"
        assert str(error["message"]).endswith(why)
        assert error["details"] == [{"path": "on_disconnect", "message": why}]
        assert (await client.done("run/get"))["active"] is False
        state = client.document("state")
        assert (state["generation"], state["permit_join_until"]) == (before, None)
        assert (await client.done("run/start", run="free", on_disconnect="continue"))["run"]

    bench(body, permit=0)
