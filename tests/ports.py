"""A port of loopback for somebody who binds it later."""

from __future__ import annotations

import random
import socket
from pathlib import Path

GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 10_000


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """One that is free, and that the kernel gives to nobody who asks for any or who connects somewhere: what
    is free now still is when it is bound.
    """
    given = int(GIVEN.read_text("ascii").split()[0])
    assert given > LOWEST, "the kernel gives every port away"
    while True:
        port = random.randrange(LOWEST, given)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
