"""What the emulated RCP says it is, and how it takes settings: aiospinel asks."""

from __future__ import annotations

import asyncio

import pytest
from aiospinel.types import CommandID, PackedUInt21, ResetReason
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.codec.spinel import Status
from coordinator.dongle.bench import Bench
from tests.dongle import host as spinel
from tests.dongle.host import Answer, Host, with_host

POWER_ON: dict[int, str] = {
    # Numbers of radios.md 3; the values an OpenThread RCP has, or our choice.
    1: "0403",  # PROTOCOL_VERSION 4.3
    3: "03",  # INTERFACE_TYPE
    0xB0: "0b",
    0xB1: "04",
    spinel.PHY_ENABLED: "00",
    spinel.PHY_CHAN: "0b",
    34: "0b0c0d0e0f101112131415161718191a",
    36: "b5",  # PHY_CCA_THRESHOLD, -75 dBm
    spinel.PHY_TX_POWER: "00",
    38: "a1",  # PHY_RSSI, -95 dBm
    39: "9c",  # PHY_RX_SENSITIVITY, -100 dBm
    spinel.SCAN_STATE: "00",
    spinel.SCAN_MASK: "0b0c0d0e0f101112131415161718191a",
    spinel.SCAN_PERIOD: "c800",
    spinel.SADDR: "ffff",
    spinel.PANID: "ffff",
    spinel.RAW_STREAM: "00",
    spinel.PROMISCUOUS: "00",
    59: "01",  # MAC_RX_ON_WHEN_IDLE_MODE
    spinel.MATCH: "00",
    spinel.MATCH_SHORT: "",
    spinel.MATCH_EXTENDED: "",
}
ACCEPTED: dict[int, str] = {
    spinel.PHY_ENABLED: "01",
    spinel.PHY_CHAN: "1a",
    36: "d3",
    spinel.PHY_TX_POWER: "f6",
    spinel.SCAN_MASK: "0f19",
    spinel.SCAN_PERIOD: "6400",
    spinel.LADDR: "00124b0001020304",
    spinel.SADDR: "0000",
    spinel.PANID: "621a",
    spinel.RAW_STREAM: "01",
    spinel.PROMISCUOUS: "02",
    59: "00",
    spinel.MATCH: "01",
    spinel.MATCH_SHORT: "01003412",
    spinel.MATCH_EXTENDED: "00124b000102030400124b0001020305",
}


def test_probe_names_the_firmware_at_once() -> None:
    async def body(host: Host, _: Bench) -> None:
        assert (await host.protocol.probe()).startswith("LEGACY-TC-RCP/")
        assert asyncio.get_running_loop().time() == 0  # the answer to the reset was waited for, not out
        version = await host.get(spinel.NCP_VERSION)
        assert version.endswith(b"\x00")
        assert version.count(b";") == 2

    with_host(body)


def test_after_power_on_every_property_has_its_default() -> None:
    async def body(host: Host, _: Bench) -> None:
        for property_id, value in POWER_ON.items():
            assert (await host.get(property_id)).hex() == value, property_id

    with_host(body)


