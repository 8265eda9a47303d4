"""Link keys by partner: provisional, pending until verified, current, previous; and their counters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import aps as aps_codec
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier
from coordinator.security import aes, aps, suites
from coordinator.security.counters import CounterExhausted, OutgoingCounter
from coordinator.security.material import LinkKeys, Which
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key, LinkKeyKind

DEVICE = Eui64(0xF4CE360011223344)
OTHER = Eui64(0xF4CE360011223345)
NEW = Key(bytes(range(0xA0, 0xB0)))
NEWER = Key(bytes(range(0xB0, 0xC0)))
CODE_KEY = Key.parse("66B6900981E1EE3CA4206B6B861C02BB")


def verified(key: Key = NEW) -> LinkKeys:
    keys = LinkKeys()
    keys.offer(DEVICE, key)
    keys.promote(DEVICE)
    return keys


class TestEntries:
    def test_an_unknown_partner_begins_with_the_global_key(self) -> None:
        entry = LinkKeys().entry(DEVICE)
        assert entry.current.key == GLOBAL_LINK_KEY
        assert entry.current.kind is LinkKeyKind.GLOBAL
        assert entry.pending is None
        assert entry.previous is None

    def test_an_install_code_key_is_what_its_partner_joins_with(self) -> None:
        keys = LinkKeys()
        keys.install_code(DEVICE, CODE_KEY)
        assert keys.entry(DEVICE).current.key == CODE_KEY
        assert keys.entry(DEVICE).current.kind is LinkKeyKind.INSTALL_CODE
        assert keys.entry(OTHER).current.key == GLOBAL_LINK_KEY

    def test_an_offered_key_protects_nothing_until_it_is_promoted(self) -> None:
        keys = LinkKeys()
        keys.offer(DEVICE, NEW)
        assert keys.entry(DEVICE).current.key == GLOBAL_LINK_KEY
        entry = keys.promote(DEVICE)
        assert entry.current.key == NEW
        assert entry.current.kind is LinkKeyKind.UNIQUE
        assert entry.pending is None

    def test_a_later_offer_replaces_an_earlier_one(self) -> None:
        keys = LinkKeys()
        keys.offer(DEVICE, NEW)
        keys.offer(DEVICE, NEWER)
        assert keys.promote(DEVICE).current.key == NEWER

    def test_a_discarded_offer_cannot_be_promoted(self) -> None:
        keys = LinkKeys()
        keys.offer(DEVICE, NEW)
        keys.discard_pending(DEVICE)
        keys.discard_pending(OTHER)
        for partner in (DEVICE, OTHER):
            with pytest.raises(LookupError):
                keys.promote(partner)
        assert keys.find(OTHER) is None

    def test_the_unique_key_that_gives_way_is_remembered(self) -> None:
        keys = verified(NEW)
        keys.offer(DEVICE, NEWER)
        assert keys.promote(DEVICE).previous == NEW

    def test_a_key_promoted_again_does_not_become_its_own_predecessor(self) -> None:
        keys = verified(NEW)
        keys.offer(DEVICE, NEW)
        assert keys.promote(DEVICE).previous is None

    def test_joining_anew_goes_back_to_the_provisional_key_and_remembers_the_unique_one(self) -> None:
        keys = LinkKeys()
        keys.install_code(DEVICE, CODE_KEY)
        keys.offer(DEVICE, NEW)
        keys.promote(DEVICE)
        keys.offer(DEVICE, NEWER)
        entry = keys.join_anew(DEVICE)
        assert entry.current.key == CODE_KEY
        assert entry.pending is None
        assert entry.previous == NEW
        assert keys.join_anew(DEVICE).previous == NEW

    def test_an_install_code_does_not_cut_off_a_partner_with_a_unique_key(self) -> None:
        keys = verified(NEW)
        keys.install_code(DEVICE, CODE_KEY)
        assert keys.entry(DEVICE).current.key == NEW
        assert keys.join_anew(DEVICE).current.key == CODE_KEY

    def test_a_forgotten_partner_is_unknown(self) -> None:
        keys = verified(NEW)
        keys.forget(DEVICE)
        keys.forget(OTHER)
        assert keys.find(DEVICE) is None
        assert keys.entry(DEVICE).current.key == GLOBAL_LINK_KEY

    def test_a_joiner_expects_its_own_install_code_key_from_everyone(self) -> None:
        keys = LinkKeys(CODE_KEY, LinkKeyKind.INSTALL_CODE)
        (candidate,) = keys.candidates(DEVICE, KeyIdentifier.KEY_TRANSPORT)
        assert candidate.link_key.key == CODE_KEY


class TestCandidates:
    def test_a_stranger_may_use_the_default_key_and_gets_no_entry_by_that(self) -> None:
        keys = LinkKeys()
        (candidate,) = keys.candidates(DEVICE, KeyIdentifier.DATA)
        assert candidate.which is Which.CURRENT
        assert candidate.cipher is suites.suite(GLOBAL_LINK_KEY).data
        assert keys.find(DEVICE) is None

    def test_current_comes_before_pending(self) -> None:
        keys = LinkKeys()
        keys.offer(DEVICE, NEW)
        current, pending = keys.candidates(DEVICE, KeyIdentifier.DATA)
        assert (current.which, current.link_key.key) == (Which.CURRENT, GLOBAL_LINK_KEY)
        assert (pending.which, pending.link_key.key) == (Which.PENDING, NEW)

    def test_a_reused_key_is_named_once(self) -> None:
        keys = LinkKeys()
        keys.offer(DEVICE, GLOBAL_LINK_KEY, LinkKeyKind.GLOBAL)
        (candidate,) = keys.candidates(DEVICE, KeyIdentifier.DATA)
        assert candidate.which is Which.CURRENT

    def test_the_network_key_identifier_has_no_candidates(self) -> None:
        assert LinkKeys().candidates(DEVICE, KeyIdentifier.NETWORK) == ()

    @pytest.mark.parametrize(
        "identifier", [KeyIdentifier.DATA, KeyIdentifier.KEY_TRANSPORT, KeyIdentifier.KEY_LOAD]
    )
    def test_exactly_the_key_that_protected_a_frame_opens_it(self, identifier: KeyIdentifier) -> None:
        keys = LinkKeys()
        keys.offer(DEVICE, NEW)
        control = aps_codec.frame_control(aps_codec.FrameType.COMMAND, secured=True)
        security = AuxiliaryHeader(0x20 | identifier << 3, 0x2000, DEVICE)
        frame = aps_codec.Frame(
            control, None, None, None, None, None, 81, security=security, payload=b"\x08\x04"
        )
        octets = aps.protect(frame, suites.suite(NEW).cipher(identifier), DEVICE)
        opened = []
        for candidate in keys.candidates(DEVICE, identifier):
            try:
                payload = aps.unprotect(octets, aps_codec.decode(octets), candidate.cipher, DEVICE)
            except aes.InvalidMic:
                continue
            opened.append((candidate.which, payload))
        assert opened == [(Which.PENDING, b"\x08\x04")]


class TestOutgoingCounter:
    def test_one_counter_serves_all_keys(self) -> None:
        keys = LinkKeys(outgoing=OutgoingCounter(86022))
        assert [keys.next_counter(key) for key in (GLOBAL_LINK_KEY, NEW, GLOBAL_LINK_KEY)] == [
            86022,
            86023,
            86024,
        ]
        assert keys.outgoing.value == 86025

    def test_each_key_has_its_own_counter_when_asked(self) -> None:
        keys = LinkKeys(outgoing=OutgoingCounter(7), one_counter=False)
        assert [keys.next_counter(key) for key in (GLOBAL_LINK_KEY, NEW, GLOBAL_LINK_KEY)] == [7, 7, 8]

    def test_the_last_counter_is_never_used(self) -> None:
        keys = LinkKeys(outgoing=OutgoingCounter(0xFFFF_FFFF))
        with pytest.raises(CounterExhausted):
            keys.next_counter(NEW)

    @given(st.booleans(), st.lists(st.sampled_from([GLOBAL_LINK_KEY, NEW, NEWER])))
    def test_no_key_ever_sends_one_counter_twice(self, one_counter: bool, sends: list[Key]) -> None:
        keys = LinkKeys(one_counter=one_counter)
        used = [(key, keys.next_counter(key)) for key in sends]
        assert len(set(used)) == len(used)


class TestFreshness:
    def test_an_accepted_counter_is_stale_for_that_key_and_partner_only(self) -> None:
        keys = LinkKeys()
        keys.accept(DEVICE, GLOBAL_LINK_KEY, 10)
        assert not keys.is_fresh(DEVICE, GLOBAL_LINK_KEY, 10)
        assert keys.is_fresh(DEVICE, GLOBAL_LINK_KEY, 11)
        assert keys.is_fresh(DEVICE, NEW, 0)
        assert keys.is_fresh(OTHER, GLOBAL_LINK_KEY, 0)

    def test_a_reused_key_keeps_its_freshness_when_promoted(self) -> None:
        keys = LinkKeys()
        keys.accept(DEVICE, GLOBAL_LINK_KEY, 10)
        keys.offer(DEVICE, GLOBAL_LINK_KEY, LinkKeyKind.GLOBAL)
        keys.promote(DEVICE)
        assert not keys.is_fresh(DEVICE, GLOBAL_LINK_KEY, 10)

    def test_a_new_key_begins_at_zero(self) -> None:
        keys = LinkKeys()
        keys.accept(DEVICE, GLOBAL_LINK_KEY, 10)
        keys.offer(DEVICE, NEW)
        keys.promote(DEVICE)
        assert keys.is_fresh(DEVICE, NEW, 0)

    def test_a_partner_that_joins_anew_may_begin_at_zero(self) -> None:
        keys = LinkKeys()
        keys.accept(DEVICE, GLOBAL_LINK_KEY, 10)
        keys.join_anew(DEVICE)
        assert keys.is_fresh(DEVICE, GLOBAL_LINK_KEY, 0)

    @given(st.lists(st.tuples(st.sampled_from([GLOBAL_LINK_KEY, NEW]), st.integers(0, 2**32 - 1))))
    def test_a_receiver_accepts_a_strictly_growing_sequence_under_each_key(
        self, frames: list[tuple[Key, int]]
    ) -> None:
        keys = LinkKeys()
        accepted: dict[Key, list[int]] = {}
        for key, counter in frames:
            fresh = keys.is_fresh(DEVICE, key, counter)
            keys.accept(DEVICE, key, counter)
            if fresh:
                accepted.setdefault(key, []).append(counter)
        for counters in accepted.values():
            assert counters == sorted(set(counters))
