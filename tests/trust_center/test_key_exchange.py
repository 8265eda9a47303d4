"""The compliant join and key exchange at the primitive level (protocol.md 1.8), and what disturbs it."""

from __future__ import annotations

import dataclasses

from coordinator.behaviours.reqkey.delay import Delay
from coordinator.behaviours.tclk.reuse_global import ReuseGlobal
from coordinator.behaviours.tclk.reuse_previous import ReusePrevious
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Request, apsme
from coordinator.security.keys import verify_key_hash
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan
from coordinator.trust_center.device import Standing
from coordinator.types import GLOBAL_LINK_KEY, SECOND, Key, LinkKeyKind
from tests.trust_center.bench import ADDRESS, JOINER, NETWORK_KEY, NWK, ROUTER, ROUTER_ADDRESS, Bench

ZA09_VERIFY_HASH = bytes.fromhex("1AB128DF1639A1246AABA72A6A559124")
"""HMAC(ZigBeeAlliance09, 03), protocol.md 1.4."""


def transported(requests: list[Request], key_type: int) -> list[apsme.TransportKeyRequest]:
    return [
        each for each in requests if isinstance(each, apsme.TransportKeyRequest) and each.key_type == key_type
    ]


def statuses(requests: list[Request]) -> list[int]:
    return [each.status for each in requests if isinstance(each, apsme.ConfirmKeyRequest)]


class TestCompliantSequence:
    def test_join_request_verify_confirm(self) -> None:
        bench = Bench()
        bench.join()
        (network_key,) = bench.requests()
        assert isinstance(network_key, apsme.TransportKeyRequest)
        assert (network_key.device, network_key.address) == (JOINER, ADDRESS)
        assert (network_key.key_type, network_key.key, network_key.key_sequence) == (0x01, NETWORK_KEY, 0)
        assert network_key.protection is KeyIdentifier.KEY_TRANSPORT
        assert not network_key.nwk_secured

        bench.announce()
        assert bench.requests() == []

        bench.request_key()
        link_key = bench.offered()
        (transport,) = bench.requests()
        assert isinstance(transport, apsme.TransportKeyRequest)
        assert (transport.key_type, transport.kind) == (0x04, LinkKeyKind.UNIQUE)
        assert transport.protection is KeyIdentifier.KEY_LOAD
        assert transport.nwk_secured
        assert link_key not in (GLOBAL_LINK_KEY, NETWORK_KEY)

        bench.verify(link_key)
        (confirm,) = bench.requests()
        assert confirm == apsme.ConfirmKeyRequest(device=JOINER, address=ADDRESS, status=0x00, key_type=0x04)
        assert bench.services.link_keys.entry(JOINER).current.key == link_key
        assert bench.changes() == [
            ("unknown", "joined", "associated"),
            ("associated", "network-key-sent", "keyed"),
            ("keyed", "heard-under-network-key", "authenticated"),
            ("authenticated", "link-key-sent", "offered"),
            ("offered", "key-confirmed", "verified"),
        ]
        assert bench.findings() == []
        assert bench.deviations() == []

    def test_a_verified_device_is_left_alone_for_ever(self) -> None:
        bench = Bench()
        bench.secure_join()
        bench.requests()
        assert len(bench.services.timers) == 0 or bench.services.timers.next_deadline() is None
        bench.advance(365 * 24 * 3600 * SECOND)
        assert bench.requests() == []
        assert bench.standing() is Standing.VERIFIED

    def test_a_lost_announcement_does_not_matter_because_the_request_proves_the_network_key(self) -> None:
        bench = Bench()
        bench.join()
        bench.request_key()
        bench.verify(bench.offered())
        assert bench.standing() is Standing.VERIFIED
        assert bench.findings() == []

    def test_each_device_gets_a_key_of_its_own(self) -> None:
        bench = Bench()
        bench.secure_join()
        first = bench.offered()
        bench.secure_join(ROUTER, ROUTER_ADDRESS)
        assert bench.offered() != first

    def test_without_a_network_key_nothing_is_sent_and_it_is_a_finding(self) -> None:
        bench = Bench(network_key=False)
        bench.join()
        assert bench.requests() == []
        assert bench.standing() is Standing.ASSOCIATED
        assert bench.findings() == ["joined while there is no network key to send"]


