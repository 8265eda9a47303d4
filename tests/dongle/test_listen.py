"""The dongle's listeners in real time: a process, a pty, a socket, signals. Kept few."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import serialx
from aiospinel.protocol import HDLCLiteFrame, SpinelProtocol

from coordinator.cli import invoke
from tests.dongle.host import Host, Raw
from tests.dongle.program import DEADLINE, first_line, started

GET_PROTOCOL_VERSION = HDLCLiteFrame(bytes.fromhex("81 02 01")).serialize()
PROTOCOL_VERSION = HDLCLiteFrame(bytes.fromhex("81 06 01 04 03")).serialize()


async def probe_serial(path: str) -> str:
    """Open the port as aiospinel's users do, with their baud rate; say what firmware it has."""
    _, host = await serialx.create_serial_connection(
        asyncio.get_running_loop(), SpinelProtocol, url=path, baudrate=460800
    )
    assert isinstance(host, SpinelProtocol)
    return await probe(host)


async def probe_tcp(address: str) -> str:
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    _, protocol = await asyncio.get_running_loop().create_connection(SpinelProtocol, host, int(port))
    return await probe(protocol)


async def probe(host: SpinelProtocol) -> str:
    await host.wait_until_connected()
    try:
        return await host.probe()
    finally:
        await host.disconnect()


async def twice(probing: Callable[[str], Awaitable[str]], where: str) -> tuple[str, str]:
    return await probing(where), await probing(where)


def ends(process: subprocess.Popen[bytes], number: signal.Signals) -> tuple[int, bytes, bytes]:
    """Its exit code and the rest of its output, within five seconds of the signal."""
    sent = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE)
    assert time.monotonic() - sent < 5
    return process.returncode, out, err


@pytest.mark.real_time
def test_hosts_come_and_go_on_a_pty_whose_link_goes_with_the_dongle(tmp_path: Path) -> None:
    link = tmp_path / "usb-legacy-tc_rcp-if00"
    link.symlink_to("/dev/pts/gone")
    with started("--listen", "pty", "--link", str(link)) as dongle:
        path = first_line(dongle)
        assert os.readlink(link) == path
        versions = asyncio.run(twice(probe_serial, str(link)))
        assert all(version.startswith("LEGACY-TC-RCP/") for version in versions)
        assert ends(dongle, signal.SIGTERM) == (143, b"", b"")
    assert not os.path.lexists(link)


@pytest.mark.real_time
def test_a_joiner_named_on_the_command_line_looks_for_the_network_of_the_host() -> None:
    with started("--listen", "tcp://127.0.0.1:0", "--joiner", "telink") as dongle:
        address, _, port = first_line(dongle).removeprefix("tcp://").rpartition(":")

        async def body() -> Raw:
            host = Host()
            await asyncio.get_running_loop().create_connection(lambda: host.protocol, address, int(port))
            await host.bring_up(channel=11)
            async with asyncio.timeout(DEADLINE):
                while not host.heard:
                    await asyncio.sleep(0.01)
            await host.protocol.disconnect()
            return host.heard[0]

        assert asyncio.run(body()).psdu.endswith(bytes.fromhex("ffff ffff 07"))  # Beacon Request


@pytest.mark.real_time
def test_a_client_that_never_reads_a_pty_does_not_keep_the_dongle_from_ending() -> None:
    with started("--listen", "pty") as dongle:
        port = os.open(first_line(dongle), os.O_RDWR | os.O_NOCTTY)
        for _ in range(2000):
            os.write(port, GET_PROTOCOL_VERSION)
        assert ends(dongle, signal.SIGTERM) == (143, b"", b"")
        os.close(port)


@pytest.mark.real_time
def test_over_tcp_one_client_is_served_after_the_other() -> None:
    with started("--listen", "tcp://127.0.0.1:0") as dongle:
        address = first_line(dongle)

        async def body() -> None:
            host, _, port = address.removeprefix("tcp://").rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(GET_PROTOCOL_VERSION)
            assert await reader.readexactly(len(PROTOCOL_VERSION)) == PROTOCOL_VERSION
            waiting = asyncio.ensure_future(probe_tcp(address))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            writer.transport.abort()
            assert (await asyncio.wait_for(waiting, DEADLINE)).startswith("LEGACY-TC-RCP/")

        asyncio.run(body())
        assert ends(dongle, signal.SIGINT) == (130, b"", b"")


@pytest.mark.real_time
def test_on_standard_input_and_output_there_is_spinel_and_nothing_else() -> None:
    with started("--listen", "stdio", stdin=subprocess.PIPE) as dongle:
        out, err = dongle.communicate(GET_PROTOCOL_VERSION, timeout=DEADLINE)
    assert (dongle.returncode, out, err) == (0, PROTOCOL_VERSION, b"")


@pytest.mark.real_time
def test_a_host_that_starts_it_on_a_terminal_of_its_own_gets_octets_as_they_are() -> None:
    # What forkpty does. The terminal echoes and translates until the program makes it raw.
    master, slave = os.openpty()
    with started("--listen", "stdio", stdin=slave, stdout=slave) as dongle:
        deadline = time.monotonic() + DEADLINE
        octets = b""
        os.set_blocking(master, False)
        while PROTOCOL_VERSION not in octets:
            assert time.monotonic() < deadline
            os.write(master, GET_PROTOCOL_VERSION)
            time.sleep(0.05)
            try:
                octets += os.read(master, 4096)
            except BlockingIOError:
                continue
        assert ends(dongle, signal.SIGTERM)[0] == 143
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (("--listen", "serial"), 2, ("pty, stdio or tcp://HOST:PORT", "serial")),
        (("--listen", "tcp://127.0.0.1"), 2, ("tcp://HOST:PORT",)),
        (("--listen", "tcp://127.0.0.1:66000"), 2, ("tcp://HOST:PORT",)),
        (("--listen", "udp://127.0.0.1:1"), 2, ("tcp://HOST:PORT",)),
        (("--listen", "tcp://0.0.0.0:0"), 2, ("0.0.0.0", "--allow-remote")),
        (("--listen", "tcp://192.0.2.1:0", "--allow-remote"), 2, ("tcp://192.0.2.1:0",)),
        (("--listen", "stdio", "--link", "x"), 2, ("--link", "pty")),
        (("--listen", "pty", "--link", "."), 2, ("not a symbolic link",)),
        (("--listen", "pty", "--link", "no/such/folder"), 2, ("no/such/folder", "No such file")),
        (("--listen", "pty", "--joiner", "telnik"), 3, ("telnik", "telink")),
        ((), 2, ("--listen",)),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: tuple[str, ...], code: int, names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["dongle", "spinel", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for name in names:
        assert name in err


@pytest.mark.real_time
def test_standard_input_that_is_no_line_is_refused() -> None:
    with started("--listen", "stdio") as dongle:
        out, err = dongle.communicate(timeout=DEADLINE)
    assert (dongle.returncode, out) == (2, b"")
    assert b"standard input is neither a pipe nor a terminal" in err