def test_the_hardware_address_is_seeded_locally_administered_and_the_default_long_address() -> None:
    async def body(host: Host, _: Bench) -> bytes:
        address = await host.get(spinel.HWADDR)
        assert await host.get(spinel.LADDR) == address
        return address

    first, again, other = (with_host(body, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 8
    assert first[0] & 3 == 2


def test_capabilities_are_packed_and_name_the_raw_radio() -> None:
    async def body(host: Host, _: Bench) -> None:
        capabilities = []
        rest = await host.get(5)
        while rest:
            capability, rest = PackedUInt21.deserialize(rest)
            capabilities.append(int(capability))
        assert {513, 64, 65} <= set(capabilities)  # MAC_RAW, RCP_API_VERSION, RCP_MIN_HOST_API_VERSION
        radio, rest = PackedUInt21.deserialize(await host.get(0x120B))
        assert not rest
        assert radio & 0b1111 == 0b1111  # ACK timeout, energy scan, retries, CSMA are the radio's
        assert not radio & (32 | 64 | 128)  # no security, no timing

    with_host(body)


def test_every_setting_is_answered_with_itself_and_read_back() -> None:
    async def body(host: Host, _: Bench) -> None:
        for property_id, text in ACCEPTED.items():
            value = bytes.fromhex(text)
            assert await host.set(property_id, value) == Answer(6, property_id, value)
            assert await host.get(property_id) == value

    with_host(body)


def test_a_transmit_power_beyond_the_radio_is_cut_and_the_answer_says_so() -> None:
    async def body(host: Host, _: Bench) -> None:
        assert await host.set(spinel.PHY_TX_POWER, b"\x7f") == Answer(6, spinel.PHY_TX_POWER, b"\x14")
        assert await host.set(spinel.PHY_TX_POWER, b"\x80") == Answer(6, spinel.PHY_TX_POWER, b"\xec")

    with_host(body)


@pytest.mark.parametrize(
    ("property_id", "value", "status"),
    [
        (spinel.PHY_CHAN, "1b", spinel.INVALID_ARGUMENT),
        (spinel.PHY_CHAN, "", spinel.PARSE_ERROR),
        (spinel.SADDR, "00", spinel.PARSE_ERROR),
        (spinel.LADDR, "00124b00010203", spinel.PARSE_ERROR),
        (spinel.PROMISCUOUS, "03", spinel.INVALID_ARGUMENT),
        (spinel.SCAN_MASK, "0b00", spinel.INVALID_ARGUMENT),
        (spinel.SCAN_MASK, "", spinel.INVALID_ARGUMENT),
        (spinel.SCAN_STATE, "", spinel.PARSE_ERROR),
        (spinel.SCAN_STATE, "09", spinel.INVALID_ARGUMENT),
        (spinel.SCAN_STATE, "02", spinel.INVALID_STATE),  # the PHY is disabled
        (spinel.MATCH_SHORT, "010034", spinel.PARSE_ERROR),
        (spinel.MATCH_SHORT, "".join(f"{entry:02x}00" for entry in range(11)), spinel.NOMEM),
        (spinel.STREAM_RAW, "0500ff", spinel.PARSE_ERROR),
        (spinel.STREAM_RAW, "0100ff", spinel.PARSE_ERROR),  # no room for its FCS
        (spinel.HWADDR, "00124b0001020304", spinel.INVALID_COMMAND_FOR_PROP),
        (0x3C00, "00", spinel.PROP_NOT_FOUND),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_status_and_changes_nothing(
    property_id: int, value: str, status: int
) -> None:
    async def body(host: Host, _: Bench) -> None:
        await host.refused(host.set(property_id, bytes.fromhex(value)), status)
        assert await host.get(spinel.LAST_STATUS) == spinel.packed(status)
        for unchanged, default in POWER_ON.items():
            assert (await host.get(unchanged)).hex() == default

    with_host(body)


def test_unknown_properties_and_commands_are_refused() -> None:
    async def body(host: Host, _: Bench) -> None:
        await host.refused(host.ask(CommandID.PROP_VALUE_GET, 0x3C00), spinel.PROP_NOT_FOUND)
        await host.refused(host.ask(CommandID.PROP_VALUE_GET, spinel.STREAM_RAW), spinel.PROP_NOT_FOUND)
        await host.refused(host.ask(PackedUInt21(99), 0), spinel.INVALID_COMMAND)
        await host.refused(host.ask(CommandID.PROP_VALUE_IS, 0), spinel.INVALID_COMMAND)
        insert = host.ask(CommandID.PROP_VALUE_INSERT, spinel.PHY_CHAN, b"\x0b")
        await host.refused(insert, spinel.INVALID_COMMAND_FOR_PROP)
        await host.refused(host.ask(CommandID.NOOP, 0), spinel.OK)

    with_host(body)


def test_a_command_of_transaction_zero_is_obeyed_and_not_answered() -> None:
    async def body(host: Host, _: Bench) -> None:
        came: list[bytes] = []
        host.protocol.add_property_listener(spinel.PHY_CHAN, came.append)
        await host.protocol.send_command(
            CommandID.PROP_VALUE_SET, bytes((spinel.PHY_CHAN, 20)), wait_response=False
        )
        await asyncio.sleep(1)
        assert not came
        assert await host.get(spinel.PHY_CHAN) == b"\x14"

    with_host(body)


@pytest.mark.parametrize("reason", [ResetReason.STACK, ResetReason.PLATFORM])
def test_a_reset_is_announced_and_everything_is_as_after_power_on(reason: ResetReason) -> None:
    async def body(host: Host, _: Bench) -> None:
        for property_id, value in ACCEPTED.items():
            await host.set(property_id, bytes.fromhex(value))
        await host.protocol.reset(reason)
        assert asyncio.get_running_loop().time() == 0
        assert host.statuses == [b"\x70"]
        assert await host.get(spinel.LAST_STATUS) == b"\x70"
        for property_id, value in POWER_ON.items():
            assert (await host.get(property_id)).hex() == value, property_id

    with_host(body)


def test_a_bootloader_says_nothing_until_power_returns() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.protocol.enter_bootloader()
        unanswered = asyncio.ensure_future(host.get(1))
        await asyncio.sleep(100)
        assert not unanswered.done()
        unanswered.cancel()
        assert not host.statuses
        bench.rcp.reset(Status.RESET_POWER_ON)
        assert await host.get(1) == b"\x04\x03"
        assert host.statuses == [b"\x70"]

    with_host(body)


def test_a_reset_that_nobody_asked_for_is_told_with_its_reason() -> None:
    async def body(host: Host, bench: Bench) -> None:
        await host.bring_up()
        bench.rcp.reset(Status.RESET_WATCHDOG)
        await asyncio.sleep(0)
        assert await host.get(spinel.PHY_ENABLED) == b"\x00"
        assert host.statuses == [b"\x78"]

    with_host(body)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 300))
def test_no_octets_stop_it_from_answering_what_follows(noise: bytes, step: int) -> None:
    async def body(host: Host, bench: Bench) -> None:
        for at in range(0, len(noise), step):
            bench.rcp.feed(noise[at : at + step])
        assert (await host.protocol.probe()).startswith("LEGACY-TC-RCP/")

    with_host(body)


@settings(deadline=None)
@given(
    st.integers(0, 10) | st.integers(0, 2**21 - 1),
    st.sampled_from([*POWER_ON, spinel.STREAM_RAW, spinel.LAST_STATUS]) | st.integers(0, 2**21 - 1),
    st.binary(max_size=40),
)
def test_no_command_stops_it_from_answering_what_follows(
    command: int, property_id: int, value: bytes
) -> None:
    async def body(host: Host, _: Bench) -> None:
        await host.set(spinel.PHY_ENABLED, b"\x01")
        for number in (command, CommandID.PROP_VALUE_SET, CommandID.PROP_VALUE_INSERT):
            if number != CommandID.RESET:
                await host.ask(PackedUInt21(number), property_id, value)
        await host.protocol.reset(ResetReason.STACK)
        assert await host.get(1) == b"\x04\x03"

    with_host(body)
