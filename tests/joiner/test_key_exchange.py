"""The Trust Center link key exchange as every model goes through it: protocol.md 1.8, steps 5 to 11."""

from __future__ import annotations

import dataclasses

import pytest

from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.joiner.device import State
from coordinator.primitives import apsde, apsme, nlme, zdo
from coordinator.profiles import joiners
from coordinator.types import (
    BROADCAST_ROUTERS,
    COORDINATOR,
    GLOBAL_LINK_KEY,
    SECOND,
    Eui64,
    LinkKeyKind,
    NwkAddress,
)
from tests.joiner.bench import (
    ADDRESS,
    FRESH_KEY,
    JOINER,
    SERVER_MASK_PRE_R21,
    SERVER_MASK_R20,
    SERVER_MASK_R21,
    SERVER_MASK_R22,
    TRUST_CENTER,
    Bench,
    compliant,
    joiner,
)

EXCHANGING = [
    "emberznet",
    "nxp",
    "schneider",
    "sleepy-zb3",
    "telink",
    "zboss-r22",
    "zboss-r22-legacy-update",
    "zstack-3.0.2",
]
WITHOUT = ["ha12", "ha12-clear", "zboss-r22-legacy"]

FRESH_HASH = bytes.fromhex("910713a83109c2091b23c4207fdcadb0")
"""The hash field of the Verify-Key in protocol.md 1.4, own vectors, for the key A0..AF."""
GLOBAL_HASH = bytes.fromhex("1AB128DF1639A1246AABA72A6A559124")
"""HMAC(ZA09, 03): protocol.md 1.4."""


def test_the_shipped_models_are_these() -> None:
    assert sorted(EXCHANGING + WITHOUT) == sorted(joiners.catalogue())


@pytest.mark.parametrize("mask", [SERVER_MASK_R21, SERVER_MASK_R22])
@pytest.mark.parametrize("name", EXCHANGING)
def test_a_compliant_trust_center_gets_each_request_once_and_the_key_is_verified(
    name: str, mask: int
) -> None:
    bench = joiner(name, answers=compliant(server_mask=mask))
    bench.enter_network()
    bench.run(60 * SECOND)
    assert bench.engine.state is State.JOINED
    assert bench.engine.finished
    asked = [
        (type(command), destination) for _, command, destination in bench.commands(zdp.NodeDescriptorRequest)
    ]
    assert asked == [(zdp.NodeDescriptorRequest, COORDINATOR)]
    [(_, request)] = bench.made(apsme.RequestKeyRequest)
    assert request == apsme.RequestKeyRequest(address=COORDINATOR, key_type=0x04)
    [(_, verify)] = bench.made(apsme.VerifyKeyRequest)
    assert verify == apsme.VerifyKeyRequest(address=COORDINATOR, key_type=0x04, hash=FRESH_HASH)
    current = bench.link_keys.entry(TRUST_CENTER).current
    assert (current.key, current.kind) == (FRESH_KEY, LinkKeyKind.UNIQUE)
    assert not bench.made(nlme.LeaveRequest)


@pytest.mark.parametrize(
    ("name", "delay"),
    # protocol.md 1.8: TI after a 50 ms state timer; NXP +300 ms; Telink +1 s; others up to 0.5 s
    [("zstack-3.0.2", 0.05), ("nxp", 0.3), ("telink", 1.0), ("zboss-r22", 0.5), ("emberznet", 0.5)],
)
def test_the_first_node_desc_req_comes_when_the_model_sends_it(name: str, delay: float) -> None:
    bench = joiner(name, answers=compliant())
    bench.enter_network()
    bench.run(10 * SECOND)
    assert bench.times(zdp.NodeDescriptorRequest) == [delay]


