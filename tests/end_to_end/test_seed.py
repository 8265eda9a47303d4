"""The failure this project exists for (seed.md), and what must happen beside it (issue 2)."""

from __future__ import annotations

import re

import pytest

from tests.end_to_end.front_door import run, simulate

ZIGBEE_3_JOINERS = ("zboss-r22", "emberznet", "zstack-3.0.2", "nxp", "telink", "sleepy-zb3")


def test_zboss_r22_leaves_by_itself_right_after_the_reused_key() -> None:
    (verdict,) = simulate("--profile", "pre-zb3", "--joiner", "zboss-r22")
    assert (verdict["outcome"], verdict["step"]) == ("left-by-joiner", "transport-link-key")
    sentence = re.fullmatch(
        r"left (\d+) ms after a Transport-Key carrying the key it already had.*", str(verdict["explanation"])
    )
    assert sentence
    assert int(sentence[1]) < 1000
    assert verdict["deviations"] == ["tclk.reuse_global"]


@pytest.mark.parametrize("joiner", ["zboss-r22-legacy-update", "zboss-r22-legacy"])
def test_the_seeds_coordinator_removes_an_r22_joiner_that_proves_no_key(joiner: str) -> None:
    (verdict,) = simulate("--profile", "pre-zb3", "--joiner", joiner)
    assert verdict["outcome"] == "removed-by-trust-center"
    assert verdict["seconds"] == pytest.approx(15.0, abs=0.1)  # bdbTrustCenterNodeJoinTimeout


def test_the_forced_update_had_the_reused_key_and_never_verified_it() -> None:
    (verdict,) = simulate("--profile", "pre-zb3", "--joiner", "zboss-r22-legacy-update")
    assert verdict["step"] == "transport-link-key"


def test_telink_takes_the_reused_key_and_stays() -> None:
    (verdict,) = simulate("--profile", "pre-zb3", "--joiner", "telink")
    assert (verdict["outcome"], verdict["link_key"]) == ("joined-secure", "global")


def test_a_home_automation_joiner_is_exempt_from_the_exchange() -> None:
    (verdict,) = simulate("--profile", "pre-zb3", "--joiner", "ha12")
    assert (verdict["outcome"], verdict["link_key"]) == ("joined-legacy", None)


@pytest.mark.parametrize("joiner", ZIGBEE_3_JOINERS)
def test_zigbee_3_joiners_get_a_unique_key_from_the_compliant_trust_center(joiner: str) -> None:
    (verdict,) = simulate("--profile", "zb3", "--joiner", joiner)
    assert (verdict["outcome"], verdict["link_key"]) == ("joined-secure", "unique")
    assert verdict["deviations"] == []


def test_the_compliant_trust_center_removes_a_home_automation_joiner() -> None:
    (verdict,) = simulate("--profile", "zb3", "--joiner", "ha12")
    assert verdict["outcome"] == "removed-by-trust-center"


@pytest.mark.parametrize(
    ("expect", "code"), [("left-by-joiner", 0), ("joined-secure,left-by-joiner", 0), ("joined-secure", 1)]
)
def test_the_verdict_on_the_seed_is_what_was_expected_of_it(expect: str, code: int) -> None:
    ended, _, _ = run("simulate", "--profile", "pre-zb3", "--joiner", "zboss-r22", "--expect", expect)
    assert ended == code


FIELDS = (
    "profile", "joiner", "seed", "radio", "outcome", "verdict", "link_key", "step", "seconds", "explanation",
    "deviations", "joiner_basis",
)  # fmt: skip


def test_every_profile_times_every_joiner_runs_to_an_outcome() -> None:
    verdicts = simulate("--profile", "all", "--joiner", "all")
    cells = {(verdict["profile"], verdict["joiner"]) for verdict in verdicts}
    assert len(verdicts) == len(cells) == 14 * 11
    for verdict in verdicts:
        assert verdict.keys() >= set(FIELDS)
        assert verdict["radio"] == "sim"
        assert verdict["verdict"] in ("pass", "fail")
        assert verdict["outcome"] != "inconclusive"
        assert verdict["joiner_basis"] in ("measured", "source", "assumed")
        assert isinstance(verdict["explanation"], str)
        assert len(verdict["explanation"]) > 10


