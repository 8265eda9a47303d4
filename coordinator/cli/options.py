"""Options that several verbs share: each text parsed to its value, or refused with what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional, TypeVar

import typer

from coordinator.behaviours import registry
from coordinator.composition import Setting
from coordinator.config import values
from coordinator.evidence.outcome import JOINED, Outcome
from coordinator.joiner.model import JoinerModel
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.profiles.profile import Profile
from coordinator.radio.air import url as air_url
from coordinator.radio.air.url import AirUrl
from coordinator.scenario import simulated_joiner
from coordinator.sim.air import Link, MediumConfig
from coordinator.types import MILLISECOND, SECOND, Channel, Duration, Eui64, ExtendedPanId, Key, PanId

Value = TypeVar("Value")

ALL = "all"
DEFAULT_CHANNEL = 15


@contextmanager
def refused_as(option: str) -> Iterator[None]:
    """What is not a value is a wrong option: typer.BadParameter for ValueError."""
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def parse_expect(text: str) -> frozenset[Outcome]:
    """``left-by-joiner,joined-secure``."""
    with refused_as("--expect"):
        return values.outcomes(words(text))


def words(text: str) -> list[str]:
    """What commas separate."""
    return [word.strip() for word in text.split(",")]


def parse_pan_id(text: str) -> PanId:
    """``0x1a62`` or decimal."""
    with refused_as("--pan-id"):
        return values.pan_id(text)


def parse_eui64(text: str, option: str) -> Eui64:
    """Sixteen hexadecimal digits, colons allowed; neither all zero nor all ones, which nobody has."""
    with refused_as(option):
        return values.eui64(text)


def parse_install_codes(pairs: list[str]) -> dict[Eui64, Key]:
    """Each ``EUI64=CODE``; the code with its CRC. The value is the link key it stands for."""
    with refused_as("--install-code"):
        return values.install_codes(pairs)


def read_key(path: Path | None) -> Key | None:
    """The network key in a file: 32 hexadecimal digits. The key is never echoed."""
    if path is None:
        return None
    with refused_as("--network-key-file"):
        return values.key_in(path)


def refuse_twin(tc_eui64: str | None, seeds: Iterable[int]) -> None:
    """Raise typer.BadParameter when the Trust Center would have the simulated joiner's EUI-64."""
    if tc_eui64 is None:
        return
    trust_center = parse_eui64(tc_eui64, "--tc-eui64")
    for seed in seeds:
        if simulated_joiner(seed) == trust_center:
            raise typer.BadParameter(
                f"{trust_center} is the simulated joiner itself (seed {seed})", param_hint="--tc-eui64"
            )


def parse_path(text: str) -> Path:
    """A file by its name. Raises typer.BadParameter for no name."""
    return _parsed(values.path, text)


def parse_output(text: str) -> Path:
    """A file to write. Raises typer.BadParameter for no name, and for stdout, which is the run's own."""
    return _parsed(values.output, text)


def checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    """A text that `parse` takes, as it is. Raises typer.BadParameter."""

    def parser(text: str) -> str:
        _parsed(parse, text)
        return text

    return parser


def _parsed(parse: Callable[[str], Value], text: str) -> Value:
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def inputs(profile: str, joiner: str | None, network_key_file: Path | None) -> list[Path]:
    """The files that a run reads. Raises ConfigurationError."""
    read = [] if network_key_file is None else [network_key_file]
    if profile != ALL:
        read += profiles.files(profile)
    if joiner is not None and joiner != ALL:
        read += joiners.files(joiner)
    return read


def refuse_overwriting(capture: Path | None, events: Path | None, read: list[Path]) -> None:
    """Raise typer.BadParameter when a file to be written is one that is read, by whatever name."""
    for written, option in ((capture, "--capture"), (events, "--events")):
        for path in read:
            if written is not None and _same(written, path):
                raise typer.BadParameter(f"{written}: this would overwrite {path}", param_hint=option)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False  # one of them is not there: nothing is overwritten


def parse_air(text: str, option: str = "--air", *, any_port: bool = False) -> AirUrl:
    """``udp://127.0.0.1:4949``."""
    try:
        return air_url.parse(text, any_port=any_port)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def seconds(value: float) -> Duration:
    """Seconds from the command line as a duration."""
    return round(value * SECOND)


def chosen_profiles(name: str) -> list[Profile]:
    """One profile by name or path, or all shipped ones. Raises ConfigurationError."""
    return [profiles.load(each) for each in (profiles.catalogue() if name == ALL else (name,))]


def chosen_joiners(name: str) -> list[JoinerModel]:
    """One joiner by name or path, or all shipped ones. Raises ConfigurationError."""
    return [joiners.load(each) for each in (joiners.catalogue() if name == ALL else (name,))]


def complete_profile(incomplete: str) -> list[str]:
    """Shell completion."""
    return [name for name in (*profiles.catalogue(), ALL) if name.startswith(incomplete)]


def complete_joiner(incomplete: str) -> list[str]:
    """Shell completion."""
    return [name for name in (*joiners.catalogue(), ALL) if name.startswith(incomplete)]


def complete_shipped_profile(incomplete: str) -> list[str]:
    """Shell completion, where `all` is no name."""
    return [name for name in profiles.catalogue() if name.startswith(incomplete)]


def complete_shipped_joiner(incomplete: str) -> list[str]:
    """Shell completion, where `all` is no name."""
    return [name for name in joiners.catalogue() if name.startswith(incomplete)]


def complete_behaviour(incomplete: str) -> list[str]:
    """Shell completion."""
    return [name for name in registry.catalogue() if name.startswith(incomplete)]


