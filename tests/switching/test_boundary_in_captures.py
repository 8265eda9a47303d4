"""Switches in the midst of an exchange, and tshark's word on which frame was the first of the new.

What is expected of each side of the boundary is what the profile does there (`stories`), read by tshark.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.composition import TRUST_CENTER_NAME, Setting
from coordinator.primitives import apsme
from coordinator.profiles.profile import Profile
from coordinator.recording import Files, Recording
from coordinator.switching.moment import AfterStep, Moment, StepName, When
from coordinator.types import SECOND, Channel, Eui64, ExtendedPanId, Key, PanId
from tests.end_to_end import stories, wireshark
from tests.end_to_end.front_door import (
    CHANNEL,
    EXTENDED_PAN_ID,
    NETWORK_KEY,
    PAN_ID,
    TRUST_CENTER,
    WELL_KNOWN_KEY,
)
from tests.end_to_end.wireshark import Cast, Frame, command, on_air, read, tell
from tests.switching.bench import Ask, Bench
from tests.switching.states import SLOW_KEY, asked_for

pytestmark = pytest.mark.tshark

TRANSPORT_KEY, REQUEST_KEY, CONFIRM_KEY = 0x05, 0x08, 0x10
EPOCH = 1_767_225_600 * SECOND
BEGINS = "generation 2: a change"
STRAGGLES = f"decided in generation 1, before {BEGINS}"


class Filmed:
    """A run whose every identifier is given, and tshark's reading of its capture."""

    def __init__(self, folder: Path, profile: str | Profile, *joiners: str) -> None:
        setting = Setting(
            channel=Channel(CHANNEL),
            pan_id=PanId(PAN_ID),
            extended_pan_id=ExtendedPanId(Eui64(int(EXTENDED_PAN_ID.replace(":", ""), 16))),
            network_key=Key(bytes.fromhex(NETWORK_KEY)),
            trust_center=Eui64(int(TRUST_CENTER.replace(":", ""), 16)),
        )
        self.bench = Bench(profile, *joiners, setting=setting)
        self._path = folder / "run.pcapng"

    def run(self) -> None:
        """Run it all, and read it."""
        simulation = self.bench.simulation
        files = Files(capture=self._path, utc_at_zero=EPOCH, radio="sim")
        with Recording(files, TRUST_CENTER_NAME, simulation.witness.miss) as recording:
            simulation.watch(recording.note)
            simulation.medium.observe(recording.hear)
            result = simulation.run(before_close=recording.flush)
        self.frames = read(self._path)
        self.air = on_air(self.frames)
        self.cast = Cast(
            trust_center=TRUST_CENTER,
            joiner=str(result.verdict.device),
            keys={NETWORK_KEY: "network", WELL_KNOWN_KEY: "global"},
        )
        faults = (*wireshark.MALFORMED, *wireshark.UNDECRYPTED)
        assert not [frame for frame in self.frames if any(fault in frame for fault in faults)]

    def ours(self) -> list[Frame]:
        """The Trust Center's frames; who acknowledges says nothing of who it is."""
        return [
            frame
            for frame in self.air
            if frame.text("wpan.src64") == TRUST_CENTER or frame.number("wpan.src16") == 0
        ]

    def assert_boundary(self, ask: Ask) -> Frame:
        """One frame of the Trust Center begins the generation: the one that the effect names. Those before
        say nothing, or that they were decided before; those after begin nothing.
        """
        ours = self.ours()
        begins = [index for index, frame in enumerate(ours) if BEGINS in frame.texts("frame.comment")]
        (first,) = begins
        new = ask.effect.first_new
        assert new is not None
        assert ours[first].number("wpan.seq_no") == new.mac_sequence
        # A frame that the radio repeats is one frame to the Trust Center.
        assert new.number == len({frame.number("wpan.seq_no") for frame in ours[: first + 1]})
        old = ask.effect.last_old
        assert old is not None
        assert ours[old.number - 1].number("wpan.seq_no") == old.mac_sequence
        for index, frame in enumerate(ours):
            if STRAGGLES in frame.texts("frame.comment"):
                assert index >= old.number
        return ours[first]

    def stragglers(self) -> list[Frame]:
        """The frames that were decided before the switch, and say so."""
        return [frame for frame in self.ours() if STRAGGLES in frame.texts("frame.comment")]

    def told(self) -> list[str]:
        """The steps in words."""
        return tell(self.frames, self.cast)


