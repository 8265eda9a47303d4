"""A capture of the whole air opens decrypted, although the host that writes it knows no network's key."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.recording import Unwritable
from coordinator.runtime.sniffer import Sniffer
from coordinator.scenario import Scenario, Simulation
from tests.end_to_end import wireshark

TRANSPORT_KEY, REQUEST_KEY, CONFIRM_KEY = 0x05, 0x08, 0x10


@pytest.mark.tshark
def test_a_join_with_the_global_key_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "air.pcapng"
    simulation = Simulation(Scenario(profile=profiles.load("zb3"), joiners=(joiners.load("zboss-r22"),)))
    with Sniffer(path, utc_at_zero=0) as sniffer:
        simulation.medium.observe(sniffer.hear)
        simulation.run()
    assert sniffer.missed == ""
    frames = wireshark.read(path)
    assert not any(field in frame for frame in frames for field in wireshark.MALFORMED)
    heard = wireshark.on_air(frames)
    assert len(frames) == len(heard) + 1  # the global key, once
    for identifier in (TRANSPORT_KEY, REQUEST_KEY, CONFIRM_KEY):
        assert wireshark.command(heard, identifier), identifier
    assert not any(field in frame for frame in heard for field in wireshark.UNDECRYPTED)


def test_a_capture_that_cannot_be_opened_is_refused_before_anything_happens(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="cannot be written"), Sniffer(tmp_path, utc_at_zero=0):
        pass


def test_a_device_that_is_full_is_refused_too() -> None:
    with pytest.raises(Unwritable, match="No space left"), Sniffer(Path("/dev/full"), utc_at_zero=0):
        pass


def test_a_file_that_cannot_grow_is_said_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "air.pcapng"
    simulation = Simulation(Scenario(profile=profiles.load("zb3"), joiners=(joiners.load("telink"),)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Sniffer(path, utc_at_zero=0) as sniffer:
        simulation.medium.observe(sniffer.hear)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limits[1]))
        try:
            simulation.run()
            sniffer.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sniffer.missed == f"{path}: the capture could not be written: File too large"