@pytest.mark.parametrize("name", EXCHANGING)
def test_a_router_ends_by_opening_the_network_for_180_s_and_an_end_device_does_not(name: str) -> None:
    bench = joiner(name, answers=compliant())  # protocol.md 1.6, Mgmt_Permit_Joining_req
    bench.enter_network()
    bench.run(10 * SECOND)
    permits = [
        (command, destination) for _, command, destination in bench.commands(zdp.MgmtPermitJoiningRequest)
    ]
    opened = (zdp.MgmtPermitJoiningRequest(duration=180, tc_significance=1), BROADCAST_ROUTERS)
    assert permits == ([] if name == "sleepy-zb3" else [opened])


@pytest.mark.parametrize("name", WITHOUT)
def test_a_model_without_the_exchange_is_done_after_its_announcement_and_asks_nothing(name: str) -> None:
    bench = joiner(name, answers=compliant())
    bench.enter_network()
    assert bench.engine.state is State.JOINED
    bench.run(60 * SECOND)
    assert bench.engine.state is State.JOINED
    assert not bench.commands(zdp.NodeDescriptorRequest)
    assert not bench.made(apsme.RequestKeyRequest)
    assert not bench.made(apsme.VerifyKeyRequest)
    assert not bench.made(nlme.LeaveRequest)


@pytest.mark.parametrize("mask", [SERVER_MASK_PRE_R21, SERVER_MASK_R20, 0x0040])
@pytest.mark.parametrize("name", EXCHANGING)
def test_a_trust_center_older_than_r21_is_not_asked_for_a_key_and_the_joiner_stays(
    name: str, mask: int
) -> None:
    # behaviours.md 29: all R21+ joiners skip the exchange and succeed; 0x0040 is a real ConBee II
    bench = joiner(name, answers=compliant(server_mask=mask))
    bench.enter_network()
    bench.run(60 * SECOND)
    stops = name == "schneider" and not mask & 1  # behaviours.md 33
    assert bench.engine.state is (State.UNVERIFIED if stops else State.JOINED)
    assert not bench.made(apsme.RequestKeyRequest)
    assert not bench.made(nlme.LeaveRequest)


def test_one_that_requires_a_primary_trust_center_stops_where_the_bit_is_missing() -> None:
    bench = joiner("schneider", answers=compliant(server_mask=SERVER_MASK_R22 & ~1))
    bench.enter_network()
    bench.run(60 * SECOND)
    assert bench.engine.state is State.UNVERIFIED
    assert not bench.made(apsme.RequestKeyRequest)
    assert not bench.made(nlme.LeaveRequest)


def test_a_model_that_requires_the_primary_trust_center_bit_stops_without_it() -> None:
    model = joiner("zboss-r22").model  # behaviours.md 33
    exchange = dataclasses.replace(model.exchange, requires_primary_trust_center=True)
    bench = Bench(dataclasses.replace(model, exchange=exchange), answers=compliant(server_mask=0x2C40))
    bench.enter_network()
    bench.run(10 * SECOND)
    assert bench.engine.state is State.LEFT
    assert not bench.made(apsme.RequestKeyRequest)


def test_a_model_that_does_not_require_the_bit_goes_on_and_that_is_known_to_rest_on_an_assumption() -> None:
    bench = joiner("zboss-r22", answers=compliant(server_mask=0x2C40))
    bench.enter_network()
    bench.run(10 * SECOND)
    assert bench.engine.state is State.JOINED
    assert "exchange.requires_primary_trust_center" in bench.engine.consulted


def test_the_hash_that_proves_the_global_key_is_the_published_one() -> None:
    bench = joiner("telink", answers=compliant(key=GLOBAL_LINK_KEY))
    bench.enter_network()
    bench.run(10 * SECOND)
    [(_, verify)] = bench.made(apsme.VerifyKeyRequest)
    assert verify.hash == GLOBAL_HASH
    assert bench.link_keys.entry(TRUST_CENTER).current.kind is LinkKeyKind.GLOBAL


def test_a_node_descriptor_of_somebody_else_means_nothing() -> None:
    bench = joiner("zboss-r22")
    bench.enter_network()
    bench.run(SECOND)
    response = zdp.NodeDescriptorResponse(status=0x80, address=NwkAddress(0x9999))
    bench.send_zdp(response, source=NwkAddress(0x9999))
    assert bench.engine.state is State.DESCRIBING


