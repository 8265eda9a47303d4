"""Rows and verdicts for people: as rich text for a terminal, and as plain lines. Nothing here prints.

Both are made from the same lines. The rich ones keep their colours to a console that wants them
(rich honours NO_COLOR); the plain ones are ASCII. 80 columns are enough; below 60 what secured a
step goes on a line of its own, below 40 what labels a text does.
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

BESIDE = 60
"""Columns from which a step and what secured it stand side by side."""
NARROWEST = 40
"""Columns from which a label and its text do."""
_TIME, _ARROW, _KEY = 10, 3, 25
_MARGIN = _TIME + 1 + _ARROW + 1
_LABEL = 12
_INDENT = 2

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
    if width < BESIDE:
        yield (
            [("since association, step, secured with", "bold")] if width >= NARROWEST else [("steps", "bold")]
        )
        return
    what = _what_width(width)
    yield [(f"{'associated':>{_TIME}} {'':{_ARROW}} {'step':{what}} secured with", "bold")]


def _rung(row: Row, width: int, tagged: bool, *, plain: bool) -> Iterable[Line]:
    tag = f"[..{str(row.device)[-5:]}] " if tagged and row.device is not None else ""
    what = f"{tag}{row.what}" + (f"; {row.note}" if row.note else "")
    if width < BESIDE:
        yield from _narrow_rung(row, what, width, plain=plain)
        return
    what_width = _what_width(width)
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
        lines = _wrap(deviation, width - _MARGIN - 2)
        for index, line in enumerate(lines):
            yield [(" " * _MARGIN + ("  " if index else "! ") + line, _DEVIATION)]


def _narrow_rung(row: Row, what: str, width: int, *, plain: bool) -> Iterable[Line]:
    """Time and arrow, then everything else in lines of its own where there is no room beside them."""
    style = "dim" if row.ghost else ""
    lines = [(line, style) for line in _wrap(what, width - _narrow_margin(width))]
    if row.key:
        key = "dim" if row.ghost else _key_style(row.key)
        lines += [(line, key) for line in _wrap(f"({row.key})", width - _narrow_margin(width))]
    for deviation in row.deviations:
        lines += [(line, _DEVIATION) for line in _wrap(f"! {deviation}", width - _narrow_margin(width))]
    head: Line = [(f"{_since(row):>{_TIME}} ", "dim"), (f"{_arrow(row, plain)} ", style or _ARROW_STYLE)]
    if width < NARROWEST:
        yield head
    else:
        yield [*head, lines.pop(0)]
    for text, of in lines:
        yield [(" " * _narrow_margin(width) + text, of)]


def _narrow_margin(width: int) -> int:
    return _INDENT if width < NARROWEST else _MARGIN


def _outcome(verdict: Verdict, radio: str, width: int) -> Iterable[Line]:
    stamp = f" radio: {radio} "
    if width < NARROWEST:
        yield [("verdict", "dim"), (stamp, "bold reverse")]
    else:
        rule = "-" * (width - 11 - len(stamp) - 2)
        yield [("-- verdict " + rule, "dim"), (stamp, "bold reverse"), ("--", "dim")]
    yield from _headline(verdict, width)
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


def _headline(verdict: Verdict, width: int) -> Iterable[Line]:
    """Ruling and outcome, and beside them or below where and when."""
    line: Line = [
        (verdict.verdict.value.upper(), _RULINGS[verdict.verdict]),
        ("  ", ""),
        (verdict.outcome.value, _OUTCOMES[verdict.outcome]),
    ]
    more = "" if verdict.link_key is None else f" (link key: {verdict.link_key.value})"
    more += f" at {verdict.step.value}"
    if verdict.seconds is not None:
        more += f", {verdict.seconds:.3f} s after association"
    if sum(len(text) for text, _ in line) + len(more) <= max(width, BESIDE):
        yield [*line, (more, "")]
        return
    if width < NARROWEST:
        yield line[:1]
        line = line[-1:]
    yield line
    for text in _wrap(more.strip(), width - _INDENT):
        yield [(" " * _INDENT + text, "")]


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
    if width < NARROWEST:
        yield [(label, "dim")]
        for line in _wrap(text, width - _INDENT):
            yield [(" " * _INDENT + line, style)]
        return
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
    return width - _MARGIN - 1 - _KEY + 1


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_on_hyphens=False) or [""]


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
