"""What can be wrong with a folder of state: one line each, with the file, and the offset if there is one."""

from __future__ import annotations


class StateError(Exception):
    """The state cannot be used: damaged, from a newer version, not readable or not writable."""


class StateHeld(StateError):
    """Another process uses this folder. `holder` is its process identifier, 0 when it did not say."""

    def __init__(self, folder: str, holder: int) -> None:
        who = f"process {holder}" if holder else "another process"
        super().__init__(f"{folder}: in use by {who}; two cannot share one network's counters")
        self.holder = holder
