"""Secrets are in files of their own, found beside the configuration or where systemd puts them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coordinator.config import secret_files
from coordinator.config.configuration import Configuration, load
from coordinator.config.rules import faults, warnings

NETWORK_KEY = "00112233445566778899aabbccddeeff"


def loaded(folder: Path, text: str, **environ: str) -> Configuration:
    main = folder / "legacy-tc.toml"
    main.write_text(text)
    return load(main, environ)


PASSWORD = "[mqtt]\nurl = 'mqtt://127.0.0.1'\nusername = 'bench'\npassword_file = 'secret'\n"


def test_a_secret_beside_the_file_is_found_there_whatever_the_credentials_have(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "secret").write_text("theirs")
    (tmp_path / "secret").write_text("ours\n")
    found = loaded(tmp_path, PASSWORD, CREDENTIALS_DIRECTORY=str(credentials)).values
    assert found.mqtt.password_file is not None
    assert secret_files.text(found.mqtt.password_file) == "ours"


def test_a_secret_that_is_not_beside_the_file_is_looked_for_in_the_credentials(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "secret").write_text("theirs")
    configuration = loaded(tmp_path, PASSWORD, CREDENTIALS_DIRECTORY=str(credentials))
    assert configuration.values.mqtt.password_file == credentials / "secret"
    assert faults(configuration) == []


def test_what_is_no_secret_is_not_looked_for_in_the_credentials(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "state").mkdir()
    text = "[state]\nfolder = 'state'\n"
    found = loaded(tmp_path, text, CREDENTIALS_DIRECTORY=str(tmp_path / "credentials"))
    assert found.values.state.folder == tmp_path / "state"


def test_a_variable_names_a_secret_as_docker_has_it(tmp_path: Path) -> None:
    secret = tmp_path / "run-secret"
    secret.write_text("hunter2\n")
    found = loaded(tmp_path, PASSWORD, LEGACY_TC__MQTT__PASSWORD_FILE=str(secret))
    assert faults(found) == []
    assert found.values.mqtt.password_file == secret


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b"two\nlines\n", "more than one line: not a secret"),
        (b"x" * 70_000, "more than 65536 octets: not a secret"),
        (None, "No such file or directory"),
    ],
)
def test_a_secret_that_cannot_be_used_is_an_error(octets: bytes | None, reason: str, tmp_path: Path) -> None:
    if octets is not None:
        (tmp_path / "secret").write_bytes(octets)
    configuration = loaded(tmp_path, PASSWORD)
    told = [str(configuration.error(*remark)) for remark in faults(configuration)]
    main = tmp_path / "legacy-tc.toml"
    assert told == [f"{main}: mqtt.password_file: {tmp_path / 'secret'}: {reason}"]


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (told,) = faults(loaded(tmp_path, PASSWORD))
    assert told.message.endswith("Is a directory")


def test_a_place_that_cannot_even_be_looked_at_is_an_error(tmp_path: Path) -> None:
    text = PASSWORD.replace("'secret'", f"'{'x' * 300}'") + f"[state]\nfolder = '{'y' * 300}'\n"
    (told,) = faults(loaded(tmp_path, text, CREDENTIALS_DIRECTORY=str(tmp_path)))
    assert told.message.endswith("File name too long")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_secret_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0)
    (told,) = faults(loaded(tmp_path, PASSWORD))
    assert told.message.endswith("Permission denied")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_secret_that_everybody_can_read_is_worth_a_warning(mode: int, warned: bool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(mode)
    told = warnings(loaded(tmp_path, PASSWORD))
    assert [str(remark.key) for remark in told] == (["mqtt.password_file"] if warned else [])


def test_the_network_key_is_read_as_the_option_reads_it(tmp_path: Path) -> None:
    text = "[network]\nkey_file = 'key'\n"
    key = tmp_path / "key"
    key.write_text(NETWORK_KEY[:-1])
    (told,) = faults(loaded(tmp_path, text))
    assert told.message == f"{key}: a key is 32 hexadecimal digits (16 octets), this has 31"
    key.write_text(NETWORK_KEY)
    assert faults(loaded(tmp_path, text)) == []


@pytest.mark.parametrize("text", ["secret", "secret\n", "secret\r\n"])
def test_the_end_of_the_line_is_no_part_of_a_secret(text: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(text.encode())
    assert secret_files.text(path) == "secret"


def test_blanks_are_part_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" two words \n")
    assert secret_files.text(path) == " two words "
