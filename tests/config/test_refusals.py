"""What is wrong is told in one line each, with place, key and what was probably meant; and all at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.config.configuration import load
from coordinator.config.keys import entries
from coordinator.config.rules import faults
from coordinator.profiles.errors import ConfigurationError

URL = r"(mqtts?|spinel|sim\+udp|http)?:?(//)?[\[\]@a-z0-9.:%/?#]*"
CODE = "f4ce360011223344=83FED3407A939723A5C639B26916D505C3B5"


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    """What `load` or the rules have to say of this file."""
    main = tmp_path / "legacy-tc.toml"
    main.write_text(text)
    variables = {f"LEGACY_TC__{name}": value for name, value in environ.items()}
    try:
        configuration = load(main, variables)
    except ConfigurationError as error:
        found = error.problems
    else:
        found = tuple(configuration.error(*remark) for remark in faults(configuration))
    return [str(problem).replace(f"{tmp_path}/", "") for problem in found]


WRONG = {
    "[mqtt]\nurll = 'x'": "mqtt.urll: unknown key; did you mean 'url'?",
    "[mqqt]\nurl = 'x'": "mqqt: unknown key; did you mean 'mqtt'?",
    "[mqtt]\npassword = 'hunter2'": "mqtt.password: unknown key; did you mean 'password_file'?",
    "mqtt = 3": "mqtt: expected a table, found an integer",
    "[log]\nlevel = 'inf'": "log.level: wrong value 'inf', expected debug, info, warning or error; "
    "did you mean 'info'?",
    "[network]\nchannel = 27": "network.channel: wrong value 27: should be less than or equal to 26",
    "[network]\nchannel = '15'": "network.channel: expected an integer, found a text",
    "[network]\npan_id = 0xffff": "network.pan_id: a PAN identifier is 0x0000 to 0xfffe, not '0xffff'",
    "[network]\npan_id = true": "network.pan_id: expected a text, found true or false",
    "[network]\ntrust_center = '0'": "network.trust_center: not an EUI-64 (16 hexadecimal digits): '0'",
    "[network]\nextended_pan_id = 'ffffffffffffffff'": "network.extended_pan_id: ff:ff:ff:ff:ff:ff:ff:ff is "
    "no address that anything has",
    "[joining]\nallow = ['x']": "joining.allow[0]: not an EUI-64 (16 hexadecimal digits): 'x'",
    "[run]\nobserve_seconds = nan": "run.observe_seconds: wrong value nan: should be a finite number",
    "[run]\nonce = 1": "run.once: expected true or false, found an integer",
    "[run]\nexpect = ['joined']": "run.expect[0]: no such outcome: 'joined'; did you mean 'joined-secure'?",
    "[run]\nexpect = []": "run.expect: an empty list: then nothing could pass",
    "[radio]\nurl = 'spinel:dev/tty'": "radio.url: 'spinel:dev/tty': the path must be absolute, "
    "as in spinel:/dev/ttyACM0",
    "[evidence]\ncapture = '-'": "evidence.capture: '-' is not a file: stdout has the ladder, or --json; "
    "name a file",
    "[state]\nfolder = ''": "state.folder: the path is empty",
    "[state]\nfolder = 3": "state.folder: expected a text, found an integer",
    "[mqtt]\nid = 'Rack/7'": "mqtt.id: 1 to 32 of a to z, 0 to 9 and '-', not 'Rack/7'",
    "[mqtt]\nurl = 'http://127.0.0.1'": "mqtt.url: not the URL of a broker; write it like "
    "mqtt://127.0.0.1:1883 or mqtts://broker.example:8883",
    "[mqtt]\nurl = 'mqtt://127.0.0.1:99999'": "mqtt.url: the port is 1 to 65535; write it like "
    "mqtt://127.0.0.1:1883 or mqtts://broker.example:8883",
    "[mqtt]\nurl = 'mqtt://127.0.0.1/rack'": "mqtt.url: only host and port belong in it; write it like "
    "mqtt://127.0.0.1:1883 or mqtts://broker.example:8883",
    "[http]\nlisten = '8321'": "http.listen: not an address with a port: '8321'; write it like "
    "127.0.0.1:8321 or [::1]:8321",
    "[http]\nlisten = '[::x]:1'": "http.listen: not an address with a port: '[::x]:1'; write it like "
    "127.0.0.1:8321 or [::1]:8321",
}


@pytest.mark.parametrize(("text", "line"), WRONG.items())
def test_a_wrong_value_is_told_in_one_line(text: str, line: str, tmp_path: Path) -> None:
    assert problems(tmp_path, text) == [f"legacy-tc.toml: {line}"]


PLACES_OF_A_BROKER = {
    "mqtt://127.0.0.1": True,
    "mqtt://127.9.9.9:1884": True,
    "mqtt://localhost": True,
    "mqtt://[::1]:1883": True,
    "mqtts://broker.example": True,
    "mqtt://broker.example": False,
    "mqtt://192.0.2.7": False,
    "mqtt://0.0.0.0": False,
    "mqtt://localhost.example": False,
    "mqtt://127.0.0.1.example": False,
}


@pytest.mark.parametrize(("url", "fine"), PLACES_OF_A_BROKER.items())
def test_plain_text_goes_to_another_host_only_when_that_is_allowed(
    url: str, fine: bool, tmp_path: Path
) -> None:
    text = f"[mqtt]\nurl = '{url}'\n"
    told = problems(tmp_path, text)
    assert (told == []) is fine
    assert fine or ("mqtt.url: " in told[0] and "allow_plaintext" in told[0])
    assert problems(tmp_path, f"{text}allow_plaintext = true\n") == []


@pytest.mark.parametrize(
    ("listen", "fine"),
    [("127.0.0.1:0", True), ("[::1]:8321", True), ("localhost:8321", True), ("0.0.0.0:8321", False),
     ("[::]:8321", False), ("bench.example:8321", False)],
)  # fmt: skip
def test_http_for_others_needs_a_token(listen: str, fine: bool, tmp_path: Path) -> None:
    text = f"[http]\nlisten = '{listen}'\n"
    told = problems(tmp_path, text)
    assert (told == []) is fine
    assert fine or "http.token_file" in told[0]
    (tmp_path / "token").write_text("t0ken\n")
    assert problems(tmp_path, f"{text}token_file = 'token'\n") == []


def test_what_belongs_to_tls_is_refused_with_plain_text(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    told = problems(tmp_path, "[mqtt]\nurl = 'mqtt://127.0.0.1'\nca_file = 'ca.pem'\n")
    assert told == [
        "legacy-tc.toml: mqtt.ca_file: is for mqtts://, and mqtt.url says mqtt://, which is plain text"
    ]


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    told = problems(tmp_path, "[mqtt]\npassword_file = 'secret'\nkey_file = 'secret'\n")
    assert [line.split(": ")[1] for line in told] == ["mqtt.password_file", "mqtt.key_file"]
    assert "mqtt.username" in told[0]
    assert "mqtt.certificate_file" in told[1]


VARIABLES = {
    ("RUN__ONCE", "True"): "LEGACY_TC__RUN__ONCE: run.once: expected true or false, found a text",
    ("RUN__ONCE", "true\nx = 1"): "LEGACY_TC__RUN__ONCE: run.once: has characters that nobody can read",
    ("MQTT__OUTBOX", "many"): "LEGACY_TC__MQTT__OUTBOX: mqtt.outbox: expected an integer, found a text",
    ("JOINING__ALLOW", "00:12:4b:00:01:02:03:04"): "LEGACY_TC__JOINING__ALLOW: joining.allow: expected a "
    'list, found a text; write it like ["...", "..."]',
    ("MQTT__PASSWORD", "hunter2"): "LEGACY_TC__MQTT__PASSWORD: unknown variable; "
    "did you mean 'LEGACY_TC__MQTT__PASSWORD_FILE'?",
    ("MQTT_URL", "x"): "LEGACY_TC__MQTT_URL: unknown variable; did you mean 'LEGACY_TC__MQTT__URL'?",
    ("ZZZ", "x"): "LEGACY_TC__ZZZ: unknown variable; `legacy-tc config keys` has all keys, and each is "
    "LEGACY_TC__SECTION__KEY",
    ("STATE__FOLDER", "\udcff"): "LEGACY_TC__STATE__FOLDER: state.folder: "
    "has characters that nobody can read",
}  # fmt: skip


@pytest.mark.parametrize(("variable", "line"), VARIABLES.items(), ids=lambda each: str(each)[:30])
def test_a_wrong_variable_is_named(variable: tuple[str, str], line: str, tmp_path: Path) -> None:
    name, value = variable
    assert problems(tmp_path, "", **{name: value}) == [line]


def test_variables_are_read_as_what_their_keys_are() -> None:
    found = load(
        None,
        {
            "LEGACY_TC__MQTT__USERNAME": "15",
            "LEGACY_TC__MQTT__ID": "true",
            "LEGACY_TC__NETWORK__PAN_ID": "0x1a62",
            "LEGACY_TC__NETWORK__CHANNEL": "0x0f",
            "LEGACY_TC__JOINING__PERMIT_SECONDS": "15",
            "LEGACY_TC__RUN__EXPECT": '["left-by-joiner"]',
            "LEGACY_TC__RUN__ONCE": "true",
            "LEGACY_TC_TRACEBACK": "1",
        },
    ).values
    assert (found.mqtt.username, found.mqtt.id, found.network.pan_id) == ("15", "true", "0x1a62")
    assert (found.network.channel, found.joining.permit_seconds) == (15, 15.0)
    assert (found.run.expect, found.run.once) == (["left-by-joiner"], True)


def test_all_that_is_wrong_in_all_places_is_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "a.toml").write_text("[[[")
    (folder / "b.toml").write_bytes(b"\xff\xfe")
    (folder / "c.toml").write_text("[log]\nlevel = 3\n[control]\nexpose = true\n")
    told = problems(tmp_path, "[mqtt]\noutbox = 0\nframes = 'no'\n", RUN__ONCE="yes", RADIO__URL="ttyACM0")
    assert [line.split(": ")[:2] for line in told] == [
        ["legacy-tc.toml", "mqtt.outbox"],
        ["legacy-tc.toml", "mqtt.frames"],
        ["conf.d/a.toml", "line 1, column 3"],
        ["conf.d/b.toml", "line 1"],
        ["conf.d/c.toml", "control.expose"],
        ["conf.d/c.toml", "log.level"],
        ["LEGACY_TC__RADIO__URL", "radio.url"],
        ["LEGACY_TC__RUN__ONCE", "run.once"],
    ]


def test_a_file_that_is_not_there_and_one_that_is_a_folder(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigurationError, match=f"cannot be read: {reason}"):
            load(path, {})


def test_a_conf_d_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "conf.d").write_text("")
    assert problems(tmp_path, "") == ["conf.d: cannot be read: Not a directory"]


@pytest.mark.parametrize(
    "text",
    [
        "[mqtt]\nurl = 'mqtt://bench:hunter2@127.0.0.1'",
        "[mqtt]\npassword = 'hunter2'",
        "[network]\ninstall_codes = ['hunter2']",
        "[network]\ninstall_codes = ['f4ce360011223344=hunter2']",
        f"[network]\ninstall_codes = ['{CODE[:-1]}6']",
    ],
)
def test_no_secret_is_echoed(text: str, tmp_path: Path) -> None:
    told = problems(tmp_path, text)
    assert told
    assert not [line for line in told if "hunter2" in line or CODE[17:-1] in line]


@given(st.sampled_from([entry.key.variable for entry in entries()]), st.text() | st.from_regex(URL))
def test_whatever_a_variable_says_it_is_taken_or_refused_in_one_line(variable: str, text: str) -> None:
    for problem in refused(None, {variable: text}):
        assert problem.source == variable
        assert len(str(problem).splitlines()) == 1


@given(st.binary() | st.text().map(str.encode))
def test_whatever_a_file_has_it_is_taken_or_refused(octets: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "legacy-tc.toml"
        main.write_bytes(octets)
        assert {problem.source for problem in refused(main, {})} <= {str(main)}


def refused(path: Path | None, environ: dict[str, str]) -> tuple[ConfigurationError, ...]:
    try:
        load(path, environ)
    except ConfigurationError as error:
        return error.problems
    return ()
