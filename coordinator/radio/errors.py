"""What can be wrong with a radio, in one line for people."""

from __future__ import annotations

import enum


class Fault(enum.Enum):
    """Why there is no radio to work with."""

    ABSENT = "absent"
    """Nothing is there: no such port, no such host, refused."""
    BUSY = "busy"
    """Somebody else holds the port."""
    FORBIDDEN = "forbidden"
    """We may not open the port."""
    UNRESPONSIVE = "unresponsive"
    """It is open, and nobody answers."""
    WRONG_FIRMWARE = "wrong firmware"
    """Somebody answers, and is not an RCP that we can work with."""
    REFUSED = "refused"
    """The radio does not take a setting that we need."""
    LOST = "lost"
    """It was there, and is gone."""
    RESET = "reset"
    """It restarted by itself, and what it was told is gone."""


class RadioError(Exception):
    """A radio that cannot be used: `fault`, and a line that says which radio and why."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


class RadioUnavailable(RadioError):
    """There is no such radio, it is taken, or it is not what it should be: nothing has begun."""

    def __init__(self, text: str, fault: Fault = Fault.ABSENT) -> None:
        super().__init__(fault, text)


class RadioLost(RadioError):
    """The radio went away in the middle of a run: what it heard since is unknown."""

    def __init__(self, text: str) -> None:
        super().__init__(Fault.LOST, text)


class BadRadioUrl(ValueError):
    """The text does not name a radio; the message says what would."""
