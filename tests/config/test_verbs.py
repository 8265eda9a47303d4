"""`config check` and `config show`: what they say, and what they never say."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import cast

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from coordinator.cli import invoke
from coordinator.config.keys import entries

ROOT = Path(__file__).parents[2]
Object = dict[str, object]
PASS, CONFIGURATION = 0, 3
CODE = "f4ce360011223344=83FED3407A939723A5C639B26916D505C3B5"
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and an environment that says nothing."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("LEGACY_TC_"):
            monkeypatch.delenv(name)
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Object]:
    code = invoke(["config", "check", "--json", *arguments])
    out, err = capsys.readouterr()
    assert not err
    (line,) = out.splitlines()
    return code, cast(Object, json.loads(line))


def keys_of(told: object) -> list[str]:
    return [str(each["path"]) for each in cast(list[Object], told)]


def test_a_configuration_that_is_right_is_told_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "conf.d").mkdir()
    Path("a.toml").write_text('[trust_center]\nprofile = "zb3"\n')
    Path("conf.d/b.toml").write_text("")
    assert invoke(["config", "check", "a.toml"]) == PASS
    assert capsys.readouterr() == ("a.toml: ok\nconf.d/b.toml: ok\n", "")


def test_the_environment_is_checked_without_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "zb3")
    assert invoke(["config", "check"]) == PASS
    assert capsys.readouterr() == ("environment: ok\n", "")
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "zb4")
    assert invoke(["config", "check"]) == CONFIGURATION
    assert capsys.readouterr().err == (
        "legacy-tc: LEGACY_TC__TRUST_CENTER__PROFILE: trust_center.profile: profile 'zb4': no such profile; "
        "did you mean 'zb3'?\n"
    )


def test_the_variable_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.toml").write_text("[trust_center]\nprofile = 'zb3'\n[mqtt]\nurll = 1\n")
    monkeypatch.setenv("LEGACY_TC_CONFIG", "a.toml")
    for verb in ("check", "show"):
        assert invoke(["config", verb]) == CONFIGURATION
        assert capsys.readouterr().err == "legacy-tc: a.toml: mqtt.urll: unknown key; did you mean 'url'?\n"


MANY = """
[trust_center]
profile = "zb4"
[radio]
url = "spinel:/dev/ttyACM0"
[network]
trust_center = "f4ce360011223344"
install_codes = ["f4ce360011223344=83FED3407A939723A5C639B26916D505C3B5"]
[joining]
permit_seconds = 60
[simulation]
joiner = "all"
[mqtt]
url = "mqtt://broker.example"
password_file = "none"
[http]
listen = "0.0.0.0:80"
"""


def test_all_that_the_values_together_do_wrong_is_told_at_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.toml").write_text(MANY)
    code, told = checked(capsys, "a.toml")
    assert (code, told["ok"], told["files"]) == (CONFIGURATION, False, ["a.toml"])
    assert set(keys_of(told["errors"])) == {
        "trust_center.profile", "network.install_codes", "joining.permit_seconds", "simulation.joiner",
        "mqtt.url", "mqtt.password_file", "http.listen",
    }  # fmt: skip
    assert {each["source"] for each in cast(list[Object], told["errors"])} == {"a.toml"}
    assert "--" not in json.dumps(told["errors"]), "keys are named, not options"
    assert invoke(["--config", "a.toml"]) == CONFIGURATION
    assert len(capsys.readouterr().err.splitlines()) == len(cast(list[Object], told["errors"]))


SINGLE = """
[log]
level = "lod"
[run]
observe_seconds = 0
[control]
requests = 7
"""


def test_single_values_that_are_wrong_do_not_hide_what_the_others_do_wrong_together(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.toml").write_text(MANY)
    (here / "conf.d").mkdir()
    Path("conf.d/b.toml").write_text(SINGLE)
    monkeypatch.setenv("LEGACY_TC__MQTT__OUTBOX", "0")
    code, told = checked(capsys, "a.toml")
    assert code == CONFIGURATION
    assert sorted(keys_of(told["errors"])) == [
        "control.requests", "http.listen", "joining.permit_seconds", "log.level", "mqtt.outbox",
        "mqtt.password_file", "mqtt.password_file", "mqtt.url", "network.install_codes",
        "run.observe_seconds", "simulation.joiner", "trust_center.profile",
    ]  # fmt: skip
    assert invoke(["--config", "a.toml"]) == CONFIGURATION
    assert len(capsys.readouterr().err.splitlines()) == len(cast(list[Object], told["errors"]))


HIDING = {
    "http.token_file": "[http]\nlisten = '0.0.0.0:80'\ntoken_file = 3",
    "http.token_fil": "[http]\nlisten = '0.0.0.0:80'\ntoken_fil = 'secret'",
    "mqtt.allow_plaintext": "[mqtt]\nurl = 'mqtt://broker.example'\nallow_plaintext = 'yes'",
    "mqtt.allow_plaintxt": "[mqtt]\nurl = 'mqtt://broker.example'\nallow_plaintxt = true",
    "mqtt.url": "[mqtt]\nurl = 'mqtt:broker.example'\nca_file = 'secret'\nframes = true",
    "mqtt.username": "[mqtt]\nurl = 'mqtt://localhost'\nusername = 3\npassword_file = 'secret'",
    "mqtt.certificate_file": "[mqtt]\nurl = 'mqtts://h'\ncertificate_file = 3\nkey_file = 'secret'",
    "mqtt.key_file": "[mqtt]\nurl = 'mqtts://h'\ncertificate_file = 'secret'\nkey_file = 3",
    "joining.allow[0]": "[radio]\nurl = 'spinel:/dev/x'\n[joining]\npermit_seconds = 9\nallow = ['x']",
    "joinin": "[radio]\nurl = 'spinel:/dev/x'\n[joinin]\nallow = []\n[joining]\npermit_seconds = 9",
    "radio.url": "[radio]\nurl = 'spinel:x'\ntx_power = 8\n[simulation]\nseed = 1",
    "radio": "radio = 'spinel:/dev/x'\n[joining]\nany_joiner = true",
    "trust_center.profil": "[trust_center]\nprofil = 'zb3'",
}
"""The key that is wrong, in a configuration where more would be wrong without it."""


@pytest.mark.parametrize(("key", "text"), HIDING.items())
def test_nothing_is_concluded_from_a_value_of_which_nobody_knows_what_was_meant(
    key: str, text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = "" if key.startswith("trust_center") else "[trust_center]\nprofile = 'zb3'\n"
    Path("secret").write_text("t0ken")
    Path("secret").chmod(0o600)
    Path("a.toml").write_text(f"{text}\n{named}")
    code, told = checked(capsys, "a.toml")
    assert (code, keys_of(told["errors"]), told["warnings"]) == (CONFIGURATION, [key], [])


def test_nothing_is_concluded_where_a_file_cannot_be_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.toml").write_text("[http]\nlisten = '0.0.0.0:80'\n")
    (here / "conf.d").mkdir()
    Path("conf.d/b.toml").write_text("[http\ntoken_file = 'a.toml'\n")
    code, told = checked(capsys, "a.toml")
    assert (code, keys_of(told["errors"]), told["warnings"]) == (CONFIGURATION, ["line 1, column 6"], [])


def test_what_a_stronger_place_says_is_known_whatever_a_weaker_one_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.toml").write_text(
        "[radio]\nurl = 'spinel:/dev/x'\n[joining]\nallow = 3\n[mqtt]\nurl = 3\nallow_plaintext = 3\n"
    )
    monkeypatch.setenv("LEGACY_TC__MQTT__URL", "mqtt://broker.example")
    monkeypatch.setenv("LEGACY_TC__MQTT__ALLOW_PLAINTEXT", "false")
    monkeypatch.setenv("LEGACY_TC__JOINING__ANY_JOINER", "true")
    monkeypatch.setenv("LEGACY_TC__JOINING__PERMIT_SECONDS", "9")
    told = checked(capsys, "a.toml")[1]
    errors = [(each["source"], each["path"]) for each in cast(list[Object], told["errors"])]
    assert errors == [
        ("a.toml", "joining.allow"), ("a.toml", "mqtt.url"), ("a.toml", "mqtt.allow_plaintext"),
        ("LEGACY_TC__MQTT__URL", "mqtt.url"),
    ]  # fmt: skip


def test_what_is_probably_not_meant_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.toml").write_text(
        '[joining]\nallow = ["00124b0001020304"]\n[mqtt]\nframes = true\n[evidence]\nfolder = "x"\n'
    )
    code, told = checked(capsys, "a.toml")
    assert (code, told["ok"], told["errors"]) == (PASS, True, [])
    assert keys_of(told["warnings"]) == ["joining.allow", "mqtt.frames", "trust_center.profile"]
    assert invoke(["config", "check", "a.toml"]) == PASS
    out, err = capsys.readouterr()
    assert out == "a.toml: ok\n"
    assert [line.startswith("legacy-tc: warning: ") for line in err.splitlines()] == [True] * 3


def test_files_of_tls_are_tried(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    Path("a.toml").write_text(
        '[trust_center]\nprofile = "zb3"\n[mqtt]\nurl = "mqtts://broker.example"\nca_file = "ca.pem"\n'
        'certificate_file = "client.pem"\nkey_file = "client.key"\n'
    )
    certificate = ours.issue_cert("rack7.example")
    ours.cert_pem.write_to_path("ca.pem")
    certificate.cert_chain_pems[0].write_to_path("client.pem")
    certificate.private_key_pem.write_to_path("client.key")
    assert checked(capsys, "a.toml")[0] == PASS
    theirs.issue_cert("rack7.example").private_key_pem.write_to_path("client.key")
    code, told = checked(capsys, "a.toml")
    assert (code, keys_of(told["errors"])) == (CONFIGURATION, ["mqtt.certificate_file"])
    Path("ca.pem").write_text("no certificate")
    code, told = checked(capsys, "a.toml")
    assert (code, keys_of(told["errors"])) == (CONFIGURATION, ["mqtt.ca_file"])


@pytest.mark.real_time
def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_passphrase(here: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("rack7.example")
    certificate.cert_chain_pems[0].write_to_path("client.pem")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    Path("client.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a passphrase"),
        )
    )
    Path("a.toml").write_text(
        '[trust_center]\nprofile = "zb3"\n[mqtt]\nurl = "mqtts://broker.example"\n'
        'certificate_file = "client.pem"\nkey_file = "client.key"\n'
    )
    program = [sys.executable, "-c", "from coordinator.cli import main; main()", "config", "check", "a.toml"]
    ours, theirs = pty.openpty()
    try:
        run = subprocess.run(
            ["setsid", "--ctty", "--wait", *program], stdin=theirs, capture_output=True, timeout=60,
            check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert not select.select([ours], [], [], 0)[0], "somebody was asked"
    finally:
        os.close(ours)
        os.close(theirs)
    assert run.returncode == CONFIGURATION
    assert b"mqtt.certificate_file: client.pem: not a certificate with its key" in run.stderr


def secrets(folder: Path) -> None:
    """A configuration with every kind of secret in force."""
    (folder / "password").write_text(SECRET)
    (folder / "network-key").write_text("a1" * 16)
    (folder / "a.toml").write_text(
        '[trust_center]\nprofile = "zb3"\n[network]\nkey_file = "network-key"\n'
        f'install_codes = ["{CODE}"]\n[mqtt]\nurl = "mqtt://localhost"\nusername = "bench"\n'
        'password_file = "password"\n[http]\nlisten = "127.0.0.1:0"\ntoken_file = "password"\n'
    )


@pytest.mark.parametrize("arguments", [("show",), ("show", "--json"), ("check",), ("check", "--json")])
def test_no_secret_is_shown(
    arguments: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets(here)
    assert invoke(["config", *arguments, "a.toml"]) == PASS
    said = "".join(capsys.readouterr())
    assert "password" in said or arguments[0] == "check"
    for secret in (SECRET, "a1a1", CODE.partition("=")[2]):
        assert secret not in said


def test_what_is_shown_is_toml_that_says_every_value_that_is_in_force(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "conf.d").mkdir()
    Path("a.toml").write_text('[trust_center]\nprofile = "zb3"\n[mqtt]\nid = "a"\nusername = "\\"\\u00e9"\n')
    Path("conf.d/b.toml").write_text('[mqtt]\nid = "b"\n')
    monkeypatch.setenv("LEGACY_TC__RUN__OBSERVE_SECONDS", "2.5")
    assert invoke(["config", "show", "a.toml"]) == PASS
    text = capsys.readouterr().out
    shown = tomllib.loads(text)
    assert shown["mqtt"]["username"] == '"é'
    assert 'id = "b"  # conf.d/b.toml\n' in text
    assert "observe_seconds = 2.5  # LEGACY_TC__RUN__OBSERVE_SECONDS\n" in text
    assert "once = false  # default\n" in text
    assert "# seed is not set\n" in text
    Path("shown.toml").write_text(text)
    assert invoke(["config", "check", "shown.toml"]) == PASS


def test_json_has_the_origin_of_each_value(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.toml").write_text('[state]\nfolder = "state"\n')
    assert invoke(["config", "show", "a.toml", "--json"]) == PASS
    shown = json.loads(capsys.readouterr().out)
    assert shown["files"] == ["a.toml"]
    assert shown["values"]["state"]["folder"] == {
        "value": "state", "origin": {"kind": "file", "name": "a.toml"}
    }  # fmt: skip
    assert shown["values"]["log"]["level"] == {"value": "info", "origin": {"kind": "default", "name": ""}}
    assert shown["values"]["mqtt"]["url"]["value"] is None
    assert {(section, name) for section, table in shown["values"].items() for name in table} == {
        tuple(entry.key) for entry in entries()
    }
