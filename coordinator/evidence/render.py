"""Rows and verdicts for people: as rich text for a terminal, and as plain lines. Nothing here prints.

Both are made from the same lines. The rich ones keep their colours to a console that wants them
(rich honours NO_COLOR); the plain ones are ASCII. 80 columns are enough.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.text import Text

from coordinator.evidence.outcome import Attempt, DeviationCount, Outcome, Ruling, Verdict
from coordinator.evidence.rungs import Direction, Row
from coordinator.types import SECOND

Span = tuple[str, str]
"""Text and its style."""
Line = list[Span]

NARROWEST = 60
_TIME, _ARROW, _KEY = 10, 3, 25
_MARGIN = _TIME + 1 + _ARROW + 1
_LABEL = 12

_ARROWS = {Direction.TO_JOINER: "──▶", Direction.FROM_JOINER: "◀──", Direction.HERE: " · "}
_PLAIN_ARROWS = {Direction.TO_JOINER: "-->", Direction.FROM_JOINER: "<--", Direction.HERE: " * "}
_GHOST_ARROWS = {Direction.TO_JOINER: "╌╌▷", Direction.FROM_JOINER: "◁╌╌", Direction.HERE: " · "}
_PLAIN_GHOST_ARROWS = {Direction.TO_JOINER: "..>", Direction.FROM_JOINER: "<..", Direction.HERE: " * "}
_RULINGS = {Ruling.PASS: "bold green", Ruling.FAIL: "bold red", Ruling.INCONCLUSIVE: "bold yellow"}
_OUTCOMES = {
    Outcome.JOINED_SECURE: "green",
    Outcome.JOINED_LEGACY: "cyan",
    Outcome.LEFT_BY_JOINER: "red",
    Outcome.REMOVED_BY_TRUST_CENTER: "red",
    Outcome.NEVER_AUTHENTICATED: "red",
    Outcome.NOT_ASSOCIATED: "red",
    Outcome.INCONCLUSIVE: "yellow",
}
_DEVIATION = "bold magenta"
_ARROW_STYLE = "bright_blue"


def heading(width: int = 80) -> Text:
    """The column titles of the ladder."""
    return _rich(_heading(width))


def rung(row: Row, width: int = 80, *, tagged: bool = False) -> Text:
    """One row of the ladder; `tagged` names the device, for when there are several."""
    return _rich(_rung(row, width, tagged, plain=False))


def outcome(verdict: Verdict, radio: str, width: int = 80) -> Text:
    """The verdict with its reason, its deviations, its attempts and the stamp of the radio."""
    return _rich(_outcome(verdict, radio, width))


def plain_heading(width: int = 80) -> str:
    """`heading` without colours."""
    return _plain(_heading(width))


def plain_rung(row: Row, width: int = 80, *, tagged: bool = False) -> str:
    """`rung` without colours, in ASCII."""
    return _plain(_rung(row, width, tagged, plain=True))


def plain_outcome(verdict: Verdict, radio: str, width: int = 80) -> str:
    """`outcome` without colours."""
    return _plain(_outcome(verdict, radio, width))


def _heading(width: int) -> Iterable[Line]:
    what = _what_width(width)
    yield [(f"{'associated':>{_TIME}} {'':{_ARROW}} {'step':{what}} secured with", "bold")]


def _rung(row: Row, width: int, tagged: bool, *, plain: bool) -> Iterable[Line]:
    what_width = _what_width(width)
    tag = f"[..{str(row.device)[-5:]}] " if tagged and row.device is not None else ""
    what = f"{tag}{row.what}" + (f"; {row.note}" if row.note else "")
    first, *rest = _wrap(what, what_width)
    style = "dim" if row.ghost else _key_style(row.key)
    arrow = _arrow(row, plain)
    yield [
        (f"{_since(row):>{_TIME}} ", "dim"),
        (f"{arrow} ", "dim" if row.ghost else _ARROW_STYLE),
        (f"{first:{what_width}} " if row.key else first, "dim" if row.ghost else ""),
        (row.key, style),
    ]
    for line in rest:
        yield [(" " * _MARGIN + line, "dim" if row.ghost else "")]
    for deviation in row.deviations:
        lines = _wrap(deviation, max(width, NARROWEST) - _MARGIN - 2)
        for index, line in enumerate(lines):
            yield [(" " * _MARGIN + ("  " if index else "! ") + line, _DEVIATION)]


def _outcome(verdict: Verdict, radio: str, width: int) -> Iterable[Line]:
    width = max(width, NARROWEST)
    stamp = f" radio: {radio} "
    yield [
        ("-- verdict " + "-" * (width - 11 - len(stamp) - 2), "dim"),
        (stamp, "bold reverse"),
        ("--", "dim"),
    ]
    yield _headline(verdict)
    yield from _labelled("why", verdict.explanation, width)
    if verdict.device is not None:
        yield from _labelled("device", str(verdict.device), width)
    for label, text in _details(verdict.deviations, _last_findings(verdict), verdict.incomplete):
        yield from _labelled(label, text, width, _DEVIATION if label == "deviation" else "")
    if len(verdict.attempts) > 1 or verdict.earlier:
        if verdict.earlier:
            yield from _labelled("attempts", f"{verdict.earlier} earlier ones are not listed", width)
        for attempt in verdict.attempts:
            yield from _labelled(f"attempt {attempt.number}", _attempt(attempt), width)
    if len(verdict.devices) > 1:
        for each in verdict.devices:
            text = f"{each.verdict.value}: {each.outcome.value} at {each.step.value}; {each.explanation}"
            yield from _labelled("device", f"{each.device}  {text}", width, _OUTCOMES[each.outcome])


def _headline(verdict: Verdict) -> Line:
    line: Line = [
        (verdict.verdict.value.upper(), _RULINGS[verdict.verdict]),
        ("  ", ""),
        (verdict.outcome.value, _OUTCOMES[verdict.outcome]),
    ]
    if verdict.link_key is not None:
        line.append((f" (link key: {verdict.link_key.value})", ""))
    line.append((f" at {verdict.step.value}", ""))
    if verdict.seconds is not None:
        line.append((f", {verdict.seconds:.3f} s after association", ""))
    return line


def _details(
    deviations: tuple[DeviationCount, ...], findings: tuple[str, ...], incomplete: tuple[str, ...]
) -> Iterable[tuple[str, str]]:
    for deviation in deviations:
        count = f" ({deviation.count} times)" if deviation.count > 1 else ""
        clause = f": {deviation.clause}" if deviation.clause else ""
        yield "deviation", f"{deviation.behaviour}{count}{clause}"
    for finding in findings:
        yield "finding", finding
    for missing in incomplete:
        yield "incomplete", missing


def _attempt(attempt: Attempt) -> str:
    seconds = "" if attempt.seconds is None else f" after {attempt.seconds:.3f} s"
    return f"{attempt.outcome.value} at {attempt.step.value}{seconds}: {attempt.explanation}"


def _last_findings(verdict: Verdict) -> tuple[str, ...]:
    return verdict.attempts[-1].findings if verdict.attempts else ()


def _labelled(label: str, text: str, width: int, style: str = "") -> Iterable[Line]:
    for index, line in enumerate(_wrap(text, width - _LABEL)):
        yield [(f"{'' if index else label:{_LABEL}}", "dim"), (line, style)]


def _since(row: Row) -> str:
    return "" if row.since is None else f"+{row.since / SECOND:.3f} s"


def _arrow(row: Row, plain: bool) -> str:
    if row.ghost:
        return (_PLAIN_GHOST_ARROWS if plain else _GHOST_ARROWS)[row.direction]
    return (_PLAIN_ARROWS if plain else _ARROWS)[row.direction]


def _key_style(key: str) -> str:
    if "global" in key:
        return "yellow"
    if "unique" in key or "install-code" in key:
        return "green"
    return "red" if key == "none" else "cyan"


def _what_width(width: int) -> int:
    return max(width, NARROWEST) - _MARGIN - 1 - _KEY + 1


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _rich(lines: Iterable[Line]) -> Text:
    text = Text(overflow="fold")
    for number, line in enumerate(lines):
        if number:
            text.append("\n")
        for content, style in line:
            text.append(content, style)
    return text


def _plain(lines: Iterable[Line]) -> str:
    return "\n".join("".join(content for content, _ in line).rstrip() for line in lines)
