"""Another network on an air that is shared with other processes is another one as well."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.dongle.program import DEADLINE
from tests.end_to_end.control.rack import Json, daemon, program, run

pytestmark = pytest.mark.real_time

EXPOSED = {"LEGACY_TC__CONTROL__EXPOSE_KEYS": "true"}


def test_each_network_there_has_key_and_identifiers_of_its_own_and_the_seed_decides_them(
    tmp_path: Path,
) -> None:
    async def networks(air: str, id: str) -> list[Json]:
        found = []
        more = ("--radio", f"sim+{air}", "--seed", "7")
        async with daemon(tmp_path, None, *more, id=id, environment=EXPOSED) as served:
            await served.logged("network")
            found.append((await served.post("network/get"))["data"])
            for _ in range(2):
                answer = await served.post("network/form")
                assert answer["status"] == "ok", answer
                found.append((await served.post("network/get"))["data"])
        return found

    async def scenario() -> None:
        with contextlib.ExitStack() as stack:
            host = program("air", "--listen", "udp://127.0.0.1:0", "--json", stdout=subprocess.PIPE)
            stack.callback(host.communicate, timeout=DEADLINE)
            stack.callback(host.kill)
            assert host.stdout is not None
            air = str(json.loads(await asyncio.to_thread(host.stdout.readline))["air"])
            nets = await networks(air, "tc0")
            for name in ("key", "pan_id", "extended_pan_id"):
                assert len({net[name] for net in nets}) == 3, name
            assert len({net["trust_center"] for net in nets}) == 1
            assert await networks(air, "tc1") == nets

    run(scenario())
