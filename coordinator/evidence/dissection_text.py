"""One dissection as an indented tree, plain text, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from coordinator.evidence.captured import CapturedFrame
from coordinator.evidence.dissection import Dissection, Value

_TITLES = {
    "phy": "PHY",
    "mac": "MAC",
    "mac_command": "MAC command",
    "beacon": "MAC beacon",
    "zigbee_beacon": "Zigbee beacon payload",
    "nwk": "NWK",
    "nwk_command": "NWK command",
    "aps": "APS",
    "aps_command": "APS command",
    "zdp": "ZDP",
    "payload": "Payload",
    "security": "Auxiliary security header",
}
_INDENT = "  "
_NAME = "_name"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tree(dissection: Dissection) -> str:
    """The summary, then every layer with its fields, then what is wrong. Ends without a newline."""
    lines = [dissection.summary]
    for name, fields in dissection.layers.items():
        lines += _entry(name, fields, 1)
    lines += [f"{_INDENT}! {error}" for error in dissection.errors]
    return "\n".join(_printable(line) for line in lines)


def heading(frame: CapturedFrame) -> str:
    """Number, time and interface of a packet, in one line: ``12  2026-11-22T11:37:36.000214Z  radio0``."""
    parts = [str(frame.index)]
    if frame.utc_us is not None:
        parts.append(utc(frame.utc_us))
    if frame.interface_name:
        parts.append(frame.interface_name)
    return _printable("  ".join(parts))


def utc(microseconds: int) -> str:
    """A time of a capture as ISO 8601; one outside of the calendar as the number it is."""
    try:
        at = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} us"
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _entry(name: str, value: Value, depth: int) -> list[str]:
    indent = _INDENT * depth
    label = _TITLES.get(name, name.replace("_", " "))
    if isinstance(value, Mapping):
        return [f"{indent}{label}", *_fields(value, depth + 1)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not any(isinstance(item, Mapping) for item in value):
            return [f"{indent}{label}: {', '.join(_plain(item) for item in value) or 'none'}"]
        lines = []
        for number, item in enumerate(value, 1):
            lines += _entry(f"{name} {number}", item, depth)
        return lines
    return [f"{indent}{label}: {_plain(value)}"]


def _fields(fields: Mapping[str, Value], depth: int) -> list[str]:
    lines = []
    for name, value in fields.items():
        if name.endswith(_NAME) and name.removesuffix(_NAME) in fields:
            continue
        called = fields.get(name + _NAME)
        if called is not None:
            number = f"0x{value:02x}" if isinstance(value, int) else _plain(value)
            value = f"{number} ({_plain(called)})"
        lines += _entry(name, value, depth)
    return lines


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _printable(text: str) -> str:
    """Nothing of what others wrote may steer the terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
