"""Switches in the midst of an exchange, asked for over a broker, and tshark's word on the first frame."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.control.mqtt.broker import Broker
from tests.end_to_end import wireshark
from tests.end_to_end.control.rack import Client, Json, bench, run
from tests.end_to_end.wireshark import Frame, command

pytestmark = [pytest.mark.real_time, pytest.mark.tshark]

WELL_KNOWN_KEY = b"ZigBeeAlliance09".hex()
TRANSPORT_KEY, REQUEST_KEY, CONFIRM_KEY = 0x05, 0x08, 0x10
SECOND_REQUEST = {"after": {"event": "request-key", "count": 2, "answer": "new"}}
"""What the Trust Center says to the second Request-Key is of the new behaviour."""
REQUEST = {"after": {"event": "request-key", "answer": "new"}}


async def filmed(
    tc: Client, folder: Path, name: str, verb: str, *, observe: float = 4.0, **change: Any
) -> tuple[Json, list[Frame], Json]:
    """The answer to a change that was asked for before a join, the Trust Center's and the joiner's frames in
    the capture of it, and the verdict.
    """
    await tc.done("run/start", run=name, permit_join=60.0, observe=observe, capture=name)
    changing = await tc.begin(verb, **change)
    since = tc.last
    await tc.done("joiner/power", joiner="zboss-r22")
    answer = await tc.answer(verb, changing)
    assert answer["status"] == "ok", answer
    await tc.until("verdict", since)
    verdict = await tc.done("verdict/get", run=name)
    await tc.done("run/stop")
    read = await asyncio.to_thread(wireshark.read, folder / "evidence" / f"{name}.pcapng")
    assert not [frame for frame in read if any(bad in frame for bad in wireshark.MALFORMED)]
    assert not [frame for frame in read if any(bad in frame for bad in wireshark.UNDECRYPTED)]
    return answer["data"], wireshark.on_air(read), verdict


def begins(frames: list[Frame], generation: int) -> Frame:
    """The one frame whose comment says that this generation begins."""
    begin = f"generation {generation}: "
    found = [
        frame for frame in frames if any(text.startswith(begin) for text in frame.texts("frame.comment"))
    ]
    assert len(found) == 1, [frame.texts("frame.comment") for frame in frames]
    return found[0]


def key_of(frame: Frame) -> str:
    """The key that a Transport-Key carries."""
    return frame.text("zbee_aps.cmd.key").replace(":", "")


def assert_boundary(frames: list[Frame], changed: Json) -> Frame:
    """The frame that the answer names is the one whose comment begins the generation."""
    first = changed["effective"]["first_frame_new"]
    frame = begins(frames, changed["generation"])
    assert frame.number("wpan.seq_no") == first["mac_sequence"]
    last = changed["effective"]["last_frame_old"]["mac_sequence"]
    before = frames[: frames.index(frame)]
    assert last in [each.number("wpan.seq_no") for each in before]
    return frame


def test_the_request_that_brings_the_switch_is_answered_as_the_new_profile_does(
    own: Broker, tmp_path: Path
) -> None:
    async def switched(before: str, after: str) -> tuple[Frame, Json]:
        """The Transport-Key that begins the new generation, and the verdict."""
        async with bench(tmp_path, own, "--profile", before, id=before) as (_served, tc):
            changed, frames, verdict = await filmed(
                tc,
                tmp_path,
                f"to-{after}",
                "profile/set",
                profile=after,
                when=REQUEST,
                first_frame_within=5.0,
            )
            (transported,) = command(frames, TRANSPORT_KEY, key_type=4)
            assert assert_boundary(frames, changed) == transported
            return transported, verdict

    async def scenario() -> None:
        reused, fresh = await asyncio.gather(switched("zb3", "pre-zb3"), switched("pre-zb3", "zb3"))
        transported, verdict = reused
        assert key_of(transported) == WELL_KNOWN_KEY
        assert transported.deviations == ("tclk.reuse_global",)
        assert (verdict["outcome"], verdict["verdict"]) == ("left-by-joiner", "fail")
        transported, verdict = fresh
        assert len(key_of(transported)) == 32
        assert key_of(transported) != WELL_KNOWN_KEY
        assert transported.deviations == ()
        assert (verdict["outcome"], verdict["verdict"]) == ("joined-secure", "pass")

    run(scenario())


def test_a_script_answers_the_second_request_after_the_first_was_ignored(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, own, "--profile", "silent-request-key") as (_served, tc):
            steps = [{"when": SECOND_REQUEST, "profile": "zb3"}]
            done, frames, verdict = await filmed(
                tc, tmp_path, "scripted", "script/run", observe=9.0, script="twice", steps=steps
            )
            asked = command(frames, REQUEST_KEY)
            assert [frame.deviations for frame in asked] == [("reqkey.ignore",), ()]
            (transported,) = command(frames, TRANSPORT_KEY, key_type=4)
            assert key_of(transported) != WELL_KNOWN_KEY
            (changed,) = done["steps"]
            frame = begins(frames, changed["generation"])
            assert frame == transported
            assert frames.index(asked[-1]) < frames.index(frame)
            (confirmed,) = command(frames, CONFIRM_KEY)
            assert confirmed.number("zbee_aps.cmd.status") == 0
            assert verdict["outcome"] == "joined-secure"

    run(scenario())
