"""Scripts: changes sent at once, each waiting for its moment once the one before has taken effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from coordinator.control.bench import steps
from coordinator.control.bench.bench import Bench
from coordinator.control.bench.changes import Asked, Waiter, heeded
from coordinator.control.dispatch import Context
from coordinator.control.schema import profiles as schema
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.switching.effect import Effect


class Scripts:
    """The scripts that are under way."""

    def __init__(self) -> None:
        self._running: dict[str, _Script] = {}

    def run(self, bench: Bench, request: schema.ScriptRun, _context: Context) -> Awaitable[schema.ScriptDone]:
        """Begin a script; it answers when its last step has taken effect."""
        if request.script in self._running:
            raise ControlError(ErrorCode.REFUSED, f"a script named '{request.script}' is under way")
        script = _Script(bench, request)
        script.begin()
        self._running[request.script] = script
        return self._finish(bench, request, script)

    def cancel(self, _bench: Bench, request: schema.ScriptCancel, _context: Context) -> schema.Cancelled:
        """Withdraw what a script has not done yet."""
        script = self._running.get(request.script)
        if script is None:
            raise ControlError(ErrorCode.NOT_FOUND, f"no script named '{request.script}' is under way")
        return schema.Cancelled(withdrawn=script.withdraw())

    async def _finish(self, bench: Bench, request: schema.ScriptRun, script: _Script) -> schema.ScriptDone:
        try:
            effects = await script.done(request.within)
        finally:
            self._running.pop(request.script, None)
        return schema.ScriptDone(script=request.script, steps=[bench.changed(each) for each in effects])


class _Script:
    """One script. A step is asked for in the call in which the one before takes effect."""

    def __init__(self, bench: Bench, request: schema.ScriptRun) -> None:
        """Raises ControlError when a step does not fit what those before it make, nothing being changed."""
        planned = steps.plans(bench, request.steps)
        bench.check_generation(request.if_generation)
        steps.foresee(bench.up(), planned)
        self._bench = bench
        self._effects: list[Effect] = []
        self._waiting: Waiter | None = None
        self._asked = [
            Asked(
                edit=plan.edit,
                change=f"script {request.script}, step {number}: {plan.what}",
                when=step.when,
                generation=request.if_generation if number == 1 else None,
                transaction=request.transaction,
                also=plan.also,
            )
            for number, (step, plan) in enumerate(zip(request.steps, planned, strict=True), 1)
        ]
        self._count = len(self._asked)
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._finished.add_done_callback(heeded)
        self._withdrawn = False

    def begin(self) -> None:
        """Ask for the first step. Raises ControlError when it does not fit."""
        waiter = self._next()
        waiter.ask()

    def withdraw(self) -> int:
        """Nothing more happens; how many steps will not."""
        left = len(self._asked)
        self._asked.clear()
        self._withdrawn = left > 0
        if self._waiting is not None and self._waiting.withdraw():
            left += 1
        return left

    async def done(self, within: float) -> list[Effect]:
        """Wait for the last step. Raises ControlError, which says how many steps have taken effect."""
        try:
            async with asyncio.timeout(within):
                await asyncio.shield(self._finished)
        except (TimeoutError, ControlError) as error:
            if not self.withdraw() and self._complete():
                return self._effects  # the last step took effect in this very moment
            raise self._stopped(error, within) from None
        except asyncio.CancelledError:
            self.withdraw()
            raise
        return self._effects

    def _complete(self) -> bool:
        """Whether every step has taken effect."""
        return self._finished.done() and self._finished.exception() is None

    def _stopped(self, error: TimeoutError | ControlError, within: float) -> ControlError:
        """Why the script ended early, and what became of each step: those before stay in effect."""
        done = len(self._effects)
        if isinstance(error, ControlError):
            code = error.code
            reasons = [each.message for each in error.details] or [error.message]
        else:
            code, reasons = ErrorCode.TIMEOUT, [f"not within {within:g} s"]
        if done and code is not ErrorCode.TIMEOUT:
            code = ErrorCode.PARTLY_DONE
        details = [
            Detail(path=f"steps[{number}]", message=f"took effect: generation {effect.generation}")
            for number, effect in enumerate(self._effects)
        ]
        details += [Detail(path=f"steps[{done}]", message=reason) for reason in reasons]
        details += [
            Detail(path=f"steps[{number}]", message="not done") for number in range(done + 1, self._count)
        ]
        so_far = ", ".join(f"step {n}: generation {e.generation}" for n, e in enumerate(self._effects, 1))
        return ControlError(
            code,
            f"step {done + 1} did not take effect: {'; '.join(reasons)}",
            hint=f"taken effect so far: {so_far or 'nothing'}",
            details=details,
        )

    def _next(self) -> Waiter:
        self._waiting = waiter = Waiter(
            self._bench, self._asked.pop(0), done=self._stepped, failed=self._failed
        )
        return waiter

    def _stepped(self, effect: Effect) -> None:
        self._effects.append(effect)
        self._waiting = None
        if self._withdrawn:
            self._failed(ControlError(ErrorCode.TIMEOUT, "the script was cancelled"))
        elif self._asked:
            session = self._bench.session
            assert session is not None
            waiter = self._next()
            waiter.ask_within(session, effect.at)
        elif not self._finished.done():
            self._finished.set_result(None)

    def _failed(self, error: ControlError) -> None:
        self._waiting = None
        self._asked.clear()
        if not self._finished.done():
            self._finished.set_exception(error)
