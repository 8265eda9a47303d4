"""What Prometheus scrapes of the real program, held against what happened meanwhile.

Each figure has somebody else who saw the same: the client on the broker, the sizes of the files, tshark.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.paper import PaperRadio, unreadable
from coordinator.dongle import listen
from coordinator.dongle.spinel import Model, Rcp
from coordinator.types import Eui64, Instant
from tests.control.mqtt.broker import Broker, broker
from tests.end_to_end import wireshark
from tests.end_to_end.control.rack import Client, Daemon, Json, bench, daemon, run, until
from tests.end_to_end.wireshark import Frame, command
from tests.ports import free_port

pytestmark = [pytest.mark.real_time, pytest.mark.tshark]

UNREADABLE = 5
OUTBOX = 200
"""Events that wait for a broker at most."""
HEALTHS = 3
STOOD_STILL = 0.4
"""Seconds."""
TRANSPORT_KEY, REQUEST_KEY, VERIFY_KEY, CONFIRM_KEY = 0x05, 0x08, 0x0F, 0x10


@dataclass(frozen=True)
class Scrape:
    """One answer of /metrics, read by Prometheus' own parser."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """One series, 0 where it is not there yet."""
        return self.samples.get((f"legacytc_{name}", frozenset(labels.items())), 0.0)

    def all(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """Every series of this name, by its labels."""
        return {
            labels: value for (found, labels), value in self.samples.items() if found == f"legacytc_{name}"
        }


async def scrape(served: Daemon) -> Scrape:
    families = text_string_to_metric_families((await served.get("/metrics")).decode())
    return Scrape(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }
    )


async def scraped(served: Daemon, name: str, value: float, **labels: str) -> Scrape:
    """The first scrape in which a series has reached this value."""
    found = await scrape(served)

    async with asyncio.timeout(30):
        while found(name, **labels) < value:
            await asyncio.sleep(0.02)
            found = await scrape(served)
    return found


async def all_told(served: Daemon, tc: Client) -> Scrape:
    """A scrape of what the broker has been told already; if that is never so, the newest."""
    found = await scrape(served)
    for _ in range(100):
        sent = [event["frame"] for event in tc.of("frame", sent=True)]
        if found("frames_total", dir="tx", layer="mac") == max(sent, default=0):
            break
        await asyncio.sleep(0.02)
        found = await scrape(served)
    return found


@dataclass
class Story:
    """One join, and what came after it: scrapes, answers of `health`, and what others saw."""

    scrapes: dict[str, Scrape] = field(default_factory=dict)
    healths: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    written: int = 0
    """Octets of all captures together."""
    generation: int = 0
    """The newest."""
    gap: int = 0
    """Events that the broker was told it will not get."""
    frames: list[Frame] = field(default_factory=list)


async def join(served: Daemon, tc: Client, story: Story, folder: Path) -> None:
    """A join in a run with a capture and a late one beside it."""
    story.scrapes["before"] = await scrape(served)
    for _ in range(HEALTHS):
        assert (await tc.done("health"))["ok"]
    await tc.done("run/start", run="r", permit_join=60.0, observe=3.0, capture="r")
    device = (await tc.done("joiner/power", joiner="zboss-r22"))["device"]
    await tc.until("joined")
    await tc.done("capture/start", file="late")
    await tc.until("verdict")
    await tc.done("capture/stop", file="late")
    await tc.done("run/stop")
    story.written = sum(path.stat().st_size for path in (folder / "evidence").glob("*.pcapng"))
    story.frames = wireshark.on_air(await asyncio.to_thread(wireshark.read, folder / "evidence" / "r.pcapng"))
    story.scrapes["joined"] = await all_told(served, tc)
    story.events = list(tc.events)
    await tc.done("joiner/power", on=False)
    await tc.done("device/remove", device=device)
    story.scrapes["nobody there"] = await scraped(served, "frames_dropped_total", 1, where="transmit")
    story.healths["nobody there"] = await tc.done("health")


