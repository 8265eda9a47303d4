"""The transition table: what it must say, and that every pair of it is honoured through the front."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from coordinator import trace
from coordinator.primitives import Request, apsme, bdb, nlme
from coordinator.stack.conductor import Standing as PolicyStanding
from coordinator.stack.plan import Plan
from coordinator.trust_center.device import MEMBERS, TRANSITIONS, UNPROVED, Event, Standing, diagram
from coordinator.trust_center.ledger import Ledger
from coordinator.types import GLOBAL_LINK_KEY, SECOND, LinkKeyKind
from tests.trust_center.bench import ADDRESS, JOINER, NETWORK_KEY, NWK, ROUTER, ROUTER_ADDRESS, Bench

SOMETHING = apsme.RemoveDeviceIndication(source=None, target=ROUTER, security=NWK)
"""A cause that the engine itself never answers."""


def perform(bench: Bench, request: Request) -> None:
    """Let the conductor carry out a request, as a behaviour may want it at any time."""
    bench.services.conductor.answer(SOMETHING, lambda _: Plan.of(request), PolicyStanding(0), bench.now)


def transport(key_type: int) -> apsme.TransportKeyRequest:
    return apsme.TransportKeyRequest(
        device=JOINER,
        address=ADDRESS,
        key_type=key_type,
        key=NETWORK_KEY if key_type == 0x01 else GLOBAL_LINK_KEY,
        key_sequence=0 if key_type == 0x01 else None,
        kind=None if key_type == 0x01 else LinkKeyKind.GLOBAL,
        protection=None,
        nwk_secured=True,
    )


def confirm(status: int) -> apsme.ConfirmKeyRequest:
    return apsme.ConfirmKeyRequest(device=JOINER, address=ADDRESS, status=status, key_type=0x04)


def associated(bench: Bench) -> None:
    active, bench.services.network_keys.active = bench.services.network_keys.active, None
    bench.join()
    bench.services.network_keys.active = active


def keyed(bench: Bench) -> None:
    bench.join()


def authenticated(bench: Bench) -> None:
    bench.join()
    bench.announce()


def offered(bench: Bench) -> None:
    authenticated(bench)
    bench.request_key()


def verified(bench: Bench) -> None:
    bench.secure_join()


def renewing(bench: Bench) -> None:
    verified(bench)
    bench.request_key()


def removing(bench: Bench) -> None:
    authenticated(bench)
    bench.advance(15 * SECOND)


def rejoining(bench: Bench) -> None:
    verified(bench)
    bench.leave(rejoin=True)


def left(bench: Bench) -> None:
    verified(bench)
    bench.leave()


REACH: dict[Standing, Callable[[Bench], None]] = {
    Standing.UNKNOWN: lambda bench: None,
    Standing.ASSOCIATED: associated,
    Standing.KEYED: keyed,
    Standing.AUTHENTICATED: authenticated,
    Standing.OFFERED: offered,
    Standing.VERIFIED: verified,
    Standing.RENEWING: renewing,
    Standing.REMOVING: removing,
    Standing.REJOINING: rejoining,
    Standing.LEFT: left,
}

CAUSE: dict[Event, Callable[[Bench], None]] = {
    Event.JOINED: associated,
    Event.NETWORK_KEY_SENT: lambda bench: perform(bench, transport(0x01)),
    Event.HEARD: Bench.announce,
    Event.KEY_REQUESTED: lambda bench: bench.request_key(0x02),
    Event.LINK_KEY_SENT: lambda bench: perform(bench, transport(0x04)),
    Event.VERIFY_RECEIVED: lambda bench: bench.verify_hash(bytes(16)),
    Event.KEY_CONFIRMED: lambda bench: perform(bench, confirm(0x00)),
    Event.CONFIRM_REFUSED: lambda bench: perform(bench, confirm(0xAD)),
    Event.TIMED_OUT: lambda bench: bench.engine.indicate(
        bdb.NodeJoinTimeoutIndication(device=JOINER, address=ADDRESS), bench.now
    ),
    Event.REMOVAL_SENT: lambda bench: perform(bench, nlme.LeaveRequest(device=JOINER, address=ADDRESS)),
    Event.LEFT_TO_REJOIN: lambda bench: bench.leave(rejoin=True),
    Event.LEFT: Bench.leave,
}

PRODUCT = [
    pytest.param(standing, event, id=f"{event.value}-while-{standing.value}")
    for standing, event in itertools.product(Standing, Event)
]


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_is_reached_by_what_devices_do(standing: Standing) -> None:
    bench = Bench()
    REACH[standing](bench)
    assert bench.standing() is standing
    assert not any(" while " in finding for finding in bench.findings() if "no network key" not in finding)


@pytest.mark.parametrize(("standing", "event"), PRODUCT)
def test_every_event_in_every_standing_ends_in_a_listed_transition_or_a_finding(
    standing: Standing, event: Event
) -> None:
    bench = Bench()
    REACH[standing](bench)
    bench.services.records.clear()
    CAUSE[event](bench)
    assert_explained(bench, standing)
    odd = f"{event.value} while {standing.value}"
    if (standing, event) in TRANSITIONS:
        assert odd not in bench.findings()
        listed = TRANSITIONS[standing, event]
        if listed is not standing:
            assert (standing.value, event.value, listed.value) in bench.changes()
    elif (standing, event) != (Standing.KEYED, Event.VERIFY_RECEIVED):
        assert odd in bench.findings()
    else:
        # Hearing the Verify-Key proves the network key first, and so the table is asked from there.
        assert f"{event.value} while authenticated" in bench.findings()


def assert_explained(bench: Bench, start: Standing) -> None:
    """Every change on record is one of the table's, and they make a chain to the present standing."""
    standing = start.value
    listed = {(before.value, event.value, after.value) for (before, event), after in TRANSITIONS.items()}
    for change in bench.changes():
        assert change[0] == standing
        assert change in listed
        standing = change[2]
    assert standing == bench.standing().value


