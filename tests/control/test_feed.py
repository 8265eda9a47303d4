"""A reader's queue: what is lost is said in its place, whatever is put back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.control.feed import Event, Feed, Reader
from coordinator.types import Instant


def covered(event: Event) -> range:
    """The numbers that an event stands for."""
    if event.kind != "dropped":
        return range(event.seq, event.seq + 1)
    first, last, count = (event.body[name] for name in ("first_seq", "last_seq", "count"))
    assert isinstance(first, int)
    assert isinstance(last, int)
    assert count == last - first + 1
    assert event.seq == last
    return range(first, last + 1)


def drained(reader: Reader) -> list[int]:
    found: list[int] = []
    while (event := reader.take()) is not None:
        found += covered(event)
    return found


def test_what_was_in_flight_comes_before_the_gap_that_opened_meanwhile() -> None:
    feed = Feed(lambda: Instant(0), 0)
    reader = feed.read(3)
    for _ in range(3):
        feed.publish("left", {})
    flight = [reader.take(), reader.take()]
    for _ in range(6):
        feed.publish("left", {})
    for event in reversed(flight):
        assert event is not None
        reader.put_back(event)
    assert [event.kind for event in iter(reader.take, None)] == [
        "left",
        "left",
        "dropped",
        "left",
        "left",
        "left",
    ]


@given(
    steps=st.lists(
        st.sampled_from(["publish", "publish", "publish", "take", "acknowledge", "put back"]), max_size=80
    ),
    limit=st.integers(1, 6),
)
def test_every_number_is_delivered_or_said_to_be_lost_once_and_in_order(steps: list[str], limit: int) -> None:
    feed = Feed(lambda: Instant(0), 0)
    reader = feed.read(limit)
    flight: list[Event] = []
    seen: list[int] = []
    for step in steps:
        if step == "publish":
            feed.publish("left", {})
        elif step == "take" and (event := reader.take()) is not None:
            flight.append(event)
        elif step == "acknowledge" and flight:
            seen += covered(flight.pop(0))
        elif step == "put back":
            while flight:
                reader.put_back(flight.pop())
    for event in flight:
        seen += covered(event)
    assert seen + drained(reader) == list(range(1, feed.seq + 1))
