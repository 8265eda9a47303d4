"""`nwkkey.clear`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from coordinator.codec.aps_commands import KeyType
from coordinator.primitives import Request, apsme, nlme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(Behaviour):
    """Send a joiner the network key in the clear, with no security on any layer.

    Joiners since R21 drop it and never authenticate; some older ones accept nothing else
    (docs/sources.md, behaviours 21).
    """

    clause: ClassVar[str] = (
        "unverified: the network key goes to a joiner under the key-transport key of its link key "
        "(docs/sources.md, protocol 1.5)"
    )
    seen: ClassVar[str] = (
        "EZSP ALLOW_JOINS 0x00 and SEND_KEY_IN_CLEAR; ETRX357's default; "
        "Koenkk/zigbee-herdsman#319 (Perenio); espressif/esp-zigbee-sdk#821"
    )

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Take the APS security off the network key that answers a join, direct or through a router."""
        match cause:
            case nlme.JoinIndication() | apsme.UpdateDeviceIndication():
                return plan.substitute(_bare)
            case _:
                return plan


def _bare(request: Request) -> Request:
    match request:
        case apsme.TransportKeyRequest(key_type=KeyType.NETWORK, nwk_secured=False):
            return replace(request, protection=None)
        case _:
            return request
