"""`simulate`: the ladder of one run, a line for each of many, and nothing but JSON when that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from coordinator.cli import invoke

Line = dict[str, object]


def simulate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and stdout; there is nothing to complain of."""
    code = invoke(["simulate", *arguments])
    out, err = capsys.readouterr()
    assert not err
    return code, out


def lines(text: str) -> list[Line]:
    return [cast(Line, json.loads(line)) for line in text.splitlines()]


def test_one_run_is_told_as_a_ladder_with_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = simulate(capsys, "--profile", "pre-zb3", "--joiner", "zboss-r22")
    assert code == 1
    head, _, ladder = out.partition("secured with\n")
    assert "SIMULATED RADIO" in head
    assert "radio: sim" in head
    for words in ("pre-zb3", "tclk.reuse_global", "channel 15", "zboss-r22", "seed 1", "40 s"):
        assert words in head
    rungs = (
        "<-- Beacon Request", "--> Beacon", "<-- Association Request", "--> Association Response",
        "--> Transport-Key (NWK", "<-- Device_annce", "<-- Node_Desc_req", "--> Node_Desc_rsp",
        "<-- Request-Key", "--> Transport-Key (TC link", "! tclk.reuse_global", "<-- Leave",
    )  # fmt: skip
    places = [ladder.index(rung) for rung in rungs]
    assert places == sorted(places)
    assert "key-load (global)" in ladder
    assert "<.. Verify-Key" in ladder
    verdict = ladder.partition("-- verdict")[2]
    assert "radio: sim" in verdict
    assert "FAIL  left-by-joiner at transport-link-key" in verdict
    assert "carrying the key it already had" in " ".join(verdict.split())
    assert all(len(line) <= 80 for line in ladder.splitlines())
    assert out.isascii()