def filmed(folder: Path, before: str, after: str, moment: Moment, *joiners: str) -> tuple[Filmed, Ask]:
    """A run that is switched from a profile to another at this moment, asked for before the first joiner."""
    run = Filmed(folder, before, *joiners)
    asks: list[Ask] = []
    run.bench.at(SECOND // 4, lambda: asks.append(run.bench.ask(after, moment)))
    run.run()
    return run, asks[0]


def key_of(frame: Frame) -> str:
    """The key that a Transport-Key carries."""
    return frame.text("zbee_aps.cmd.key").replace(":", "")


def test_after_the_association_everything_is_as_the_new_profile_does_it(tmp_path: Path) -> None:
    moment = AfterStep(step=StepName.ASSOCIATION_RESPONSE)
    run, ask = filmed(tmp_path, "zb3", "pre-zb3", moment, "zboss-r22")
    assert run.told() == list(stories.STORIES["pre-zb3", "zboss-r22"])
    first = run.assert_boundary(ask)
    assert first.number("zbee_aps.cmd.key_type") == 1
    assert not run.stragglers()


def test_a_switch_before_the_answer_to_request_key_hands_out_the_key_that_everyone_has(
    tmp_path: Path,
) -> None:
    moment = AfterStep(step=StepName.REQUEST_KEY, answered=False)
    run, ask = filmed(tmp_path, "zb3", "pre-zb3", moment, "zboss-r22")
    (transported,) = command(run.air, TRANSPORT_KEY, key_type=4)
    assert key_of(transported) == WELL_KNOWN_KEY
    assert run.assert_boundary(ask) == transported
    assert transported.deviations == ("tclk.reuse_global",)
    told = run.told()
    assert told[: len(stories.AUTHENTICATED)] == list(stories.AUTHENTICATED)
    assert told[-1:] == list(stories.LEAVES)


def test_a_switch_after_the_answer_to_request_key_leaves_that_key_fresh_and_the_next_one_not(
    tmp_path: Path,
) -> None:
    moment = AfterStep(step=StepName.REQUEST_KEY)
    run, ask = filmed(tmp_path, "zb3", "pre-zb3", moment, "zboss-r22", "zboss-r22")
    first, second = command(run.air, TRANSPORT_KEY, key_type=4)
    assert key_of(first) not in (WELL_KNOWN_KEY, NETWORK_KEY)
    assert not first.deviations
    assert key_of(second) == WELL_KNOWN_KEY
    assert second.deviations == ("tclk.reuse_global",)
    begins = run.assert_boundary(ask)
    order = [run.air.index(frame) for frame in (first, begins, second)]
    assert order == sorted(order)
    assert begins != first


def test_a_key_that_was_refused_twice_is_given_when_the_second_request_brings_the_switch(
    tmp_path: Path,
) -> None:
    moment = AfterStep(step=StepName.REQUEST_KEY, count=2, answered=False)
    run, ask = filmed(tmp_path, "silent-request-key", "zb3", moment, "zboss-r22")
    asked = command(run.air, REQUEST_KEY)
    assert len(asked) == 2
    assert [frame.deviations for frame in asked] == [("reqkey.ignore",), ()]
    (transported,) = command(run.air, TRANSPORT_KEY, key_type=4)
    assert key_of(transported) not in (WELL_KNOWN_KEY, NETWORK_KEY)
    assert run.assert_boundary(ask) == transported
    (confirmed,) = command(run.air, CONFIRM_KEY)
    assert confirmed.number("zbee_aps.cmd.status") == 0


def test_a_switch_before_association_makes_the_whole_join_compliant(tmp_path: Path) -> None:
    moment = AfterStep(step=StepName.ASSOCIATION_REQUEST, answered=False)
    run, ask = filmed(tmp_path, "pre-zb3", "zb3", moment, "zboss-r22")
    assert run.told() == list(stories.STORIES["zb3", "zboss-r22"])
    assert run.assert_boundary(ask).number("wpan.cmd") == 0x02
    assert not run.stragglers()


def test_a_switch_between_verify_key_and_confirm_key_confirms_what_would_have_been_refused(
    tmp_path: Path,
) -> None:
    moment = AfterStep(step=StepName.VERIFY_KEY, answered=False)
    run, ask = filmed(tmp_path, "negative-confirm", "zb3", moment, "zboss-r22")
    (confirmed,) = command(run.air, CONFIRM_KEY)
    assert confirmed.number("zbee_aps.cmd.status") == 0
    assert not confirmed.deviations
    assert run.assert_boundary(ask) == confirmed
    assert run.told() == list(stories.STORIES["zb3", "zboss-r22"])


def test_a_key_that_waits_for_a_sleeper_says_that_it_was_decided_before_the_switch(tmp_path: Path) -> None:
    run = Filmed(tmp_path, "zb3", "sleepy-zb3")
    asks: list[Ask] = []
    run.bench.once(asked_for(apsme.TransportKeyRequest, 4), lambda: asks.append(run.bench.ask("pre-zb3")))
    run.run()
    (transported,) = command(run.air, TRANSPORT_KEY, key_type=4)
    assert key_of(transported) not in (WELL_KNOWN_KEY, NETWORK_KEY)
    assert transported in run.stragglers()
    assert asks[0].effect.outstanding >= 1
    begins = run.assert_boundary(asks[0])
    assert run.air.index(transported) < run.air.index(begins)


def test_a_key_that_is_delayed_is_still_that_of_the_old_long_after_the_switch(tmp_path: Path) -> None:
    run = Filmed(tmp_path, SLOW_KEY, "zboss-r22")
    asks: list[Ask] = []
    run.bench.once(
        lambda record: getattr(record, "behaviour", "") == "reqkey.delay",
        lambda: asks.append(run.bench.ask("pre-zb3")),
    )
    run.run()
    transported = command(run.air, TRANSPORT_KEY, key_type=4)[0]
    assert key_of(transported) not in (WELL_KNOWN_KEY, NETWORK_KEY)
    assert transported in run.stragglers()
    assert transported.deviations == ("reqkey.delay",)
    assert asks[0].effect.outstanding == 1
    # The new profile wants to know the joiner's revision, and asks at once: two seconds before that key.
    begins = run.assert_boundary(asks[0])
    assert begins.number("zbee_aps.zdp_cluster") == 0x0002
    assert run.air.index(begins) < run.air.index(transported)


def test_what_is_switched_now_begins_with_the_next_frame_when_nothing_is_outstanding(tmp_path: Path) -> None:
    run = Filmed(tmp_path, "zb3", "zboss-r22")
    asks: list[Ask] = []
    run.bench.at(2 * SECOND, lambda: asks.append(run.bench.ask("zigbee-2007", When.NOW)))
    run.run()
    effect = asks[0].effect
    assert effect.outstanding == 0
    assert effect.first_new is not None
    assert effect.first_new.number == effect.next_number
    run.assert_boundary(asks[0])