class TestRequestKey:
    def test_a_repeated_request_before_verification_is_answered_with_the_same_key(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        for _ in range(4):
            bench.request_key()
        sent = transported(bench.requests(), 0x04)
        assert len(sent) == 4
        assert len({each.key for each in sent}) == 1
        bench.verify(sent[0].key)
        assert bench.standing() is Standing.VERIFIED
        assert bench.findings() == []

    def test_a_request_repeated_while_the_answer_is_delayed_gets_the_same_key(self) -> None:
        bench = Bench(behaviours=[Delay(seconds=7.0)])
        bench.join()
        bench.announce()
        bench.request_key()
        bench.advance(5 * SECOND)
        bench.request_key()
        assert bench.standing() is Standing.AUTHENTICATED
        bench.advance(7 * SECOND)
        sent = transported(bench.requests(), 0x04)
        assert len(sent) == 2
        assert sent[0].key == sent[1].key

    def test_every_repetition_of_a_deviating_answer_leaves_its_own_record(self) -> None:
        bench = Bench(behaviours=[ReuseGlobal()])
        bench.join()
        bench.announce()
        bench.request_key()
        bench.request_key()
        assert [each.key for each in transported(bench.requests(), 0x04)] == [GLOBAL_LINK_KEY] * 2
        assert [each.behaviour for each in bench.deviations()] == ["tclk.reuse_global"] * 2

    def test_a_verified_device_that_asks_again_gets_a_further_key_and_keeps_the_old_until_it_proves_it(
        self,
    ) -> None:
        bench = Bench()
        bench.secure_join()
        first = bench.offered()
        bench.request_key()
        second = bench.offered()
        assert second != first
        assert bench.standing() is Standing.RENEWING
        assert bench.services.link_keys.entry(JOINER).current.key == first
        bench.advance(60 * SECOND)
        assert bench.standing() is Standing.RENEWING, "it has proved a key: nobody removes it"
        bench.verify(second)
        assert bench.standing() is Standing.VERIFIED
        assert bench.services.link_keys.entry(JOINER).current.key == second

    def test_application_keys_and_unheard_of_key_types_get_silence_and_a_finding(self) -> None:
        bench = Bench()
        bench.secure_join()
        bench.requests()
        draws = bench.services.entropy.draws
        bench.request_key(0x02)
        bench.request_key(0x01)
        assert bench.requests() == []
        assert bench.findings() == [
            f"asked for an application link key with {ROUTER}: none are given out",
            "asked for a key of type 0x01: no such request is answered",
        ]
        assert bench.standing() is Standing.VERIFIED
        assert bench.services.entropy.draws == draws

    def test_a_stranger_gets_no_key_and_leaves_nothing_behind(self) -> None:
        bench = Bench()
        bench.services.link_keys.entry(JOINER)
        bench.request_key()
        assert bench.requests() == []
        assert "key-requested while unknown" in bench.findings()
        assert bench.services.link_keys.find(JOINER) is None

    def test_a_device_without_our_network_key_or_on_its_way_out_gets_no_key(self) -> None:
        bench = Bench(network_key=False)
        bench.join()
        bench.request_key()
        assert bench.requests() == []
        bench.leave()
        bench.request_key()
        assert bench.requests() == []
        assert bench.standing() is Standing.LEFT

    def test_the_cause_tells_behaviours_the_keys_of_the_device(self) -> None:
        @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
        class Listener(Behaviour):
            heard: list[apsme.RequestKeyIndication] = dataclasses.field(default_factory=list)

            def decide(self, cause: Cause, plan: Plan) -> Plan:
                if isinstance(cause, apsme.RequestKeyIndication):
                    self.heard.append(cause)
                return plan

        listener = Listener()
        bench = Bench(behaviours=[listener])
        code_key = Key(bytes(range(0x40, 0x50)))
        bench.services.link_keys.install_code(JOINER, code_key)
        bench.secure_join()
        unique = bench.offered()
        bench.secure_join()
        first, second = listener.heard
        assert (first.current, first.current_kind, first.previous) == (
            code_key,
            LinkKeyKind.INSTALL_CODE,
            None,
        )
        assert (second.current, second.current_kind, second.previous) == (
            code_key,
            LinkKeyKind.INSTALL_CODE,
            unique,
        )


class TestVerifyKey:
    def test_a_repeated_verify_key_after_success_is_confirmed_again(self) -> None:
        bench = Bench()
        bench.secure_join()
        key = bench.offered()
        bench.requests()
        bench.verify(key)
        bench.verify(key)
        assert statuses(bench.requests()) == [0x00, 0x00]
        assert bench.standing() is Standing.VERIFIED
        assert bench.services.link_keys.entry(JOINER).current.key == key
        assert bench.findings() == []

    def test_a_wrong_hash_is_a_security_fail_and_the_right_one_still_succeeds_afterwards(self) -> None:
        bench = Bench()
        bench.join()
        bench.request_key()
        key = bench.offered()
        bench.verify(GLOBAL_LINK_KEY)
        bench.verify(key)
        assert statuses(bench.requests()) == [0xAD, 0x00]
        assert bench.standing() is Standing.VERIFIED

    def test_a_wrong_hash_after_success_takes_nothing_away(self) -> None:
        bench = Bench()
        bench.secure_join()
        key = bench.offered()
        bench.requests()
        bench.verify(GLOBAL_LINK_KEY)
        assert statuses(bench.requests()) == [0xAD]
        assert bench.standing() is Standing.VERIFIED
        assert bench.services.link_keys.entry(JOINER).current.key == key

    def test_before_any_key_was_offered_it_proves_nothing(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        bench.requests()
        bench.verify_hash(ZA09_VERIFY_HASH)
        assert statuses(bench.requests()) == [0xAD]
        assert bench.standing() is Standing.AUTHENTICATED
        assert bench.findings() == ["verify-key-received while authenticated"]

    def test_a_stranger_is_refused_without_aps_security(self) -> None:
        bench = Bench()
        bench.verify_hash(ZA09_VERIFY_HASH)
        (confirm,) = bench.requests()
        assert isinstance(confirm, apsme.ConfirmKeyRequest)
        assert (confirm.status, confirm.protection) == (0xAD, None)
        assert "verify-key-received while unknown" in bench.findings()

    def test_nobody_can_prove_a_key_in_the_name_of_another(self) -> None:
        bench = Bench()
        bench.join()
        bench.request_key()
        key = bench.offered()
        bench.requests()
        bench.verify_hash(verify_key_hash(key), JOINER, ROUTER_ADDRESS, sender=ROUTER)
        assert statuses(bench.requests()) == [0xAD]
        assert bench.findings() == [f"sent a Verify-Key in the name of {JOINER}"]
        bench.verify(key)
        assert bench.standing() is Standing.VERIFIED

    def test_what_a_behaviour_sent_is_what_must_be_proved(self) -> None:
        bench = Bench(behaviours=[ReuseGlobal()])
        bench.join()
        bench.request_key()
        bench.verify_hash(ZA09_VERIFY_HASH)
        assert statuses(bench.requests()) == [0x00]
        assert bench.standing() is Standing.VERIFIED
        assert bench.services.link_keys.entry(JOINER).current.kind is LinkKeyKind.GLOBAL


class TestJoiningAnew:
    def test_a_known_device_that_associates_again_begins_with_its_provisional_key(self) -> None:
        bench = Bench()
        bench.secure_join()
        unique = bench.offered()
        bench.join()
        entry = bench.services.link_keys.entry(JOINER)
        assert bench.standing() is Standing.KEYED
        assert (entry.current.key, entry.pending, entry.previous) == (GLOBAL_LINK_KEY, None, unique)
        assert bench.findings() == []

    def test_it_gets_a_fresh_key_in_its_new_attempt(self) -> None:
        bench = Bench()
        bench.join()
        bench.request_key()
        first = bench.offered()
        bench.join()
        bench.request_key()
        assert bench.offered() != first

    def test_its_previous_unique_key_is_there_for_a_trust_center_that_sends_it_again(self) -> None:
        bench = Bench(behaviours=[ReusePrevious()])
        bench.secure_join()
        unique = bench.offered()
        bench.leave()
        bench.secure_join()
        assert bench.offered() == unique
        assert bench.standing() is Standing.VERIFIED

    def test_the_time_of_the_earlier_attempt_does_not_remove_it(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        bench.advance(10 * SECOND)
        bench.join()
        bench.announce()
        bench.requests()
        bench.advance(10 * SECOND)
        assert bench.requests() == []
        bench.advance(5 * SECOND)
        assert len(bench.requests()) == 1

    def test_its_network_frame_counter_may_begin_anywhere_again(self) -> None:
        bench = Bench()
        bench.join()
        bench.services.network_keys.accept(0, JOINER, 5000)
        assert not bench.services.network_keys.is_fresh(0, JOINER, 0)
        bench.join()
        assert bench.services.network_keys.is_fresh(0, JOINER, 0)

    def test_a_repeated_network_key_does_not_restart_the_time(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        (network_key,) = bench.requests()
        bench.advance(10 * SECOND)
        bench.services.conductor.answer(
            JOINED_AGAIN, lambda _: Plan.of(network_key), bench.services.conductor.standing(0), bench.now
        )
        bench.requests()
        bench.advance(5 * SECOND)
        assert len(bench.requests()) == 1


JOINED_AGAIN = apsme.RemoveDeviceIndication(source=None, target=JOINER, security=NWK)
"""Some cause or other."""