async def trouble(served: Daemon, tc: Client, story: Story, there: Broker) -> None:
    """Another profile, a request that waits, a process that stands still, a broker that does and goes."""
    waiting = await tc.begin("profile/set", profile="pre-zb3", when={"after": {"seconds": 2.0}})
    story.healths["waiting"] = await tc.done("health")
    changed = await tc.answer("profile/set", waiting)
    story.generation = changed["data"]["generation"]
    served.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(STOOD_STILL)
    served.process.send_signal(signal.SIGCONT)
    story.scrapes["stood still"] = await scrape(served)
    there.freeze()
    for _ in range(2 * OUTBOX):
        await served.post("profile/get")
    story.healths["broker frozen"] = (await served.post("health"))["data"]
    story.scrapes["broker frozen"] = await scrape(served)
    there.thaw()
    await until(lambda: tc.of("dropped"))
    story.gap = sum(event["count"] for event in tc.of("dropped"))
    there.kill()
    await served.logged("broker", state="disconnected")
    story.scrapes["broker gone"] = await scrape(served)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("figures")
    told = Story()
    settings = {"LEGACY_TC__MQTT__FRAMES": "true", "LEGACY_TC__MQTT__OUTBOX": str(OUTBOX)}

    async def scenario() -> None:
        async with bench(folder, there, "--seed", "7", environment=settings) as (served, tc):
            await join(served, tc, told, folder)
            await trouble(served, tc, told, there)

    (folder / "broker").mkdir()
    with broker(folder / "broker") as there:
        run(scenario())
    return told


def test_a_radio_that_is_there_has_answered_each_look_and_is_counted_as_up(story: Story) -> None:
    before, joined = story.scrapes["before"], story.scrapes["joined"]
    assert joined("up") == joined("radio_up") == 1
    assert joined("radio_reconnects_total") == 0
    looks = joined("radio_rtt_seconds_count") - before("radio_rtt_seconds_count")
    assert looks >= HEALTHS
    spent = joined("radio_rtt_seconds_sum") - before("radio_rtt_seconds_sum")
    assert 0 < spent < looks


def test_one_join_that_ended_well_is_one_join_of_its_profile(story: Story) -> None:
    assert story.scrapes["before"].all("joins_total") == {}
    well = frozenset({("profile", "zb3"), ("verdict", "pass")})
    assert story.scrapes["joined"].all("joins_total") == {well: 1}


def test_the_steps_of_the_key_exchange_took_as_long_as_their_events_are_apart(story: Story) -> None:
    def at(words: str) -> float:
        (found,) = {
            event["t_mono_ns"]
            for event in story.events
            if event["kind"] == "join-step" and event["what"].startswith(words)
        }
        return float(found) / 1e9

    asked, keyed = at("Request-Key"), at("Transport-Key (TC link")
    verified, confirmed = at("Verify-Key"), at("Confirm-Key")
    joined = story.scrapes["joined"]
    spans = {
        "transport-key": keyed - asked,
        "verify-key": verified - keyed,
        "confirm-key": confirmed - verified,
        "whole": confirmed - asked,
    }
    for step, span in spans.items():
        assert joined("key_exchange_seconds_count", profile="zb3", step=step) == 1
        assert joined("key_exchange_seconds_sum", profile="zb3", step=step) == pytest.approx(span, abs=1e-4)
    assert spans["whole"] > 0.005


def test_frames_are_counted_as_their_events_number_them_and_commands_as_tshark_reads_them(
    story: Story,
) -> None:
    before, joined = story.scrapes["before"], story.scrapes["joined"]
    assert before("frames_total", dir="rx", layer="mac") == 0
    frames = [event for event in story.events if event["kind"] == "frame"]
    sent = [event["frame"] for event in frames if event["sent"]]
    assert joined("frames_total", dir="tx", layer="mac") == max(sent)
    assert joined("frames_total", dir="rx", layer="mac") == len(frames) - len(sent) > len(sent) / 2
    asked = [command(story.frames, each) for each in (REQUEST_KEY, VERIFY_KEY)]
    answered = [command(story.frames, each) for each in (TRANSPORT_KEY, CONFIRM_KEY)]
    assert joined("frames_total", dir="rx", layer="aps") == sum(map(len, asked)) == 2
    assert joined("frames_total", dir="tx", layer="aps") == sum(map(len, answered)) == 3
    for direction, clusters in {"rx": {0x8001, 0x0002, 0x0013}, "tx": {0x0001, 0x8002}}.items():
        read = {frame.number("zbee_aps.zdp_cluster") for frame in story.frames}
        assert clusters <= read
        assert joined("frames_total", dir=direction, layer="zdo") >= len(clusters)


