"""One simulated air for several processes: `opening.open_air` is the door (ADR 9)."""
