"""A broker that is there and says nothing more: after how long it is given up, and what is said of it."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.control.http.bench import run
from tests.control.mqtt.bench import bench
from tests.control.mqtt.broker import Broker

pytestmark = pytest.mark.real_time

KEEPALIVE = 2
LOOKED_AT = 1.0
"""Seconds between two looks at it, as docs/mqtt.md says."""
SLOW = 5.0
"""Seconds that a machine with other things to do may be late."""


@pytest.mark.parametrize("idle", [0.0, 1.5])
def test_a_silent_broker_is_given_up_after_once_to_twice_the_keepalive(own: Broker, idle: float) -> None:
    async def scenario() -> None:
        async with bench(own, keepalive=KEEPALIVE) as served:
            await asyncio.sleep(idle)
            began = time.monotonic()
            own.freeze()
            why = await served.lost()
            own.thaw()
            took = time.monotonic() - began
            assert KEEPALIVE - LOOKED_AT < took < 2 * KEEPALIVE + LOOKED_AT + SLOW
            assert (
                why
                == f"{own.url}: the broker does not answer: nothing came from it for {KEEPALIVE} s and more"
            )

    run(scenario())
