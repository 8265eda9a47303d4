"""Memory does not grow with the number of joins: who is forgotten, and all that goes with it."""

from __future__ import annotations

from coordinator.stack.plan import Step
from coordinator.trust_center.device import Device, Devices, Standing
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.types import MILLISECOND, SECOND, Eui64, Key, LinkKeyKind, NwkAddress
from tests.trust_center.bench import JOINER, ROUTER, ROUTER_ADDRESS, Bench

CAPACITY = 64


def nth(number: int) -> tuple[Eui64, NwkAddress]:
    return Eui64(0x00158D0000000000 + number), NwkAddress(1 + number % 0xFFF0)


def small() -> Bench:
    return Bench(TrustCenterPolicy(device_capacity=3))


def test_10_000_devices_in_sequence_leave_tables_of_constant_size() -> None:
    bench = Bench(TrustCenterPolicy(device_capacity=CAPACITY))
    for number in range(10_000):
        device, address = nth(number)
        bench.join(device, address)
        bench.services.network_keys.accept(0, device, number)
        bench.services.link_keys.accept(device, bench.services.link_keys.entry(device).current.key, number)
        if number % 3 == 0:
            bench.announce(device, address)
        elif number % 3 == 1:
            bench.request_key(device=device, address=address)
            bench.verify(bench.offered(), device, address)
        if number % 2:
            bench.leave(device, address)
        bench.advance(100 * MILLISECOND)
        bench.requests()
        bench.services.records.clear()
    services = bench.services
    assert len(bench.engine.devices) == CAPACITY
    assert sum(services.link_keys.find(nth(number)[0]) is not None for number in range(10_000)) == CAPACITY
    (network_key,) = services.network_keys.held()
    assert len(network_key.incoming) == CAPACITY
    assert (
        sum(bench.engine.devices.at(NwkAddress(address)) is not None for address in range(0xFFFF)) == CAPACITY
    )
    assert len(services.timers) <= 2 * CAPACITY + 17
    bench.advance(60 * SECOND)
    assert services.timers.next_deadline() is None


def test_who_left_the_longest_ago_is_forgotten_first() -> None:
    bench = small()
    for number in range(3):
        bench.secure_join(*nth(number))
    bench.leave(*nth(2))
    bench.leave(*nth(1))
    bench.join(*nth(3))
    bench.join(*nth(4))
    standings = [bench.standing(nth(number)[0]) for number in range(5)]
    assert standings == [
        Standing.VERIFIED,
        Standing.UNKNOWN,
        Standing.UNKNOWN,
        Standing.KEYED,
        Standing.KEYED,
    ]
    assert bench.findings() == [
        "forgotten with its keys and counters while left: the table is full",
        "forgotten with its keys and counters while left: the table is full",
    ]


def test_while_nobody_has_left_the_longest_silent_is_forgotten() -> None:
    bench = small()
    for number in range(3):
        bench.join(*nth(number))
    bench.announce(*nth(0))
    bench.join(*nth(3))
    assert bench.standing(nth(0)[0]) is Standing.AUTHENTICATED
    assert bench.standing(nth(1)[0]) is Standing.UNKNOWN


def test_with_a_device_go_its_link_keys_its_counters_and_its_timers() -> None:
    bench = Bench(TrustCenterPolicy(device_capacity=1))
    bench.secure_join()
    bench.join()
    bench.announce()
    bench.services.network_keys.accept(0, JOINER, 5000)
    bench.join(ROUTER, ROUTER_ADDRESS)
    bench.announce(ROUTER, ROUTER_ADDRESS)
    assert bench.services.link_keys.find(JOINER) is None
    assert bench.services.network_keys.is_fresh(0, JOINER, 0)
    bench.requests()
    bench.advance(60 * SECOND)
    assert len(bench.requests()) == 1, "the router's removal; the forgotten device's timer is gone"
    assert bench.findings() == ["forgotten with its keys and counters while authenticated: the table is full"]


def test_an_install_code_outlives_the_record() -> None:
    bench = Bench(TrustCenterPolicy(device_capacity=1))
    code_key = Key(bytes(range(0x40, 0x50)))
    bench.services.link_keys.install_code(JOINER, code_key)
    bench.secure_join()
    bench.join(ROUTER, ROUTER_ADDRESS)
    entry = bench.services.link_keys.find(JOINER)
    assert entry is not None
    assert (entry.current.key, entry.current.kind) == (code_key, LinkKeyKind.INSTALL_CODE)


def test_a_late_key_for_a_forgotten_device_leaves_nothing_behind() -> None:
    bench = Bench(TrustCenterPolicy(device_capacity=1))
    bench.join()
    bench.request_key()
    transport = bench.requests()[-1]
    bench.join(ROUTER, ROUTER_ADDRESS)
    bench.services.conductor.carry_out_step(Step(request=transport), bench.now, ())
    assert bench.services.link_keys.find(JOINER) is None
    assert bench.findings()[-1] == "link-key-sent while unknown"


def test_a_capacity_of_nothing_still_holds_the_device_that_is_joining() -> None:
    bench = Bench(TrustCenterPolicy(device_capacity=0))
    bench.secure_join()
    assert bench.standing() is Standing.VERIFIED
    assert len(bench.engine.devices) == 1


def test_a_device_that_joins_again_takes_no_second_place() -> None:
    bench = small()
    for _ in range(10):
        bench.secure_join()
        bench.leave()
    assert len(bench.engine.devices) == 1
    assert bench.findings() == []


def test_an_address_that_passed_to_another_device_stays_with_it() -> None:
    devices = Devices()
    first = Device(eui64=JOINER, address=ROUTER_ADDRESS, capability=0)
    second = Device(eui64=ROUTER, address=ROUTER_ADDRESS, capability=0)
    devices.admit(first, 10)
    devices.admit(second, 10)
    devices.move(first, NwkAddress(0x0042))
    assert devices.at(ROUTER_ADDRESS) is second
    assert devices.at(NwkAddress(0x0042)) is first
