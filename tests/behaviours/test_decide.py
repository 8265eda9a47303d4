"""Behaviours that rewrite an answer, on plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.codec import zdp
from coordinator.primitives import apsme, nlme, zdo
from coordinator.primitives.apsde import NWK_ONLY
from coordinator.types import GLOBAL_LINK_KEY, Key, LinkKeyKind, NwkAddress
from tests.behaviours.plans import (
    ADDRESS,
    ADMIT,
    ASKED,
    ASSOCIATING,
    CONFIRM,
    DESCRIBE,
    DESCRIPTOR_ASKED,
    DEVICE,
    EARLIER,
    INSTALL_CODE_KEY,
    JOINED,
    LEAVE,
    LINK_KEY,
    NETWORK_KEY,
    PARENT,
    REMOVE,
    TIMED_OUT,
    VERIFIED,
    at_once,
    decided,
    later,
)


class TestTclk:
    def test_reuse_global_answers_with_zigbeealliance09(self) -> None:
        reused = replace(LINK_KEY, key=Key(b"ZigBeeAlliance09"), kind=LinkKeyKind.GLOBAL)
        assert decided("tclk.reuse_global", ASKED, LINK_KEY) == at_once(reused)

    def test_reuse_global_keeps_the_protection_of_the_answer(self) -> None:
        (step,) = decided("tclk.reuse_global", ASKED, LINK_KEY)
        assert isinstance(step.request, apsme.TransportKeyRequest)
        assert step.request.protection is LINK_KEY.protection
        assert step.request.nwk_secured

    def test_reuse_install_code_answers_with_the_key_that_was_joined_with(self) -> None:
        asked = replace(ASKED, current=INSTALL_CODE_KEY, current_kind=LinkKeyKind.INSTALL_CODE)
        reused = replace(LINK_KEY, key=INSTALL_CODE_KEY, kind=LinkKeyKind.INSTALL_CODE)
        assert decided("tclk.reuse_install_code", asked, LINK_KEY) == at_once(reused)

    @pytest.mark.parametrize("kind", [LinkKeyKind.GLOBAL, LinkKeyKind.UNIQUE])
    def test_reuse_install_code_leaves_a_device_alone_that_has_none(self, kind: LinkKeyKind) -> None:
        asked = replace(ASKED, current=GLOBAL_LINK_KEY, current_kind=kind)
        assert decided("tclk.reuse_install_code", asked, LINK_KEY) == at_once(LINK_KEY)

    def test_reuse_previous_answers_with_the_last_unique_key(self) -> None:
        asked = replace(ASKED, previous=EARLIER)
        reused = replace(LINK_KEY, key=EARLIER, kind=LinkKeyKind.UNIQUE)
        assert decided("tclk.reuse_previous", asked, LINK_KEY) == at_once(reused)

    def test_reuse_previous_leaves_a_device_alone_that_never_had_one(self) -> None:
        assert decided("tclk.reuse_previous", ASKED, LINK_KEY) == at_once(LINK_KEY)

    @pytest.mark.parametrize("name", ["tclk.reuse_global", "tclk.reuse_install_code", "tclk.reuse_previous"])
    def test_where_the_trust_center_is_silent_there_is_nothing_to_reuse(self, name: str) -> None:
        assert decided(name, replace(ASKED, previous=EARLIER)) == ()

    @pytest.mark.parametrize("name", ["tclk.reuse_global", "reqkey.ignore", "reqkey.delay"])
    def test_a_request_for_an_application_link_key_is_another_matter(self, name: str) -> None:
        asked = replace(ASKED, key_type=0x02, partner=PARENT)
        assert decided(name, asked, LINK_KEY) == at_once(LINK_KEY)


class TestReqkey:
    def test_ignore_is_silence(self) -> None:
        assert decided("reqkey.ignore", ASKED, LINK_KEY) == ()

    def test_delay_sends_the_same_key_later(self) -> None:
        assert decided("reqkey.delay", ASKED, LINK_KEY, seconds=7.5) == (later(LINK_KEY, 7.5),)


class TestVerifyAndConfirm:
    def test_verify_ignore_leaves_the_confirm_key_out(self) -> None:
        assert decided("verify.ignore", VERIFIED, CONFIRM) == ()

    def test_confirm_delay_sends_the_same_confirm_key_later(self) -> None:
        assert decided("confirm.delay", VERIFIED, CONFIRM, seconds=6) == (later(CONFIRM, 6),)

    def test_confirm_delay_lets_what_else_answers_go_at_once(self) -> None:
        answered = decided("confirm.delay", VERIFIED, LEAVE, CONFIRM, seconds=6)
        assert answered == (*at_once(LEAVE), later(CONFIRM, 6))

    @pytest.mark.parametrize("status", [0xAD, 0xA3, 0xAA])
    def test_confirm_status_says_what_it_is_told(self, status: int) -> None:
        refused = replace(CONFIRM, status=status)
        assert decided("confirm.status", VERIFIED, CONFIRM, status=status) == at_once(refused)


class TestNwkkey:
    def test_clear_takes_the_aps_security_off(self) -> None:
        (step,) = decided("nwkkey.clear", JOINED, NETWORK_KEY)
        assert isinstance(step.request, apsme.TransportKeyRequest)
        assert step.request.protection is None
        assert not step.request.nwk_secured
        assert step.request.key == NETWORK_KEY.key

    def test_clear_does_so_for_a_joiner_behind_a_router(self) -> None:
        told = apsme.UpdateDeviceIndication(
            parent=PARENT, device=DEVICE, address=ADDRESS, status=1, security=NWK_ONLY
        )
        assert decided("nwkkey.clear", told, NETWORK_KEY) == at_once(replace(NETWORK_KEY, protection=None))

    def test_clear_leaves_keys_alone_that_go_under_the_network_key(self) -> None:
        rotated = replace(NETWORK_KEY, nwk_secured=True)
        assert decided("nwkkey.clear", JOINED, rotated, LINK_KEY) == at_once(rotated, LINK_KEY)


class TestNodedesc:
    def test_ignore_leaves_the_response_out(self) -> None:
        assert decided("nodedesc.ignore", DESCRIPTOR_ASKED, DESCRIBE) == ()

    def test_status_answers_without_a_descriptor(self) -> None:
        (step,) = decided("nodedesc.status", DESCRIPTOR_ASKED, DESCRIBE, status=0x84)
        assert isinstance(step.request, zdo.CommandRequest)
        assert step.request.sequence == DESCRIBE.sequence
        assert step.request.command == zdp.NodeDescriptorResponse(status=0x84, address=NwkAddress(0))

    @pytest.mark.parametrize("name", ["nodedesc.ignore", "nodedesc.status"])
    def test_other_zdp_requests_are_answered_as_ever(self, name: str) -> None:
        asked = replace(DESCRIPTOR_ASKED, command=zdp.ActiveEndpointsRequest(address=NwkAddress(0)))
        assert decided(name, asked, DESCRIBE) == at_once(DESCRIBE)


class TestLeave:
    """Each form of removal takes the place of the one that the Trust Center would use."""

    @pytest.mark.parametrize("compliant", [LEAVE, REMOVE])
    def test_remove_device_names_the_device_as_its_own_parent(
        self, compliant: nlme.LeaveRequest | apsme.RemoveDeviceRequest
    ) -> None:
        itself = apsme.RemoveDeviceRequest(parent=DEVICE, parent_address=ADDRESS, target=DEVICE)
        assert decided("leave.remove_device", TIMED_OUT, compliant) == at_once(itself)

    @pytest.mark.parametrize("compliant", [LEAVE, REMOVE])
    @pytest.mark.parametrize(("name", "rejoin"), [("leave.nwk_no_rejoin", False), ("leave.nwk_rejoin", True)])
    def test_nwk_leave_asks_for_a_rejoin_or_not(
        self, compliant: nlme.LeaveRequest | apsme.RemoveDeviceRequest, name: str, rejoin: bool
    ) -> None:
        told = nlme.LeaveRequest(device=DEVICE, address=ADDRESS, rejoin=rejoin)
        assert decided(name, TIMED_OUT, compliant) == at_once(told)

    @pytest.mark.parametrize(("rejoin", "flags"), [(False, 0x00), (True, 0x80)])
    def test_mgmt_sends_a_mgmt_leave_req(self, rejoin: bool, flags: int) -> None:
        (step,) = decided("leave.mgmt", TIMED_OUT, LEAVE, rejoin=rejoin)
        assert isinstance(step.request, zdo.CommandRequest)
        assert step.request.destination == ADDRESS
        assert step.request.command == zdp.MgmtLeaveRequest(device=DEVICE, flags=flags)

    @pytest.mark.parametrize(
        "name", ["leave.remove_device", "leave.nwk_no_rejoin", "leave.nwk_rejoin", "leave.mgmt"]
    )
    def test_a_device_that_is_not_to_be_removed_stays(self, name: str) -> None:
        assert decided(name, TIMED_OUT) == ()


class TestAssoc:
    """Statuses of IEEE 802.15.4: 0x01 PAN at capacity, 0x02 PAN access denied (protocol.md 1.1)."""

    @pytest.mark.parametrize(("name", "status"), [("assoc.deny", 0x02), ("assoc.pan_full", 0x01)])
    def test_a_refusal_assigns_no_address(self, name: str, status: int) -> None:
        refused = replace(ADMIT, address=NwkAddress(0xFFFF), status=status)
        assert decided(name, ASSOCIATING, ADMIT) == at_once(refused)
