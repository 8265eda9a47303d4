"""Whatever is done to whichever frames, nobody falls over, every use is told, and the rest is untouched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator import trace
from coordinator.evidence.outcome import Ruling
from coordinator.joiner.device import State
from coordinator.stack.frame_fault import FRAMES, Action, Drop, Flip, FrameFault, Match, Repeat, Truncate
from coordinator.types import SECOND
from tests.administration.rack import Rack

actions: st.SearchStrategy[Action] = st.one_of(
    st.just(Drop()),
    st.builds(Repeat, times=st.integers(1, 3), after=st.sampled_from([0, SECOND // 10, 3 * SECOND])),
    st.builds(Flip, octet=st.integers(-8, 40), mask=st.integers(1, 255)),
    st.builds(Truncate, octets=st.integers(3, 60) | st.integers(-30, -1)),
)
faults = st.lists(
    st.builds(
        lambda frame, action, count, skip: (Match(frame=frame), action, count, skip),
        st.sampled_from(list(FRAMES)),
        actions,
        st.none() | st.integers(1, 4),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=120, deadline=None)
@given(faults=faults, model=st.sampled_from(["zboss-r22", "sleepy-zb3", "telink", "ha12"]))
def test_any_faults_through_a_join_and_a_rotation(
    faults: list[tuple[Match, Action, int | None, int]], model: str
) -> None:
    rack = Rack()
    for number, (match, action, count, skip) in enumerate(faults):
        rack.center.host.faults.arm(
            FrameFault(id=f"f{number}", match=match, action=action, count=count, skip=skip)
        )
    joiner, _ = rack.power(model)
    rack.wait(8)
    rack.tell(lambda now: rack.center.administration.rotate_key(None, now))
    rack.wait(34)
    used = {fault.id: used for fault, _, used in rack.center.host.faults.standing()}
    used |= {spent.fault: spent.used for spent in rack.noted(trace.FaultSpent)}
    told = [record.behaviour.removeprefix("fault.") for record in rack.deviations()]
    assert {name: told.count(name) for name in used} == used
    for sent in rack.noted(trace.Sent):
        assert 3 <= len(sent.psdu) <= 125
        assert all(each.behaviour.startswith("fault.") for each in sent.deviations)
    rack.close()
    if rack.verdict().verdict is Ruling.PASS and all(isinstance(each[1], Drop | Repeat) for each in faults):
        # Of a damaged frame an ACK of the MAC says nothing.
        assert joiner.engine.state in (State.JOINED, State.UNVERIFIED)


@pytest.mark.parametrize("octets", range(3, 60, 3))
def test_a_network_key_cut_anywhere_is_no_network_key(octets: int) -> None:
    rack = Rack()
    rack.center.host.faults.arm(
        FrameFault(
            id="cut", match=Match(frame="transport-key-nwk"), action=Truncate(octets=octets), count=None
        )
    )
    joiner, _ = rack.join("zboss-r22", seconds=10)
    assert joiner.host.network_keys.active is None
    assert rack.verdict().verdict is not Ruling.PASS
