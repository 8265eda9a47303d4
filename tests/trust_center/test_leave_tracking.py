"""Who left, in which way, and what the Trust Center forgets then (protocol.md 1.5, 1.7)."""

from __future__ import annotations

import pytest

from coordinator.behaviours.confirm.delay import Delay as ConfirmDelay
from coordinator.behaviours.leave.mgmt import Mgmt
from coordinator.behaviours.reqkey.delay import Delay as RequestKeyDelay
from coordinator.codec import zdp
from coordinator.primitives import nlme, zdo
from coordinator.stack.plan import Step
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND
from tests.trust_center.bench import ADDRESS, JOINER, ROUTER, ROUTER_ADDRESS, Bench


def test_a_leave_of_its_own_ends_the_exchange_and_discards_the_offer() -> None:
    bench = Bench()
    bench.join()
    bench.request_key()
    bench.leave()
    assert bench.standing() is Standing.LEFT
    assert bench.services.link_keys.entry(JOINER).pending is None
    assert bench.services.timers.next_deadline() is None
    assert bench.findings() == []


def test_a_second_leave_of_the_same_device_is_nothing_new() -> None:
    bench = Bench()
    bench.secure_join()
    bench.leave()
    bench.leave()
    assert bench.standing() is Standing.LEFT
    assert bench.findings() == []


def test_a_removed_device_that_leaves_has_left() -> None:
    bench = Bench()
    bench.join()
    bench.announce()
    bench.advance(15 * SECOND)
    bench.leave()
    assert bench.changes()[-2:] == [
        ("authenticated", "removal-sent", "removing"),
        ("removing", "left", "left"),
    ]


def test_leaving_to_rejoin_is_told_apart_and_keeps_the_verified_key() -> None:
    bench = Bench()
    bench.secure_join()
    key = bench.offered()
    bench.leave(rejoin=True)
    assert bench.standing() is Standing.REJOINING
    assert bench.services.link_keys.entry(JOINER).current.key == key


def test_a_leave_told_by_its_router_counts() -> None:
    bench = Bench()
    bench.secure_join()
    bench.update_device(status=0x02)
    assert bench.standing() is Standing.LEFT
    assert bench.findings() == []


@pytest.mark.parametrize("status", [0x00, 0x01, 0x03, 0x04, 0xFF])
def test_any_other_word_of_a_router_is_a_finding(status: int) -> None:
    bench = Bench()
    bench.update_device(status=status)
    (finding,) = bench.findings()
    assert f"status {status}" in finding
    assert str(ROUTER) in finding
    assert bench.requests() == []


def test_a_stranger_that_leaves_is_a_finding() -> None:
    bench = Bench()
    bench.leave()
    assert bench.findings() == ["left while unknown"]


def test_being_told_to_leave_is_a_finding_and_nothing_is_done() -> None:
    bench = Bench()
    bench.secure_join()
    bench.requests()
    bench.leave(device=None)
    assert bench.requests() == []
    assert bench.standing() is Standing.VERIFIED
    assert len(bench.findings()) == 1


def test_a_removal_by_mgmt_leave_is_followed() -> None:
    bench = Bench(behaviours=[Mgmt()])
    bench.join()
    bench.announce()
    bench.requests()
    bench.advance(15 * SECOND)
    (request,) = bench.requests()
    assert isinstance(request, zdo.CommandRequest)
    assert isinstance(request.command, zdp.MgmtLeaveRequest)
    assert bench.standing() is Standing.REMOVING


def test_a_key_that_comes_due_after_its_device_left_is_a_finding_and_moves_nothing() -> None:
    bench = Bench(behaviours=[RequestKeyDelay(seconds=7.0)])
    bench.join()
    bench.announce()
    bench.request_key()
    bench.advance(1 * SECOND)
    bench.leave()
    bench.advance(60 * SECOND)
    assert bench.standing() is Standing.LEFT
    assert bench.findings() == ["link-key-sent while left"]


def test_a_confirmation_that_comes_due_after_its_device_left_does_not_verify_it() -> None:
    bench = Bench(behaviours=[ConfirmDelay(seconds=6.0)])
    bench.join()
    bench.request_key()
    bench.verify(bench.offered())
    bench.leave()
    bench.advance(60 * SECOND)
    assert bench.standing() is Standing.LEFT
    assert bench.findings() == ["key-confirmed while left"]


def test_a_device_that_left_and_is_heard_again_is_a_finding() -> None:
    bench = Bench()
    bench.secure_join()
    bench.leave()
    bench.announce()
    assert bench.findings() == ["heard-under-network-key while left"]
    assert bench.standing() is Standing.LEFT


def test_a_device_that_left_does_not_take_an_address_by_announcing_it() -> None:
    bench = Bench()
    bench.secure_join()
    bench.secure_join(ROUTER, ROUTER_ADDRESS)
    bench.leave()
    bench.announce(JOINER, ROUTER_ADDRESS)
    record = bench.engine.devices.at(ROUTER_ADDRESS)
    assert record is not None
    assert record.eui64 == ROUTER


def test_a_device_removed_before_its_time_is_up_is_supervised_no_more() -> None:
    bench = Bench()
    bench.join()
    bench.announce()
    removal = Step(request=nlme.LeaveRequest(device=JOINER, address=ADDRESS))
    bench.services.conductor.carry_out_step(removal, bench.now, ())
    bench.requests()
    bench.advance(60 * SECOND)
    assert bench.requests() == []
    assert bench.findings() == []


def test_a_device_that_announces_another_address_is_found_there() -> None:
    bench = Bench()
    bench.secure_join()
    bench.announce(JOINER, ROUTER_ADDRESS)
    record = bench.engine.devices.at(ROUTER_ADDRESS)
    assert record is not None
    assert record.eui64 == JOINER
    assert bench.engine.devices.at(ADDRESS) is None
