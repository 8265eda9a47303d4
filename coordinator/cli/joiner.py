"""One simulated device as a process of its own: what it asks, what it is told, what becomes of it."""

from __future__ import annotations

import asyncio
import json as json_format
import secrets
import sys
from typing import TextIO, assert_never

import typer

from coordinator import trace
from coordinator.cli import exits, options
from coordinator.cli.ordering import LARGEST_RANDOM_SEED, single
from coordinator.evidence.events import Events
from coordinator.joiner.device import ENDED, State
from coordinator.primitives import nlme
from coordinator.primitives.describe import describe
from coordinator.runtime import device
from coordinator.types import SECOND, Eui64, Instant, Key

DEFAULT_STAY = 10.0


def in_words(state: State) -> str:
    """A state as something that happened to the device."""
    match state:
        case State.OFF:
            return "is off"
        case State.SCANNING:
            return "looks for a network"
        case State.RESTING:
            return "rests before it tries again"
        case State.ASSOCIATING:
            return "asks to join"
        case State.UNAUTHENTICATED:
            return "has an address, awaits the network key"
        case State.AUTHENTICATED:
            return "has the network key"
        case State.DESCRIBING:
            return "asks the Trust Center for its node descriptor"
        case State.REQUESTING:
            return "asks for a Trust Center link key"
        case State.VERIFYING:
            return "has a Trust Center link key and verifies it"
        case State.FAILED:
            return "has failed to exchange its link key"
        case State.UNVERIFIED:
            return "STAYS in the network without a verified link key"
        case State.JOINED:
            return "JOINED"
        case State.LEFT:
            return "LEFT by itself"
        case State.REMOVED:
            return "LEFT because it was told to"
        case State.GAVE_UP:
            return "GAVE UP: found no network that takes it"
        case _:
            assert_never(state)


def code_of(state: State) -> int:
    """The exit code of a device that ended in this state by itself."""
    if state is State.JOINED:
        return exits.PASS
    return exits.FAIL if state in ENDED or state is State.UNVERIFIED else exits.INCONCLUSIVE


def step_of(record: trace.Record) -> tuple[str, str] | None:
    """Direction and text of a record that belongs into the log: what was asked and told. Polls do not."""
    match record:
        case trace.Requested(request=nlme.SyncRequest()):
            return None
        case trace.Requested():
            return "->", describe(record.request)
        case trace.Indicated():
            return "<-", describe(record.indication)
        case trace.Concluded(delivered=False):
            return "--", f"not delivered: {record.reason}"
        case _:
            return None


class TextAudience:
    """A line each, with the seconds of the air's clock."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def started(self, begun: device.Begun) -> None:
        """What runs."""
        order = begun.order
        role = "hosts the air at" if begun.hosts else "is on the air at"
        self._print("SIMULATED DEVICE on a simulated air: nothing is on the real air.")
        self._print(f"{'joiner':13}{order.model.name}: {order.model.title}")
        self._print(f"{'device':13}{begun.eui64}, seed {order.seed}")
        self._print(f"{'air':13}{begun.name} {role} {order.url}; radio: {begun.radio}")
        self._print("")

    def record(self, record: trace.Record) -> None:
        """One step."""
        step = step_of(record)
        if step is not None:
            self._print(f"{record.at / SECOND:12.6f}  {step[0]} {step[1]}")

    def turned(self, turn: device.Turn) -> None:
        """Another state; at the end with what decided it."""
        why = ""
        if turn.traits and code_of(turn.state) == exits.FAIL:
            why = f" (decided by {', '.join(turn.traits)})"
        self._print(f"{turn.at / SECOND:12.6f}  ** {in_words(turn.state)}{why}")

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


class JsonAudience:
    """JSON Lines: ``started``, then a ``step`` or a ``state`` each, with both times."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._clock = Events(utc_at_zero=0)

    def started(self, begun: device.Begun) -> None:
        """What runs."""
        self._clock = Events(utc_at_zero=begun.utc_at_zero)
        self._write(
            begun.at,
            {
                "kind": "started",
                "joiner": begun.order.model.name,
                "device": str(begun.eui64),
                "seed": begun.order.seed,
                "air": str(begun.order.url),
                "name": begun.name,
                "hosts": begun.hosts,
                "radio": begun.radio,
            },
        )

    def record(self, record: trace.Record) -> None:
        """One step."""
        step = step_of(record)
        if step is not None:
            self._write(record.at, {"kind": "step", "direction": step[0], "what": step[1]})

    def turned(self, turn: device.Turn) -> None:
        """Another state."""
        self._write(
            turn.at,
            {
                "kind": "state",
                "state": turn.state.value,
                "what": in_words(turn.state),
                "decided_by": list(turn.traits),
            },
        )

    def _write(self, at: Instant, value: dict[str, object]) -> None:
        times = {"t_mono_us": at, "t_utc": self._clock.utc(at)}
        print(json_format.dumps({**times, **value}), file=self._out, flush=True)


def run(
    air: str,
    joiner: str,
    *,
    eui64: str | None = None,
    install_code: str | None = None,
    name: str | None = None,
    once: bool = False,
    stay: float = DEFAULT_STAY,
    limit: float | None = None,
    seed: int | None = None,
    json: bool = False,
) -> int:
    """Run the device until it is done or told to end; return the exit code."""
    address, link_key = identity(eui64, install_code)
    order = device.Order(
        url=options.parse_air(air),
        model=single(options.chosen_joiners(joiner), "--joiner"),
        seed=secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed,
        eui64=address,
        link_key=link_key,
        name=None if name is None else parse_name(name),
        once=once,
        stay=options.seconds(stay),
        limit=None if limit is None else options.seconds(limit),
    )
    ending = asyncio.run(device.serve(order, JsonAudience() if json else TextAudience()))
    return code_of(ending.state) if ending.signal is None else exits.SIGNAL + ending.signal


def identity(eui64: str | None, install_code: str | None) -> tuple[Eui64 | None, Key | None]:
    """The device's EUI-64 and the link key that it comes with, where they are given."""
    address = None if eui64 is None else options.parse_eui64(eui64, "--eui64")
    if install_code is None:
        return address, None
    ((owner, key),) = options.parse_install_codes([install_code]).items()
    if address is not None and address != owner:
        raise typer.BadParameter(f"the code is for {owner}, not for {address}", param_hint="--install-code")
    return owner, key


def parse_name(text: str) -> str:
    """A name on the air: 1 to 64 characters of printable ASCII."""
    if not (text.isascii() and text.isprintable() and 1 <= len(text) <= 64):
        raise typer.BadParameter("a name is 1 to 64 characters of printable ASCII", param_hint="--name")
    return text
