"""The daemon: the only composition root under asyncio."""

from coordinator.daemon.control import Control, Http
from coordinator.daemon.serving import serve
from coordinator.daemon.sessions import session, supervised
from coordinator.runtime.order import Begun, Ending, Ground, Order, Reporter
from coordinator.runtime.session import Session

__all__ = [
    "Begun",
    "Control",
    "Ending",
    "Ground",
    "Http",
    "Order",
    "Reporter",
    "Session",
    "serve",
    "session",
    "supervised",
]
