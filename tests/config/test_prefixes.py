"""Variables whose beginning is misspelt are not passed over in silence."""

from __future__ import annotations

import pytest

from coordinator.cli.invocation import invoke

URL = "LEGACY_TC__MQTT__URL"
CONFIGURATION, PASS = 3, 0


@pytest.mark.parametrize(
    "variable",
    [
        "LEGACY_TC_MQTT__URL",
        "LEGACYTC__MQTT__URL",
        "LEGACY_TC_MQTT_URL",
        "LEGACY_TC___MQTT__URL",
        "LEGACYTC_MQTT_URL",
        "LEGCY_TC__MQTT__URL",
        "LEGACY_TC_MQTT__ULR",
        "LEGACY-TC__MQTT__URL",
        "legacy_tc__mqtt__url",
    ],
)
def test_a_variable_that_was_meant_for_us_is_refused_with_the_right_one(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "mqtt://127.0.0.1")
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "zb3")
    assert invoke(["config", "check"]) == CONFIGURATION
    assert capsys.readouterr().err == f"legacy-tc: {variable}: unknown variable; did you mean '{URL}'?\n"
    assert invoke([]) == CONFIGURATION


@pytest.mark.parametrize(
    "variable",
    [
        "LEGACY_TC_CONFIG",
        "LEGACY_TC_TOKEN",
        "LEGACY_TC_TOKEN_FILE",
        "LEGACY_TC_HTTP",
        "LEGACY_TC_MQTT",
        "LEGACY_TC_ID",
        "LEGACY_TC_TRACEBACK",
        "LEGACY_TC_SERVICE_HOST",
        "LEGACY_TC_PORT",
        "LEGACY_TC_PORT_8321_TCP_ADDR",
        "LEGACY_APP__MQTT__URL",
        "MQTT__URL",
        "ZIGBEE2MQTT_CONFIG_MQTT_SERVER",
        "__CF_USER_TEXT_ENCODING",
    ],
)
def test_variables_of_others_and_those_of_our_other_verbs_are_left_alone(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "zb3")
    monkeypatch.setenv(variable, "/dev/null" if variable == "LEGACY_TC_CONFIG" else "x")
    assert invoke(["config", "check"]) == PASS
    assert capsys.readouterr().err == ""


def test_one_that_is_empty_counts_as_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "zb3")
    monkeypatch.setenv("LEGACY_TC_MQTT__URL", "")
    assert invoke(["config", "check"]) == PASS
