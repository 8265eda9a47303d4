"""Commands that switch what the Trust Center is: profile, behaviours, frame faults, scripts of changes."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from coordinator.control.schema.base import Changed, Data, Request, Switch, When
from coordinator.control.schema.values import (
    Generation,
    GivenEui64,
    Label,
    Name,
    ProfileName,
    Scalar,
    Seconds,
)

Settings = dict[str, Scalar]


class Behaviour(Data):
    """One behaviour in force, with the clause it breaks and where it was seen."""

    name: str
    settings: Settings = {}
    clause: str = ""
    seen: str = ""


class ProfileGet(Request):
    """What the Trust Center is at present."""


class Profile(Data):
    """A profile with its behaviours as they are in force, which later commands may have changed."""

    profile: Label
    title: str
    summary: str = ""
    lineage: list[str] = []
    generation: Generation
    behaviours: list[Behaviour] = []
    changed: Annotated[
        bool, pydantic.Field(description="Behaviours are not those of the profile's file.")
    ] = False
    faults: list[ArmedFault] = []
    pending: Annotated[int, pydantic.Field(description="Changes that wait for their moment.")] = 0


class ProfileList(Request):
    """Every profile that ships, and the one that the bench was started with."""


class Listed(Data):
    """One entry of a catalogue."""

    name: str
    title: str


class Listing(Data):
    """A catalogue."""

    entries: list[Listed]


class ProfileSet(Switch):
    """Become another Trust Center: a profile by its name, or one written out as its file would have it."""

    profile: Annotated[
        ProfileName | dict[str, object],
        pydantic.Field(
            description="The name of a profile that ships, or of the one that the bench was started with; or "
            "the tables of a profile file as an object."
        ),
    ]


class ProfileReload(Switch):
    """Read the present profile's files again, and those of the one that the bench was started with. When one
    is wrong nothing is changed.
    """


class BehaviourList(Request):
    """Every behaviour there is."""


class BehaviourAdd(Switch):
    """Add a behaviour to those in force, at the end or at a position."""

    name: Label
    settings: Settings = {}
    position: Annotated[int | None, pydantic.Field(ge=0, description="0 is the first to be applied.")] = None


class BehaviourRemove(Switch):
    """Take a behaviour out."""

    name: Label


class BehaviourUpdate(Switch):
    """Give a behaviour in force other settings; those not named stay."""

    name: Label
    settings: Settings


class FaultMatch(pydantic.BaseModel):
    """Which frames of the Trust Center a fault damages."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    frame: Annotated[
        Name, pydantic.Field(description="What it carries: transport-key-tclk, beacon, any, ...")
    ] = "any"
    device: Annotated[GivenEui64 | None, pydantic.Field(description="To this device only.")] = None


class FrameFault(pydantic.BaseModel):
    """Deliberate damage to frames: to the next `count` that match, after `skip` of them."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    fault: Annotated[Name, pydantic.Field(description="Its name; another of that name is replaced.")]
    match: FaultMatch = FaultMatch()
    action: Literal["drop", "repeat", "flip", "truncate"]
    times: Annotated[int, pydantic.Field(ge=1, le=100, description="repeat: how often again.")] = 1
    every: Annotated[Seconds, pydantic.Field(description="repeat: seconds between two.")] = 0.0
    octet: Annotated[
        int, pydantic.Field(ge=-127, le=126, description="flip: which octet; -1 is the last.")
    ] = -1
    mask: Annotated[int, pydantic.Field(ge=1, le=255, description="flip: which bits.")] = 1
    octets: Annotated[int, pydantic.Field(ge=1, le=126, description="truncate: how many are cut off.")] = 1
    count: Annotated[int | None, pydantic.Field(ge=1, le=1_000_000, description="null: until disarmed.")] = 1
    skip: Annotated[int, pydantic.Field(ge=0, le=1_000_000)] = 0


class FaultArm(FrameFault, Switch):
    """Damage frames deliberately: the next `count` that match, after `skip` of them."""

    when: When = "now"


class FaultDisarm(Switch):
    """Take one fault off, or all."""

    when: When = "now"
    fault: Annotated[Name | None, pydantic.Field(description="null: all of them.")] = None


class FaultList(Request):
    """Which faults are armed."""


class ArmedFault(Data):
    """A fault, and how often it was and will be used."""

    fault: str
    frame: str
    device: str | None = None
    action: str
    used: int
    left: int | None


class FaultListing(Data):
    """The faults that are armed."""

    faults: list[ArmedFault]


class Choice(pydantic.BaseModel):
    """A behaviour and its settings."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    name: Label
    settings: Settings = {}


class Update(pydantic.BaseModel):
    """A behaviour in force, and other settings for it; those not named stay."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    name: Label
    settings: Settings


class Step(pydantic.BaseModel):
    """One change of a script: a profile, then behaviours that go, change and come, then frame faults that go
    and come, all of it taking effect together.
    """

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    when: When
    profile: ProfileName | dict[str, object] | None = None
    remove: Annotated[list[Label], pydantic.Field(description="Behaviours to take out.", max_length=32)] = []
    update: Annotated[
        list[Update], pydantic.Field(description="Behaviours in force to change.", max_length=32)
    ] = []
    add: Annotated[list[Choice], pydantic.Field(description="Behaviours to add.", max_length=32)] = []
    disarm: Annotated[
        list[Name],
        pydantic.Field(description="Frame faults to take off; one that is spent by then is.", max_length=32),
    ] = []
    arm: Annotated[list[FrameFault], pydantic.Field(description="Frame faults to arm.", max_length=32)] = []

    @pydantic.model_validator(mode="after")
    def _not_empty(self) -> Step:
        changes = (self.remove, self.update, self.add, self.disarm, self.arm)
        if self.profile is None and not any(changes):
            raise ValueError("a step changes something: profile, remove, update, add, disarm or arm")
        return self


class ScriptRun(Request):
    """A timed script: each step waits for its moment once the step before has taken effect.

    It answers when the last has. What has not taken effect `within` the time is withdrawn.
    """

    script: Label
    steps: Annotated[list[Step], pydantic.Field(min_length=1, max_length=64)]
    if_generation: Generation | None = None
    within: Annotated[float, pydantic.Field(gt=0, le=3600)] = 60.0


class ScriptDone(Data):
    """Every step's boundary."""

    script: Label
    steps: list[Changed]


class ScriptCancel(Request):
    """Withdraw what a script has not done yet."""

    script: Label


class Cancelled(Data):
    """How many changes will not happen."""

    withdrawn: int


Profile.model_rebuild()
