"""What happened: event payloads, each under its kind. `seq` numbers them at the source, without a gap."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic

from coordinator.control.schema.base import Data, Effective
from coordinator.control.schema.values import Generation, Hex16Text, Label, MonotonicNs, WallTime


class Event(Data):
    """What every event has."""

    model_config = pydantic.ConfigDict(frozen=True, extra="allow")

    seq: Annotated[int, pydantic.Field(ge=1)]
    t_mono_ns: MonotonicNs
    t_wall: WallTime
    run: Label | None = None
    gen: Generation
    kind: str


class Network(Event):
    """A network was formed."""

    channel: int
    pan_id: Hex16Text
    extended_pan_id: str


class Radio(Event):
    """The radio came, went, restarted or missed something."""

    state: Literal["ok", "lost", "recovering"]
    reason: str
    missed: Annotated[
        bool, pydantic.Field(description="Frames may be missing; what was watched is uncertain.")
    ]


class Broker(Event):
    """The broker came or went; the Trust Center goes on as before."""

    state: Literal["connected", "disconnected"]
    reason: str


class JoinStep(Event):
    """One rung of the ladder of a join."""

    device: str | None
    direction: Literal["from-joiner", "to-joiner", "here"]
    what: str
    key: str
    since_association_s: float | None
    note: str
    ghost: Annotated[bool, pydantic.Field(description="It was to be expected and did not happen.")]
    deviations: list[str]
    frame: Annotated[int | None, pydantic.Field(description="The last frame there was then.")] = None


class Standing(Event):
    """A device moved along the Trust Center's transition table."""

    device: str
    before: str
    event: str
    after: str


class Joined(Event):
    """A device associated and got an address."""

    device: str
    address: Hex16Text


class Left(Event):
    """A device left, or was told to: `by` whom."""

    device: str
    by: Literal["device", "trust-center"]
    rejoin: bool


class Deviation(Event):
    """The Trust Center did deliberately what the specification does not."""

    behaviour: str
    cause: str
    before: str
    after: str
    clause: str


class Finding(Event):
    """Something the specification does not foresee."""

    device: str | None
    summary: str


class TurnedAway(Event):
    """A device that is not on the allow-list wanted to join."""

    device: str


class Switched(Event):
    """A change took effect; `gen` is the new generation."""

    change: Annotated[str, pydantic.Field(description="Which command, and what it named.")]
    profile: Label
    effective: Effective
    transaction: str | None = None


class FirstFrame(Event):
    """The first frame of this generation left the radio, where the answer could not name it."""

    frame: int
    mac_sequence: int | None


class Pending(Event):
    """A change waits for its moment, or was withdrawn."""

    state: Literal["waiting", "withdrawn"]
    change: str
    reason: str = ""
    transaction: str | None = None


class FaultSpent(Event):
    """A frame fault was used for the last time."""

    fault: str


class Run(Event):
    """A run began or ended."""

    state: Literal["started", "stopped", "expired"]
    why: str = ""


class Verdict(Event):
    """How a join ended: who ended it, when and why."""

    verdict: Literal["pass", "fail", "inconclusive"]
    outcome: str
    profile: str
    device: str | None = None


class Capture(Event):
    """A capture began, ended or failed."""

    state: Literal["started", "stopped", "failed"]
    file: str
    reason: str = ""


class Joiner(Event):
    """A simulated device was powered on or off."""

    device: str
    joiner: str
    on: bool


class FrameOnAir(Event):
    """A frame of the radio; only where the configuration asks for frames."""

    frame: int
    sent: bool
    psdu: Annotated[str, pydantic.Field(description="Its octets without FCS, in hexadecimal.")]
    withheld: Annotated[
        Literal["key", "encrypted", "damaged"] | None,
        pydantic.Field(
            description="Why zeros stand in `psdu` where the frame has something else: without "
            "`control.expose_keys` nothing that shows a key is published. `key`: a key in the clear. "
            "`encrypted`: the payload of an APS command that a link key alone protects, which may be a "
            "Transport-Key, with its MIC. `damaged`: all but three octets of a Transport-Key without "
            "NWK security that a frame fault acted on."
        ),
    ] = None
    channel: int | None = None
    rssi: int | None = None
    lqi: int | None = None
    deviations: list[str] = []


class Request(Event):
    """A command was answered, whoever asked; for the log of a rack that several drive."""

    command: str
    origin: str
    status: Literal["ok", "error"]
    code: str | None = None
    message: Annotated[str | None, pydantic.Field(description="Why it was not done.")] = None
    transaction: str | None = None


class Dropped(Data):
    """Events `first_seq` to `last_seq` were lost on the way to this reader. It stands in their place."""

    kind: Literal["dropped"] = "dropped"
    seq: Annotated[int, pydantic.Field(description="The last of the lost.")]
    count: int
    first_seq: int
    last_seq: int


EVENTS: dict[str, type[Data]] = {
    "network": Network,
    "radio": Radio,
    "broker": Broker,
    "join-step": JoinStep,
    "standing": Standing,
    "joined": Joined,
    "left": Left,
    "deviation": Deviation,
    "finding": Finding,
    "turned-away": TurnedAway,
    "switched": Switched,
    "first-frame": FirstFrame,
    "pending": Pending,
    "fault-spent": FaultSpent,
    "run": Run,
    "verdict": Verdict,
    "capture": Capture,
    "joiner": Joiner,
    "frame": FrameOnAir,
    "request": Request,
    "dropped": Dropped,
}
"""Every kind of event, and its payload."""

Fields = dict[str, Any]
