"""How a node answers: its behaviours, numbered. An answer keeps the manner it was decided in until its last
frame has left, however late that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.stack.behaviour import Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """Behaviours in the order they are applied; those of the two lower altitudes picked out once.

    `generation` is raised by one with every switch of the node.
    """

    generation: int
    behaviours: tuple[Behaviour, ...] = ()
    shapers: tuple[Behaviour, ...] = ()
    manglers: tuple[Behaviour, ...] = ()

    @classmethod
    def of(cls, generation: int, behaviours: Sequence[Behaviour]) -> Manner:
        """The manner of these behaviours."""
        return cls(
            generation=generation,
            behaviours=tuple(behaviours),
            shapers=tuple(each for each in behaviours if type(each).shape is not Behaviour.shape),
            manglers=tuple(each for each in behaviours if type(each).mangle is not Behaviour.mangle),
        )


COMPLIANT = Manner(generation=0)
"""No behaviour at all: what a node has before it is told how to answer."""
