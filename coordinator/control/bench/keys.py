"""The command that rotates the network key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from coordinator import trace
from coordinator.control.bench.bench import Bench, Over
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.base import Changed
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.primitives import nlme
from coordinator.runtime.session import Session
from coordinator.switching.effect import Effect
from coordinator.trust_center.key_rotation import RotationRefused
from coordinator.types import Instant

IN_USE_WITHIN = 60.0
"""Seconds for the new key to come into use; the longest pause that a profile can ask for is shorter."""


def rotate(bench: Bench, request: schema.KeyRotate, _context: Context) -> Awaitable[Changed]:
    """Distribute a fresh network key, and switch to it."""
    bench.check_generation(request.if_generation)
    in_use: asyncio.Future[Effect] = asyncio.get_running_loop().create_future()
    session = bench.on_air()
    awaited: list[int] = []

    def observe(record: trace.Record) -> None:
        if (
            isinstance(record, trace.Requested)
            and isinstance(record.request, nlme.SetActiveKeyRequest)
            and record.request.sequence in awaited
            and not in_use.done()
        ):
            in_use.set_result(session.switcher.advance("key/rotate", record.at))

    def act(session: Session, now: Instant) -> int:
        return session.center.administration.rotate_key(None, now)

    session.center.observers.append(observe)
    try:
        awaited.append(bench.act(act))
    except RotationRefused as refused:
        session.center.observers.remove(observe)
        raise ControlError(ErrorCode.REFUSED, str(refused)) from None
    except BaseException:
        session.center.observers.remove(observe)
        raise

    async def answer() -> Changed:
        try:
            effect = await bench.while_up(_of(in_use), IN_USE_WITHIN)
        except TimeoutError:
            raise ControlError(
                ErrorCode.TIMEOUT, f"the new key did not come into use within {IN_USE_WITHIN:g} s"
            ) from None
        except Over:
            raise ControlError(
                ErrorCode.TIMEOUT, "the network was given up before the new key came into use"
            ) from None
        finally:
            session.center.observers.remove(observe)
        bench.refresh()
        return bench.changed(effect)

    return answer()


async def _of(future: asyncio.Future[Effect]) -> Effect:
    return await future