EXPECTED = {
    # profiles.md, the table of what joiners are expected to do; what it leaves open is not here.
    ("ha12", "zboss-r22"): "joined-legacy",
    ("ha12", "telink"): "joined-legacy",
    ("ha12", "ha12"): "joined-legacy",
    ("clear-key", "zboss-r22"): "never-authenticated",
    ("clear-key", "ha12"): "never-authenticated",
    ("clear-key", "ha12-clear"): "joined-legacy",
    ("zb3-r21", "zboss-r22"): "joined-secure",
    ("zb3-r21", "ha12"): "removed-by-trust-center",
    ("zb3-lenient", "zboss-r22"): "joined-secure",
    ("zb3-lenient", "ha12"): "joined-legacy",
    ("missing-confirm-key", "zboss-r22"): "left-by-joiner",
    ("missing-confirm-key", "zstack-3.0.2"): "left-by-joiner",
    ("missing-confirm-key", "nxp"): "left-by-joiner",
    ("missing-confirm-key", "telink"): "left-by-joiner",
    ("missing-confirm-key", "ha12"): "joined-legacy",
    ("leave-on-timeout", "zboss-r22"): "joined-secure",
    ("leave-on-timeout", "ha12"): "removed-by-trust-center",
    ("key-reuse", "zboss-r22"): "left-by-joiner",
    ("key-reuse", "telink"): "joined-secure",
    ("key-reuse", "emberznet"): "left-by-joiner",
    ("key-reuse", "ha12"): "joined-legacy",
    ("silent-request-key", "zboss-r22"): "left-by-joiner",
    ("silent-request-key", "emberznet"): "left-by-joiner",
    ("silent-request-key", "ha12"): "joined-legacy",
    ("classic-r20", "zboss-r22"): "joined-legacy",
    ("classic-r20", "nxp"): "joined-legacy",
    ("no-node-descriptor", "zboss-r22"): "left-by-joiner",
    ("no-node-descriptor", "telink"): "left-by-joiner",
    ("no-node-descriptor", "ha12"): "joined-legacy",
    ("negative-confirm", "zboss-r22"): "left-by-joiner",
    ("negative-confirm", "nxp"): "left-by-joiner",
}


@pytest.mark.parametrize(("profile", "joiner"), EXPECTED)
def test_a_joiner_does_what_the_profiles_page_expects(profile: str, joiner: str) -> None:
    (verdict,) = simulate("--profile", profile, "--joiner", joiner)
    assert verdict["outcome"] == EXPECTED[profile, joiner]


WHEN_THEY_GIVE_UP = {
    # Seconds after association, from the profiles page's cells and notes.
    ("key-reuse", "emberznet"): (17, 19),
    ("missing-confirm-key", "zstack-3.0.2"): (24, 26),
    ("missing-confirm-key", "nxp"): (15, 20.5),
    ("missing-confirm-key", "telink"): (20, 22),
    ("no-node-descriptor", "telink"): (20, 22),
    ("no-node-descriptor", "nxp"): (14.5, 16),
    ("no-node-descriptor", "zstack-3.0.2"): (24, 26),
    ("silent-request-key", "zboss-r22"): (15, 25),
}


@pytest.mark.parametrize(("profile", "joiner"), WHEN_THEY_GIVE_UP)
def test_a_joiner_gives_up_when_the_profiles_page_says(profile: str, joiner: str) -> None:
    (verdict,) = simulate("--profile", profile, "--joiner", joiner)
    earliest, latest = WHEN_THEY_GIVE_UP[profile, joiner]
    assert isinstance(verdict["seconds"], float)
    assert earliest <= verdict["seconds"] <= latest
