"""A change, or a profile, that the radio cannot honour: every misfit is named, and nothing is changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from coordinator.cli import invoke
from coordinator.daemon import sessions
from coordinator.runtime.order import Ground
from coordinator.switching.change import InForce
from tests.control.rig import Client, bench

REASONS = ("the firmware answers Request-Key by itself", "the firmware encodes every frame by itself")


def assess(in_force: InForce) -> tuple[str, ...]:
    """A radio that can be `zb3`, and nothing else that changes a thing."""
    return REASONS if in_force.behaviours else ()


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions stand on a ground that lets the Trust Center deviate in its policies only."""
    ground = partial(Ground, assess=assess, altitudes=("policy",))
    monkeypatch.setattr(sessions, "Ground", ground)


@pytest.mark.usefixtures("limited")
def test_a_change_that_the_radio_cannot_honour_is_refused_with_every_misfit_and_changes_nothing() -> None:
    async def body(client: Client) -> None:
        before = client.document("state")
        error = await client.refused("profile/set", profile="silent-request-key")
        assert error["code"] == "refused"
        assert all(reason in str(error["message"]) for reason in REASONS)
        assert [each["message"] for each in error["details"]] == list(REASONS)  # type: ignore[attr-defined]
        await client.refused("behaviour/add", name="reqkey.ignore")
        assert client.document("state") == before
        assert (await client.done("profile/get"))["profile"] == "zb3"
        assert (await client.done("profile/set", profile="zb3"))["generation"] == 2

    client, _ = bench(body)
    assert [event["gen"] for event in client.of("switched")] == [2]


@pytest.mark.usefixtures("limited")
def test_a_script_with_a_step_that_the_radio_cannot_honour_changes_nothing_and_names_it_once() -> None:
    async def body(client: Client) -> None:
        steps = [
            {"when": "now", "profile": "zb3"},
            {"when": "now", "add": [{"name": "reqkey.ignore"}]},
            {"when": "now", "profile": "silent-request-key"},
        ]
        error = await client.refused("script/run", script="s", steps=steps)
        assert error["code"] == "refused"
        assert [(each["path"], each["message"]) for each in error["details"]] == [  # type: ignore[attr-defined]
            ("steps[1]", reason) for reason in REASONS
        ]
        assert client.document("state")["generation"] == 1

    bench(body)


@pytest.mark.usefixtures("limited")
def test_a_radio_that_cannot_be_the_profile_is_refused_before_anything_is_on_the_air(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = tmp_path / "run.pcapng"
    code = invoke(["--profile", "silent-request-key", "--once", "--capture", str(capture)])
    out, err = capsys.readouterr()
    assert code == 4
    (line,) = err.splitlines()
    assert "silent-request-key" in line
    assert all(reason in line for reason in REASONS)
    assert "Traceback" not in err
    assert "Beacon" not in out
    assert not capture.exists()


@pytest.mark.usefixtures("limited")
def test_info_names_the_altitudes_of_this_radio() -> None:
    async def body(client: Client) -> None:
        assert client.document("info")["capabilities"] == ["policy"]

    bench(body)


def test_on_a_simulated_radio_the_trust_center_can_deviate_anywhere() -> None:
    async def body(client: Client) -> None:
        assert client.document("info")["capabilities"] == ["policy", "plan", "frame", "octets"]

    bench(body)
