"""`legacy-tc health` asks the bench of its own configuration, as the image's HEALTHCHECK does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker, broker
from tests.dongle.program import DEADLINE, PROGRAM, ROOT, first_line, started
from tests.end_to_end.control.rack import Json, program, run
from tests.ports import free_port

pytestmark = pytest.mark.real_time

Told = tuple[int, str, str]
PATIENT = ("--timeout", "10")
"""For a machine that has other things to do; the image gives it three seconds."""


def smallest(url: str) -> str:
    """The configuration that docs/configuration.md calls as small as one that runs, with this broker."""
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    found = re.search(r"A configuration as small as this\none runs:\n\n```toml\n(.+?)```", page, re.DOTALL)
    assert found is not None
    assert "[http]" not in found[1]
    return found[1].replace("mqtt://127.0.0.1:1883", url)


def ask(*arguments: str, **environment: str) -> Told:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEGACY_TC")}
    done = subprocess.run(
        [*PROGRAM, "health", *PATIENT, *arguments], capture_output=True, text=True, timeout=DEADLINE,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


async def health(*arguments: str, **environment: str) -> Told:
    return await asyncio.to_thread(ask, *arguments, **environment)


@contextlib.asynccontextmanager
async def bench(file: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[None]:
    """The program with this file alone, once it says that it is well."""
    process = program(
        "--config", str(file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        environment=environment or {},
    )  # fmt: skip
    try:
        async with asyncio.timeout(DEADLINE):
            while "ok, the radio" not in (await health("--config", str(file), **(environment or {})))[1]:
                await asyncio.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def test_a_bench_that_serves_no_http_is_asked_on_its_broker(own: Broker, tmp_path: Path) -> None:
    file = tmp_path / "legacy-tc.toml"
    file.write_text(smallest(own.url), "utf-8")

    async def scenario() -> None:
        async with bench(file):
            code, out, err = await health(LEGACY_TC_CONFIG=str(file))
            assert (code, err) == (0, "")
            assert re.fullmatch(r"ok, the radio answered in [0-9.]+ ms\n", out)
            own.kill()
            code, out, err = await health(LEGACY_TC_CONFIG=str(file))
            assert (code, err) == (0, "")
            assert out.startswith("note: mqtt://127.0.0.1:")
            code, out, _ = await health("--json", LEGACY_TC_CONFIG=str(file))
            found: Json = json.loads(out)
            assert (code, found["ok"], found["mqtt"]) == (0, None, "disconnected")
            own.start()
        code, _, err = await health(LEGACY_TC_CONFIG=str(file))  # killed, and the broker has its last will
        assert code == 6
        assert "rack7-tc0" in err

    run(scenario())


def test_on_a_broker_too_a_bench_whose_radio_has_gone_is_not_well(own: Broker, tmp_path: Path) -> None:
    file = tmp_path / "legacy-tc.toml"

    async def scenario() -> None:
        with started("--listen", "tcp://127.0.0.1:0") as dongle:
            file.write_text(f'{smallest(own.url)}\n[radio]\nurl = "spinel+{first_line(dongle)}"\n', "utf-8")
            async with bench(file):
                dongle.send_signal(signal.SIGKILL)
                code, out, _ = await health("--config", str(file))
                assert code == 1
                assert "problem: the radio " in out

    run(scenario())


def test_it_is_asked_as_itself_with_what_the_deployed_access_list_lets_it_do(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    deployed = (ROOT / "deploy" / "mosquitto" / "acl").read_text("utf-8")
    (folder / "acl").write_text(deployed, "ascii")
    (folder / "passwords").touch()
    subprocess.run(
        ["mosquitto_passwd", "-b", str(folder / "passwords"), "rack7-tc0", "its own"],
        check=True,
        timeout=DEADLINE,
    )
    secret = tmp_path / "secret"
    secret.write_text("its own\n", "ascii")
    config = f"allow_anonymous false\npassword_file {folder}/passwords\nacl_file {folder}/acl"

    async def scenario() -> None:
        with broker(folder, config=config) as made:
            file = tmp_path / "legacy-tc.toml"
            more = 'username = "rack7-tc0"\npassword_file = "secret"\n'
            file.write_text(smallest(made.url) + more, "utf-8")
            async with bench(file):
                assert (await health("--config", str(file)))[0] == 0
                # one that may not be asked is no bench that is well
                (folder / "acl").write_text(deployed.replace("0/availability", "0/nothing"), "ascii")
                assert made.process is not None
                made.process.send_signal(signal.SIGHUP)
                code, _, err = await health("--config", str(file))
                assert (code, err.count("\n")) == (6, 1)
                assert "we may not read it" in err

    run(scenario())


def test_a_bench_is_asked_over_http_where_its_file_says(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a long secret\n", "ascii")
    (tmp_path / "conf.d").mkdir()
    file = tmp_path / "legacy-tc.toml"
    file.write_text('[trust_center]\nprofile = "zb3"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n', "utf-8")
    listen = f'[http]\nlisten = "127.0.0.1:{free_port()}"\ntoken_file = "../token"\n'
    (tmp_path / "conf.d" / "http.toml").write_text(listen, "utf-8")

    async def scenario() -> None:
        async with bench(file):
            code, out, err = await health(LEGACY_TC_CONFIG=str(file))
            assert (code, err) == (0, "")
            assert out.startswith("note: there is no broker; the bench goes on without\nok, the radio")

    run(scenario())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[http]\nlisten = 8321\n", "http.listen: "),
        ('[http]\nlisten = "127.0.0.1:0"\n', "http.listen: lets the bench take a free port"),
        ('[http]\nlisten = "127.0.0.1:1"\ntoken_file = "nowhere"\n', "http.token_file: "),
        ('[mqtt]\nurl = "mqtt://127.0.0.1:1"\npassword_file = "nowhere"\n', "mqtt.password_file: "),
        ('[mqtt]\nurl = "mqtt://broker.example"\n', "mqtt.url: "),
        ("[http\n", "line 1"),
    ],
)
def test_a_file_that_does_not_say_where_the_bench_is_is_told_of(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "legacy-tc.toml"
    file.write_text(text, "utf-8")
    code, out, err = ask(LEGACY_TC_CONFIG=str(file))
    assert (code, out) == (3, "")
    assert f"legacy-tc.toml: {says}" in err


def test_what_else_is_wrong_in_the_file_keeps_nobody_from_asking(tmp_path: Path) -> None:
    file = tmp_path / "legacy-tc.toml"
    file.write_text(f'[run]\nonc = true\n[http]\nlisten = "127.0.0.1:{free_port()}"\n', "utf-8")
    code, _, err = ask(LEGACY_TC_CONFIG=str(file))
    assert code == 6
    assert "cannot be reached" in err
