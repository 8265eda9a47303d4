"""The two ways in which a radio fails a run. Both texts are one line for people."""

from __future__ import annotations


class RadioUnavailable(Exception):
    """There is no such radio, it is taken, or it is not what it should be: nothing has begun."""


class RadioLost(Exception):
    """The radio went away in the middle of a run: what it heard since is unknown."""
