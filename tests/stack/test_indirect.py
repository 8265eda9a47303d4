"""Indirect transmission: frames held for a poll (protocol.md 1.1; IEEE 802.15.4-2006, 7.5.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordinator import trace
from coordinator.codec import mac, zdp
from coordinator.primitives import apsde, mlme
from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.indirect import CAPACITY
from coordinator.stack.node import Transmit, TransmitStatus
from coordinator.stack.policy import StackPolicy
from coordinator.types import SECOND, Eui64, NwkAddress
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, SLEEPY, Peer

PERSISTENCE = 7_680_000


def send(desk: Desk, address: NwkAddress, *, acknowledge: bool = False, asdu: bytes = b"held") -> None:
    desk.request(
        apsde.DataRequest(
            destination=address,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=asdu,
            acknowledge=acknowledge,
        )
    )


def with_sleeper(**settings: object) -> tuple[Desk, Peer]:
    desk = formed(**settings)
    return desk, member(desk, capability=SLEEPY)


@dataclass(frozen=True, slots=True)
class OlderThanItIs(Behaviour):
    """Says that it is of revision 20."""

    def amend(self, policy: PolicyPart) -> PolicyPart:
        return replace(policy, stack_revision=20) if isinstance(policy, StackPolicy) else policy


class TestHolding:
    def test_a_frame_for_a_sleeping_child_waits_for_its_poll(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.run(SECOND)
        assert desk.sent == []
        desk.hear(peer.poll())
        (frame,) = desk.apdus()
        assert frame.payload == b"held"
        assert desk.concluded == [(True, "")]

    def test_the_radio_is_told_for_whom_something_is_held_and_when_no_longer(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        assert desk.pending.short == {peer.address}
        desk.hear(peer.poll())
        assert desk.pending.short == frozenset()
        assert desk.pending.extended == frozenset()

    def test_an_association_response_is_held_for_the_eui64(self) -> None:
        desk = formed()
        desk.hear(Peer().association_request())
        assert desk.pending.short == frozenset()
        assert desk.pending.extended == {DEVICE}

    def test_a_child_with_an_address_may_poll_by_its_eui64(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        assert desk.pending.extended == {DEVICE}
        desk.hear(peer.poll_as_device())
        assert [frame.payload for frame in desk.apdus()] == [b"held"]
        (poll,) = desk.indicated(mlme.PollIndication)
        assert (poll.source, poll.device) == (DEVICE, DEVICE)

    def test_frame_pending_says_that_more_is_held(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address, asdu=b"one")
        send(desk, peer.address, asdu=b"two")
        desk.hear(peer.poll())
        desk.hear(peer.poll())
        assert [frame.frame_pending for frame in desk.frames] == [True, False]
        assert [frame.payload for frame in desk.apdus()] == [b"one", b"two"]

    def test_a_frame_held_beyond_its_time_is_dropped_and_concluded(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.run(PERSISTENCE - 1)
        assert desk.pending.short == {peer.address}
        desk.run(1)
        assert desk.pending.short == frozenset()
        assert desk.concluded == [(False, "not fetched in time")]
        desk.forget()
        desk.hear(peer.poll())
        assert desk.sent == []

    def test_too_many_held_frames_are_refused(self) -> None:
        desk, peer = with_sleeper()
        for _ in range(CAPACITY + 10):
            send(desk, peer.address)
        assert len(desk.host.mac.indirect) == CAPACITY
        assert desk.concluded == [(False, "transaction overflow")] * 10

    def test_the_deviations_of_a_held_frame_label_it_when_it_leaves(self) -> None:
        desk, peer = with_sleeper(behaviours=(OlderThanItIs(),))
        desk.hear(peer.zdp(zdp.NodeDescriptorRequest(address=NwkAddress(0))))
        assert desk.sent == []
        desk.run(SECOND)
        desk.hear(peer.poll())
        (deviated,) = desk.noted(trace.Deviated)
        (requested,) = desk.noted(trace.Requested)
        (sent,) = desk.noted(trace.Sent)
        assert sent.deviations == requested.deviations == (deviated,)
        assert sent.request_id == requested.request_id


class TestPolling:
    def test_a_poll_gets_one_attempt(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.hear(peer.poll())
        assert [transmit.retries for transmit in desk.asked(Transmit)] == [0]

    def test_a_second_poll_while_the_frame_is_at_the_radio_changes_nothing(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.acknowledges = False
        desk.hear(peer.poll())
        desk.hear(peer.poll())
        desk.hear(peer.poll())
        assert len(desk.sent) == 1
        desk.confirm()
        assert len(desk.sent) == 1

    def test_what_was_not_acknowledged_goes_again_at_the_next_poll_with_the_same_octets(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.acknowledges = False
        desk.hear(peer.poll())
        desk.confirm(TransmitStatus.NO_ACK)
        assert desk.pending.short == {peer.address}
        desk.hear(peer.poll())
        desk.confirm()
        first, second = desk.sent
        assert first == second
        assert desk.concluded == [(True, "")]

    def test_a_repetition_may_say_that_more_is_held_meanwhile(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.acknowledges = False
        desk.hear(peer.poll())
        desk.confirm(TransmitStatus.NO_ACK)
        send(desk, peer.address)
        desk.hear(peer.poll())
        first, second = desk.sent
        assert first[0] | mac.FRAME_PENDING == second[0]
        assert first[1:] == second[1:]

    def test_a_frame_acknowledged_after_its_time_was_delivered_all_the_same(self) -> None:
        desk, peer = with_sleeper()
        desk.acknowledges = False
        send(desk, peer.address)
        desk.hear(peer.poll())
        desk.run(PERSISTENCE + SECOND)
        assert desk.concluded == []
        desk.confirm()
        assert desk.concluded == [(True, "")]
        assert desk.pending.short == frozenset()

    def test_a_frame_that_was_at_the_radio_when_its_time_was_up_is_not_kept(self) -> None:
        desk, peer = with_sleeper()
        desk.acknowledges = False
        send(desk, peer.address)
        desk.hear(peer.poll())
        desk.run(PERSISTENCE + SECOND)
        desk.confirm(TransmitStatus.NO_ACK)
        assert desk.concluded == [(False, "not fetched in time")]
        assert desk.pending.short == frozenset()

    def test_an_answer_to_a_poll_goes_before_what_waits(self) -> None:
        desk, peer = with_sleeper()
        awake = member(desk, Eui64(1))
        desk.acknowledges = False
        for asdu in (b"at the radio", b"waiting"):
            send(desk, awake.address, asdu=asdu)
        send(desk, peer.address)
        desk.hear(peer.poll())
        desk.confirm()
        desk.confirm()
        desk.confirm()
        assert [frame.payload for frame in desk.apdus()] == [b"at the radio", b"held", b"waiting"]

    def test_a_poll_for_nothing_is_answered_with_nothing(self) -> None:
        desk, peer = with_sleeper()
        desk.hear(peer.poll(), promised=False)
        assert (desk.sent, desk.indicated(mlme.PollIndication)) == ([], [])

    def test_a_child_that_was_promised_a_frame_which_is_gone_gets_an_empty_one(self) -> None:
        desk, peer = with_sleeper()
        desk.hear(peer.poll(), promised=True)
        (frame,) = desk.frames
        assert (frame.type, frame.destination, frame.payload) == (mac.FrameType.DATA, peer.address, b"")

    def test_a_device_that_associates_anew_does_not_get_what_was_held_before(self) -> None:
        desk, peer = with_sleeper()
        send(desk, peer.address)
        desk.hear(peer.association_request())
        desk.hear(peer.poll_as_device())
        desk.forget()
        desk.hear(peer.poll())
        assert desk.sent == []