def complete_outcome(incomplete: str) -> list[str]:
    """Shell completion."""
    return [outcome.value for outcome in Outcome if outcome.value.startswith(incomplete)]


PROFILE = typer.Option(
    "--profile", help="Which Trust Center: a shipped name or a .toml file.", autocompletion=complete_profile
)
ProfileName = Annotated[str, PROFILE]
JoinerName = Annotated[
    str,
    typer.Option(
        "--joiner",
        help="Which simulated device under test: a shipped name or a .toml file.",
        autocompletion=complete_joiner,
    ),
]
JoinerOfRun = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--joiner",
        help="Which simulated device under test: a shipped name or a .toml file; zboss-r22 by default, "
        "none with --mqtt or --http.",
        autocompletion=complete_joiner,
    ),
]
Expect = Annotated[
    str,
    typer.Option(
        "--expect",
        metavar="OUTCOME,...",
        help="Outcomes that pass.",
        autocompletion=complete_outcome,
    ),
]
Seed = Annotated[
    Optional[int], typer.Option("--seed", min=0, help="Makes every random draw repeatable.")  # noqa: UP045
]
ChannelOfRun = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--channel",
        min=values.CHANNELS.low,
        max=values.CHANNELS.high,
        help="2.4 GHz channel; 15, or what --state has.",
    ),
]
ChannelNumber = Annotated[
    int, typer.Option("--channel", min=values.CHANNELS.low, max=values.CHANNELS.high, help="2.4 GHz channel.")
]
PanIdText = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--pan-id", metavar="0x1a62", help="PAN identifier; random by default."),
]
ExtendedPanIdText = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--extended-pan-id", metavar="HEX", help="Extended PAN identifier; random by default."),
]
NetworkKeyFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--network-key-file",
        parser=parse_path,
        metavar="FILE",
        help="File with the network key in 32 hexadecimal digits; random by default.",
    ),
]
TrustCenterText = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--tc-eui64", metavar="EUI64", help="EUI-64 of the Trust Center; random by default."),
]
InstallCodes = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--install-code", metavar="EUI64=CODE", help="Install code with its CRC; repeatable."),
]
CapturePath = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--capture",
        parser=parse_output,
        metavar="FILE.pcapng",
        help="Write a capture that Wireshark opens decrypted.",
    ),
]
EventsPath = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--events",
        parser=parse_output,
        metavar="FILE.jsonl",
        help="Write every trace record, one JSON object a line.",
    ),
]
Observe = Annotated[
    float,
    typer.Option(
        "--observe",
        min=values.OBSERVE_SECONDS.low,
        max=values.OBSERVE_SECONDS.high,
        help="Seconds to watch a device after it asked to associate.",
    ),
]
PermitJoin = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        "--permit-join",
        min=values.PERMIT_SECONDS.low,
        max=values.PERMIT_SECONDS.high,
        help="Seconds to keep joining open, renewed past 254; 180 on a simulated radio, 0 on a real one "
        "or with --mqtt or --http.",
    ),
]
PermitJoinOfRun = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--permit-join", min=0, max=86_400, help="Seconds to keep joining open; all by default."),
]
Until = Annotated[float, typer.Option("--until", min=1, max=86_400, help="Simulated seconds a run may take.")]
Loss = Annotated[
    float,
    typer.Option("--loss", min=0, max=1, metavar="P", help="Probability that a frame is not heard."),
]
Delay = Annotated[
    float,
    typer.Option("--delay", min=0, max=1000, metavar="MS", help="Milliseconds that every frame comes late."),
]
Collisions = Annotated[
    bool, typer.Option("--collisions", help="Frames that overlap destroy each other where both are heard.")
]
Once = Annotated[bool, typer.Option("--once", help="Exit with the first verdict's code.")]
Json = Annotated[bool, typer.Option("--json", help="JSON Lines on stdout instead of text.")]

AirText = Annotated[
    str,
    typer.Option(
        "--air",
        metavar="udp://127.0.0.1:PORT",
        help="The simulated air to share; who comes first hosts it.",
    ),
]
Limit = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--for", min=0.1, max=31_536_000, metavar="SECONDS", help="End after so long."),
]


def medium(*, loss: float, delay: float, collisions: bool) -> MediumConfig | None:
    """The air as the command line describes it; None when it is perfect."""
    if not (loss or delay or collisions):
        return None
    return MediumConfig(link=Link(loss=loss, delay=round(delay * MILLISECOND)), collisions=collisions)


JOINED_TEXT = ",".join(outcome.value for outcome in Outcome if outcome in JOINED)


def setting(
    *,
    channel: int | None,
    pan_id: str | None,
    extended_pan_id: str | None,
    network_key_file: Path | None,
    tc_eui64: str | None,
    install_codes: list[str] | None,
    permit: Duration,
) -> Setting:
    """The network as the command line describes it."""
    trust_center = None if tc_eui64 is None else parse_eui64(tc_eui64, "--tc-eui64")
    codes = parse_install_codes(install_codes or [])
    if trust_center in codes:
        raise typer.BadParameter(f"{trust_center} is the Trust Center itself", param_hint="--install-code")
    return Setting(
        channel=Channel(DEFAULT_CHANNEL if channel is None else channel),
        channel_asked=channel is not None,
        pan_id=None if pan_id is None else parse_pan_id(pan_id),
        extended_pan_id=None
        if extended_pan_id is None
        else ExtendedPanId(parse_eui64(extended_pan_id, "--extended-pan-id")),
        network_key=read_key(network_key_file),
        trust_center=trust_center,
        install_codes=codes,
        permit=permit,
    )
