"""What a request for a verdict exits with: the verdict's code where that is asked for, never a mistake's."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.cli import invoke
from coordinator.control.dispatch import Context
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.bench import Run, RunChanged, Verdict
from coordinator.control.schema.errors import ControlError, ErrorCode
from tests.control.http.bench import run, served

pytestmark = pytest.mark.real_time

REFUSED, USAGE, UNREACHABLE, NO_VERDICT = 3, 2, 6, 7


def verdict(word: str) -> Verdict:
    return Verdict.model_validate(
        {"verdict": word, "outcome": "left-by-joiner", "profile": "zb3", "run": "a"}
    )


def exits_with(answer: Data | ControlError, verb: str, *options: str) -> int:
    """The exit code of a request that is answered like this."""

    def answers(_request: Request, _context: Context) -> Data:
        if isinstance(answer, ControlError):
            raise answer
        return answer

    async def scenario() -> int:
        async with served({verb: answers}) as bench:
            words = ["request", verb, "--http", bench.address.url, *options]
            return await asyncio.to_thread(invoke, words)

    return run(scenario())


@pytest.mark.parametrize(("word", "code"), [("pass", 0), ("fail", 1), ("inconclusive", 7)])
def test_a_verdict_gives_the_exit_code_where_that_is_asked_for(
    word: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits_with(verdict(word), "verdict/get", "--exit-code") == code
    told = capsys.readouterr()
    assert f'"verdict": "{word}"' in told.out
    assert told.err == ""
    assert exits_with(verdict(word), "verdict/get") == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [((), 7), (("pass", "pass"), 0), (("pass", "inconclusive"), 7), (("inconclusive", "fail", "pass"), 1)],
)
def test_a_run_that_is_stopped_gives_the_code_of_its_worst_verdict(words: tuple[str, ...], code: int) -> None:
    effective = {"t_mono_ns": 1, "t_wall": "2026-11-25T19:49:21.582999Z"}
    ended = Run(run="a", active=False, verdicts=[verdict(word) for word in words])
    answer = RunChanged.model_validate(
        {"generation": 2, "profile": "zb3", "effective": effective, "run": ended.model_dump()}
    )
    assert exits_with(answer, "run/stop", "--exit-code") == code
    assert exits_with(answer, "run/stop") == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ErrorCode.TIMEOUT, NO_VERDICT),
        (ErrorCode.NOT_FOUND, NO_VERDICT),
        (ErrorCode.REFUSED, REFUSED),
        (ErrorCode.FORBIDDEN, REFUSED),
        (ErrorCode.INVALID, REFUSED),
    ],
)
def test_a_refusal_does_not_pass_for_a_verdict_of_fail(
    error: ErrorCode, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits_with(ControlError(error, "no"), "verdict/get", "--exit-code") == code
    assert capsys.readouterr().err == f"legacy-tc: {error.value}: no\n"
    assert exits_with(ControlError(error, "no"), "verdict/get") == 1


def test_what_has_no_verdict_has_no_such_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["request", "profile/get", "--exit-code"]) == USAGE
    told = capsys.readouterr().err
    assert "--exit-code" in told
    assert "verdict/get and run/stop: profile/get has no verdict" in told
    assert invoke(["request", "verdict/get", "--exit-code", "--http", "http://127.0.0.1:1"]) == UNREACHABLE
