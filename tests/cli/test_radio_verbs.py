"""`legacy-tc radio` and `legacy-tc doctor`: what they say and how they end, on an emulated dongle."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.cli import doctor, invoke, radio
from tests.dongle.program import first_line, started
from tests.ports import free_port
from tests.radio.machine import Machine

Line = dict[str, object]


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """An emulated RCP on a pty."""
    with started("--listen", "pty") as dongle:
        yield first_line(dongle)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert err == ""
    return out


def objects(text: str) -> list[Line]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.real_time
def test_a_probe_prints_the_report_of_an_rcp(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["radio", "probe", f"spinel:{port}"]) == 0
    text = said(capsys)
    for name, value in {
        "radio": f"spinel at {port}",
        "firmware": "LEGACY-TC-RCP/",
        "protocol": "Spinel 4.3",
        "RCP API": "11, wants a host of 4 or later",
        "power": "0 dBm",
        "frame pending": "not seen yet",
        "baud rate": "460800",
    }.items():
        assert re.search(f"^{name} +{re.escape(value)}", text, re.MULTILINE), name
    assert invoke(["radio", "probe", f"spinel:{port}", "--json"]) == 0
    (found,) = objects(said(capsys))
    assert (found["usable"], found["kind"], found["baudrate"]) == (True, "spinel", 460800)
    assert isinstance(found["report"], dict)
    assert found["report"]["api_version"] == 11


@pytest.mark.real_time
def test_a_list_shows_by_id_names_and_asks_only_when_it_is_told_to(
    port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(tmp_path)
    link = machine.plug("usb-legacy-tc_rcp-if00", port)
    busy = tmp_path / "dev/ttyACM7"
    busy.touch()
    machine.plug("usb-taken-if00", busy)
    machine.run(7, "zigbee2mqtt", busy)
    assert radio.list_ports(probe=False, json=False, root=tmp_path) == 0
    text = said(capsys)
    assert f"spinel:{link}\n  now at   {port}\n" in text
    assert "held by  zigbee2mqtt (PID 7)" in text
    assert "answers" not in text
    assert radio.list_ports(probe=True, json=True, root=tmp_path) == 0
    free, taken = objects(said(capsys))
    assert str(free["answers"]).startswith("an OpenThread RCP: LEGACY-TC-RCP/")
    assert (free["url"], free["held_by"]) == (f"spinel:{link}", [])
    assert (taken["answers"], taken["held_by"]) == (None, [{"pid": 7, "name": "zigbee2mqtt"}])


def test_a_machine_without_ports_is_told_of_sim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert radio.list_ports(probe=False, json=False, root=tmp_path) == 0
    assert "sim: needs none" in said(capsys)
    assert radio.list_ports(probe=False, json=True, root=tmp_path) == 0
    assert said(capsys) == ""


@pytest.mark.real_time
def test_the_doctor_finds_a_good_radio_good(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["doctor", "--radio", f"spinel:{port}"]) == 0
    text = said(capsys)
    for check in ("python", "libraries", "tshark", "disturbers", "permission", "in use", "firmware", "noise"):
        assert re.search(f"^(ok|warn) +{check} ", text, re.MULTILINE), check
    assert not re.search("^fail", text, re.MULTILINE)
    assert len(re.findall(r"^ +(\d\d) +-\d+ dBm", text, re.MULTILINE)) == 16
    assert all(len(line) < 240 for line in text.splitlines())
    assert invoke(["doctor", "--radio", f"spinel:{port}", "--json"]) == 0
    found = {line["check"]: line for line in objects(said(capsys))}
    noise = found["noise"]["data"]
    assert isinstance(noise, dict)
    assert list(noise) == [str(channel) for channel in range(11, 27)]


@pytest.mark.real_time
def test_the_doctor_says_what_is_wrong_with_a_radio_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    master, slave = os.openpty()
    try:
        path = os.ttyname(slave)
        assert invoke(["doctor", "--radio", f"spinel:{path}?uart-baudrate=115200"]) == 4
    finally:
        os.close(master)
        os.close(slave)
    text = said(capsys)
    assert re.search("^fail +firmware +nobody answers.*tried 115200 and 460800 baud", text, re.MULTILINE)
    assert "-> docs/radios.md" in text


def test_the_doctor_ends_with_4_for_a_port_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.run("spinel:/dev/no-such-port", json=False, root=tmp_path) == 4
    assert re.search(
        "^fail +port +/dev/no-such-port: No such file or directory\n +-> ports here: none$",
        said(capsys),
        re.MULTILINE,
    )


def test_the_doctor_ends_with_4_for_a_port_that_another_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "ttyACM0"
    taken.touch()
    Machine(tmp_path).run(7, "zigbee2mqtt", taken)
    assert doctor.run(f"spinel:{taken}", json=False, root=tmp_path) == 4
    assert re.search(r"^fail +in use +.*held by zigbee2mqtt \(PID 7\)", said(capsys), re.MULTILINE)


def test_the_doctor_without_a_radio_says_that_none_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(tmp_path)
    machine.run(9, "ModemManager")
    assert doctor.run(None, json=False, root=tmp_path) == 0
    text = said(capsys)
    assert re.search(r"^warn +disturbers +ModemManager \(PID 9\)", text, re.MULTILINE)
    assert re.search("^warn +ports +no serial port found", text, re.MULTILINE)
    assert re.search("^ok +radio +.*sim: needs no hardware", text, re.MULTILINE)
    assert doctor.run("sim:", json=False, root=tmp_path) == 0


def test_a_port_that_is_held_only_warns_while_nobody_asks_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "ttyACM0"
    taken.touch()
    machine = Machine(tmp_path)
    machine.plug("usb-taken-if00", taken)
    machine.run(7, "zigbee2mqtt", taken)
    assert doctor.run(None, json=True, root=tmp_path) == 0
    assert ("in use", "warn") in [(line["check"], line["grade"]) for line in objects(said(capsys))]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("radio", "probe", "spinel:/dev/no-such-port"), 4, "/dev/no-such-port: not there"),
        (("radio", "probe", "ezsp:/dev/x"), 2, "no such radio: ezsp:"),
        (("radio", "probe"), 2, "URL"),
        (("doctor", "--radio", "x"), 2, "names no radio"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    arguments: tuple[str, ...], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(list(arguments)) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


@pytest.mark.real_time
def test_a_port_where_nobody_listens_ends_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    where = f"127.0.0.1:{free_port()}"
    assert invoke(["radio", "probe", f"spinel+tcp://{where}"]) == 4
    assert capsys.readouterr().err == f"legacy-tc: {where}: nobody listens there\n"


def test_a_simulated_radio_can_always_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["radio", "probe", "sim:"]) == 0
    assert "simulated" in said(capsys)
    assert invoke(["radio", "probe", "sim:", "--json"]) == 0
    assert objects(said(capsys))[0]["usable"] is True


@pytest.mark.parametrize("verb", [("radio", "list"), ("radio", "probe"), ("doctor",)], ids=" ".join)
def test_help_has_an_example(verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*verb, "--help"]) == 0
    assert " ".join(("legacy-tc", *verb)) in said(capsys).partition("Example")[2]