def test_a_frame_that_nobody_acknowledged_is_one_that_nobody_took(story: Story) -> None:
    assert story.scrapes["joined"].all("frames_dropped_total") == {}
    assert story.scrapes["nobody there"]("frames_dropped_total", where="transmit") >= 1


def test_the_profile_and_its_generation_are_the_newest_alone(story: Story) -> None:
    def series(profile: str, generation: int) -> dict[frozenset[tuple[str, str]], float]:
        return {frozenset({("profile", profile), ("generation", str(generation))}): 1}

    assert story.scrapes["before"].all("profile_info") == series("zb3", 1)
    assert story.scrapes["stood still"].all("profile_info") == series("pre-zb3", story.generation)


def test_the_octets_of_every_capture_are_counted_when_it_has_ended(story: Story) -> None:
    assert story.scrapes["before"]("capture_bytes_total") == 0
    assert story.written > 5_000
    assert story.scrapes["joined"]("capture_bytes_total") == story.written
    assert story.scrapes["broker gone"]("capture_bytes_total") == story.written


def test_a_process_that_stood_still_says_for_how_long(story: Story) -> None:
    assert story.scrapes["before"]("loop_lag_seconds") < story.scrapes["stood still"]("loop_lag_seconds")
    assert story.scrapes["stood still"]("loop_lag_seconds") >= STOOD_STILL / 2
    assert story.healths["broker frozen"]["loop_lag_ms"] >= STOOD_STILL * 500


def test_events_wait_for_a_broker_that_stands_still_and_what_is_too_much_is_dropped(story: Story) -> None:
    assert story.scrapes["joined"]("event_outbox_depth") == 0
    assert story.scrapes["broker frozen"]("event_outbox_depth") == OUTBOX
    assert story.healths["broker frozen"]["outbox_depth"] == OUTBOX
    assert story.healths["broker frozen"]["events_dropped"] > OUTBOX / 2
    assert story.gap >= story.healths["broker frozen"]["events_dropped"]


def test_whether_there_is_a_broker_is_said(story: Story) -> None:
    assert story.scrapes["joined"]("mqtt_connected") == 1
    assert story.scrapes["broker gone"]("mqtt_connected") == 0


def test_a_request_that_waits_is_in_flight(story: Story) -> None:
    assert story.healths["nobody there"]["requests_in_flight"] == 1  # health itself
    assert story.healths["waiting"]["requests_in_flight"] == 2


@contextlib.asynccontextmanager
async def plugged_in(rcp: Rcp, port: int) -> AsyncIterator[asyncio.Task[None]]:
    """A dongle on a TCP port, for as long as the block lasts or until it is cancelled."""
    plug = asyncio.ensure_future(listen.listen(listen.Tcp(host="127.0.0.1", port=port), rcp, lambda _: None))
    try:
        yield plug
    finally:
        plug.cancel()
        await asyncio.wait((plug,))


def test_what_a_layer_does_not_act_on_is_counted_and_a_radio_that_came_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        radio, port = PaperRadio(), free_port()
        air = asyncio.get_running_loop().time
        rcp = Rcp(radio, lambda: Instant(round(air() * 1e6)), Model(eui64=Eui64(1)))
        await rcp.start()
        async with (
            plugged_in(rcp, port) as plug,
            daemon(tmp_path, None, "--radio", f"spinel+tcp://127.0.0.1:{port}") as served,
        ):
            await served.logged("network")
            assert (await served.post("health"))["data"]["ok"]
            first = await scrape(served)
            assert first("radio_up") == 1
            assert first("radio_rtt_seconds_sum") > 0
            assert radio.tuned is not None
            for number in range(UNREADABLE):
                radio.hear(unreadable(number, radio.tuned.pan_id))
            dropped = await scraped(served, "frames_dropped_total", UNREADABLE, where="nwk")
            assert dropped("frames_total", dir="rx", layer="mac") == UNREADABLE
            assert dropped("frames_dropped_total", where="nwk") == UNREADABLE
            assert (await served.post("health"))["data"]["frames_dropped"] == UNREADABLE
            plug.cancel()
            await served.logged("radio", state="lost")
            gone = await scrape(served)
            assert (gone("radio_up"), gone("radio_reconnects_total")) == (0, 0)
            async with plugged_in(rcp, port):
                back = await scraped(served, "radio_reconnects_total", 1)
                assert back("radio_up") == 1

    run(scenario())
