"""The shared air: who hosts it, who may come, and how its loss is noticed."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from coordinator.entropy import SeededEntropy
from coordinator.radio.air import datagrams, messages
from coordinator.radio.air.conversation import SILENCE
from coordinator.radio.air.guest import AirRadio, Loss
from coordinator.radio.air.hub import CLAIMABLE, MAX_GUESTS, Attendance, Hub
from coordinator.radio.air.opening import host_air, open_air
from coordinator.radio.air.url import AirUrl, parse
from coordinator.radio.errors import RadioLost, RadioUnavailable
from coordinator.sim.radio import NOISE_FLOOR
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import SECOND, Channel, Eui64, Instant, NwkAddress, PanId
from tests.radio.loopback import ANY, Host, Relay, hub, run

pytestmark = pytest.mark.real_time

ENTROPY = SeededEntropy(1)
ANY_INSTANT = Instant(5)
CHANNEL = Channel(20)
HERE = Tune(channel=CHANNEL, pan_id=PanId(0x1A62), address=NwkAddress(0x0001), extended_address=Eui64(0x11))
THERE = Tune(channel=CHANNEL, pan_id=PanId(0x1A62), address=NwkAddress(0x0002), extended_address=Eui64(0x22))
# Data, ACK requested, PAN id compression, short addresses (IEEE 802.15.4-2006, 7.2.1): from 0x0001 to 0x0002.
UNICAST = bytes.fromhex("618805621a02000100c0ffee")
BROADCAST = bytes.fromhex("418805621affff0100c0ffee")


async def on_air(host: Hub, name: str, tune: Tune = HERE) -> tuple[AirRadio, Host, Loss]:
    loss, ears = Loss(), Host()
    radio = AirRadio(host.url, name, loss)
    await radio.start(ears.hears, ears.confirms)
    radio.post(tune)
    return radio, ears, loss


async def until_lost(loss: Loss, seconds: float) -> str:
    async with asyncio.timeout(seconds):
        await loss.happened.wait()
    return loss.reason


def test_a_frame_is_acknowledged_confirmed_and_heard_across_the_air() -> None:
    async def story() -> None:
        host = hub()
        one, ears_one, _ = await on_air(host, "one")
        _, ears_two, _ = await on_air(host, "two", THERE)
        one.post(Transmit(handle=1, psdu=UNICAST))
        await asyncio.sleep(0.1)
        assert ears_one.confirmed == [(1, TransmitStatus.SUCCESS, False)]
        (frame,) = ears_two.frames
        assert (frame.psdu, frame.channel, frame.acked_with_pending) == (UNICAST, CHANNEL, False)
        await one.close()
        host.close()

    run(story())


def test_a_frame_to_nobody_and_one_too_long_end_as_on_any_radio() -> None:
    async def story() -> None:
        host = hub()
        one, ears, _ = await on_air(host, "one")
        one.post(Transmit(handle=1, psdu=UNICAST))
        await asyncio.sleep(0.1)
        one.post(Transmit(handle=2, psdu=bytes(126)))
        await asyncio.sleep(0.1)
        assert [status for _, status, _ in ears.confirmed] == [
            TransmitStatus.NO_ACK,
            TransmitStatus.ABORTED,
        ]
        host.close()

    run(story())


def test_an_energy_scan_finds_who_sends_and_who_does_not() -> None:
    async def story() -> tuple[int, int]:
        host = hub()
        one, _, _ = await on_air(host, "one")
        two, _, _ = await on_air(host, "two")
        quiet = await two.energy_scan(Channel(11), SECOND // 10)
        scan = asyncio.ensure_future(two.energy_scan(CHANNEL, SECOND // 10))
        await asyncio.sleep(0.01)
        one.post(Transmit(handle=1, psdu=BROADCAST))
        busy = await scan
        host.close()
        return quiet, busy

    assert run(story()) == (NOISE_FLOOR, -40)


def test_the_first_to_come_hosts_and_the_next_joins_at_the_same_time_of_the_air() -> None:
    async def story() -> None:
        async with host_air(ANY, ENTROPY) as free:
            url = free.url
        async with open_air(url, ENTROPY) as first:
            assert first.hub is not None
            await asyncio.sleep(2)
            async with open_air(url, ENTROPY) as second:
                assert second.hub is None
                assert abs(second.clock.now() - first.clock.now()) < SECOND / 10
                assert second.clock.now() >= 2 * SECOND
                await second.radio("two").start(Host().hears, Host().confirms)
                assert first.hub.guests == ("two",)
        async with open_air(url, ENTROPY) as again:
            assert again.hub is not None

    run(story())


def test_a_host_that_ends_is_noticed_at_once() -> None:
    async def story() -> str:
        host = hub()
        _, _, loss = await on_air(host, "one")
        host.close()
        return await until_lost(loss, 0.01)

    assert run(story()).endswith("the air is lost: its host has ended")


def test_a_host_that_was_killed_is_noticed_at_the_next_keep_alive() -> None:
    async def story() -> str:
        host = hub()
        _, _, loss = await on_air(host, "one")
        host._endpoint.close()  # what the kernel does for a process that was killed
        reason = await until_lost(loss, 1.1)
        host.close()
        return reason

    assert run(story()).endswith("the air is lost: its host is gone")


def test_a_host_that_stands_still_is_noticed_by_its_silence() -> None:
    async def story() -> str:
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        loop = asyncio.get_running_loop()
        loss = Loss()
        radio = AirRadio(AirUrl(*silent.getsockname()), "one", loss)
        starting = asyncio.ensure_future(radio.start(Host().hears, Host().confirms))
        octets, address = await loop.sock_recvfrom(silent, 65_535)
        session = datagrams.decode(octets).session
        await loop.sock_sendto(
            silent,
            datagrams.encode(datagrams.Datagram(session, 0, messages.Welcome(ANY_INSTANT))),
            address,
        )
        await starting
        scan = asyncio.ensure_future(radio.energy_scan(CHANNEL, SECOND))
        reason = await until_lost(loss, SILENCE / SECOND + 1)
        with pytest.raises(RadioLost, match="silent"):
            await scan
        silent.close()
        return reason

    assert run(story()).endswith("the air is lost: its host was silent for 5 s")


def test_a_restarted_host_knows_no_guest_of_the_one_before() -> None:
    async def story() -> str:
        host = hub()
        _, _, loss = await on_air(host, "one")
        host._endpoint.close()
        another = Hub(host.url, ENTROPY)
        reason = await until_lost(loss, 1)
        another.close()
        return reason

    assert run(story()).endswith("its host knows no such guest")


def test_a_datagram_lost_on_the_way_is_the_loss_of_the_radio() -> None:
    async def story() -> str:
        host = hub()
        told = 0

        def passes(octets: bytes) -> bool:
            nonlocal told
            is_frame = isinstance(datagrams.decode(octets).message, ReceivedFrame)
            told += is_frame
            return not (is_frame and told == 2)

        relay = Relay(host.url, passes)
        loss, ears = Loss(), Host()
        radio = AirRadio(relay.url, "one", loss)
        await radio.start(ears.hears, ears.confirms)
        radio.post(THERE)
        other, _, _ = await on_air(host, "two")
        for handle in (1, 2):
            other.post(Transmit(handle=handle, psdu=BROADCAST))
            await asyncio.sleep(0.05)
        assert len(ears.frames) == 1
        reason = await until_lost(loss, 1.5)
        await asyncio.sleep(0.1)
        assert host.guests == ("two",)
        relay.close()
        host.close()
        return reason

    assert "was lost on the way" in run(story())


def test_a_guest_that_is_gone_without_a_word_leaves_the_air() -> None:
    async def story() -> list[Attendance]:
        notes: list[Attendance] = []
        host = Hub(ANY, ENTROPY, note=notes.append)
        radio, _, _ = await on_air(host, "one")
        assert radio._session is not None
        radio._session._end()  # what the kernel does for a process that was killed
        await asyncio.sleep(SILENCE / SECOND + 1)
        host.close()
        return notes

    came, went = run(story())
    assert (came.name, came.present) == ("one", True)
    assert (went.name, went.present, went.reason) == ("one", False, "this guest was silent for 5 s")


def test_a_name_is_on_the_air_once() -> None:
    async def story() -> None:
        host = hub()
        host.radio("host")
        first, _, loss = await on_air(host, "one")
        for name in ("one", "host"):
            with pytest.raises(RadioUnavailable, match=f"'{name}' is taken"):
                await on_air(host, name)
        with pytest.raises(RadioUnavailable, match="'one' is taken"):
            host.radio("one")
        assert not loss.happened.is_set()
        await first.close()
        await on_air(host, "one")
        host.close()

    run(story())


def test_who_was_killed_and_is_back_gets_its_name() -> None:
    async def story() -> float:
        host = hub()
        radio, _, _ = await on_air(host, "one")
        assert radio._session is not None
        radio._session._end()
        began = asyncio.get_running_loop().time()
        await on_air(host, "one")
        host.close()
        return asyncio.get_running_loop().time() - began

    assert run(story()) < CLAIMABLE / SECOND + 0.5


def test_a_radio_that_is_started_again_is_as_after_a_reset() -> None:
    async def story() -> None:
        host = hub()
        radio, ears, loss = await on_air(host, "one", THERE)
        other, _, _ = await on_air(host, "two")
        await radio.close()
        await radio.start(ears.hears, ears.confirms)
        other.post(Transmit(handle=1, psdu=BROADCAST))
        await asyncio.sleep(0.1)
        assert ears.frames == []  # on channel 11, where radios are after a reset
        assert not loss.happened.is_set()
        host.close()

    run(story())


def test_no_more_guests_come_than_the_host_serves() -> None:
    async def story() -> None:
        host = hub()
        for number in range(MAX_GUESTS):
            await on_air(host, f"guest {number}")
        with pytest.raises(RadioUnavailable, match="64 guests"):
            await on_air(host, "one too many")
        host.close()

    run(story())


def test_a_guest_that_breaks_the_rules_is_dismissed_and_the_others_go_on() -> None:
    async def story() -> None:
        host = hub()
        good, ears, fine = await on_air(host, "good")
        bad, _, loss = await on_air(host, "bad")
        bad.post(Transmit(handle=1, psdu=UNICAST))
        bad.post(Transmit(handle=2, psdu=UNICAST))
        assert "second transmission" in await until_lost(loss, 0.1)
        good.post(Transmit(handle=1, psdu=BROADCAST))
        await asyncio.sleep(0.1)
        assert ears.confirmed == [(1, TransmitStatus.SUCCESS, False)]
        assert not fine.happened.is_set()
        host.close()

    run(story())


def test_another_version_is_refused_in_one_line_on_both_sides() -> None:
    async def story() -> str:
        loop = asyncio.get_running_loop()
        host = hub()
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.setblocking(False)
        stranger.bind(("127.0.0.1", 0))
        await loop.sock_sendto(
            stranger, datagrams.MAGIC + b"\x09\x03" + bytes(8), (host.url.host, host.url.port)
        )
        answer = datagrams.decode(await loop.sock_recv(stranger, 65_535)).message
        assert answer == messages.Refused(messages.Code.VERSION, "this air speaks version 1")
        host.close()

        async def speak() -> None:
            _, address = await loop.sock_recvfrom(stranger, 65_535)
            await loop.sock_sendto(stranger, datagrams.MAGIC + b"\x09\x05" + bytes(8), address)

        speaking = asyncio.ensure_future(speak())
        with pytest.raises(RadioUnavailable) as refused:
            async with open_air(AirUrl(*stranger.getsockname()), ENTROPY):
                pass
        await speaking
        stranger.close()
        return str(refused.value)

    assert run(story()).endswith("that air speaks version 9, this is version 1")


def test_a_port_that_something_else_holds_is_refused() -> None:
    async def story() -> None:
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("127.0.0.1", 0))
        url = AirUrl(*other.getsockname())
        with pytest.raises(RadioUnavailable, match="in use by something that is not an air"):
            async with open_air(url, ENTROPY):
                pass
        other.close()
        host = hub()
        with pytest.raises(RadioUnavailable, match="an air is there already"):
            async with host_air(host.url, ENTROPY):
                pass
        host.close()

    run(story())


def test_garbage_is_ignored_and_counted_and_never_raises() -> None:
    chance = random.Random(15)
    real = [
        datagrams.encode(datagrams.Datagram(0, 0, messages.Probe())),
        datagrams.encode(datagrams.Datagram(5, 1, Transmit(handle=1, psdu=UNICAST))),
        datagrams.encode(datagrams.Datagram(5, 0, messages.Bye("x"))),
    ]

    async def story() -> None:
        host = hub()
        one, ears, loss = await on_air(host, "one")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
            noise.connect((host.url.host, host.url.port))
            for _ in range(1_000):
                octets = bytearray(chance.choice(real))
                for _ in range(chance.randrange(1, 4)):
                    octets[chance.randrange(4)] = chance.randrange(256)
                octets = (
                    octets if chance.random() < 0.5 else bytearray(chance.randbytes(chance.randrange(90)))
                )
                noise.send(octets)
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
        assert host.ignored > 900
        one.post(Transmit(handle=1, psdu=BROADCAST))
        await asyncio.sleep(0.1)
        assert ears.confirmed == [(1, TransmitStatus.SUCCESS, False)]
        assert not loss.happened.is_set()
        host.close()

    run(story())


def test_a_guest_may_put_any_octets_on_the_air() -> None:
    chance = random.Random(16)

    async def story() -> None:
        host = hub()
        one, ears, loss = await on_air(host, "one")
        _, _, other = await on_air(host, "two", THERE)
        for handle in range(300):
            length = chance.randrange(0, 130)
            octets = UNICAST[: chance.randrange(len(UNICAST))] + chance.randbytes(length)
            one.post(Transmit(handle=handle, psdu=octets, retries=1))
            await asyncio.sleep(0.1)
            assert len(ears.confirmed) == handle + 1
        assert not loss.happened.is_set()
        assert not other.happened.is_set()
        host.close()

    run(story())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("udp://127.0.0.1", "names no port"),
        ("udp://127.0.0.1:0", "port 0"),
        ("udp://127.0.0.1:70000", "valid port"),
        ("udp://127.0.0.1:x", "valid port"),
        ("udp://192.168.1.7:4949", "not a loopback address"),
        ("udp://0.0.0.0:4949", "not a loopback address"),
        ("udp://example.org:4949", "loopback address such as 127.0.0.1"),
        ("udp://[::1]:4949", "loopback address such as 127.0.0.1"),
        ("udp://[::1:4949", "valid port or address"),
        ("udp://:4949", "write it like udp://127.0.0.1:4949"),
        ("tcp://127.0.0.1:4949", "write it like"),
        ("127.0.0.1:4949", "write it like"),
        ("udp://127.0.0.1:4949/x", "write it like"),
        ("udp://me@127.0.0.1:4949", "write it like"),
        ("udp://127.0.0.1:49 49", "write it like"),
        ("udp://127.0.0.1:49\n49", "write it like"),
        ("", "write it like"),
    ],
)
def test_a_url_that_is_none_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        parse(text)
    assert "\n" not in str(refused.value)


def test_the_urls_of_an_air() -> None:
    assert str(parse("udp://127.0.0.1:4949")) == "udp://127.0.0.1:4949"
    assert parse("udp://localhost:1") == AirUrl("127.0.0.1", 1)
    assert parse("udp://127.0.0.9:0", any_port=True) == AirUrl("127.0.0.9", 0)


def test_an_energy_scan_that_no_radio_would_do_is_the_end_of_the_guest() -> None:
    async def story() -> None:
        host = hub()
        radio, _, loss = await on_air(host, "one")
        with pytest.raises(RadioLost, match="too many or too long"):
            await radio.energy_scan(CHANNEL, 61 * SECOND)
        assert loss.happened.is_set()
        with pytest.raises(RadioLost):
            await radio.energy_scan(CHANNEL, SECOND)
        radio.post(HERE)  # nobody is there to do it
        host.close()

    run(story())


def test_a_guest_that_talks_like_a_host_is_dismissed() -> None:
    async def story() -> bytes:
        host = hub()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as guest:
            guest.connect((host.url.host, host.url.port))
            guest.setblocking(False)
            for sequence, message in ((0, messages.Hello("one")), (1, messages.Scanned(-40))):
                guest.send(datagrams.encode(datagrams.Datagram(7, sequence, message)))
            loop = asyncio.get_running_loop()
            welcome, bye = [await loop.sock_recv(guest, 65_535) for _ in range(2)]
        assert isinstance(datagrams.decode(welcome).message, messages.Welcome)
        host.close()
        return bye

    assert datagrams.decode(run(story())).message == messages.Bye("said what only a host says")


def test_a_host_that_never_answers_is_no_radio() -> None:
    async def story() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            radio = AirRadio(AirUrl(*silent.getsockname()), "one", Loss())
            with pytest.raises(RadioUnavailable, match=r"no answer in 2\.5 s"):
                await radio.start(Host().hears, Host().confirms)
            url = AirUrl(*silent.getsockname())
        with pytest.raises(RadioLost, match="its host is gone"):
            await AirRadio(url, "one", Loss()).start(Host().hears, Host().confirms)

    run(story())
