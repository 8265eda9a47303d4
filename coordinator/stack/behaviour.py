"""The contract of a Trust Center misbehaviour.

A behaviour is a frozen dataclass in one file of `coordinator.behaviours`: its module is its name,
its fields are its settings, the first line of its docstring is its summary, and the hooks it
overrides are what it requires of a backend. Use the highest hook that does the job.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

from coordinator.codec import aps
from coordinator.stack.plan import Cause, Plan

PolicyPart = TypeVar("PolicyPart")


class Behaviour:
    """One deliberate deviation. Every hook's default changes nothing.

    `clause` names the rule it breaks; `seen` the product, source or thread where it was met.
    """

    __slots__ = ()

    clause: ClassVar[str] = ""
    seen: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """The catalogue name: the module path below `coordinator.behaviours`."""
        return type(self).__module__.removeprefix("coordinator.behaviours.")

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Return the standing policy as this behaviour wants it (either part: match on its type)."""
        return policy

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Return the plan that shall answer `cause` instead of `plan`."""
        return plan

    def shape(self, frame: aps.Frame) -> aps.Frame:
        """Return the APS frame as it shall be, before it is protected."""
        return frame

    def mangle(self, psdu: bytes) -> bytes:
        """Return the finished octets as they shall go on air (PSDU without FCS)."""
        return psdu