@pytest.mark.parametrize(("standing", "event"), PRODUCT)
def test_the_ledger_does_exactly_what_the_table_says(standing: Standing, event: Event) -> None:
    bench = Bench()
    ledger = Ledger(bench.services)
    if standing is not Standing.UNKNOWN:
        joined = nlme.JoinIndication(device=JOINER, address=ADDRESS, capability=0x8E)
        ledger.join(joined, 10, bench.now).standing = standing
    bench.services.records.clear()
    device = ledger.move(JOINER, event, bench.now)
    after = TRANSITIONS.get((standing, event))
    if after is None:
        assert device is None
        assert bench.services.records == [
            trace.Finding(at=bench.now, device=JOINER, summary=f"{event.value} while {standing.value}")
        ]
    elif standing is Standing.UNKNOWN:
        assert device is None
        assert bench.services.records == []
    elif after is standing:
        assert bench.services.records == []
    else:
        assert device is not None
        assert device.standing is after
        assert len(bench.services.records) == 1


class TestWhatTheTableMustSay:
    def test_only_a_successful_confirm_key_makes_a_device_verified_and_only_after_an_offer(self) -> None:
        into = {
            (before, event)
            for (before, event), after in TRANSITIONS.items()
            if after is Standing.VERIFIED and before is not Standing.VERIFIED
        }
        assert into == {
            (Standing.OFFERED, Event.KEY_CONFIRMED),
            (Standing.RENEWING, Event.KEY_CONFIRMED),
        }

    def test_a_device_that_left_comes_back_only_by_joining(self) -> None:
        out = {
            event
            for (before, event), after in TRANSITIONS.items()
            if before is Standing.LEFT and after is not Standing.LEFT
        }
        assert out == {Event.JOINED}

    def test_joining_is_possible_from_every_standing(self) -> None:
        for standing in Standing:
            assert TRANSITIONS[standing, Event.JOINED] is Standing.ASSOCIATED

    def test_no_event_leads_back_to_unknown(self) -> None:
        moved = {after for (before, _), after in TRANSITIONS.items() if before is not Standing.UNKNOWN}
        assert Standing.UNKNOWN not in moved

    def test_only_who_has_proved_no_key_is_timed_out_and_is_a_member(self) -> None:
        assert {before for before, event in TRANSITIONS if event is Event.TIMED_OUT} == set(UNPROVED)
        assert set(UNPROVED) < set(MEMBERS)


class TestDiagram:
    def test_it_draws_every_change_of_the_table_once_and_no_other(self) -> None:
        first, *arrows = diagram().splitlines()
        assert first == "stateDiagram-v2"
        drawn = set()
        for arrow in arrows:
            path, events = arrow.strip().split(": ")
            before, after = path.split(" --> ")
            for event in events.split(", "):
                drawn.add(("unknown" if before == "[*]" else before, event, after))
        assert drawn == {
            (before.value, event.value, after.value)
            for (before, event), after in TRANSITIONS.items()
            if before is not after
        }
        assert len(arrows) == len({arrow.split(":")[0] for arrow in arrows})

    def test_the_names_are_identifiers_that_mermaid_reads(self) -> None:
        assert all(standing.value.isalpha() for standing in Standing)


def test_a_stranger_is_admitted_by_nothing_but_joining() -> None:
    for event, cause in CAUSE.items():
        bench = Bench()
        cause(bench)
        assert (len(bench.engine.devices) == 1) is (event is Event.JOINED)
    bench = Bench()
    bench.update_device(status=0x01, parent=ROUTER)
    bench.update_device(status=0x02)
    perform(bench, apsme.RemoveDeviceRequest(parent=ROUTER, parent_address=ROUTER_ADDRESS, target=JOINER))
    assert len(bench.engine.devices) == 0
    assert len(bench.findings()) == 3
