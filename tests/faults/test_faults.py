"""Faults as text, and what each does to frames on a line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from aiospinel.protocol import HDLCLiteFrame
from hypothesis import given
from hypothesis import strategies as st

from coordinator.cli import invoke
from coordinator.dongle import faults
from coordinator.dongle.disturbance import Disturbance
from coordinator.dongle.faults import After, BadFault, Chance, Direction, Fault, Frame, Kind, Octet
from coordinator.entropy import SeededEntropy
from coordinator.runtime.virtual_time import VirtualTimeLoop

ONE, TWO, THREE = (
    HDLCLiteFrame(bytes.fromhex(text)).serialize() for text in ("81 06 21 0b", "82 06 02 41", "83 06 21 0c")
)
"""The dongle's answers about PHY_CHAN, NCP_VERSION and PHY_CHAN."""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("flip@3s", Fault(Kind.FLIP, After(3.0))),
        ("cut@frame:12", Fault(Kind.CUT, Frame(12))),
        ("cut=2.5@frame:12", Fault(Kind.CUT, Frame(12), value=2.5)),
        ("split", Fault(Kind.SPLIT, direction=Direction.BOTH)),
        ("slow=2", Fault(Kind.SLOW, value=2.0)),
        ("swallow=5/host@1.5s", Fault(Kind.SWALLOW, After(1.5), value=5.0)),
        ("drop=3/dongle@octet:200", Fault(Kind.DROP, Octet(200), Direction.DONGLE, 3)),
        ("double/both@2%", Fault(Kind.DOUBLE, Chance(2.0), Direction.BOTH)),
        ("reset@STREAM_RAW:2", Fault(Kind.RESET, Frame(2, 113))),
    ],
)
def test_a_fault_is_read_as_it_is_written(text: str, fault: Fault) -> None:
    assert faults.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "no such fault: ''"),
        ("explode", "no such fault: 'explode'"),
        ("slow", "slow needs seconds"),
        ("slow=fast", "expected seconds up to 86400, found 'fast'"),
        ("delay=-1", "found '-1'"),
        ("delay=nan", "found 'nan'"),
        ("split=2", "split takes no value"),
        ("flip=0", "expected a number from 1 on, found '0'"),
        ("flip/left", "'left' is none of host, dongle, both"),
        ("flip@", "'' is no time"),
        ("flip@soon", "'soon' is no time"),
        ("flip@frame:", "expected a number from 1 on, found ''"),
        ("flip@frame:²", "expected a number from 1 on, found '²'"),
        ("flip@NONE:1", "'NONE:1' is no time"),
        ("flip@psdu:xy", "octets in hexadecimal, not 'xy'"),
        ("flip@101%", "expected a percentage up to 100"),
    ],
)
def test_what_is_no_fault_is_refused_in_one_line(
    text: str, wrong: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadFault, match=re.escape(wrong)):
        faults.parse(text)
    assert invoke(["dongle", "spinel", "--listen", "tcp://127.0.0.1:0", "--fault", text]) == 2
    err = capfd.readouterr().err
    assert wrong in err
    assert err.count("\n") == 1


@given(st.text(max_size=30))
def test_any_text_is_a_fault_or_refused(text: str) -> None:
    try:
        found = faults.parse(text)
    except BadFault:
        return
    assert text.startswith(found.kind.value)


def on_a_line(
    *plan: str | Fault, say: list[bytes] | None = None, seconds: float = 60.0, seed: int = 1
) -> list[tuple[float, bytes]]:
    """What comes to the host, and when, of what the dongle says in one go every second."""
    arrived: list[tuple[float, bytes]] = []

    async def body() -> None:
        loop = asyncio.get_running_loop()
        parsed = [each if isinstance(each, Fault) else faults.parse(each) for each in plan]
        disturbance = Disturbance(parsed, SeededEntropy(seed))
        disturbance.opened()
        for octets in [ONE + TWO + THREE] if say is None else say:
            disturbance.to_host(octets, lambda each: arrived.append((loop.time(), each)))
            await asyncio.sleep(1)
        await asyncio.sleep(seconds)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(body())
    return arrived


