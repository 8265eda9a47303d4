"""Each procedure as a pure function, by protocol.md 1.4, 1.5 and section 2, and behaviours.md by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Request, apsde, apsme, nlme, zdo
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.plan import NOTHING, Plan
from coordinator.trust_center.device import Device, Devices, Event, Standing
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.trust_center.procedures import join, leave, link_key, supervision, verify
from coordinator.types import GLOBAL_LINK_KEY, SECOND, Eui64, Key, LinkKeyKind, NwkAddress
from tests.trust_center.bench import ADDRESS, JOINER, NETWORK_KEY, NWK, ROUTER, ROUTER_ADDRESS, UNDER_LINK_KEY

PROPOSED = Key(bytes(range(0xA0, 0xB0)))
ZA09_VERIFY_HASH = bytes.fromhex("1AB128DF1639A1246AABA72A6A559124")
"""HMAC(ZigBeeAlliance09, 03), protocol.md 1.4."""


def policy(
    required: RequireKeyExchange = RequireKeyExchange.ALWAYS, timeout: int = 15 * SECOND
) -> TrustCenterPolicy:
    return TrustCenterPolicy(require_key_exchange=required, node_join_timeout=timeout)


class TestJoin:
    JOINED = nlme.JoinIndication(device=JOINER, address=ADDRESS, capability=0x8E)

    def test_a_joiner_gets_the_active_network_key_under_the_key_transport_key_and_no_nwk_security(
        self,
    ) -> None:
        keys = NetworkKeys()
        keys.install(NETWORK_KEY, 3)
        assert join.authorize(self.JOINED, keys.activate(3)) == Plan.of(
            apsme.TransportKeyRequest(
                device=JOINER,
                address=ADDRESS,
                key_type=0x01,
                key=NETWORK_KEY,
                key_sequence=3,
                protection=KeyIdentifier.KEY_TRANSPORT,
                nwk_secured=False,
            )
        )

    def test_without_an_active_network_key_a_joiner_gets_nothing(self) -> None:
        assert join.authorize(self.JOINED, None) == NOTHING


def request(key_type: int) -> apsme.RequestKeyIndication:
    return apsme.RequestKeyIndication(
        device=JOINER, address=ADDRESS, key_type=key_type, partner=None, security=UNDER_LINK_KEY
    )


class TestLinkKey:
    def test_a_request_is_answered_with_the_proposed_key_under_the_key_load_key_and_nwk_security(
        self,
    ) -> None:
        assert link_key.transport(request(0x04), PROPOSED) == Plan.of(
            apsme.TransportKeyRequest(
                device=JOINER,
                address=ADDRESS,
                key_type=0x04,
                key=PROPOSED,
                kind=LinkKeyKind.UNIQUE,
                protection=KeyIdentifier.KEY_LOAD,
                nwk_secured=True,
            )
        )
        assert link_key.refusal(request(0x04)) is None

    def test_who_is_entitled_to_no_key_gets_silence(self) -> None:
        assert link_key.transport(request(0x04), None) == NOTHING

    @given(st.integers(0, 255).filter(lambda key_type: key_type != 0x04))
    def test_no_other_key_type_is_answered_and_each_is_refused_with_a_reason(self, key_type: int) -> None:
        assert link_key.transport(request(key_type), PROPOSED) == NOTHING
        assert link_key.refusal(request(key_type))


def verification(octets: bytes, key_type: int = 0x04) -> apsme.VerifyKeyIndication:
    return apsme.VerifyKeyIndication(
        device=JOINER, address=ADDRESS, key_type=key_type, source=JOINER, hash=octets, security=NWK
    )


def only(plan: Plan) -> apsme.ConfirmKeyRequest:
    (step,) = plan.steps
    assert isinstance(step.request, apsme.ConfirmKeyRequest)
    return step.request


class TestVerify:
    def test_the_published_hash_of_the_global_key_confirms_the_global_key(self) -> None:
        confirm = only(verify.confirm(verification(ZA09_VERIFY_HASH), GLOBAL_LINK_KEY, known=True))
        assert confirm == apsme.ConfirmKeyRequest(
            device=JOINER, address=ADDRESS, status=0x00, key_type=0x04, protection=KeyIdentifier.DATA
        )

    @given(st.integers(0, 127))
    def test_one_wrong_bit_in_the_hash_is_a_security_fail(self, bit: int) -> None:
        wrong = (int.from_bytes(ZA09_VERIFY_HASH, "big") ^ 1 << bit).to_bytes(16, "big")
        confirm = only(verify.confirm(verification(wrong), GLOBAL_LINK_KEY, known=True))
        assert confirm.status == 0xAD
        assert confirm.protection is KeyIdentifier.DATA

    def test_a_verify_key_with_nothing_to_prove_is_a_security_fail(self) -> None:
        assert only(verify.confirm(verification(ZA09_VERIFY_HASH), None, known=True)).status == 0xAD

    def test_an_unknown_device_is_refused_without_aps_security(self) -> None:
        confirm = only(verify.confirm(verification(ZA09_VERIFY_HASH), None, known=False))
        assert (confirm.status, confirm.protection) == (0xAD, None)

    def test_another_key_type_is_an_illegal_request_even_with_the_right_hash(self) -> None:
        confirm = only(verify.confirm(verification(ZA09_VERIFY_HASH, 0x03), GLOBAL_LINK_KEY, known=True))
        assert (confirm.status, confirm.key_type) == (0xA3, 0x03)

    def test_the_pending_key_is_what_must_be_proved(self) -> None:
        keys = LinkKeys()
        keys.offer(JOINER, PROPOSED)
        for standing in (Standing.OFFERED, Standing.RENEWING, Standing.VERIFIED):
            assert verify.expected_key(standing, keys.find(JOINER)) == PROPOSED

    def test_once_verified_the_key_in_use_must_be_proved_and_before_that_it_proves_nothing(self) -> None:
        keys = LinkKeys()
        keys.offer(JOINER, PROPOSED)
        keys.promote(JOINER)
        assert verify.expected_key(Standing.VERIFIED, keys.find(JOINER)) == PROPOSED
        assert verify.expected_key(Standing.OFFERED, keys.find(JOINER)) is None
        assert verify.expected_key(Standing.VERIFIED, None) is None


REMOVAL = nlme.LeaveRequest(device=JOINER, address=ADDRESS)


def unproved(
    elapsed: int = 15 * SECOND,
    *,
    authenticated: bool = True,
    revision: int | None = None,
    reachable: bool = True,
) -> supervision.Unproved:
    return supervision.Unproved(
        elapsed=elapsed,
        authenticated=authenticated,
        stack_revision=revision,
        removal=REMOVAL if reachable else None,
    )


class TestSupervision:
    @pytest.mark.parametrize(
        ("required", "revision", "removed"),
        [
            (RequireKeyExchange.NEVER, None, False),
            (RequireKeyExchange.NEVER, 22, False),
            (RequireKeyExchange.ALWAYS, None, True),
            (RequireKeyExchange.ALWAYS, 0, True),
            (RequireKeyExchange.ALWAYS, 22, True),
            (RequireKeyExchange.IF_R21, None, False),
            (RequireKeyExchange.IF_R21, 0, False),
            (RequireKeyExchange.IF_R21, 20, False),
            (RequireKeyExchange.IF_R21, 21, True),
            (RequireKeyExchange.IF_R21, 22, True),
            (RequireKeyExchange.IF_R21, 23, True),
        ],
    )
    def test_who_is_removed_when_the_time_is_up(
        self, required: RequireKeyExchange, revision: int | None, removed: bool
    ) -> None:
        plan = supervision.time_is_up(policy(required), unproved(revision=revision))
        assert plan == (Plan.of(REMOVAL) if removed else NOTHING)

    def test_nobody_is_removed_a_microsecond_before_the_time_is_up(self) -> None:
        assert supervision.time_is_up(policy(), unproved(15 * SECOND - 1)) == NOTHING

    def test_a_device_that_never_used_the_network_key_is_sent_no_leave(self) -> None:
        case = unproved(authenticated=False)
        assert supervision.time_is_up(policy(), case) == NOTHING
        assert "could not read" in (supervision.excuse(policy(), case) or "")

    def test_an_unanswered_descriptor_excuses_only_where_the_revision_decides(self) -> None:
        if_r21 = policy(RequireKeyExchange.IF_R21)
        assert "descriptor never came" in (supervision.excuse(if_r21, unproved()) or "")
        assert supervision.excuse(if_r21, unproved(revision=20)) is None
        assert supervision.excuse(policy(RequireKeyExchange.NEVER), unproved()) is None
        assert supervision.excuse(if_r21, unproved(15 * SECOND - 1)) is None

    def test_a_device_behind_an_unknown_router_cannot_be_told_and_that_is_said(self) -> None:
        case = unproved(reachable=False)
        assert supervision.time_is_up(policy(), case) == NOTHING
        assert "no record" in (supervision.excuse(policy(), case) or "")

    @pytest.mark.parametrize("required", list(RequireKeyExchange))
    @pytest.mark.parametrize("revision", [None, 0, 22])
    def test_the_descriptor_is_asked_for_only_where_it_decides_and_is_not_known(
        self, required: RequireKeyExchange, revision: int | None
    ) -> None:
        plan = supervision.ask_descriptor(policy(required), ADDRESS, revision)
        if required is RequireKeyExchange.IF_R21 and revision is None:
            command = zdp.NodeDescriptorRequest(address=ADDRESS)
            assert plan == Plan.of(zdo.CommandRequest(destination=ADDRESS, command=command))
        else:
            assert plan == NOTHING

    def test_both_the_compliant_and_the_amended_time_are_looked_at_and_then_none(self) -> None:
        base, current = policy(timeout=15), policy(timeout=5)
        assert supervision.next_check(base, current, -1) == 5
        assert supervision.next_check(base, current, 5) == 15
        assert supervision.next_check(base, current, 15) is None


def record(eui64: Eui64, address: NwkAddress, parent: Eui64 | None = None) -> Device:
    return Device(eui64=eui64, address=address, capability=0x8E, parent=parent)


class TestLeave:
    def test_our_own_child_is_removed_by_a_nwk_leave_without_rejoin(self) -> None:
        assert leave.removal(record(JOINER, ADDRESS), Devices()) == nlme.LeaveRequest(
            device=JOINER, address=ADDRESS, rejoin=False, remove_children=False
        )

    def test_a_routers_child_is_removed_through_its_router(self) -> None:
        devices = Devices()
        devices.admit(record(ROUTER, ROUTER_ADDRESS), 10)
        assert leave.removal(record(JOINER, ADDRESS, ROUTER), devices) == apsme.RemoveDeviceRequest(
            parent=ROUTER, parent_address=ROUTER_ADDRESS, target=JOINER
        )

    def test_a_child_of_a_router_without_a_record_cannot_be_told(self) -> None:
        assert leave.removal(record(JOINER, ADDRESS, ROUTER), Devices()) is None

    def test_every_form_of_leave_is_recognised_by_whom_it_removes(self) -> None:
        devices = Devices()
        devices.admit(record(JOINER, ADDRESS), 10)
        forms: list[Request] = [
            REMOVAL,
            apsme.RemoveDeviceRequest(parent=ROUTER, parent_address=ROUTER_ADDRESS, target=JOINER),
            zdo.CommandRequest(destination=ADDRESS, command=zdp.MgmtLeaveRequest(device=Eui64(0))),
            zdo.CommandRequest(destination=ROUTER_ADDRESS, command=zdp.MgmtLeaveRequest(device=JOINER)),
        ]
        assert [leave.told_to_leave(form, devices) for form in forms] == [JOINER] * 4

    def test_what_is_no_leave_removes_nobody(self) -> None:
        data = apsde.DataRequest(
            destination=ADDRESS,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=b"",
        )
        ourselves = nlme.LeaveRequest(device=None, address=NwkAddress(0))
        stranger = zdo.CommandRequest(destination=ADDRESS, command=zdp.MgmtLeaveRequest(device=Eui64(0)))
        for request in (data, ourselves, stranger):
            assert leave.told_to_leave(request, Devices()) is None

    def test_leaving_and_leaving_to_rejoin_are_different_events(self) -> None:
        assert (leave.departure(False), leave.departure(True)) == (Event.LEFT, Event.LEFT_TO_REJOIN)
