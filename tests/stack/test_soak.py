"""A day of joins: the tables of the stack stay as small as they were after the first hundred."""

from __future__ import annotations

import pytest

from coordinator.codec.security_header import KeyIdentifier
from coordinator.entropy import SeededEntropy
from coordinator.primitives import Indication, apsme, nlme
from coordinator.stack.policy import StackPolicy
from coordinator.types import SECOND, Eui64, Instant
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import NETWORK_KEY, ROUTER, SLEEPY
from tests.stack.test_hostile_air import bounded

DAY = 24 * 3600 * SECOND
JOINS = 3000


def table_sizes(desk: Desk) -> dict[str, int]:
    host = desk.host
    active = host.network_keys.active
    assert active is not None
    return {
        "neighbors": len(host.nwk.neighbors),
        "addresses": len(host.nwk.addresses),
        "counters": len(active.incoming),
        "broadcasts": len(host.nwk.broadcasts.table),
        "MAC sequence numbers": len(host.mac._last),
        "APS counters": len(host.aps.duplicates),
        "APS unacknowledged": len(host.aps._waiting),
        "applicants": len(host._mlme._applicants),
        "held": len(host.mac.indirect),
        "queued": len(host.mac.outbox),
        "timers": len(host.timers),
    }


def coordinator() -> Desk:
    desk = formed(entropy=SeededEntropy(3), policy=StackPolicy(neighbor_capacity=32))
    desk.request(nlme.PermitJoiningRequest(seconds=0xFF))

    def give_key(indication: Indication, now: Instant) -> None:
        assert isinstance(indication, nlme.JoinIndication)
        request = apsme.TransportKeyRequest(
            device=indication.device,
            address=indication.address,
            key_type=1,
            key=NETWORK_KEY,
            key_sequence=0,
            protection=KeyIdentifier.KEY_TRANSPORT,
            nwk_secured=False,
        )
        desk.host.request(request, now)
        desk.host.link_keys.forget(indication.device)

    desk.application.reactions[nlme.JoinIndication] = give_key
    return desk


@pytest.mark.parametrize("capability", [ROUTER, SLEEPY])
def test_a_day_of_joins_of_devices_that_never_leave_keeps_every_table_flat(capability: int) -> None:
    desk = coordinator()
    sizes: list[dict[str, int]] = []
    for number in range(1, JOINS + 1):
        peer = member(desk, Eui64(0x1000 + number), capability)
        for _ in range(3):
            desk.hear(peer.data())
        if capability == SLEEPY:
            desk.hear(peer.poll())
        desk.run(DAY // JOINS - SECOND)
        bounded(desk)
        if number % 500 == 0:
            sizes.append(table_sizes(desk))
        desk.forget()
    assert desk.now > DAY * 0.95
    for name in sizes[0]:
        values = [size[name] for size in sizes[1:]]
        assert max(values) - min(values) <= 8, (name, values)
    assert sizes[-1]["counters"] <= 4 * 32
    assert sizes[-1]["timers"] < 64


def test_a_day_of_comings_and_goings_keeps_every_table_flat() -> None:
    desk = coordinator()
    for number in range(1, 1001):
        peer = member(desk, Eui64(0x1000 + number), ROUTER if number % 2 else SLEEPY)
        desk.hear(
            peer.frame(
                peer.nwk_octets(b"\x04\x00", 0xFFFD, command=True, radius=1, source_ieee=peer.eui64), 0xFFFF
            )
        )
        desk.run(10 * SECOND)
        desk.forget()
    sizes = table_sizes(desk)
    assert sizes["neighbors"] == sizes["held"] == sizes["APS unacknowledged"] == 0
    assert sizes["addresses"] == sizes["counters"] == 4 * 32


def test_a_hundred_sleepers_alive_at_once_each_get_what_is_theirs() -> None:
    desk = formed(policy=StackPolicy(neighbor_capacity=128))
    peers = [member(desk, Eui64(0x1000 + number), SLEEPY) for number in range(100)]
    desk.forget()
    for peer in peers:
        request = nlme.LeaveRequest(device=peer.eui64, address=peer.address)
        desk.request(request)
    assert desk.pending.short == {peer.address for peer in peers}
    assert len(desk.pending.short) == 100
    for peer in peers:
        desk.hear(peer.poll())
        assert desk.frames[-1].destination == peer.address
    assert len(desk.host.mac.indirect) == 0
