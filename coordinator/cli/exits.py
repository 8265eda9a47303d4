"""The exit codes, the same for every verb."""

from __future__ import annotations

from coordinator.evidence.outcome import Ruling

PASS = 0
FAIL = 1
USAGE = 2
CONFIGURATION = 3
RADIO = 4
"""A radio or a state folder that cannot be had: absent, somebody else's, or not what it should be."""
RADIO_LOST = 5
BROKER = 6
"""A broker, or a bench that is asked over HTTP, that cannot be reached or is not to be trusted."""
INCONCLUSIVE = 7
INTERNAL = 70
SIGNAL = 128
"""Plus the signal's number: 129 for SIGHUP, 130 for SIGINT, 143 for SIGTERM."""

OF_RULING = {Ruling.PASS: PASS, Ruling.FAIL: FAIL, Ruling.INCONCLUSIVE: INCONCLUSIVE}


def worst(rulings: set[Ruling]) -> int:
    """The exit code of several runs: any fail is a fail, else anything inconclusive is that."""
    for ruling in (Ruling.FAIL, Ruling.INCONCLUSIVE):
        if ruling in rulings:
            return OF_RULING[ruling]
    return PASS
