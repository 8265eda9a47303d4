"""Frame faults on one node: what is armed, what it refuses, and that nothing else is touched."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.primitives import apsde
from coordinator.stack.frame_fault import FRAMES, Action, Drop, Flip, FrameFault, Match, Repeat, Truncate
from coordinator.types import SECOND, Eui64
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, SLEEPY

BEACON_REQUEST = bytes.fromhex("030864ffffffff07")


def fault(action: Action, *, count: int | None = 1, skip: int = 0, frame: str = "beacon") -> FrameFault:
    return FrameFault(id="one", match=Match(frame=frame), action=action, count=count, skip=skip)


def armed(*faults: FrameFault) -> Desk:
    desk = formed()
    for each in faults:
        desk.host.faults.arm(each)
    return desk


def test_the_first_frames_pass_and_the_next_ones_are_hit() -> None:
    desk = armed(fault(Flip(octet=2, mask=0xFF), skip=2, count=2))
    for _ in range(6):
        desk.hear(BEACON_REQUEST)
    sequences = [psdu[2] for psdu in desk.sent]
    first = sequences[0]
    flipped = [sequence ^ 0xFF if index in (2, 3) else sequence for index, sequence in enumerate(sequences)]
    assert flipped == [(first + index) & 0xFF for index in range(6)]
    assert [bool(sent.deviations) for sent in desk.noted(trace.Sent)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert [(spent.fault, spent.used) for spent in desk.noted(trace.FaultSpent)] == [("one", 2)]


def test_what_stands_tells_what_is_left_and_what_was_used() -> None:
    desk = armed(fault(Drop(), count=3))
    desk.hear(BEACON_REQUEST)
    ((_, left, used),) = desk.host.faults.standing()
    assert (left, used) == (2, 1)
    desk.hear(BEACON_REQUEST)
    desk.hear(BEACON_REQUEST)
    assert desk.host.faults.standing() == ()
    assert desk.host.faults.armed is False
    assert desk.sent == []


def test_a_deviation_says_what_it_did_and_shows_no_octets() -> None:
    desk = armed(fault(Truncate(octets=10)))
    desk.hear(BEACON_REQUEST)
    (deviated,) = desk.noted(trace.Deviated)
    assert deviated.behaviour == "fault.one"
    assert deviated.cause.startswith("Beacon (open")
    assert (deviated.before, deviated.after) == ("26 octets", "10 octets")
    assert [len(psdu) for psdu in desk.sent] == [10]


def test_a_frame_too_short_for_the_action_passes_and_is_not_counted() -> None:
    desk = armed(fault(Flip(octet=100, mask=1)))
    desk.hear(BEACON_REQUEST)
    assert desk.noted(trace.Deviated) == []
    ((_, left, used),) = desk.host.faults.standing()
    assert (left, used) == (1, 0)


def test_several_faults_work_on_one_frame_in_the_order_they_were_armed() -> None:
    desk = formed()
    actions: tuple[Action, ...] = (Truncate(octets=20), Flip(octet=-1, mask=0x80), Repeat(times=1))
    for number, action in enumerate(actions):
        desk.host.faults.arm(FrameFault(id=f"f{number}", match=Match(frame="beacon"), action=action))
    desk.hear(BEACON_REQUEST)
    desk.run(0)
    assert [len(psdu) for psdu in desk.sent] == [20, 20]
    assert desk.sent[0] == desk.sent[1]
    labels = [[each.behaviour for each in sent.deviations] for sent in desk.noted(trace.Sent)]
    assert labels[0] == ["fault.f0", "fault.f1", "fault.f2"]
    assert labels[1] == labels[0]


def test_what_a_sleeper_was_to_fetch_is_gone_when_it_is_dropped() -> None:
    desk = armed(fault(Drop(), frame="aps-data"))
    peer = member(desk, capability=SLEEPY)
    desk.request(
        apsde.DataRequest(
            destination=peer.address,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=b"data",
            acknowledge=False,
        )
    )
    desk.hear(peer.poll())
    assert desk.sent == []
    assert desk.concluded == [(False, "withheld by fault.one")]
    assert desk.pending.short == frozenset()
    desk.run(10 * SECOND)
    assert desk.concluded == [(False, "withheld by fault.one")]


def test_a_fault_knows_a_device_by_the_frame_that_goes_to_it() -> None:
    desk = formed()
    stranger = Match(frame="aps-ack", device=Eui64(DEVICE + 1))
    desk.host.faults.arm(FrameFault(id="other", match=stranger, action=Drop(), count=None))
    desk.host.faults.arm(
        FrameFault(id="its", match=Match(frame="aps-ack", device=DEVICE), action=Drop(), count=None)
    )
    peer = member(desk)
    desk.hear(peer.data(ack=True))
    assert desk.sent == []
    assert [each.behaviour for each in desk.noted(trace.Deviated)] == ["fault.its"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (fault(Drop(), frame="becaon"), "frame: 'becaon' is none of any, beacon, "),
        (fault(Drop(), count=0), "count: at least 1, or none for all, not 0"),
        (fault(Drop(), skip=-1), "skip: at least 0, not -1"),
        (fault(Flip(octet=0, mask=0)), "mask: 0x01 to 0xff, or nothing is flipped, not 0x0"),
        (fault(Flip(octet=0, mask=256)), "mask: 0x01 to 0xff, or nothing is flipped, not 0x100"),
        (fault(Truncate(octets=2)), "octets: at least 3, or a negative number to cut off, not 2"),
        (fault(Repeat(times=0)), "times: 1 to 100, not 0"),
        (fault(Repeat(after=-1)), "after: 0 to "),
        (FrameFault(id="", match=Match(frame="any"), action=Drop()), "id: 1 to 64 letters, digits, "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(wrong: FrameFault, words: str) -> None:
    desk = formed()
    with pytest.raises(ValueError, match="^" + words.replace("(", r"\(")):
        desk.host.faults.arm(wrong)
    assert desk.host.faults.standing() == ()


def test_an_id_is_taken_once() -> None:
    desk = armed(fault(Drop()))
    with pytest.raises(ValueError, match="a fault 'one' is armed already"):
        desk.host.faults.arm(fault(Repeat()))


@pytest.mark.parametrize("frame", FRAMES)
def test_every_name_can_be_armed(frame: str) -> None:
    assert armed(fault(Drop(), frame=frame)).host.faults.armed
