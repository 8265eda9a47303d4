"""The service as whoever operates it sees it: its broker, signals, log, service manager and exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker
from tests.dongle.program import EARLY
from tests.end_to_end import wireshark
from tests.end_to_end.control.rack import (
    OWN_PROFILE,
    Daemon,
    Json,
    bench,
    client,
    daemon,
    faults,
    run,
    said_by,
    until,
)
from tests.ports import free_port

pytestmark = pytest.mark.real_time

PERMIT = ("--permit-join", "180", "--observe", "4", "--seed", "7")
VERDICT = ("verdict", "outcome", "step", "profile", "device", "reason", "incomplete")


def test_a_broker_that_dies_in_the_midst_of_a_join_changes_nothing(own: Broker, tmp_path: Path) -> None:
    async def joined(broker: Broker | None, id: str) -> Json:
        """The verdict of one join, over HTTP; with a broker, that dies after the association."""
        url = None if broker is None else broker.url
        async with daemon(tmp_path, url, *PERMIT, id=id) as served:
            if broker is None:
                await powered(served)
            else:
                async with client(broker, id) as tc:
                    await powered(served)
                    await tc.until("joined")
                    broker.kill()
                await served.logged("broker", state="disconnected")
            answer = await served.post("verdict/get", wait=50.0)
            assert answer["status"] == "ok", answer
            health = (await served.post("health"))["data"]
            assert health["ok"]
            assert health["mqtt"] == ("off" if broker is None else "disconnected")
            verdict: Json = answer["data"]
            return {name: verdict.get(name) for name in VERDICT}

    async def scenario() -> None:
        without, alone = await asyncio.gather(joined(own, "tc0"), joined(None, "tc1"))
        assert without == alone
        assert without["outcome"] == "joined-secure"

    run(scenario())


async def powered(served: Daemon) -> None:
    await served.logged("network")
    answer = await served.post("joiner/power", joiner="zboss-r22")
    assert answer["status"] == "ok", answer


def test_a_run_that_asked_for_it_ends_with_the_broker(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, own) as (served, tc):
            await tc.done("run/start", run="tied", permit_join=60.0, on_disconnect="stop", capture="tied")
            own.kill()
            await served.logged("run", state="stopped")
            found = (await served.post("run/get", run="tied"))["data"]
            assert not found["active"]
            assert "broker is gone" in found["why"]
            state = json.loads(await served.get("/state"))
            assert (state["run"], state["permit_join_until"]) == (None, None)
            assert wireshark.read(tmp_path / "evidence" / "tied.pcapng")

    run(scenario())


def test_hangup_reads_the_profile_again_and_a_broken_file_changes_nothing(
    own: Broker, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN_PROFILE.format(behaviour="reqkey.delay"), "utf-8")

    async def scenario() -> None:
        async with bench(tmp_path, own, "--profile", str(file)) as (served, tc):
            assert tc.documents["state"]["behaviours"] == ["reqkey.delay"]
            file.write_text(OWN_PROFILE.format(behaviour="confirm.delay"), "utf-8")
            served.process.send_signal(signal.SIGHUP)
            switched = await tc.until("switched")
            assert switched["gen"] == 2
            await until(lambda: tc.documents["state"]["generation"] == 2)
            assert tc.documents["state"]["behaviours"] == ["confirm.delay"]

            file.write_text(OWN_PROFILE.format(behaviour="confirm.dela"), "utf-8")
            served.process.send_signal(signal.SIGHUP)
            refused = await tc.until("request", origin="SIGHUP", status="error")
            assert refused["code"] == "invalid"
            line = await served.logged("request", origin="SIGHUP", status="error")
            assert line["level"] == "warning"
            profile = await tc.done("profile/get")
            assert (profile["generation"], profile["behaviours"][0]["name"]) == (2, "confirm.delay")

            file.unlink()
            served.process.send_signal(signal.SIGHUP)
            await tc.until("request", since=refused["seq"], origin="SIGHUP", status="error")
            file.write_text(OWN_PROFILE.format(behaviour="reqkey.delay"), "utf-8")
            served.process.send_signal(signal.SIGHUP)
            assert (await tc.until("switched", since=refused["seq"]))["gen"] == 3

    run(scenario())


def test_two_sigterms_end_it_within_five_seconds_with_its_files_whole(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, own, *PERMIT) as (served, tc):
            await tc.done("run/start", run="cut", capture="cut")
            await powered(served)
            await tc.step("Confirm-Key")
            served.process.send_signal(signal.SIGTERM)
            served.process.send_signal(signal.SIGTERM)
            assert await served.ends() == 143
            assert tc.of("verdict")[-1]["verdict"] == "inconclusive"
            await until(lambda: tc.availability[-1] == "offline")
            assert tc.faults == []
            kept = await own.client(
                "sub", "-q", "1", "-C", "2", "-W", "5", "-F", "%r %t %p",
                "-t", "legacy-tc/tc0/health", "-t", "legacy-tc/tc0/state",
            )  # fmt: skip
            last = {}
            for line in kept.splitlines():
                retained, topic, document = line.split(" ", 2)
                assert retained == "1"
                last[topic.rpartition("/")[2]] = json.loads(document)
            assert (last["health"]["ok"], last["health"]["problems"]) == (False, ["the bench has ended"])
            assert (last["health"]["radio"], last["health"]["mqtt"]) == ("lost", "disconnected")
            assert (last["state"]["radio"], last["state"]["run"]) == ("lost", None)
            assert last["state"]["permit_join_remaining"] == 0
            frames = wireshark.on_air(wireshark.read(tmp_path / "evidence" / "cut.pcapng"))
            assert wireshark.command(frames, 0x10)
            events = (tmp_path / "evidence" / "cut.jsonl").read_text("utf-8")
            assert events.endswith("\n")
            assert [json.loads(line) for line in events.splitlines()]

    run(scenario())


@pytest.mark.parametrize("moment", [0.0, 0.3])
def test_an_interrupt_while_it_starts_ends_it_quietly(moment: float, own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with daemon(tmp_path, own.url, python=EARLY) as served:
            if moment:
                await served.logged("http")  # the control plane is up, the network may not be
            else:
                await until(lambda: (tmp_path / "tc0.out").read_text("utf-8") == "loading\n")
                await asyncio.sleep(0.4)  # it loads
            served.process.send_signal(signal.SIGINT)
            assert await served.ends() == 130
            assert "Traceback" not in served.log_path.read_text("utf-8")
            assert all(line["level"] != "error" for line in served.log)

    run(scenario())


def test_the_service_manager_hears_of_the_start_of_probes_and_of_the_end(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def scenario() -> None:
        variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(variables["NOTIFY_SOCKET"])
            manager.setblocking(False)

            def said(word: bytes) -> bool:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        heard.extend(manager.recv(65536).splitlines())
                return word in heard

            async with daemon(tmp_path, None, environment=variables) as served:
                await until(lambda: said(b"READY=1"))
                heard.clear()
                await until(lambda: said(b"WATCHDOG=1"))
                served.process.send_signal(signal.SIGTERM)
                assert await served.ends() == 143
                assert said(b"STOPPING=1")

    run(scenario())


def test_http_and_mqtt_see_the_same(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, own) as (served, tc):
            await tc.done("profile/set", profile="pre-zb3", when="now")
            over_http = await served.post("profile/set", profile="zigbee-2007", when="now")
            assert over_http["data"]["generation"] == 3
            await until(lambda: tc.documents["state"]["generation"] == 3)
            assert json.loads(await served.get("/state")) == tc.documents["state"]
            assert json.loads(await served.get("/info")) == tc.documents["info"]
            assert (await served.post("profile/get"))["data"] == await tc.done("profile/get")
            url = await served.url()
            asked = await asyncio.gather(
                said_by("request", "profile/get", "--http", url, "--json"),
                said_by("request", "profile/get", "--mqtt", own.url, "--tc-id", "tc0", "--json"),
                said_by("request", "profile/get", "if_generation=1", "--mqtt", own.url, "--tc-id", "tc0"),
            )
            assert [code for code, _, _ in asked] == [0, 0, 1]
            assert json.loads(asked[0][1]) == json.loads(asked[1][1]) == await tc.done("profile/get")
            rr = await own.client(
                *("rr", "-q", "1", "-t", "legacy-tc/tc0/request/profile/set", "-e", "legacy-tc/_reply/rr"),
                *("-m", '{"profile": "zb3", "when": "now"}'),
            )
            answer = json.loads(rr)
            assert faults("answer.profile-set", answer) == []
            assert answer["data"]["generation"] == 4

    run(scenario())


def test_a_port_that_is_taken_is_said_in_a_line_and_ends_in_exit_code_3(tmp_path: Path) -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, _, err = await said_by("--profile", "zb3", "--http", f"127.0.0.1:{port}")
        assert code == 3
        assert str(port) in err
        assert err.count("\n") == 1

    run(scenario())


def test_a_broker_that_is_not_there_yet_keeps_nothing_from_beginning(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    late = Broker(folder, port=free_port())

    async def scenario() -> None:
        async with daemon(tmp_path, late.url) as served:
            await served.logged("broker", state="disconnected")
            await served.logged("network")
            assert (await served.post("health"))["data"]["ok"]
            late.start()
            await served.logged("broker", state="connected")
            async with client(late, "tc0") as tc:
                await tc.done("profile/get")

    try:
        run(scenario())
    finally:
        late.kill()
