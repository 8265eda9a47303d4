"""Network keys: activation, the counter that goes out, and freshness of what comes in (protocol.md 1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.security.counters import CounterExhausted, OutgoingCounter
from coordinator.security.material import NetworkKeys
from coordinator.types import Eui64, Key

FIRST = Key(bytes(range(16)))
SECOND = Key(bytes(range(16, 32)))
THIRD = Key(bytes(range(32, 48)))
ROUTER = Eui64(0x00124B0001020304)
OTHER = Eui64(0x00124B0001020305)


def active(key: Key = FIRST, sequence: int = 0, counter: int = 0) -> NetworkKeys:
    keys = NetworkKeys()
    keys.install(key, sequence, counter)
    assert keys.activate(sequence) is keys.active
    return keys


class TestKeysBySequenceNumber:
    def test_an_installed_key_is_found_but_not_active(self) -> None:
        keys = NetworkKeys()
        entry = keys.install(FIRST, 7)
        assert keys.find(7) is entry
        assert keys.active is None
        assert keys.find(8) is keys.find(None) is None

    def test_switching_to_an_unknown_key_changes_nothing(self) -> None:
        keys = active()
        assert keys.activate(1) is None
        assert keys.active is keys.find(0)

    def test_a_further_key_replaces_the_oldest_that_is_not_active(self) -> None:
        keys = active()
        keys.install(SECOND, 1)
        keys.install(THIRD, 2)
        assert [entry.sequence for entry in keys.held()] == [0, 2]
        keys.activate(2)
        keys.install(SECOND, 1)
        assert [entry.sequence for entry in keys.held()] == [2, 1]

    def test_without_an_active_key_the_newest_survive(self) -> None:
        keys = NetworkKeys()
        for sequence, key in enumerate((FIRST, SECOND, THIRD)):
            keys.install(key, sequence)
        assert [entry.sequence for entry in keys.held()] == [1, 2]

    def test_more_keys_are_held_when_asked(self) -> None:
        keys = NetworkKeys(capacity=3)
        for sequence, key in enumerate((FIRST, SECOND, THIRD)):
            keys.install(key, sequence)
        assert [entry.sequence for entry in keys.held()] == [0, 1, 2]
        with pytest.raises(ValueError, match="room"):
            NetworkKeys(capacity=1)

    def test_another_key_under_the_active_sequence_number_becomes_active_and_counts_on(self) -> None:
        keys = active(counter=50)
        keys.accept(0, ROUTER, 10)
        entry = keys.install(SECOND, 0)
        assert keys.active is entry
        assert keys.next_counter() == 50
        assert keys.is_fresh(0, ROUTER, 0)


class TestOutgoingCounter:
    def test_counts_up_from_where_it_was_persisted(self) -> None:
        keys = active(counter=422014)
        assert [keys.next_counter() for _ in range(3)] == [422014, 422015, 422016]

    def test_a_repeated_transport_key_resets_nothing(self) -> None:
        keys = active(counter=100)
        keys.accept(0, ROUTER, 41)
        keys.install(FIRST, 0)
        assert keys.next_counter() == 100
        assert not keys.is_fresh(0, ROUTER, 41)

    def test_restoring_a_lower_counter_is_ignored(self) -> None:
        keys = active(counter=100)
        keys.install(FIRST, 0, 7)
        assert keys.next_counter() == 100

    @pytest.mark.parametrize(
        ("before", "after"),
        [(0, 0), (5, 5), (0x8000_0000, 0x8000_0000), (0x8000_0001, 0), (0xFFFF_FFFF, 0)],
    )
    def test_a_switch_resets_the_counter_only_beyond_the_threshold(self, before: int, after: int) -> None:
        keys = active(counter=before)
        keys.install(SECOND, 1)
        keys.activate(1)
        assert keys.next_counter() == after

    def test_switching_back_never_repeats_a_counter(self) -> None:
        keys = active(counter=0x8000_0001)
        used = keys.next_counter()
        keys.install(SECOND, 1)
        keys.activate(1)
        keys.activate(0)
        assert keys.next_counter() > used

    def test_equal_keys_under_two_sequence_numbers_share_one_counter(self) -> None:
        keys = active(counter=0x9000_0000)
        keys.install(FIRST, 1)
        keys.activate(1)
        assert keys.next_counter() == 0x9000_0000
        keys.activate(0)
        assert keys.next_counter() == 0x9000_0001

    def test_the_last_counter_is_never_used(self) -> None:
        keys = active(counter=0xFFFF_FFFE)
        assert keys.next_counter() == 0xFFFF_FFFE
        for _ in range(2):
            with pytest.raises(CounterExhausted):
                keys.next_counter()

    def test_without_an_active_key_there_is_no_counter(self) -> None:
        with pytest.raises(LookupError):
            NetworkKeys().next_counter()

    def test_a_key_that_was_replaced_and_comes_back_counts_on(self) -> None:
        keys = active(counter=0x8000_0001)
        used = keys.next_counter()
        keys.install(SECOND, 1)
        keys.activate(1)
        keys.install(THIRD, 2)
        assert keys.find(0) is None
        keys.install(FIRST, 0)
        keys.activate(0)
        assert keys.next_counter() > used

    @given(
        st.lists(
            st.tuples(st.just("install"), st.sampled_from([FIRST, SECOND, THIRD]), st.integers(0, 3))
            | st.tuples(st.just("switch"), st.just(FIRST), st.integers(0, 3))
            | st.tuples(st.just("send"), st.just(FIRST), st.just(0)),
            min_size=1,
        )
    )
    def test_no_key_ever_sends_one_counter_twice(self, steps: list[tuple[str, Key, int]]) -> None:
        keys = active(counter=0x7FFF_FFFF)
        sent: set[tuple[Key, int]] = set()
        for step, key, sequence in steps:
            if step == "install":
                keys.install(key, sequence)
            elif step == "switch":
                keys.activate(sequence)
            else:
                assert keys.active is not None
                use = (keys.active.key, keys.next_counter())
                assert use not in sent
                sent.add(use)

    def test_raising_a_counter_never_lowers_it(self) -> None:
        counter = OutgoingCounter(10)
        counter.raise_to(9)
        assert counter.value == 10
        counter.raise_to(11)
        assert counter.next() == 11


class TestFreshness:
    def test_an_accepted_counter_and_all_before_it_are_stale(self) -> None:
        keys = active()
        assert keys.is_fresh(0, ROUTER, 0)
        keys.accept(0, ROUTER, 10)
        assert [keys.is_fresh(0, ROUTER, counter) for counter in (0, 9, 10, 11)] == [
            False,
            False,
            False,
            True,
        ]

    def test_asking_commits_nothing(self) -> None:
        keys = active()
        assert keys.is_fresh(0, ROUTER, 0xFFFF_FFFF)
        assert keys.is_fresh(0, ROUTER, 0)

    def test_accepting_a_stale_counter_does_not_go_back(self) -> None:
        keys = active()
        keys.accept(0, ROUTER, 10)
        keys.accept(0, ROUTER, 3)
        assert not keys.is_fresh(0, ROUTER, 10)

    def test_sources_and_keys_are_independent(self) -> None:
        keys = active()
        keys.install(SECOND, 1)
        keys.accept(0, ROUTER, 10)
        assert keys.is_fresh(0, OTHER, 0)
        assert keys.is_fresh(1, ROUTER, 0)

    def test_an_unknown_key_is_never_fresh_and_nothing_can_be_accepted_under_it(self) -> None:
        keys = active()
        assert not keys.is_fresh(1, ROUTER, 0)
        with pytest.raises(KeyError):
            keys.accept(1, ROUTER, 0)

    def test_a_forgotten_source_may_begin_anywhere_under_every_key(self) -> None:
        keys = active()
        keys.install(SECOND, 1)
        for sequence in (0, 1):
            keys.accept(sequence, ROUTER, 10)
            keys.accept(sequence, OTHER, 10)
        keys.forget(ROUTER)
        for sequence in (0, 1):
            assert keys.is_fresh(sequence, ROUTER, 0)
            assert not keys.is_fresh(sequence, OTHER, 0)

    @given(st.lists(st.integers(0, 2**32 - 1)))
    def test_a_receiver_accepts_a_strictly_growing_sequence(self, counters: list[int]) -> None:
        keys = active()
        accepted: list[int] = []
        for counter in counters:
            if keys.is_fresh(0, ROUTER, counter):
                keys.accept(0, ROUTER, counter)
                accepted.append(counter)
        assert accepted == sorted(set(accepted))
        if counters:
            assert accepted[-1] == max(counters)
