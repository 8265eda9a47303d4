"""A service that was started with a profile file of one's own: its signals, its log, and who asks for it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker
from tests.end_to_end.control.rack import bench, run, until

pytestmark = pytest.mark.real_time

OWN = """
title = "A customer's coordinator"
extends = "zb3"

[[behaviours]]
name = "{behaviour}"
clause = "none"
seen = "a test"
"""


def test_it_is_read_at_a_hangup_while_another_is_in_force_and_can_be_had_again(
    own: Broker, tmp_path: Path
) -> None:
    file = tmp_path / "customer.toml"
    file.write_text(OWN.format(behaviour="reqkey.ignore"), "utf-8")

    async def scenario() -> None:
        async with bench(tmp_path, own, "--profile", str(file)) as (served, tc):
            await tc.done("profile/set", profile="zb3", when="now")
            file.write_text(OWN.format(behaviour="verify.ignroe"), "utf-8")
            served.process.send_signal(signal.SIGHUP)
            line = await served.logged("request", origin="SIGHUP", status="error")
            assert line["level"] == "warning"
            said = json.dumps(line)
            assert "customer.toml" in said
            assert "did you mean 'verify.ignore'?" in said
            complaints = [each for each in served.log if each["level"] in ("warning", "error")]
            assert complaints == [line]
            assert (await tc.done("profile/get"))["profile"] == "zb3"

            file.write_text(OWN.format(behaviour="verify.ignore"), "utf-8")
            served.process.send_signal(signal.SIGHUP)
            await tc.until("request", since=tc.of("request")[-1]["seq"], origin="SIGHUP", status="ok")
            changed = await tc.done("profile/set", profile="customer", when="now")
            assert changed["profile"] == "customer"
            await until(lambda: tc.documents["state"]["behaviours"] == ["verify.ignore"])
            assert tc.documents["state"]["profile"] == "customer"
            assert tc.faults == []

    run(scenario())
