"""``python -m tests.faults.host.on_a_disk``: two joins, the first captured into $FOLDER, told as JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.control.rig import Client, Json, bench
from tests.faults.host.test_full_disk import joined


def main() -> None:
    """What became of a capture there, and of a join after it."""
    folder = Path(os.environ["FOLDER"])
    told: Json = {}

    async def body(client: Client) -> None:
        answer = await client.ask("capture/start", file="one")
        if answer["status"] == "error":
            told["refused"] = answer["error"]["message"]  # type: ignore[index]
        else:
            verdict, _ = await joined(client, "one")
            told.update(verdict=verdict["verdict"], incomplete=verdict["incomplete"])
            await client.done("capture/stop")
        later, _ = await joined(client, "two")
        told["later"] = later["verdict"]

    bench(body, folder=folder, permit=0)
    if "refused" not in told and shutil.which("tshark"):
        read = subprocess.run(
            ["tshark", "-r", str(folder / "one.pcapng")], capture_output=True, text=True, check=False
        )
        told["cut short"] = read.returncode != 0 or "cut short" in read.stderr
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