def test_an_unsolicited_confirmation_means_nothing() -> None:
    bench = joiner("zboss-r22")  # behaviours.md 18
    bench.enter_network()
    bench.run(SECOND)
    bench.send_confirmation()
    assert bench.engine.state is State.DESCRIBING
    bench.send_descriptor()
    bench.send_confirmation()
    assert bench.state() is State.REQUESTING
    assert bench.link_keys.entry(TRUST_CENTER).current.kind is LinkKeyKind.GLOBAL


@pytest.mark.parametrize("name", EXCHANGING)
def test_a_second_key_before_the_confirmation_is_offered_and_verified_in_its_turn(name: str) -> None:
    bench = joiner(name)  # behaviours.md 4
    bench.enter_network()
    bench.run(bench.model.exchange.start_delay)
    bench.send_descriptor()
    bench.send_link_key(FRESH_KEY)
    second = type(FRESH_KEY)(bytes(range(0xB0, 0xC0)))
    bench.send_link_key(second)
    hashes = [verify.hash for _, verify in bench.made(apsme.VerifyKeyRequest)]
    assert len(set(hashes)) == 2
    bench.send_confirmation()
    assert bench.link_keys.entry(TRUST_CENTER).current.key == second


def test_a_model_that_refuses_fresh_keys_or_old_trust_centers_fails_and_says_which_trait_decided() -> None:
    model = joiner("zboss-r22").model
    usual = model.exchange
    for trait, exchange, answers in (
        ("accepts_fresh_key", dataclasses.replace(usual, accepts_fresh_key=False), compliant()),
        (
            "skips_exchange_before_r21",
            dataclasses.replace(usual, skips_exchange_before_r21=False),
            compliant(server_mask=0x2841),
        ),
    ):
        bench = Bench(dataclasses.replace(model, exchange=exchange), answers=answers)
        bench.enter_network()
        bench.run(10 * SECOND)
        assert bench.engine.state is State.LEFT
        assert f"exchange.{trait}" in bench.engine.consulted


@pytest.mark.parametrize("name", EXCHANGING)
@pytest.mark.parametrize("aps", [None, KeyIdentifier.DATA, KeyIdentifier.KEY_TRANSPORT])
def test_a_link_key_that_the_key_load_key_does_not_protect_is_dropped(
    name: str, aps: KeyIdentifier | None
) -> None:
    bench = joiner(name)  # behaviours.md 9 and 10
    bench.enter_network()
    bench.run(bench.model.exchange.start_delay)
    bench.send_descriptor()
    bench.send_link_key(security=apsde.Security(nwk=True, aps=aps, link_key=None))
    assert bench.engine.state is State.REQUESTING
    assert not bench.made(apsme.VerifyKeyRequest)


@pytest.mark.parametrize("name", EXCHANGING)
def test_a_success_that_no_link_key_protects_confirms_nothing(name: str) -> None:
    bench = joiner(name)  # behaviours.md 15
    bench.enter_network()
    bench.run(bench.model.exchange.start_delay)
    bench.send_descriptor()
    bench.send_link_key()
    bench.send_confirmation(security=apsde.NWK_ONLY)
    assert bench.engine.state is State.VERIFYING
    assert bench.link_keys.entry(TRUST_CENTER).current.kind is LinkKeyKind.GLOBAL