def octets(arrived: list[tuple[float, bytes]]) -> list[bytes]:
    return [each for _, each in arrived]


def test_without_a_fault_every_frame_passes_at_once() -> None:
    assert on_a_line() == [(0.0, ONE), (0.0, TWO), (0.0, THREE)]


@pytest.mark.parametrize(
    ("plan", "left"),
    [
        ("drop@frame:2", [ONE, THREE]),
        ("drop@PHY_CHAN:2", [ONE, TWO]),
        ("double@NCP_VERSION:1", [ONE, TWO, TWO, THREE]),
        ("reorder@frame:1", [TWO, ONE, THREE]),
        ("reorder@frame:3", [ONE, TWO]),
        ("swallow@frame:2", [ONE]),
        ("drop/dongle@frame:1", [ONE, TWO, THREE]),
        ("drop@100%", []),
        ("drop=2@octet:2", [ONE[:1] + ONE[3:], TWO, THREE]),
        ("double=2@octet:2", [ONE[:3] + ONE[1:], TWO, THREE]),
    ],
)
def test_what_is_dropped_doubled_and_swapped(plan: str, left: list[bytes]) -> None:
    assert octets(on_a_line(plan)) == left


def test_one_bit_is_wrong_at_the_octet_that_was_named() -> None:
    first, *rest = octets(on_a_line("flip@octet:3"))
    assert rest == [TWO, THREE]
    wrong = [place for place, (was, came) in enumerate(zip(ONE, first, strict=True), 1) if was != came]
    assert wrong == [3]
    assert (ONE[2] ^ first[2]).bit_count() == 1


def test_the_same_seed_harms_the_same_octets() -> None:
    one, again, other = (octets(on_a_line("flip=5@50%", seed=seed)) for seed in (7, 7, 8))
    assert one == again != other


def test_split_brings_each_octet_alone_and_all_of_them() -> None:
    arrived = octets(on_a_line("split"))
    assert {len(each) for each in arrived} == {1}
    assert b"".join(arrived) == ONE + TWO + THREE


def test_a_late_frame_is_overtaken_and_slow_ones_are_not() -> None:
    assert on_a_line("delay=5@frame:1") == [(0.0, TWO), (0.0, THREE), (5.0, ONE)]
    assert on_a_line("slow=2") == [(2.0, ONE), (4.0, TWO), (6.0, THREE)]


def test_a_time_is_counted_from_the_opening_and_a_silence_ends() -> None:
    said = [ONE, TWO, THREE, ONE, TWO]
    assert octets(on_a_line("swallow=2@0.5s", say=said)) == [ONE, ONE, TWO]
    assert octets(on_a_line("drop@1.5s", say=said)) == [ONE, TWO, ONE, TWO]


def test_a_frame_that_comes_in_pieces_is_one_frame() -> None:
    stream = ONE + TWO + THREE
    pieces = [stream[place : place + 1] for place in range(len(stream))]
    assert octets(on_a_line("drop@frame:2", say=pieces)) == [ONE, THREE]


def test_what_is_no_frame_passes_all_the_same() -> None:
    babble = b"BL > " * 1000
    assert b"".join(octets(on_a_line(say=[babble])))[:4096] == babble[:4096]


def test_a_cut_and_a_reset_are_told_to_whoever_can_do_it() -> None:
    told: list[object] = []

    async def body() -> None:
        disturbance = Disturbance(
            [faults.parse("reset@frame:1"), faults.parse("cut=3@frame:2")], SeededEntropy(1)
        )
        disturbance.cut = told.append
        disturbance.reset = lambda: told.append("reset")
        disturbance.opened()
        passed: list[bytes] = []
        say: Callable[[bytes], None] = passed.append
        disturbance.to_host(ONE, say)
        await asyncio.sleep(0)
        disturbance.to_host(TWO + THREE, say)
        assert passed == [ONE]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(body())
    assert told == ["reset", 3.0]