def test_the_air_can_be_spoilt(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("--profile", "zb3", "--joiner", "telink", "--json")
    _, clear = simulate(capsys, *arguments)
    code, deaf = simulate(capsys, *arguments, "--loss", "1")
    assert (code, lines(deaf)[0]["outcome"]) == (7, "inconclusive")
    capture = tmp_path / "run.pcapng"
    code, late = simulate(capsys, *arguments, "--delay", "0.1", "--capture", str(capture))
    assert (code, lines(late)[0]["outcome"]) == (0, "joined-secure")
    assert cast(float, lines(late)[0]["seconds"]) > cast(float, lines(clear)[0]["seconds"])
    assert b"air: loss 0, delay 0.1 ms" in capture.read_bytes()
    spoilt = ("--loss", "0.05", "--collisions", "--count", "5")
    assert simulate(capsys, *arguments, *spoilt) == simulate(capsys, *arguments, *spoilt)


def test_joining_closes_when_it_was_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--profile", "zb3", "--joiner", "telink", "--json")
    code, out = simulate(capsys, *arguments, "--permit-join", "0")
    assert (code, lines(out)[0]["outcome"]) == (1, "not-associated")
    assert simulate(capsys, *arguments, "--permit-join", "60")[0] == 0


def test_a_run_as_expected_passes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = simulate(
        capsys, "--profile", "pre-zb3", "--joiner", "zboss-r22", "--expect", "left-by-joiner, not-associated"
    )
    assert code == 0
    assert "PASS  left-by-joiner" in out


def test_json_is_one_line_a_run_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = simulate(
        capsys, "--profile", "zb3", "--joiner", "all", "--count", "3", "--seed", "5", "--json"
    )
    assert code == 1
    verdicts = lines(out)
    assert len(verdicts) == 11 * 3
    assert [verdict["seed"] for verdict in verdicts[:3]] == [5, 6, 7]
    for verdict in verdicts:
        assert verdict["profile"] == "zb3"
        assert verdict["radio"] == "sim"


def test_many_runs_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = simulate(capsys, "--profile", "all", "--joiner", "telink")
    assert code == 1
    assert len(out.splitlines()) == 14
    assert any("pre-zb3" in line and "joined-secure (global)" in line for line in out.splitlines())


@pytest.mark.parametrize(
    ("profile", "joiner", "code"),
    [("zb3", "telink", 0), ("pre-zb3", "zboss-r22", 1), ("pre-zb3", "all", 1)],
)
def test_the_exit_code_is_that_of_the_worst_run(
    profile: str, joiner: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(capsys, "--profile", profile, "--joiner", joiner, "--json")[0] == code


def test_a_run_that_is_cut_short_before_anybody_was_heard_is_inconclusive(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The joiner scans eleven channels below its network first; nothing of that reaches the coordinator.
    code, out = simulate(
        capsys, "--profile", "zb3", "--joiner", "telink", "--channel", "26", "--until", "1", "--json"
    )
    assert code == 7
    (verdict,) = lines(out)
    assert (verdict["outcome"], verdict["verdict"]) == ("inconclusive", "inconclusive")
    assert verdict["device"] is None
    assert "nobody" in str(verdict["explanation"]) or "no joiner" in str(verdict["explanation"])


def test_until_bounds_the_window(capsys: pytest.CaptureFixture[str]) -> None:
    # Removal comes 15 s after the network key: a window that closes before has not seen it.
    arguments = ("--profile", "pre-zb3", "--joiner", "zboss-r22-legacy", "--json")
    assert lines(simulate(capsys, *arguments)[1])[0]["outcome"] == "removed-by-trust-center"
    for option in ("--until", "--observe"):
        (verdict,) = lines(simulate(capsys, *arguments, option, "10")[1])
        assert verdict["outcome"] == "joined-legacy"


def test_the_network_is_the_one_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = tmp_path / "run.jsonl"
    setting = ("--channel", "26", "--pan-id", "6754", "--extended-pan-id", "0011223344556677")
    names = ("--profile", "zb3", "--joiner", "telink", "--tc-eui64", "00124b0001020304")
    code, _ = simulate(capsys, *names, *setting, "--events", str(events))
    assert code == 0
    formed = lines(events.read_text())[0]
    assert formed["kind"] == "network-formed"
    assert (formed["channel"], formed["pan_id"]) == (26, "0x1a62")
    assert formed["extended_pan_id"] == "00:11:22:33:44:55:66:77"
    assert formed["coordinator"] == "00:12:4b:00:01:02:03:04"


def test_events_carry_both_clocks_end_with_the_verdict_and_hold_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, key = tmp_path / "run.jsonl", tmp_path / "network.key"
    key.write_text("00112233445566778899aabbccddeeff")
    names = ("--profile", "zb3", "--joiner", "telink", "--network-key-file", str(key))
    code, out = simulate(capsys, *names, "--events", str(events), "--json")
    assert code == 0
    *records, verdict = lines(events.read_text())
    times = [cast(int, record["t_mono_us"]) for record in records]
    assert times == sorted(times)
    for record in (*records, verdict):
        assert str(record["t_utc"]).startswith("2026-01-01T00:0")
        assert str(record["t_utc"]).endswith("Z")
    assert verdict["kind"] == "verdict"
    assert verdict.items() >= lines(out)[0].items()
    assert cast(int, verdict["t_mono_us"]) >= times[-1]
    assert "00112233445566778899aabbccddeeff" not in events.read_text()
    kinds = {record["kind"] for record in records}
    assert kinds >= {"network-formed", "key-in-use", "heard", "sent", "indicated", "requested", "concluded"}


def test_an_install_code_joins_under_its_own_key(capsys: pytest.CaptureFixture[str]) -> None:
    code = "f4:ce:36:00:11:22:33:44=83FED3407A939723A5C639B26916D505C3B5"
    arguments = ("--profile", "zb3", "--joiner", "telink", "--install-code", code)
    exit_code, out = simulate(capsys, *arguments, "--json")
    assert exit_code == 0
    (verdict,) = lines(out)
    assert (verdict["device"], verdict["link_key"]) == ("f4:ce:36:00:11:22:33:44", "unique")
    _, text = simulate(capsys, *arguments)
    assert "key-transport (install-code)" in text
