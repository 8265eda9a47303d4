"""One string names a radio. OpenThread's own forms of it, since its users know them, and short ones.

======================================================================  ==============================
``spinel+hdlc+uart:///dev/ttyACM0?uart-baudrate=460800&uart-flow-control``  a serial port
``spinel:/dev/ttyACM0``                                                  the same with the defaults
``spinel+hdlc+forkpty:///path/to/rcp?forkpty-arg=1``                     a program, behind a pty of ours
``spinel+tcp://host:port``                                               a serial port behind TCP
``sim:``                                                                 a simulated radio of our own
``sim+udp://127.0.0.1:port``                                             the same on a shared air
======================================================================  ==============================
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from coordinator.radio.air import url as air_url
from coordinator.radio.errors import BadRadioUrl

DEFAULT_BAUDRATE = 460_800
MAX_BAUDRATE = 4_000_000
EXAMPLES = "spinel:/dev/ttyACM0, spinel+tcp://host:port, sim:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uart:
    """A serial port. `flow_control` is RTS/CTS."""

    path: str
    baudrate: int = DEFAULT_BAUDRATE
    flow_control: bool = False

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkPty:
    """A program that speaks Spinel on its standard input and output."""

    path: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcp:
    """A serial port that somebody serves over TCP."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulated radio: on an air of its own, or, with `air`, on the one that this URL names."""

    air: str | None = None

    def __str__(self) -> str:
        return "sim" if self.air is None else f"sim on {self.air}"


Line = Uart | ForkPty | Tcp
"""How to reach an RCP."""
RadioUrl = Line | Simulated


def parse(text: str) -> RadioUrl:
    """Read a radio's name. Raises BadRadioUrl with what is wrong and what would be right."""
    scheme, colon, rest = text.partition(":")
    if not colon or not text.isprintable():
        raise BadRadioUrl(f"{text!r} names no radio; write it like {EXAMPLES}")
    match scheme.lower():
        case "sim":
            if rest:
                raise BadRadioUrl(
                    f"'{text}': sim: takes nothing more; a shared air is sim+udp://127.0.0.1:PORT"
                )
            return Simulated()
        case "sim+udp":
            return _simulated(text)
        case "spinel" | "spinel+hdlc+uart":
            return _uart(text, *_path_and_settings(text, rest))
        case "spinel+hdlc+forkpty":
            return _fork(text, *_path_and_settings(text, rest))
        case "spinel+tcp":
            return _tcp(text)
        case _:
            raise BadRadioUrl(f"'{text}': no such radio: {scheme}:; write it like {EXAMPLES}")


def _simulated(text: str) -> Simulated:
    try:
        return Simulated(air=str(air_url.parse(text.partition("+")[2])))
    except ValueError as error:
        raise BadRadioUrl(f"{error}; for a radio put sim+ before it") from None


def _path_and_settings(text: str, rest: str) -> tuple[str, list[tuple[str, str]]]:
    """What follows the scheme: an absolute path, and settings that may come without a value."""
    address, _, query = rest.partition("?")
    path = unquote(address.removeprefix("//"))
    if not path.startswith("/"):
        raise BadRadioUrl(f"'{text}': the path must be absolute, as in spinel:/dev/ttyACM0")
    if path == "/":
        raise BadRadioUrl(f"'{text}': the path is missing")
    settings = [each.partition("=") for each in query.split("&") if each]
    found = [(unquote(name), unquote(value)) for name, _, value in settings]
    if not all(each.isprintable() for each in (path, *(part for pair in found for part in pair))):
        raise BadRadioUrl(f"{text!r}: has characters in it that cannot be printed")
    return path, found


def _uart(text: str, path: str, settings: list[tuple[str, str]]) -> Uart:
    baudrate, flow_control = DEFAULT_BAUDRATE, False
    for name, value in settings:
        match name:
            case "uart-baudrate":
                baudrate = _baudrate(text, value)
            case "uart-flow-control":
                if value:
                    raise BadRadioUrl(f"'{text}': uart-flow-control takes no value; leave it out for none")
                flow_control = True
            case _:
                raise BadRadioUrl(
                    f"'{text}': unknown setting '{name}'; there are uart-baudrate and uart-flow-control"
                )
    return Uart(path=path, baudrate=baudrate, flow_control=flow_control)


def _baudrate(text: str, value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) <= 7 and 0 < int(value) <= MAX_BAUDRATE:
        return int(value)
    raise BadRadioUrl(f"'{text}': uart-baudrate is a number up to {MAX_BAUDRATE}, not '{value}'")


def _fork(text: str, path: str, settings: list[tuple[str, str]]) -> ForkPty:
    for name, _ in settings:
        if name != "forkpty-arg":
            raise BadRadioUrl(f"'{text}': unknown setting '{name}'; there is forkpty-arg")
    return ForkPty(path=path, arguments=tuple(value for _, value in settings))


def _tcp(text: str) -> Tcp:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadRadioUrl(f"'{text}': {error}") from None
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in text
    if not host or not port or more:
        raise BadRadioUrl(f"'{text}': write it like spinel+tcp://192.0.2.7:9999")
    return Tcp(host=host, port=port)
