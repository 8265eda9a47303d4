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
from urllib.parse import parse_qsl, unquote, urlsplit

from coordinator.radio.errors import BadRadioUrl

DEFAULT_BAUDRATE = 460_800
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
    scheme, colon, _ = text.partition(":")
    if not colon:
        raise BadRadioUrl(f"'{text}' names no radio; write it like {EXAMPLES}")
    try:
        parts = urlsplit(text)
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise BadRadioUrl(f"'{text}': {error}") from None
    match scheme.lower():
        case "sim":
            if parts.netloc or parts.path or parts.query:
                raise BadRadioUrl(
                    f"'{text}': sim: takes nothing more; a shared air is sim+udp://127.0.0.1:PORT"
                )
            return Simulated()
        case "sim+udp":
            return Simulated(air=text.partition("+")[2])
        case "spinel" | "spinel+hdlc+uart":
            return _uart(text, unquote(parts.path), parts.netloc, query)
        case "spinel+hdlc+forkpty":
            return _fork(text, unquote(parts.path), parts.netloc, query)
        case "spinel+tcp":
            return _tcp(text, query)
        case _:
            raise BadRadioUrl(f"'{text}': no such radio: {scheme}:; write it like {EXAMPLES}")


def _path(text: str, path: str, netloc: str) -> str:
    if netloc or not path.startswith("/"):
        raise BadRadioUrl(f"'{text}': the path must be absolute, as in spinel:/dev/ttyACM0")
    if path == "/":
        raise BadRadioUrl(f"'{text}': the path is missing")
    return path


def _uart(text: str, path: str, netloc: str, query: list[tuple[str, str]]) -> Uart:
    baudrate, flow_control = DEFAULT_BAUDRATE, False
    for name, value in query:
        match name:
            case "uart-baudrate":
                if not (value.isascii() and value.isdigit() and 0 < int(value) <= 4_000_000):
                    raise BadRadioUrl(f"'{text}': uart-baudrate is a number up to 4000000, not '{value}'")
                baudrate = int(value)
            case "uart-flow-control":
                flow_control = True
            case _:
                raise BadRadioUrl(
                    f"'{text}': unknown setting '{name}'; there are uart-baudrate and uart-flow-control"
                )
    return Uart(path=_path(text, path, netloc), baudrate=baudrate, flow_control=flow_control)


def _fork(text: str, path: str, netloc: str, query: list[tuple[str, str]]) -> ForkPty:
    for name, _ in query:
        if name != "forkpty-arg":
            raise BadRadioUrl(f"'{text}': unknown setting '{name}'; there is forkpty-arg")
    return ForkPty(path=_path(text, path, netloc), arguments=tuple(value for _, value in query))


def _tcp(text: str, query: list[tuple[str, str]]) -> Tcp:
    parts = urlsplit(text)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadRadioUrl(f"'{text}': {error}") from None
    if not host or not port or parts.path.strip("/") or query:
        raise BadRadioUrl(f"'{text}': write it like spinel+tcp://192.0.2.7:9999")
    return Tcp(host=host, port=port)
