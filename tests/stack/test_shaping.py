"""The two lower altitudes of a behaviour leave their record, and never show a key (architecture.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordinator import trace
from coordinator.codec import aps
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsde, apsme
from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.policy import StackPolicy
from coordinator.types import Key
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE

SECRET = Key(b"sixteen octets !")
BEACON_REQUEST = bytes.fromhex("030864ffffffff07")


@dataclass(frozen=True, slots=True)
class NoAck(Behaviour):
    """Never asks for an APS acknowledgement."""

    clause = "05-3474, 2.2.8.4"

    def shape(self, frame: aps.Frame) -> aps.Frame:
        return frame._replace(frame_control=frame.frame_control & ~aps.ACK_REQUEST)


@dataclass(frozen=True, slots=True)
class Longer(Behaviour):
    """Adds an octet to every APS command."""

    def shape(self, frame: aps.Frame) -> aps.Frame:
        return (
            frame._replace(payload=frame.payload + b"\x00") if frame.type is aps.FrameType.COMMAND else frame
        )


@dataclass(frozen=True, slots=True)
class BeaconWithoutCapacity(Behaviour):
    """Clears the capacity bits of a beacon."""

    def mangle(self, psdu: bytes) -> bytes:
        return psdu[:12] + b"\x22\x00" + psdu[14:] if psdu[0] & 7 == 0 else psdu


@dataclass(frozen=True, slots=True)
class TooLong(Behaviour):
    """Makes every frame longer than a frame can be."""

    def mangle(self, psdu: bytes) -> bytes:
        return psdu + bytes(120)


@dataclass(frozen=True, slots=True)
class Nonsense(Behaviour):
    """Leaves fields that no octets can hold."""

    def shape(self, frame: aps.Frame) -> aps.Frame:
        return frame._replace(counter=4711)


@dataclass(frozen=True, slots=True)
class Hasty(Behaviour):
    """Holds frames for a second only."""

    def amend(self, policy: PolicyPart) -> PolicyPart:
        if isinstance(policy, StackPolicy):
            return replace(policy, transaction_persistence=1_000_000)
        return policy


def transport_key(desk: Desk) -> None:
    peer = member(desk)
    desk.request(
        apsme.TransportKeyRequest(
            device=DEVICE,
            address=peer.address,
            key_type=4,
            key=SECRET,
            protection=KeyIdentifier.KEY_LOAD,
            nwk_secured=True,
        )
    )


def data(desk: Desk) -> None:
    peer = member(desk)
    desk.request(
        apsde.DataRequest(
            destination=peer.address,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=b"data",
        )
    )


def test_a_shaped_frame_is_recorded_and_labelled() -> None:
    desk = formed(behaviours=(NoAck(),))
    data(desk)
    (deviated,) = desk.noted(trace.Deviated)
    assert (deviated.cause, deviated.before, deviated.after) == (
        "APS data frame",
        "frame control 0x40",
        "frame control 0x00",
    )
    assert deviated.clause == "05-3474, 2.2.8.4"
    assert desk.noted(trace.Sent)[0].deviations == (deviated,)
    assert desk.apdus()[0].ack_request is False


def test_what_is_not_asked_for_any_more_is_not_waited_for() -> None:
    desk = formed(behaviours=(NoAck(),))
    data(desk)
    desk.run(60_000_000)
    assert len(desk.apdus()) == 1


def test_a_shaped_key_is_not_shown() -> None:
    desk = formed(behaviours=(Longer(),))
    transport_key(desk)
    (deviated,) = desk.noted(trace.Deviated)
    assert (deviated.before, deviated.after) == ("payload 34 octets", "payload 35 octets")


def test_mangled_octets_are_recorded_by_position() -> None:
    desk = formed(behaviours=(BeaconWithoutCapacity(),))
    desk.hear(BEACON_REQUEST)
    (deviated,) = desk.noted(trace.Deviated)
    assert (deviated.cause, deviated.before, deviated.after) == (
        "PSDU",
        "26 octets",
        "26 octets, changed at 13",
    )
    assert desk.noted(trace.Sent)[0].deviations == (deviated,)


def test_a_behaviour_that_changes_nothing_leaves_no_record() -> None:
    desk = formed(behaviours=(BeaconWithoutCapacity(), NoAck()))
    peer = member(desk)
    desk.hear(peer.data())
    assert desk.noted(trace.Deviated) == []
    assert desk.noted(trace.Sent)[0].deviations == ()


def test_octets_that_do_not_fit_a_frame_are_not_sent() -> None:
    desk = formed()
    desk.host.switch((TooLong(),))
    desk.hear(BEACON_REQUEST)
    assert desk.sent == []
    assert desk.dropped == ["mac: not sent: 146 octets are more than a frame has room for (125)"]


def test_a_shape_that_has_no_octets_is_concluded_undelivered() -> None:
    desk = formed()
    desk.host.switch((Nonsense(),))
    peer = member(desk)
    desk.request(apsme.VerifyKeyRequest(address=peer.address, key_type=4, hash=bytes(16)))
    ((delivered, reason),) = desk.concluded
    assert delivered is False
    assert reason.startswith("aps: ")
    assert desk.sent == []


def test_behaviours_switch_while_the_node_runs() -> None:
    desk = formed()
    desk.host.switch((BeaconWithoutCapacity(),))
    desk.hear(BEACON_REQUEST)
    desk.host.switch(())
    desk.hear(BEACON_REQUEST)
    assert [psdu[12:14].hex() for psdu in desk.sent] == ["2200", "2284"]


def test_an_amended_persistence_counts() -> None:
    desk = formed(behaviours=(Hasty(),))
    peer = member(desk, capability=0x80)
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
    desk.run(1_000_000)
    assert desk.concluded == [(False, "not fetched in time")]
