"""A first frame that was foretold, before it was on the air, and what tshark reads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker
from tests.end_to_end import wireshark
from tests.end_to_end.control.rack import Json, bench, run
from tests.end_to_end.control.test_boundary import begins
from tests.end_to_end.wireshark import Frame

pytestmark = [pytest.mark.real_time, pytest.mark.tshark]

BEACON, ACK = 0, 2
REQUEST = {"after": {"event": "request-key", "answer": "new"}}
SLOW = {"name": "reqkey.delay", "settings": {"seconds": 0.6}}
"""Its first frame is so late that the answer has to foretell it."""


def of_the_trust_center(air: list[Frame]) -> list[Frame]:
    """What it sent, each once, however often the radio had to try: the first is its frame 1."""
    eui64 = next(frame.text("wpan.src64") for frame in air if frame.text("wpan.assoc.status"))
    sent: list[Frame] = []
    for frame in air:
        ours = frame.number("wpan.src16") == 0 or frame.text("wpan.src64") == eui64
        kind, number = frame.number("wpan.frame_type"), frame.number("wpan.seq_no")
        again = sent and (sent[-1].number("wpan.frame_type"), sent[-1].number("wpan.seq_no")) == (
            kind,
            number,
        )
        if ours and kind != ACK and not again:
            sent.append(frame)
    return sent


def assert_as_foretold(sent: list[Frame], changed: Json) -> Frame:
    """The frame with the number that was foretold is the first of its generation, and the one before it the
    last of the old.
    """
    effective = changed["effective"]
    first, last = effective["first_frame_new"], effective["last_frame_old"]
    assert first["t_mono_ns"] is None  # it was not on the air when it was spoken of
    frame: Frame = sent[first["frame"] - 1]
    assert begins(sent, changed["generation"]) == frame
    if last is None:
        assert first["frame"] == 1
    else:
        assert last["frame"] == first["frame"] - 1
        assert sent[last["frame"] - 1].number("wpan.seq_no") == last["mac_sequence"]
    return frame


def test_the_frame_that_an_answer_foretells_is_the_first_of_its_generation_in_the_capture(
    own: Broker, tmp_path: Path
) -> None:
    capture = tmp_path / "film.pcapng"

    async def scenario() -> list[Json]:
        options = ("--capture", str(capture), "--permit-join", "180", "--observe", "2.5")
        frames = {"LEGACY_TC__MQTT__FRAMES": "true"}
        async with bench(tmp_path, own, *options, environment=frames) as (_served, tc):
            told = [await tc.done("profile/set", profile="pre-zb3", when="now")]
            asking = await tc.begin("behaviour/add", **SLOW, when=REQUEST)
            await tc.done("joiner/power", joiner="zboss-r22")
            told.append((await tc.answer("behaviour/add", asking))["data"])
            await tc.until("verdict")
            told.append(await tc.done("profile/set", profile="zb3", when="now"))
            since = tc.last
            await tc.done("joiner/power", joiner="telink")
            await tc.until("frame", since, sent=True)
            return told

    before, amidst, after = run(scenario())
    sent = of_the_trust_center(wireshark.on_air(wireshark.read(capture)))
    assert assert_as_foretold(sent, before).number("wpan.frame_type") == BEACON
    assert_as_foretold(sent, amidst)  # the delayed key, or what came between
    assert assert_as_foretold(sent, after).number("wpan.frame_type") == BEACON
