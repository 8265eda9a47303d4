"""The program killed without a word, and what its broker tells of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker
from tests.end_to_end.control.rack import bench, client, daemon, run, until

pytestmark = pytest.mark.real_time
AVAILABILITY = "legacy-tc/tc0/availability"


def test_a_program_that_is_killed_is_offline_at_once_and_online_when_it_is_back(
    own: Broker, tmp_path: Path
) -> None:
    async def kept() -> str:
        """What somebody is told who comes now, and whether it was retained."""
        return await own.client("sub", "-q", "1", "-C", "1", "-W", "5", "-F", "%r %p", "-t", AVAILABILITY)

    async def scenario() -> None:
        pipe = asyncio.subprocess.PIPE
        watching = await asyncio.create_subprocess_exec(
            *own.command("sub", "-q", "1", "-C", "3", "-W", "60", "-F", "%r %p", "-t", AVAILABILITY),
            stdout=pipe,
        )
        try:
            async with bench(tmp_path, own) as (served, tc):
                assert await kept() == "1 online\n"
                assert tc.availability == ["online"]
                served.process.kill()
                await until(lambda: tc.availability == ["online", "offline"], 5.0)
                assert served.process.wait() == -9
                assert await kept() == "1 offline\n"
            async with daemon(tmp_path, own.url, "--profile", "zb3") as again, client(own, "tc0") as tc:
                assert again.process.poll() is None
                await until(lambda: tc.availability[-1:] == ["online"])
                await tc.done("profile/get")
                async with asyncio.timeout(30):
                    said, _ = await watching.communicate()
        finally:
            if watching.returncode is None:
                watching.kill()
                await watching.wait()
        # to who was there from the beginning it comes as it happens, not retained
        assert said.decode() == "0 online\n0 offline\n0 online\n"

    run(scenario())
