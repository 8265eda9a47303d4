"""A named Trust Center, loaded: policies, behaviours, and what it stands for."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.stack.behaviour import Behaviour
from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import TrustCenterPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Why one behaviour is in a profile: the clause it breaks, and where this was seen."""

    behaviour: str
    clause: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A Trust Center as its file and the files it extends describe it.

    `lineage` names the profiles it extends, the nearest first. `citations` are in the order of
    `behaviours`, one each. `basis` says where the facts come from: shipped profiles use the tags
    of docs/sources.md. Of what describes a profile only the title is never empty.
    """

    name: str
    title: str
    summary: str
    imitates: str
    clause: str
    seen: str
    basis: tuple[str, ...]
    lineage: tuple[str, ...]
    stack: StackPolicy
    trust_center: TrustCenterPolicy
    behaviours: tuple[Behaviour, ...]
    citations: tuple[Citation, ...]
