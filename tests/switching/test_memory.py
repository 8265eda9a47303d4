"""A switcher lives as long as its Trust Center: what it keeps does not grow with who comes and goes."""

from __future__ import annotations

import tracemalloc

from coordinator import trace
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsde, apsme, mlme, nlme
from coordinator.types import Eui64, Instant, Key, LinkKeyKind, NwkAddress
from tests.switching.bench import Bench

WARM, MANY = 3_000, 10_000
GROWTH = 64 * 1024
"""Octets; a record kept of each of the seven thousand between would be ten times as much."""
SECURITY = apsde.Security(nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.GLOBAL)


def comes(bench: Bench, number: int) -> None:
    """A device joins, asks for a key that never leaves, and is not heard of again."""
    device, address, at = Eui64(number), NwkAddress(number % 0xFFF0), Instant(number * 1000)
    key = apsme.TransportKeyRequest(
        device=device,
        address=address,
        key_type=4,
        key=Key(bytes(16)),
        kind=LinkKeyKind.UNIQUE,
        protection=KeyIdentifier.KEY_LOAD,
        nwk_secured=True,
    )
    for indication in (
        mlme.AssociateIndication(device=device, capability=0x8E),
        nlme.JoinIndication(device=device, address=address, capability=0x8E),
        apsme.RequestKeyIndication(
            device=device, address=address, key_type=4, partner=None, security=SECURITY
        ),
    ):
        bench.switcher.note(trace.Indicated(at=at, indication=indication))
    bench.switcher.note(trace.Requested(at=at, request_id=number, request=key))


def test_ten_thousand_devices_that_are_never_heard_of_again_are_not_all_remembered() -> None:
    bench = Bench("zb3")
    tracemalloc.start()
    try:
        for number in range(WARM):
            comes(bench, number)
        before, _ = tracemalloc.get_traced_memory()
        for number in range(WARM, MANY):
            comes(bench, number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < GROWTH


def test_ten_thousand_generations_of_which_none_sends_a_frame_are_not_all_remembered() -> None:
    bench = Bench("zb3")
    bench.simulation.watch(lambda _: bench.records.clear())
    tracemalloc.start()
    try:
        for number in range(WARM):
            bench.switcher.advance("permit-join", Instant(number))
        before, _ = tracemalloc.get_traced_memory()
        for number in range(WARM, MANY):
            bench.switcher.advance("permit-join", Instant(number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bench.switcher.generation == MANY + 1
    assert after - before < GROWTH
