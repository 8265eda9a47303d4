"""The profiles that ship: what each of them is (profiles.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.behaviours import registry
from coordinator.profiles.load import catalogue, load
from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import SECOND

ALWAYS, NEVER, IF_R21 = RequireKeyExchange.ALWAYS, RequireKeyExchange.NEVER, RequireKeyExchange.IF_R21

EXPECTED: dict[str, tuple[RequireKeyExchange, int, list[tuple[str, dict[str, object]]]]] = {
    "zb3": (ALWAYS, 0x2C41, []),
    "zb3-lenient": (NEVER, 0x2C41, []),
    "zb3-r21": (ALWAYS, 0x2A41, []),
    "pre-zb3": (IF_R21, 0x2C41, [("tclk.reuse_global", {})]),
    "key-reuse": (NEVER, 0x2C41, [("tclk.reuse_global", {})]),
    "missing-confirm-key": (NEVER, 0x2C41, [("verify.ignore", {})]),
    "leave-on-timeout": (ALWAYS, 0x2C41, [("leave.nwk_no_rejoin", {})]),
    "ha12": (NEVER, 0x0041, [("nodedesc.revision", {"revision": 0}), ("reqkey.ignore", {})]),
    "clear-key": (
        NEVER,
        0x0041,
        [("nodedesc.revision", {"revision": 0}), ("reqkey.ignore", {}), ("nwkkey.clear", {})],
    ),
    "zigbee-2007": (
        NEVER,
        0x0041,
        [
            ("nodedesc.revision", {"revision": 0}),
            ("reqkey.ignore", {}),
            ("nwkkey.clear", {}),
            ("beacon.stack_profile", {"stack_profile": 1}),
        ],
    ),
    "silent-request-key": (NEVER, 0x2C41, [("reqkey.ignore", {})]),
    "no-node-descriptor": (NEVER, 0x2C41, [("nodedesc.ignore", {})]),
    "negative-confirm": (NEVER, 0x2C41, [("confirm.status", {"status": 0xAD})]),
    "classic-r20": (NEVER, 0x2841, [("nodedesc.revision", {"revision": 20})]),
}
"""Requirement, server mask on air and behaviours, as profiles.md and protocol.md 1.6 give them."""


def test_the_first_profiles_all_ship() -> None:
    assert set(catalogue()) >= set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
class TestEachFirstProfile:
    def test_requires_the_key_exchange_of_whom_it_should(self, name: str) -> None:
        assert load(name).trust_center.require_key_exchange is EXPECTED[name][0]

    def test_removes_after_fifteen_seconds(self, name: str) -> None:
        assert load(name).trust_center.node_join_timeout == 15 * SECOND

    def test_has_its_behaviours_in_order(self, name: str) -> None:
        behaviours = load(name).behaviours
        assert [(each.name, registry.settings_of(each)) for each in behaviours] == EXPECTED[name][2]

    def test_says_its_revision_in_the_server_mask(self, name: str) -> None:
        profile = load(name)
        policy = profile.stack
        for behaviour in profile.behaviours:
            policy = behaviour.amend(policy)
        assert policy.server_mask == EXPECTED[name][1]


@pytest.mark.parametrize("name", catalogue())
class TestEachShippedProfile:
    def test_says_what_it_imitates_what_it_breaks_and_where_it_was_seen(self, name: str) -> None:
        profile = load(name)
        assert profile.name == name
        assert profile.title
        assert profile.summary
        assert profile.imitates
        assert profile.seen
        assert profile.clause
        assert profile.basis

    def test_cites_no_clause_that_nobody_checked(self, name: str) -> None:
        profile = load(name)
        for clause in (profile.clause, *(citation.clause for citation in profile.citations)):
            assert clause.startswith(("unverified: ", "none"))

    def test_says_of_each_behaviour_what_the_catalogue_says(self, name: str) -> None:
        profile = load(name)
        assert [citation.behaviour for citation in profile.citations] == [b.name for b in profile.behaviours]
        for citation in profile.citations:
            entry = registry.find(citation.behaviour)
            assert (citation.clause, citation.seen) == (entry.clause, entry.seen)


def test_the_baseline_is_the_compliant_policy() -> None:
    zb3 = load("zb3")
    assert zb3.trust_center == TrustCenterPolicy()
    assert zb3.stack == StackPolicy(primary_trust_center=True, network_manager=True)
    assert zb3.behaviours == ()


def test_a_profile_that_extends_nothing_starts_compliant(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text(
        'title = "t"\nsummary = "s"\nimitates = "i"\nclause = "none"\nseen = "nowhere"\nbasis = ["K"]\n'
    )
    bare = load(str(path))
    assert (bare.trust_center, bare.stack) == (load("zb3").trust_center, load("zb3").stack)


def test_lineage_names_what_a_profile_extends() -> None:
    assert load("zigbee-2007").lineage == ("clear-key", "ha12", "zb3-lenient", "zb3")
