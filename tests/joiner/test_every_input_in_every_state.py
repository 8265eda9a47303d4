"""Whatever comes, in whatever order: no exception, no illegal transition, and an end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import zdp
from coordinator.joiner.device import ENDED, SETTLED, SUCCESSORS, State
from coordinator.primitives import apsde, apsme, nlme
from coordinator.profiles import joiners
from coordinator.types import GLOBAL_LINK_KEY, MILLISECOND, SECOND, Eui64
from tests.joiner.bench import ADDRESS, FRESH_KEY, JOINER, TRUST_CENTER, Bench, joiner, network

NAMES = joiners.catalogue()
STATUSES = list(nlme.JoinStatus)

Input = Callable[[Bench], None]

INPUTS: dict[str, Input] = {
    "network key": lambda bench: bench.send_network_key(),
    "clear network key": lambda bench: bench.send_network_key(apsde.UNSECURED),
    "broadcast network key": lambda bench: bench.send_network_key(apsde.NWK_ONLY, FRESH_KEY),
    "descriptor": lambda bench: bench.send_descriptor(),
    "old descriptor": lambda bench: bench.send_descriptor(0),
    "descriptor error": lambda bench: bench.send_descriptor(status=0x81),
    "fresh key": lambda bench: bench.send_link_key(),
    "known key": lambda bench: bench.send_link_key(GLOBAL_LINK_KEY),
    "confirmation": lambda bench: bench.send_confirmation(),
    "negative confirmation": lambda bench: bench.send_confirmation(0xAD),
    "switch key": lambda bench: bench.indicate(
        apsme.SwitchKeyIndication(source=TRUST_CENTER, sequence=9, security=apsde.NWK_ONLY)
    ),
    "leave": lambda bench: bench.indicate(nlme.LeaveIndication(device=None, address=ADDRESS, rejoin=True)),
    "remove": lambda bench: bench.indicate(
        apsme.RemoveDeviceIndication(source=TRUST_CENTER, target=JOINER, security=apsde.NWK_ONLY)
    ),
    "mgmt leave": lambda bench: bench.send_zdp(zdp.MgmtLeaveRequest(device=Eui64(0))),
    "permit": lambda bench: bench.send_zdp(zdp.MgmtPermitJoiningRequest(duration=1, tc_significance=1)),
    "scan result": lambda bench: bench.indicate(nlme.NetworkDiscoveryConfirm(networks=(network(),))),
    "no scan result": lambda bench: bench.indicate(nlme.NetworkDiscoveryConfirm(networks=())),
    "child": lambda bench: bench.indicate(
        nlme.JoinIndication(device=Eui64(7), address=ADDRESS, capability=0x80)
    ),
    **{
        f"association {status.value}": lambda bench, status=status: bench.indicate(  # type: ignore[misc]
            nlme.JoinConfirm(status=status, address=ADDRESS)
        )
        for status in STATUSES
    },
}

steps = st.lists(
    st.one_of(
        st.sampled_from(sorted(INPUTS)),
        st.integers(min_value=1, max_value=7 * SECOND // MILLISECOND),
    ),
    max_size=25,
)


@given(name=st.sampled_from(NAMES), retries=st.integers(0, 2), script=steps)
def test_any_sequence_of_indications_and_waits_is_survived_and_ends(
    name: str, retries: int, script: list[str | int]
) -> None:
    model = joiner(name).model
    bench = Bench(dataclasses.replace(model, leave=dataclasses.replace(model.leave, retries_after=retries)))
    bench.power_on()
    for step in script:
        if isinstance(step, int):
            bench.run(step * MILLISECOND)
        else:
            INPUTS[step](bench)
    bench.run(600 * SECOND)
    assert bench.engine.finished
    assert bench.state() in SETTLED
    if bench.state() in ENDED:
        assert bench.timers.next_deadline() is None
    assert set(bench.engine.consulted) <= set(bench.model.basis)


@given(name=st.sampled_from(NAMES), script=st.lists(st.sampled_from(sorted(INPUTS)), max_size=10))
def test_nothing_revives_a_device_that_has_ended(name: str, script: list[str]) -> None:
    bench = joiner(name)
    bench.networks = ()
    bench.power_on()
    bench.run(600 * SECOND)
    before = (bench.state(), len(bench.requests))
    for step in script:
        INPUTS[step](bench)
    bench.run(60 * SECOND)
    assert (bench.state(), len(bench.requests)) == before == (State.GAVE_UP, len(bench.requests))


@pytest.mark.parametrize("name", NAMES)
def test_no_network_leaves_no_key_unverified_behind(name: str) -> None:
    bench = joiner(name)
    bench.enter_network()
    bench.run(300 * SECOND)
    assert bench.link_keys.entry(TRUST_CENTER).pending is None


def test_only_ended_states_have_no_successor_and_every_state_can_be_reached() -> None:
    assert {state for state in State if not SUCCESSORS[state]} == ENDED
    reached = {State.OFF}
    while grown := {after for before in reached for after in SUCCESSORS[before]} - reached:
        reached |= grown
    assert reached == set(State)
