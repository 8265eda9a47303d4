"""An RCP is asked what it is, told everything, and believed only where it says so."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.codec.spinel import Status
from coordinator.radio.errors import Fault, RadioError
from coordinator.stack.node import ReceiverOn, Tune
from coordinator.types import Channel, NwkAddress, PanId
from tests.dongle import host as spinel
from tests.radio.rig import GET, OURS, SET, Rig, answer, frame, refused, silence, status, with_radio

PROTOCOL, VERSION, INTERFACE, CAPS, HWADDR, MIN_HOST_API = 1, 2, 3, 5, 8, 0xB1
CONFIG_NCP = b"\x20"


def test_a_radio_that_came_up_says_what_it_is() -> None:
    async def body(rig: Rig) -> None:
        with pytest.raises(LookupError):
            _ = rig.radio.report
        await rig.start()
        report = rig.radio.report
        assert report.kind == rig.radio.kind == "spinel"
        assert report.firmware.startswith("LEGACY-TC-RCP/")
        assert report.hardware_address == rig.bench.rcp.model.eui64
        assert (report.protocol_version, report.api_version, report.min_host_api) == ((4, 3), 11, 4)
        assert {"mac-raw", "csma-backoff", "energy-scan"} <= set(report.capabilities)
        assert report.tx_power == 0
        assert report.frame_pending == "not seen yet"

    with_radio(body)


def test_the_rcp_is_told_channel_addresses_power_filter_and_receiver() -> None:
    async def body(rig: Rig) -> None:
        rig.radio.post(ReceiverOn(on=False))
        await rig.start()
        told = {about: value for command, about, value in rig.asked if command == SET}
        assert told[spinel.PHY_ENABLED] == told[spinel.RAW_STREAM] == b"\x01"
        assert told[spinel.PHY_CHAN] == b"\x0f"
        assert told[spinel.LADDR] == bytes.fromhex("020000000000c0de")  # most significant octet first
        assert told[spinel.SADDR] == b"\x00\x00"
        assert told[spinel.PANID] == b"\x62\x1a"
        assert told[spinel.PROMISCUOUS] == told[59] == told[spinel.MATCH] == b"\x00"
        assert told[spinel.PHY_TX_POWER] == b"\xf6"
        assert rig.radio.report.tx_power == -10

    with_radio(body, tx_power=-10)


def test_a_power_that_the_rcp_cuts_is_reported_as_it_is() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        assert rig.radio.report.tx_power == 20

    with_radio(body, tx_power=30)


def test_what_is_asked_for_while_it_comes_up_is_told_before_it_is_up() -> None:
    elsewhere = Tune(channel=Channel(25), pan_id=PanId(0x1111), address=NwkAddress(0), extended_address=OURS)

    async def body(rig: Rig) -> None:
        def late(transaction: int) -> bytes:
            rig.radio.post(elsewhere)
            rig.instead.clear()
            return frame(transaction, 6, spinel.RAW_STREAM, b"\x01")

        rig.instead[SET, spinel.RAW_STREAM] = late
        await rig.start()
        assert await rig.radio.probe() >= 0
        assert [value for _, about, value in rig.asked if about == spinel.PHY_CHAN and value] == [
            b"\x0f",
            b"\x19",
        ]

    with_radio(body)


@pytest.mark.parametrize(
    ("about", "reply", "says"),
    [
        (PROTOCOL, answer(PROTOCOL, b"\x03\x00"), "speaks Spinel 3.0"),
        (PROTOCOL, answer(PROTOCOL, b"\x04"), "not an RCP that we know"),
        (INTERFACE, answer(INTERFACE, b"\x01"), "interface type 1"),
        (CAPS, answer(CAPS, CONFIG_NCP), "an NCP with a stack of its own (LEGACY-TC-RCP"),
        (HWADDR, answer(HWADDR, b"\x00" * 7), "not an RCP that we know"),
        (HWADDR, status(spinel.PROP_NOT_FOUND), "HWADDR: PROP_NOT_FOUND"),
        (MIN_HOST_API, answer(MIN_HOST_API, b"\x0c"), "demands host API 12, and this host knows 11"),
    ],
)
def test_firmware_that_is_no_rcp_of_ours_is_wrong_firmware(about: int, reply: object, says: str) -> None:
    async def body(rig: Rig) -> None:
        rig.instead[GET, about] = reply  # type: ignore[assignment]
        assert says in await refused(rig, Fault.WRONG_FIRMWARE)

    with_radio(body)


@pytest.mark.parametrize("about", [0xB0, 0xB1, 0x120B])
def test_an_rcp_older_than_the_api_versions_comes_up(about: int) -> None:
    async def body(rig: Rig) -> None:
        rig.instead[GET, about] = status(spinel.PROP_NOT_FOUND)
        await rig.start()
        assert (rig.radio.report.api_version is None) is (about == 0xB0)

    with_radio(body)


@pytest.mark.parametrize(
    ("about", "reply", "says"),
    [
        (spinel.PHY_CHAN, status(spinel.INVALID_ARGUMENT), "refuses PHY_CHAN: INVALID_ARGUMENT"),
        (spinel.PHY_CHAN, answer(spinel.PHY_CHAN, b"\x0b"), "told PHY_CHAN 0f, and has 0b"),
        (spinel.PANID, answer(spinel.PANID, b"\xff\xff"), "told MAC_15_4_PANID 621a, and has ffff"),
        (spinel.RAW_STREAM, status(99), "refuses MAC_RAW_STREAM_ENABLED: status 99"),
        (spinel.PHY_TX_POWER, status(2), "does not take a transmit power of 5 dBm"),
    ],
)
def test_a_setting_that_is_not_taken_is_named(about: int, reply: object, says: str) -> None:
    async def body(rig: Rig) -> None:
        rig.instead[SET, about] = reply  # type: ignore[assignment]
        assert says in await refused(rig, Fault.REFUSED)

    with_radio(body, tx_power=5)


def test_nobody_there_is_said_after_bounded_time() -> None:
    async def body(rig: Rig) -> None:
        rig.bench.rcp.connected = lambda: None  # type: ignore[method-assign]
        rig.bench.rcp.feed = lambda octets: None  # type: ignore[method-assign]
        began = asyncio.get_running_loop().time()
        assert "nobody there speaks Spinel" in await refused(rig, Fault.UNRESPONSIVE)
        assert asyncio.get_running_loop().time() - began < 5

    with_radio(body)


def test_an_rcp_that_stops_answering_half_way_is_unresponsive_and_the_line_is_closed() -> None:
    async def body(rig: Rig) -> None:
        rig.instead[SET, spinel.SADDR] = silence
        assert "no answer about MAC_15_4_SADDR within 2 s" in await refused(rig, Fault.UNRESPONSIVE)
        assert not rig.line.open
        rig.instead.clear()
        await rig.start()  # and the next try finds it well
        assert await rig.radio.probe() >= 0

    with_radio(body)


def test_a_restart_while_it_is_set_up_does_not_pass_for_success() -> None:
    async def body(rig: Rig) -> None:
        def restarts(transaction: int) -> bytes:
            return frame(0, 6, spinel.LAST_STATUS, b"\x74") + frame(
                transaction, 6, spinel.RAW_STREAM, b"\x01"
            )

        rig.instead[SET, spinel.RAW_STREAM] = restarts
        assert "restarted while it was being set up" in await refused(rig, Fault.RESET)

    with_radio(body)


def test_a_line_that_is_lost_while_it_is_set_up_is_lost_and_says_why() -> None:
    async def body(rig: Rig) -> None:
        def cut(_transaction: int) -> None:
            rig.line.cut(ConnectionResetError("unplugged"))

        rig.instead[GET, CAPS] = cut
        assert "the line was lost: unplugged" in await refused(rig, Fault.LOST)

    with_radio(body)


def test_after_a_reset_everything_is_told_again() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        before = [each for each in rig.asked if each[0] == SET]
        rig.asked.clear()
        rig.bench.rcp.reset(Status.RESET_CRASH)
        await asyncio.sleep(0.01)
        (failure,) = rig.failures
        assert failure.fault is Fault.RESET
        assert str(failure) == "/dev/rcp: the radio restarted: RESET_CRASH"
        with pytest.raises(RadioError, match="the radio is not up"):
            await rig.radio.probe()
        await rig.start()
        assert [each for each in rig.asked if each[0] == SET] == before
        assert await rig.radio.probe() >= 0

    with_radio(body)


def test_starting_a_radio_that_is_up_only_changes_who_is_told() -> None:
    async def body(rig: Rig) -> None:
        await rig.start()
        asked = len(rig.asked)
        await rig.start()
        assert (len(rig.lines), len(rig.asked)) == (1, asked)

    with_radio(body)
