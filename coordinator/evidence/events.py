"""The event file: one JSON object a line for each trace record, nothing left out but keys.

Which fields a class has, and how each is written, is found once a class; a record costs a loop.
A `psdu` is written octet for octet, with one exception: of a Transport-Key that no layer encrypts, the
sixteen octets of the key are zeros, and `"psdu_redacted": true` stands beside it. What is encrypted stays as
it was on the air, so whoever knows ZigBeeAlliance09, and that is everybody, can still decrypt the network
key from a Transport-Key that only the well-known key protects. `expose_keys` writes all keys as they are.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import types
import typing
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from coordinator import trace
from coordinator.evidence.redaction import blank, redact
from coordinator.primitives import Indication, Request
from coordinator.primitives.describe import describe
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Instant, Key, NwkAddress, PanId, hex16

Event = dict[str, object]
"""What becomes one line: only str, int, float, bool, None, lists and objects of those."""

REDACTED = "redacted"
KEYS_KEPT = 256
"""Keys that are looked for in frames, the latest ones."""
WELL_KNOWN = "ZigBeeAlliance09"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORD = re.compile("[A-Z][a-z0-9]*")
_PRIMITIVES = frozenset(typing.get_args(Indication) + typing.get_args(Request))
_RECORDS = typing.get_args(trace.Record)
_ADDRESSES = (NwkAddress, PanId)

Write = Callable[[object, bool], object]
"""Turns a field's value into JSON; the flag says whether keys are shown."""
Layout = tuple[tuple[str, Write], ...]


class Events:
    """Turns records into events. `utc_at_zero`: UTC time of `Instant(0)`, microseconds since the epoch."""

    def __init__(self, *, utc_at_zero: int, expose_keys: bool = False) -> None:
        self._zero = _EPOCH + timedelta(microseconds=utc_at_zero)
        self._expose_keys = expose_keys
        self._keys: OrderedDict[Key, None] = OrderedDict()
        self._encode = json.JSONEncoder(separators=(",", ":")).encode

    def event(self, record: trace.Record) -> Event:
        """The record as one object: `t_mono_us`, `t_utc`, `kind`, then its own fields."""
        kind, layout = _records[type(record)]
        event: Event = {"t_mono_us": record.at, "t_utc": self.utc(record.at), "kind": kind}
        expose_keys = self._expose_keys
        for name, written_as, write in layout:
            event[written_as] = write(getattr(record, name), expose_keys)
        if isinstance(record, trace.KeyInUse):
            self._keys[record.key] = None
            if len(self._keys) > KEYS_KEPT:
                self._keys.popitem(last=False)
        if not expose_keys and isinstance(record, (trace.Heard, trace.Sent)):
            redacted = blank(redact(record.psdu) or record.psdu, self._keys)
            if redacted != record.psdu:
                event["psdu"] = redacted.hex()
                event["psdu_redacted"] = True
        return event

    def line(self, record: trace.Record) -> str:
        """The record as one line of ASCII, newline included."""
        return self._encode(self.event(record)) + "\n"

    def utc(self, at: Instant) -> str:
        """The UTC time of an instant, as ISO 8601 with microseconds: ``2026-11-22T11:04:00.000250Z``."""
        moment = self._zero + timedelta(microseconds=at)
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def primitive_name(kind: type) -> str:
    """The name the specification gives a primitive: ``APSME-REQUEST-KEY.indication``."""
    words = _WORD.findall(kind.__name__)
    service = kind.__module__.rpartition(".")[2].upper()
    return f"{service}-{'-'.join(words[:-1]).upper()}.{words[-1].lower()}"


def kind_of(record: type) -> str:
    """The event kind of a record class: ``key-in-use``."""
    return "-".join(_WORD.findall(record.__name__)).lower()


def _object(value: object, expose_keys: bool) -> object:
    kind = type(value)
    head, title, layout = _objects.get(kind) or _learn(kind)
    written: Event = {head: title}
    for name, write in layout:
        written[name] = write(getattr(value, name), expose_keys)
    if head == "primitive":
        written["summary"] = describe(value)  # type: ignore[arg-type]  # a member of the union, as its head says
    return written


def _plain(value: object, expose_keys: bool) -> object:
    """A value whose class says how it is written; integers stay integers."""
    kind = type(value)
    if kind is int or kind is str or kind is bool or kind is float or value is None:
        return value
    if kind is Eui64:
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, Key):
        return _key(value, expose_keys)
    if isinstance(value, enum.IntFlag):
        return int(value)
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, str) else value.name.lower().replace("_", "-")
    if dataclasses.is_dataclass(value) or hasattr(kind, "_fields"):
        return _object(value, expose_keys)
    if isinstance(value, (tuple, list)):
        return [_plain(entry, expose_keys) for entry in value]
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"no JSON for {kind.__name__}")  # our bug: a record grew a field of a new sort


def _address(value: object, expose_keys: bool) -> object:
    """A short address or PAN identifier, or a sequence of them: ``0x1a2b``."""
    if type(value) is int:
        return hex16(value)
    if isinstance(value, tuple):
        return [_address(entry, expose_keys) for entry in value]
    return _plain(value, expose_keys)


def _key(key: Key, expose_keys: bool) -> str:
    if expose_keys:
        return key.octets.hex()
    return WELL_KNOWN if key == GLOBAL_LINK_KEY else REDACTED


def _learn(kind: type) -> tuple[str, str, Layout]:
    """Find out once how the fields of a class are written."""
    if dataclasses.is_dataclass(kind):
        names = tuple(field.name for field in dataclasses.fields(kind))
    else:
        names = typing.cast(tuple[str, ...], getattr(kind, "_fields", ()))
    hints = typing.get_type_hints(kind)
    layout = tuple((name, _address if _holds_address(hints[name]) else _plain) for name in names)
    if kind in _PRIMITIVES:
        _objects[kind] = ("primitive", primitive_name(kind), layout)
    else:
        _objects[kind] = ("type", kind.__name__, layout)
    return _objects[kind]


def _holds_address(hint: object) -> bool:
    if hint in _ADDRESSES:
        return True
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) in (typing.Union, tuple):
        return any(_holds_address(part) for part in typing.get_args(hint))
    return False


_objects: dict[type, tuple[str, str, Layout]] = {}
_records: dict[type, tuple[str, tuple[tuple[str, str, Write], ...]]] = {
    kind: (
        kind_of(kind),
        tuple(
            (name, "key_kind" if name == "kind" else name, write)  # the event's own kind comes first
            for name, write in _learn(kind)[2]
            if name != "at"
        ),
    )
    for kind in _RECORDS
}
for _primitive in _PRIMITIVES:
    _learn(_primitive)
del _primitive
