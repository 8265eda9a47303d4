"""Commands for the bench around the Trust Center: runs, joining, devices, keys, network, evidence, health."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from coordinator.control.schema.base import Change, Changed, Data, Request
from coordinator.control.schema.values import (
    ChannelNumber,
    Eui64Text,
    GivenEui64,
    Hex16Text,
    Label,
    MonotonicNs,
    Name,
    Octets,
    Scalar,
    Seconds,
    WallTime,
)


class RunStart(Change):
    """Begin a run: everything that happens carries its name until it is stopped or its time is over."""

    run: Label
    permit_join: Annotated[Seconds | None, pydantic.Field(description="Open joining for so long.")] = None
    observe: Annotated[
        float | None, pydantic.Field(gt=0, le=86_400, description="Seconds that each device is watched.")
    ] = None
    expect: Annotated[
        list[Label] | None, pydantic.Field(min_length=1, description="Outcomes that are a pass.")
    ] = None
    ttl: Annotated[
        float, pydantic.Field(gt=0, le=86_400, description="An abandoned run ends by itself after this.")
    ] = 3600.0
    on_disconnect: Annotated[
        Literal["continue", "stop"],
        pydantic.Field(
            description="What it does when the bench loses its broker; `stop` is refused without one. "
            "Of clients that come and go nothing is known."
        ),
    ] = "continue"
    capture: Annotated[Name | None, pydantic.Field(description="Capture it into a file of this name.")] = None


class RunStop(Change):
    """End the run; a device that is still watched gets its verdict as it stands: inconclusive, unless it has
    ended its join by itself.
    """

    run: Annotated[Label | None, pydantic.Field(description="Only if this is the run.")] = None


class RunGet(Request):
    """The present run, or an earlier one."""

    run: Label | None = None


class Run(Data):
    """One run and the verdicts given in it."""

    run: Label | None
    active: bool
    started: WallTime | None = None
    ended: WallTime | None = None
    why: Annotated[str, pydantic.Field(description="Why it ended.")] = ""
    verdicts: list[Verdict] = []


class RunChanged(Changed):
    """A run began or ended."""

    run: Run


class Verdict(Data):
    """How one join ended, as the event file has it; `verdict` is pass, fail or inconclusive."""

    model_config = pydantic.ConfigDict(frozen=True, extra="allow")

    verdict: Literal["pass", "fail", "inconclusive"]
    outcome: str
    profile: str
    run: Label | None = None
    seq: Annotated[
        int | None, pydantic.Field(ge=1, description="The number of its event: `after` it comes the next.")
    ] = None
    device: str | None = None
    seconds: Annotated[
        float | None,
        pydantic.Field(description="How far the join came, since it had its address."),
    ] = None
    switches: Annotated[
        list[dict[str, object]],
        pydantic.Field(description="Changes of the Trust Center in its window; their seconds count alike."),
    ] = []


class VerdictGet(Request):
    """The last verdict: of a run, else of the present run, else of all; of a device if it is named.

    A run that ends without such a verdict is not waited for any more; one that is not known not at all.
    """

    device: GivenEui64 | None = None
    run: Annotated[
        Label | None, pydantic.Field(description="null: the run that is under way, or all if none is.")
    ] = None
    after: Annotated[
        int | None,
        pydantic.Field(ge=0, description="The first one after the event of this number instead: the next."),
    ] = None
    wait: Annotated[Seconds, pydantic.Field(description="Wait so long for one if there is none.")] = 0.0


class PermitJoin(Change):
    """Open joining for so many seconds, or close it with 0; on a real radio for allowed devices only."""

    seconds: Seconds
    allow: Annotated[
        list[GivenEui64] | None, pydantic.Field(max_length=1024, description="The new allow-list.")
    ] = None


class DeviceList(Request):
    """Who is or was in the network."""


class Device(Data):
    """One device as the Trust Center knows it."""

    device: Eui64Text
    address: Hex16Text | None
    standing: str
    link_key: str | None = None


class Devices(Data):
    """All devices that are remembered."""

    devices: list[Device]


class DeviceForget(Change):
    """Forget a device: as if it had never joined. Nothing is sent."""

    device: GivenEui64


class DeviceRemove(Change):
    """Tell a device to leave."""

    device: GivenEui64
    how: Literal["leave", "remove-device", "mgmt-leave"] = "leave"
    rejoin: bool = False


class KeyRotate(Change):
    """Distribute a fresh network key, and switch to it. Answers when the Trust Center has switched."""


class Inject(Request):
    """Send something of one's own, labelled as such: a frame's octets, or a command by its name."""

    psdu: Annotated[Octets | None, pydantic.Field(description="A frame without its FCS.", max_length=250)] = (
        None
    )
    command: Name | None = None
    device: GivenEui64 | None = None
    settings: dict[str, Scalar] = {}

    @pydantic.model_validator(mode="after")
    def _one_of_both(self) -> Inject:
        if (self.psdu is None) == (self.command is None):
            raise ValueError("give a psdu or a command, one of both")
        if self.psdu is not None and (self.device is not None or self.settings):
            raise ValueError("device and settings go with a command")
        return self


class Injected(Data):
    """What was handed to the radio, or waits for its poll."""

    what: str
    t_mono_ns: MonotonicNs


class NetworkGet(Request):
    """The network that is formed."""


class Network(Data):
    """A network. Its key is shown only where the daemon was told to expose keys."""

    channel: ChannelNumber
    pan_id: Hex16Text
    extended_pan_id: Eui64Text
    trust_center: Eui64Text
    key_sequence: int
    key: str | None = None


class NetworkForm(Change):
    """Leave the present network and form another; what is not given is drawn. Whoever joined is forgotten."""

    channel: ChannelNumber | None = None
    pan_id: Hex16Text | None = None
    extended_pan_id: GivenEui64 | None = None
    permit_join: Seconds | None = None


class NetworkReset(Change):
    """Begin anew: another network on the same channel, nobody known, and the state on disk gone."""


class NetworkChanged(Changed):
    """A network was formed."""

    network: Network


class CaptureStart(Request):
    """Begin a capture, which opens decrypted, into a file of this name in the evidence folder."""

    file: Name
    events: Annotated[bool, pydantic.Field(description="An event file beside it.")] = True


class CaptureStop(Request):
    """End the capture; the file is complete when the answer is there."""

    file: Annotated[Name | None, pydantic.Field(description="Which; the latest if none is named.")] = None


class Capture(Data):
    """A capture's files."""

    file: str
    events: str | None = None
    octets: Annotated[int, pydantic.Field(ge=0)] = 0
    complete: bool = True


class JoinerPower(Request):
    """Power a simulated device on or off, on the simulated air only; switched on it is factory new."""

    on: bool = True
    joiner: Annotated[Name | None, pydantic.Field(description="A shipped joiner's name.")] = None
    device: Annotated[GivenEui64 | None, pydantic.Field(description="Which one to switch off.")] = None


class Powered(Data):
    """A simulated device."""

    device: Eui64Text
    joiner: str
    on: bool


class HealthGet(Request):
    """How it stands with the radio, the event loop, the broker and the files; asks the radio."""

    timeout: Annotated[float, pydantic.Field(gt=0, le=30)] = 3.0


Run.model_rebuild()
RunChanged.model_rebuild()
