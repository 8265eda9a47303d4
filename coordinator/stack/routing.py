"""Route discovery, as far as it ends at us (05-3474, 3.6.3.5): a request for us or a child is answered.

Routes through us are a later matter: requests for others are not passed on.
"""

from __future__ import annotations

from coordinator.codec import nwk_commands
from coordinator.stack.neighbors import NeighborTable
from coordinator.stack.nib import Nib
from coordinator.types import Eui64, NwkAddress

REPLY_RADIUS = 30


def reply(
    request: nwk_commands.RouteRequest,
    source: NwkAddress,
    originator: Eui64 | None,
    nib: Nib,
    neighbors: NeighborTable,
) -> nwk_commands.RouteReply | None:
    """The route reply that goes back the way the request came; None when it is for somebody else.

    A many-to-one request wants none. A request is seen once: the broadcast table saw to that.
    """
    responder = _responder(request.destination, nib, neighbors)
    if responder is None or request.many_to_one:
        return None
    options = nwk_commands.ROUTE_REPLY_RESPONDER_IEEE
    if originator is not None:
        options |= nwk_commands.ROUTE_REPLY_ORIGINATOR_IEEE
    return nwk_commands.RouteReply(
        options=options,
        identifier=request.identifier,
        originator=source,
        responder=request.destination,
        path_cost=0,  # each hop back adds its link's cost (unverified)
        originator_ieee=originator,
        responder_ieee=responder,
    )


def _responder(destination: NwkAddress, nib: Nib, neighbors: NeighborTable) -> Eui64 | None:
    """Who is asked for, if that is us or an end device of ours: a parent answers for it."""
    if destination == nib.address:
        return nib.eui64
    neighbor = neighbors.find(destination)
    if neighbor is None or not neighbor.is_child or neighbor.is_router:
        return None
    return neighbor.device
