"""A broker's URL is read in one way, and a wrong one is told in the same words wherever it is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from coordinator.cli import invoke
from coordinator.config import rules
from coordinator.config.configuration import load
from coordinator.control.mqtt.link import LinkError, at
from coordinator.profiles.errors import ConfigurationError

USAGE = 2
OPTIONS = (["request", "health", "--tc-id", "tc0"], ["--profile", "zb3"])
"""Who asks a bench over a broker, and the bench that is commanded there."""


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing."""
    for name in [name for name in os.environ if name.startswith("LEGACY_TC_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://h", "not the URL of a broker"),
        ("mqtt://", "not the URL of a broker"),
        ("mqtt://:1883", "not the URL of a broker"),
        ("mqtt://[::x]", "not the URL of a broker"),
        ("mqtt://[::1", "not the URL of a broker"),
        ("http://me:secret@127.0.0.1", "not the URL of a broker"),
        ("mqtt://127.0.0.1:0", "the port is 1 to 65535"),
        ("mqtt://127.0.0.1:70000", "the port is 1 to 65535"),
        ("mqtts://a..b", "no host has such a name"),
        ("mqtt://me:secret@127.0.0.1", "a user and a password do not belong in it"),
        ("mqtt://me:secret@127.0.0.1:70000", "a user and a password do not belong in it"),
        ("mqtt://127.0.0.1/x", "only host and port belong in it"),
        ("mqtt://127.0.0.1 ", "only host and port belong in it"),
        ("mqtt://127.0.0.1\n", "only host and port belong in it"),
    ],
)
def test_a_url_that_names_no_broker_is_refused_in_the_same_line_everywhere(
    url: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LinkError) as error:
        at(url, id="tc0")
    line = str(error.value)
    assert says in line
    assert "secret" not in line
    assert len(line.splitlines()) == 1
    file = tmp_path / "legacy-tc.toml"
    file.write_text(f"[mqtt]\nurl = {json.dumps(url)}\n")
    with pytest.raises(ConfigurationError) as refused:
        load(file, {})
    assert str(refused.value).endswith(f"legacy-tc.toml: mqtt.url: {line}")
    for arguments in OPTIONS:
        assert invoke([*arguments, "--mqtt", url]) == USAGE
        told = capsys.readouterr().err
        assert line in told
        assert told.count("\n") == 1


def test_plain_text_over_a_network_is_refused_in_the_same_line_everywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "mqtt://broker.example"
    with pytest.raises(LinkError) as error:
        at(url, id="tc0")
    line = str(error.value)
    assert "allow_plaintext" in line
    configuration = load(None, {"LEGACY_TC__MQTT__URL": url})
    assert [remark.message for remark in rules.faults(configuration)] == [line]
    for arguments in OPTIONS:
        assert invoke([*arguments, "--mqtt", url]) == USAGE
        assert line in capsys.readouterr().err
    assert at(url, id="tc0", allow_plaintext=True).host == "broker.example"


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("mqtt://127.0.0.1", "127.0.0.1", 1883, False),
        ("mqtts://broker.example", "broker.example", 8883, True),
        ("MQTTS://Broker.example:1", "broker.example", 1, True),
        ("mqtt://[::1]:1884/", "::1", 1884, False),
    ],
)
def test_the_port_is_the_schemes_own_unless_it_is_named(url: str, host: str, port: int, tls: bool) -> None:
    link = at(url, id="tc0")
    assert (link.host, link.port, link.tls) == (host, port, tls)
