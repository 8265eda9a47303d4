"""The table of commands: each with its verb, its payload and its answer. Everything else derives from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from coordinator.control.schema import bench, documents, profiles
from coordinator.control.schema.base import Changed, Data, Request
from coordinator.control.schema.errors import ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. Its summary is the first line of its payload's docstring."""

    verb: str
    request: type[Request]
    answer: type[Data]

    @property
    def changes_nothing(self) -> bool:
        """Whether it only asks: every such command is named so."""
        return self.verb.rpartition("/")[2] in ("get", "list", "health")

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.request.__doc__ or "").strip().partition("\n")[0]


def _commands(*rows: tuple[str, type[Request], type[Data]]) -> Mapping[str, Command]:
    return MappingProxyType(
        {verb: Command(verb=verb, request=request, answer=answer) for verb, request, answer in rows}
    )


COMMANDS = _commands(
    ("profile/get", profiles.ProfileGet, profiles.Profile),
    ("profile/list", profiles.ProfileList, profiles.Listing),
    ("profile/set", profiles.ProfileSet, Changed),
    ("profile/reload", profiles.ProfileReload, Changed),
    ("behaviour/list", profiles.BehaviourList, profiles.Listing),
    ("behaviour/add", profiles.BehaviourAdd, Changed),
    ("behaviour/remove", profiles.BehaviourRemove, Changed),
    ("behaviour/update", profiles.BehaviourUpdate, Changed),
    ("fault/arm", profiles.FaultArm, Changed),
    ("fault/disarm", profiles.FaultDisarm, Changed),
    ("fault/list", profiles.FaultList, profiles.FaultListing),
    ("script/run", profiles.ScriptRun, profiles.ScriptDone),
    ("script/cancel", profiles.ScriptCancel, profiles.Cancelled),
    ("inject", bench.Inject, bench.Injected),
    ("permit-join", bench.PermitJoin, Changed),
    ("run/start", bench.RunStart, bench.RunChanged),
    ("run/stop", bench.RunStop, bench.RunChanged),
    ("run/get", bench.RunGet, bench.Run),
    ("verdict/get", bench.VerdictGet, bench.Verdict),
    ("device/list", bench.DeviceList, bench.Devices),
    ("device/forget", bench.DeviceForget, Changed),
    ("device/remove", bench.DeviceRemove, Changed),
    ("key/rotate", bench.KeyRotate, Changed),
    ("network/get", bench.NetworkGet, bench.Network),
    ("network/form", bench.NetworkForm, bench.NetworkChanged),
    ("network/reset", bench.NetworkReset, bench.NetworkChanged),
    ("capture/start", bench.CaptureStart, bench.Capture),
    ("capture/stop", bench.CaptureStop, bench.Capture),
    ("joiner/power", bench.JoinerPower, bench.Powered),
    ("health", bench.HealthGet, documents.Health),
)
"""Every command by its verb, which is also the end of its topic and of its HTTP path."""


class Fault(Data):
    """One of several things that are wrong, with its place."""

    path: str
    message: str


class Error(Data):
    """Why it was not done."""

    code: ErrorCode
    message: str
    hint: str = ""
    details: list[Fault] = []


class Response(Data):
    """The answer to a command: `data` as the command declares it, or `error`."""

    status: Literal["ok", "error"]
    data: dict[str, object] | None = None
    error: Error | None = None
    transaction: str | None = None