class TestBeingToldToLeave:
    @pytest.mark.parametrize("name", joiners.catalogue())
    @pytest.mark.parametrize("form", ["nwk", "remove-device", "mgmt", "mgmt-named"])
    def test_every_form_ends_in_removed_and_it_stays_off(self, name: str, form: str) -> None:
        bench = joiner(name)  # behaviours.md 35 to 38
        bench.enter_network()
        tell_to_leave(bench, form)
        assert bench.engine.state is State.REMOVED
        before = len(bench.requests)
        bench.run(300 * SECOND)
        assert len(bench.requests) == before
        assert bench.timers.next_deadline() is None

    def test_its_own_target_of_a_remove_device_leaves_without_rejoin(self) -> None:
        bench = joiner("zboss-r22")
        bench.enter_network()
        tell_to_leave(bench, "remove-device")
        [(_, leave)] = bench.made(nlme.LeaveRequest)
        assert leave == nlme.LeaveRequest(device=None, address=ADDRESS, rejoin=False, remove_children=False)

    def test_the_stack_leaves_by_itself_on_a_nwk_leave_or_mgmt_leave(self) -> None:
        for form in ("nwk", "mgmt"):
            bench = joiner("zboss-r22")
            bench.enter_network()
            tell_to_leave(bench, form)
            assert not bench.made(nlme.LeaveRequest)

    def test_leaves_that_name_another_device_mean_nothing(self) -> None:
        bench = joiner("zboss-r22")
        bench.enter_network()
        other = Eui64(0x1122334455667788)
        bench.indicate(nlme.LeaveIndication(device=other, address=NwkAddress(0x9999), rejoin=False))
        bench.send_zdp(zdp.MgmtLeaveRequest(device=other))
        bench.indicate(
            apsme.RemoveDeviceIndication(source=TRUST_CENTER, target=other, security=apsde.NWK_ONLY)
        )
        assert bench.engine.state is State.AUTHENTICATED

    def test_removal_while_it_still_tries_rests_on_its_retry_rule(self) -> None:
        bench = joiner("zboss-r22")
        bench.enter_network()
        bench.run(SECOND)
        tell_to_leave(bench, "nwk")
        assert "exchange.attempts" in bench.engine.consulted

    def test_a_model_that_tries_again_after_leaving_does_so_as_often_as_it_says(self) -> None:
        model = joiner("zboss-r22").model
        leave = dataclasses.replace(model.leave, retries_after=2)
        bench = Bench(dataclasses.replace(model, leave=leave))
        bench.power_on()
        for _ in range(3):
            bench.run(4 * SECOND)
            bench.send_network_key()
            tell_to_leave(bench, "nwk")
        bench.run(300 * SECOND)
        assert len(bench.made(nlme.JoinRequest)) == 3
        assert bench.engine.state is State.REMOVED

    def test_a_model_that_starts_over_begins_with_its_provisional_key(self) -> None:
        model = joiner("telink").model
        leave = dataclasses.replace(model.leave, retries_after=1)
        bench = Bench(dataclasses.replace(model, leave=leave), answers=compliant())
        bench.enter_network()
        bench.run(10 * SECOND)
        assert bench.link_keys.entry(TRUST_CENTER).current.key == FRESH_KEY
        tell_to_leave(bench, "nwk")
        entry = bench.link_keys.entry(TRUST_CENTER)
        assert (entry.current.key, entry.previous) == (GLOBAL_LINK_KEY, FRESH_KEY)


def tell_to_leave(bench: Bench, form: str) -> None:
    match form:
        case "nwk":
            bench.indicate(nlme.LeaveIndication(device=None, address=ADDRESS, rejoin=False))
        case "remove-device":
            bench.indicate(
                apsme.RemoveDeviceIndication(source=TRUST_CENTER, target=JOINER, security=apsde.NWK_ONLY)
            )
        case "mgmt":
            bench.send_zdp(zdp.MgmtLeaveRequest(device=Eui64(0)))
        case "mgmt-named":
            bench.send_zdp(zdp.MgmtLeaveRequest(device=JOINER))


def test_it_uses_the_zdp_and_apsme_primitives_only_towards_the_coordinator() -> None:
    bench = joiner("telink", answers=compliant())
    bench.enter_network()
    bench.run(60 * SECOND)
    unicasts = [
        request.destination for _, request in bench.made(zdo.CommandRequest) if request.destination < 0xFFF8
    ]
    assert unicasts == [COORDINATOR]
