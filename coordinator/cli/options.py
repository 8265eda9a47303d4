"""Options that several verbs share: each text parsed to its value, or refused with what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.evidence.outcome import JOINED, Outcome
from coordinator.joiner.model import JoinerModel
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.profiles.errors import suggestion
from coordinator.profiles.profile import Profile
from coordinator.radio import url as radio_url
from coordinator.radio.air import url as air_url
from coordinator.radio.air.url import AirUrl
from coordinator.radio.errors import BadRadioUrl
from coordinator.radio.url import RadioUrl
from coordinator.scenario import Setting
from coordinator.security.keys import InstallCodeError, install_code_key, parse_install_code
from coordinator.types import SECOND, Channel, Duration, Eui64, ExtendedPanId, Key, PanId

ALL = "all"


def parse_expect(text: str) -> frozenset[Outcome]:
    """``left-by-joiner,joined-secure``."""
    known = {outcome.value: outcome for outcome in Outcome}
    found = set()
    for word in text.split(","):
        name = word.strip()
        if name not in known:
            hint = suggestion(name, known) or f"; outcomes are {', '.join(known)}"
            raise typer.BadParameter(f"no such outcome: '{name}'{hint}", param_hint="--expect")
        found.add(known[name])
    return frozenset(found)


def parse_pan_id(text: str) -> PanId:
    """``0x1a62`` or decimal."""
    try:
        value = int(text, 0)
    except ValueError:
        raise typer.BadParameter(
            f"not a PAN identifier: '{text}'; write it like 0x1a62", param_hint="--pan-id"
        ) from None
    if not 0 <= value <= 0xFFFE:
        raise typer.BadParameter(f"a PAN identifier is 0x0000 to 0xfffe, not '{text}'", param_hint="--pan-id")
    return PanId(value)


def parse_eui64(text: str, option: str) -> Eui64:
    """Sixteen hexadecimal digits, colons allowed."""
    try:
        return Eui64.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def parse_install_codes(pairs: list[str]) -> dict[Eui64, Key]:
    """Each ``EUI64=CODE``; the code with its CRC. The value is the link key it stands for."""
    found: dict[Eui64, Key] = {}
    for pair in pairs:
        device, separator, code = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"expected EUI64=CODE, found '{pair}'", param_hint="--install-code")
        try:
            eui64, key = Eui64.parse(device), install_code_key(parse_install_code(code))
        except (ValueError, InstallCodeError) as error:
            raise typer.BadParameter(str(error), param_hint="--install-code") from None
        if found.setdefault(eui64, key) != key:
            raise typer.BadParameter(f"two different codes for {eui64}", param_hint="--install-code")
    return found


def read_key(path: Path | None) -> Key | None:
    """The network key in a file: 32 hexadecimal digits. The key is never echoed."""
    if path is None:
        return None
    try:
        return Key.parse(path.read_text(encoding="ascii"))
    except OSError as error:
        raise typer.BadParameter(
            f"{path}: {error.strerror or error}", param_hint="--network-key-file"
        ) from None
    except (UnicodeDecodeError, ValueError) as error:
        reason = "not ASCII text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise typer.BadParameter(f"{path}: {reason}", param_hint="--network-key-file") from None


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


def complete_outcome(incomplete: str) -> list[str]:
    """Shell completion."""
    return [outcome.value for outcome in Outcome if outcome.value.startswith(incomplete)]


ProfileName = Annotated[
    str,
    typer.Option(
        "--profile",
        help="Which Trust Center: a shipped name or a .toml file.",
        autocompletion=complete_profile,
    ),
]
JoinerName = Annotated[
    str,
    typer.Option(
        "--joiner",
        help="Which simulated device under test: a shipped name or a .toml file.",
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
ChannelNumber = Annotated[int, typer.Option("--channel", min=11, max=26, help="2.4 GHz channel.")]
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
        "--network-key-file", help="File with the network key in 32 hexadecimal digits; random by default."
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
    typer.Option("--capture", metavar="FILE.pcapng", help="Write a capture that Wireshark opens decrypted."),
]
EventsPath = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--events", metavar="FILE.jsonl", help="Write every trace record, one JSON object a line."),
]
RadioText = Annotated[
    str,
    typer.Option(
        "--radio",
        metavar="URL",
        help="sim:, spinel:/dev/ttyACM0, spinel+tcp://host:port, spinel+hdlc+uart://..., "
        "spinel+hdlc+forkpty://..., sim+udp://127.0.0.1:PORT.",
    ),
]
TxPower = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--tx-power", metavar="DBM", min=-40, max=30, help="Transmit power of a real radio."),
]
Allow = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--allow", metavar="EUI64", help="A device that may join on a real radio; repeatable."),
]
AnyJoiner = Annotated[bool, typer.Option("--any-joiner", help="On a real radio, let anybody join: lab only.")]
StateFolder = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--state", metavar="DIR", help="Keep network, keys, counters and devices here, and go on from there."
    ),
]
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

JOINED_TEXT = ",".join(outcome.value for outcome in Outcome if outcome in JOINED)


def parse_radio(text: str) -> RadioUrl:
    """The radio that a URL names."""
    try:
        return radio_url.parse(text)
    except BadRadioUrl as error:
        raise typer.BadParameter(str(error), param_hint="--radio") from None


def parse_allowed(allow: list[str] | None, any_joiner: bool) -> frozenset[Eui64] | None:
    """Who may join: those on the list, or, with `any_joiner`, everybody: None."""
    if any_joiner and allow:
        raise typer.BadParameter("either some (--allow) or all (--any-joiner)", param_hint="--any-joiner")
    return None if any_joiner else frozenset(parse_eui64(text, "--allow") for text in allow or [])


def setting(
    *,
    channel: int,
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
        channel=Channel(channel),
        pan_id=None if pan_id is None else parse_pan_id(pan_id),
        extended_pan_id=None
        if extended_pan_id is None
        else ExtendedPanId(parse_eui64(extended_pan_id, "--extended-pan-id")),
        network_key=read_key(network_key_file),
        trust_center=trust_center,
        install_codes=codes,
        permit=permit,
    )
