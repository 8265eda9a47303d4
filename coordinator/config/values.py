"""What a text in a configuration or on the command line stands for. Every function raises ValueError with
what is wrong and what would be right.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from coordinator.evidence.outcome import Outcome
from coordinator.profiles import reading
from coordinator.profiles.errors import suggestion
from coordinator.security.keys import InstallCodeError, install_code_key, parse_install_code
from coordinator.types import Eui64, Key, PanId


class Range(NamedTuple):
    """Both ends belong to it."""

    low: int
    high: int


CHANNELS = Range(11, 26)
TX_POWER = Range(-40, 30)
"""dBm."""
PERMIT_SECONDS = Range(0, 86_400)
OBSERVE_SECONDS = Range(1, 86_400)

NOBODY = (0, 2**64 - 1)
"""EUI-64s and extended PAN identifiers that mean "none" or "any"."""
LONGEST_KEY_FILE = 1024
TC_ID = r"[a-z0-9-]{1,32}"
TOPIC_PREFIX = r"[A-Za-z0-9_.-]{1,64}(/[A-Za-z0-9_.-]{1,64}){0,7}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int


def outcomes(words: Iterable[str]) -> frozenset[Outcome]:
    """``left-by-joiner``, ``joined-secure``."""
    known = {outcome.value: outcome for outcome in Outcome}
    found = set()
    for name in words:
        if name not in known:
            hint = suggestion(name, known) or f"; outcomes are {', '.join(known)}"
            raise ValueError(f"no such outcome: '{name}'{hint}")
        found.add(known[name])
    return frozenset(found)


def pan_id(text: str) -> PanId:
    """``0x1a62`` or decimal."""
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"not a PAN identifier: '{text}'; write it like 0x1a62") from None
    if not 0 <= value <= 0xFFFE:
        raise ValueError(f"a PAN identifier is 0x0000 to 0xfffe, not '{text}'")
    return PanId(value)


def eui64(text: str) -> Eui64:
    """Sixteen hexadecimal digits, colons allowed; neither all zero nor all ones, which nobody has."""
    found = Eui64.parse(text)
    if found in NOBODY:
        raise ValueError(f"{found} is no address that anything has")
    return found


def install_codes(pairs: Iterable[str]) -> dict[Eui64, Key]:
    """Each ``EUI64=CODE``; the code with its CRC. The value is the link key it stands for."""
    found: dict[Eui64, Key] = {}
    for pair in pairs:
        device, separator, code = pair.partition("=")
        if not separator:
            raise ValueError(f"expected EUI64=CODE, found '{pair}'")
        owner = eui64(device)
        try:
            key = install_code_key(parse_install_code(code))
        except InstallCodeError as error:
            raise ValueError(str(error)) from None
        if found.setdefault(owner, key) != key:
            raise ValueError(f"two different codes for {owner}")
    return found


def key_in(path: Path) -> Key:
    """The network key in a file: 32 hexadecimal digits. The key is never echoed."""
    try:
        octets = reading.octets(path, LONGEST_KEY_FILE)
        if len(octets) > LONGEST_KEY_FILE:
            raise ValueError(f"more than {LONGEST_KEY_FILE} octets: not a key")
        return Key.parse(octets.decode("ascii"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not ASCII text") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def path(text: str) -> Path:
    """A file or folder by its name."""
    if not text:
        raise ValueError("the path is empty")
    if "\0" in text:
        raise ValueError("a path has no NUL in it")
    return Path(text)


def output(text: str) -> Path:
    """A file to write; not stdout, which is the run's own."""
    if text == "-":
        raise ValueError("'-' is not a file: stdout has the ladder, or --json; name a file")
    return path(text)


def tc_id(text: str) -> str:
    """The name of a bench in MQTT topics."""
    if not re.fullmatch(TC_ID, text):
        raise ValueError(f"1 to 32 of a to z, 0 to 9 and '-', not {text!r}")
    return text


def topic_prefix(text: str) -> str:
    """The beginning of MQTT topics: levels between slashes."""
    if not re.fullmatch(TOPIC_PREFIX, text):
        raise ValueError(f"a topic like homeassistant or home/assistant, no '#', '+' or space, not {text!r}")
    return text


def listen(text: str) -> Listen:
    """``127.0.0.1:8321``, ``[::1]:8321`` or ``localhost:8321``."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
        if host and ":" in host:
            ipaddress.IPv6Address(host)
    except ValueError:
        host, port = None, None
    else:
        if set("@/?# ") & set(text) or not text.isprintable():
            host = None
    if not host or port is None:
        raise ValueError(f"not an address with a port: {text!r}; write it like 127.0.0.1:8321 or [::1]:8321")
    return Listen(host=host, port=port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it. `host` is numeric, or ``localhost``."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
