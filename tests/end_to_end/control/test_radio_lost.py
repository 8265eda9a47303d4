"""A radio that dies in the midst of a run, and what whoever steers the bench is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker
from tests.dongle.program import first_line, started
from tests.end_to_end import wireshark
from tests.end_to_end.control.rack import bench, run, until

pytestmark = [pytest.mark.real_time, pytest.mark.tshark]

NEEDS_THE_RADIO: dict[str, dict[str, object]] = {
    "inject": {"psdu": "030864ffffffff07"},
    "key/rotate": {},
    "network/form": {},
    "network/reset": {},
}


def test_a_radio_that_dies_is_told_at_once_and_the_verdict_is_inconclusive(
    own: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with started("--listen", "tcp://127.0.0.1:0", "--joiner", "zboss-r22") as dongle:
            radio = ("--radio", f"spinel+{first_line(dongle)}", "--any-joiner")
            async with bench(tmp_path, own, *radio) as (served, tc):
                assert (await tc.done("health"))["ok"]
                await tc.done("run/start", run="r", permit_join=60.0, observe=4.0, capture="r")
                await tc.until("joined")
                dongle.kill()
                lost = await tc.until("radio", state="lost", limit=5.0)
                assert lost["missed"]
                await until(lambda: tc.documents["state"]["radio"] in ("lost", "recovering"))
                health = await tc.done("health")
                assert not health["ok"]
                assert "radio" in " ".join(health["problems"])
                assert health["radio"] != "ok"
                assert (await tc.done("device/list"))["devices"]
                assert (await tc.done("profile/get"))["profile"] == "zb3"
                generation = tc.documents["state"]["generation"]
                device = tc.of("joined")[0]["device"]
                for verb, request in NEEDS_THE_RADIO.items():
                    error = await tc.refused(verb, **request)
                    assert (verb, error["code"]) == (verb, "radio-lost")
                assert (await tc.refused("device/remove", device=device))["code"] == "radio-lost"
                # What the Trust Center is when the radio is back can be said already.
                changed = await tc.done("profile/set", profile="pre-zb3", when="now")
                assert changed["generation"] == generation + 1
                verdict = await tc.done("verdict/get", run="r", wait=50.0)
                assert verdict["verdict"] == "inconclusive"
                assert verdict["incomplete"]
                assert not (await tc.done("run/stop"))["run"]["active"]
                assert served.process.poll() is None
            assert wireshark.read(tmp_path / "evidence" / "r.pcapng")

    run(scenario())
