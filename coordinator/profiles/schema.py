"""What a profile's TOML file may say: one model a table.

Times are in seconds here and in microseconds in the policies. The defaults are the compliant Trust
Center's; a child profile states only what differs, and `merge` lays that over its parent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import Field

from coordinator.profiles.document import Table
from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import SECOND

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Text = Annotated[str, Field(min_length=1)]
Capacity = Annotated[int, Field(ge=1, le=65_536)]
Octet = Annotated[int, Field(ge=0, le=0xFF)]


class TrustCenterTable(Table):
    """`[trust_center]`: the values of TrustCenterPolicy."""

    require_key_exchange: Literal["never", "always", "if-joiner-r21"] = "always"
    node_join_timeout: Seconds = 15.0
    node_descriptor_retry: Seconds = 2.0
    key_switch_pause: Seconds = 9.0
    device_capacity: Capacity = 1024

    def policy(self) -> TrustCenterPolicy:
        """The Trust Center's part of the standing policy."""
        return TrustCenterPolicy(
            require_key_exchange=RequireKeyExchange(self.require_key_exchange),
            node_join_timeout=round(self.node_join_timeout * SECOND),
            node_descriptor_retry=round(self.node_descriptor_retry * SECOND),
            key_switch_pause=round(self.key_switch_pause * SECOND),
            device_capacity=self.device_capacity,
        )


class StackTable(Table):
    """`[stack]`: the values of StackPolicy. `stack_revision` 0 leaves the bits clear, as before R21."""

    stack_profile: Annotated[int, Field(ge=0, le=15)] = 2
    router_capacity: bool = True
    end_device_capacity: bool = True
    beacon_association_permit: bool | None = None
    stack_revision: Annotated[int, Field(ge=0, le=127)] = 22
    primary_trust_center: bool = True
    network_manager: bool = True
    manufacturer_code: Annotated[int, Field(ge=0, le=0xFFFF)] = 0x1337
    neighbor_capacity: Capacity = 128
    transaction_persistence: Seconds = 7.68
    link_status_period: Seconds = 15.0
    router_age_limit: Annotated[int, Field(ge=1, le=255)] = 3
    end_device_timeout: Annotated[int, Field(ge=0, le=14)] = 8

    def policy(self) -> StackPolicy:
        """The stack's part of the standing policy."""
        return StackPolicy(
            stack_profile=self.stack_profile,
            router_capacity=self.router_capacity,
            end_device_capacity=self.end_device_capacity,
            beacon_association_permit=self.beacon_association_permit,
            stack_revision=self.stack_revision or None,
            primary_trust_center=self.primary_trust_center,
            network_manager=self.network_manager,
            manufacturer_code=self.manufacturer_code,
            neighbor_capacity=self.neighbor_capacity,
            transaction_persistence=round(self.transaction_persistence * SECOND),
            link_status_period=round(self.link_status_period * SECOND),
            router_age_limit=self.router_age_limit,
            end_device_timeout=self.end_device_timeout,
        )


class BehaviourTable(Table):
    """One `[[behaviours]]`: its name, what it breaks, where it was seen; every other key is a setting.

    Without `clause` or `seen` it has what the catalogue says of the behaviour.
    """

    model_config = pydantic.ConfigDict(extra="allow")

    name: Text
    clause: Text | None = None
    seen: Text | None = None

    @property
    def settings(self) -> dict[str, object]:
        """What the behaviour is told."""
        return dict(self.model_extra or {})


class ProfileFile(Table):
    """A whole file. What describes the profile is never inherited; all but the title may be left out."""

    title: Text
    summary: Text | None = None
    imitates: Text | None = None
    clause: Text | None = None
    seen: Text | None = None
    basis: list[Text] = Field(default_factory=list)
    extends: Text | None = None
    without: list[Text] = Field(default_factory=list)
    trust_center: TrustCenterTable = TrustCenterTable()
    stack: StackTable = StackTable()
    behaviours: list[BehaviourTable] = Field(default_factory=list)


Part = TypeVar("Part", TrustCenterTable, StackTable)


def merge(parent: Part, child: Part) -> Part:
    """The parent's table with what the child's file states laid over it."""
    stated: dict[str, Any] = {name: getattr(child, name) for name in child.model_fields_set}
    return parent.model_copy(update=stated)
