"""Numbered datagrams: none twice, none out of order, none lost in silence."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec.cursor import EncodeError
from coordinator.radio.air import datagrams
from coordinator.radio.air.conversation import EARLY, PATIENCE, SILENCE, Conversation
from coordinator.radio.air.datagrams import Datagram
from coordinator.radio.air.messages import Counted, Scanned
from coordinator.types import Instant

START = Instant(1_000)


def said(count: int) -> list[Datagram]:
    """What one side said: a peak of -1, -2, -3 ... dBm, which tells them apart."""
    speaker = Conversation(1, START, "its host")
    return [datagrams.decode(speaker.say(Scanned(-1 - number % 128))) for number in range(count)]


def levels(messages: list[Counted]) -> list[int]:
    return [message.peak for message in messages if isinstance(message, Scanned)]


@given(st.integers(1, EARLY), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_come_out_as_they_were_said(count: int, chance: random.Random) -> None:
    sent = said(count)
    arriving = sent + chance.choices(sent, k=count)
    chance.shuffle(arriving)
    listener = Conversation(1, START, "its host")
    heard: list[int] = []
    for datagram in arriving:
        heard += levels(listener.hear(datagram, START))
    assert heard == [-1 - number for number in range(count)]
    assert listener.duplicates == count
    assert listener.fault(Instant(START + SILENCE)) is None


@given(st.integers(2, 60), st.data())
def test_a_datagram_that_never_comes_is_a_fault_and_what_follows_is_not_acted_on(
    count: int, data: st.DataObject
) -> None:
    sent = said(count)
    lost = data.draw(st.integers(0, count - 2))
    listener = Conversation(1, START, "its host")
    heard: list[int] = []
    for datagram in sent[:lost] + sent[lost + 1 :]:
        heard += levels(listener.hear(datagram, START))
    assert heard == [-1 - number for number in range(lost)]
    assert listener.fault(Instant(START + PATIENCE)) is None
    fault = listener.fault(Instant(START + PATIENCE + 1))
    assert fault is not None
    assert f"datagram {lost + 1} " in fault


def test_a_flood_after_a_lost_datagram_is_bounded_and_a_fault_at_once() -> None:
    listener = Conversation(1, START, "its host")
    for datagram in said(10 * EARLY)[1:]:
        assert listener.hear(datagram, START) == []
    assert listener.fault(START) is not None


def test_the_patience_begins_anew_with_each_missing_datagram() -> None:
    first, second, third, fourth = said(4)
    listener = Conversation(1, START, "its host")
    assert listener.hear(second, START) == []
    later = Instant(START + PATIENCE)
    assert levels(listener.hear(first, later)) == [-1, -2]
    assert listener.hear(fourth, Instant(later + 1)) == []
    assert listener.fault(Instant(later + PATIENCE)) is None
    assert levels(listener.hear(third, Instant(later + PATIENCE))) == [-3, -4]
    assert listener.fault(Instant(later + 3 * PATIENCE)) is None


def test_silence_is_a_fault() -> None:
    listener = Conversation(1, START, "its host")
    assert listener.fault(Instant(START + SILENCE)) is None
    assert listener.fault(Instant(START + SILENCE + 1)) == "its host was silent for 5 s"


def test_what_cannot_be_said_uses_up_no_number() -> None:
    speaker = Conversation(1, START, "its host")
    for message in (Scanned(1_000), Scanned(-1)):
        try:
            octets = speaker.say(message)
        except EncodeError:
            continue
        assert datagrams.decode(octets).sequence == 1
