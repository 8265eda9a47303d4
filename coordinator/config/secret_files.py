"""Secrets, and other files that a daemon needs: each in a file of its own, never in the configuration."""

from __future__ import annotations

import stat
from pathlib import Path

from coordinator.profiles import reading

LARGEST = 1 << 16
"""No secret and no certificate chain is larger than this many octets."""


def octets(path: Path) -> bytes:
    """What is in the file, of which there is something. Raises ValueError with the path and the reason."""
    try:
        found = reading.octets(path, LARGEST)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    if len(found) > LARGEST:
        raise ValueError(f"{path}: more than {LARGEST} octets: not a secret")
    if not found.strip():
        raise ValueError(f"{path}: is empty")
    return found


def text(path: Path) -> str:
    """The secret, a text of one line whose end is not part of it. Raises ValueError, without the secret."""
    try:
        found = octets(path).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8 text") from None
    found = found.removesuffix("\n").removesuffix("\r")
    if any(character in found for character in "\r\n\0"):
        raise ValueError(f"{path}: more than one line: not a secret")
    return found


def readable_by_others(path: Path) -> bool:
    """True when everybody on this machine can read the file; False when it cannot be told."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
