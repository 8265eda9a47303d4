"""Who is supervised when the policy changes: bdbTrustCenterNodeJoinTimeout runs from the network key."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.behaviours import registry
from coordinator.codec import zdp
from coordinator.evidence.outcome import Outcome, Verdict
from coordinator.primitives import apsme, nlme, zdo
from coordinator.switching.change import Edit, add
from coordinator.switching.moment import AfterSpan
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND
from tests.switching.bench import Ask, Bench
from tests.switching.states import stands

SILENT = "ha12"
"""A joiner that proves no link key, and stays."""


def switched_after_key(before: str, joiner: str, edit: Edit | str, after: int) -> tuple[Bench, Verdict]:
    """A run whose policy becomes another this long after the device's network key."""
    bench = Bench(before, joiner)
    asks: list[Ask] = []
    bench.once(stands(Standing.KEYED), lambda: asks.append(bench.ask(edit, AfterSpan(span=after))))
    verdict = bench.run()
    assert len(bench.switched) == 1
    return bench, verdict


def since_key(bench: Bench, *kinds: type) -> list[int]:
    """When requests of these kinds went down, from the network key."""
    keyed = next(
        each.at
        for each in bench.records
        if isinstance(each, trace.Requested)
        and isinstance(each.request, apsme.TransportKeyRequest)
        and each.request.key_type == 1
    )
    return [
        each.at - keyed
        for each in bench.records
        if isinstance(each, trace.Requested) and isinstance(each.request, kinds)
    ]


def removals(bench: Bench) -> list[int]:
    return since_key(bench, nlme.LeaveRequest, apsme.RemoveDeviceRequest)


@pytest.mark.parametrize("after", [1, 5, 14])
def test_a_policy_that_requires_the_exchange_removes_15_s_after_the_network_key_not_after_the_switch(
    after: int,
) -> None:
    bench, verdict = switched_after_key("zb3-lenient", SILENT, "zb3", after * SECOND)
    assert removals(bench) == [15 * SECOND]
    assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER


@pytest.mark.parametrize("after", [15, 16, 30])
def test_whose_time_is_over_when_the_exchange_is_first_required_is_removed_at_once(after: int) -> None:
    bench, _ = switched_after_key("zb3-lenient", SILENT, "zb3", after * SECOND)
    assert removals(bench) == [after * SECOND]
    assert bench.records.index(bench.switched[0]) < next(
        index
        for index, each in enumerate(bench.records)
        if isinstance(each, trace.Requested) and isinstance(each.request, nlme.LeaveRequest)
    )


@pytest.mark.parametrize("after", [1, 14])
def test_a_policy_that_requires_nothing_any_more_removes_nobody(after: int) -> None:
    bench, verdict = switched_after_key("zb3", SILENT, "zb3-lenient", after * SECOND)
    assert removals(bench) == []
    assert verdict.outcome is Outcome.JOINED_LEGACY


@pytest.mark.parametrize(
    ("after", "timeout", "removed"), [(2, 5.0, 5), (8, 5.0, 8), (2, 25.0, 25), (14, 25.0, 25)]
)
def test_another_time_out_counts_from_the_network_key_too(after: int, timeout: float, removed: int) -> None:
    edit = add(registry.find("leave.timeout").build({"seconds": timeout}))
    bench, _ = switched_after_key("zb3", SILENT, edit, after * SECOND)
    assert removals(bench) == [removed * SECOND]


def test_a_device_that_has_proved_its_key_is_not_looked_at_again() -> None:
    edit = add(registry.find("leave.timeout").build({"seconds": 1.0}))
    bench, verdict = switched_after_key("zb3", "zboss-r22", edit, 5 * SECOND)
    assert removals(bench) == []
    assert verdict.outcome is Outcome.JOINED_SECURE


def test_a_policy_for_r21_asks_for_the_revision_at_once_and_removes_who_should_know_better() -> None:
    bench, _ = switched_after_key("zb3-lenient", "zboss-r22-legacy", "pre-zb3", 5 * SECOND)
    asked = [
        each
        for each in bench.records
        if isinstance(each, trace.Requested)
        and isinstance(each.request, zdo.CommandRequest)
        and isinstance(each.request.command, zdp.NodeDescriptorRequest)
    ]
    assert [each.at for each in asked] == [bench.switched[0].at]
    assert asked[0].generation == 2
    assert removals(bench) == [15 * SECOND]


def test_a_policy_for_r21_spares_a_device_that_is_older() -> None:
    bench, verdict = switched_after_key("zb3-lenient", SILENT, "pre-zb3", 5 * SECOND)
    assert removals(bench) == []
    assert verdict.outcome is Outcome.JOINED_LEGACY


def test_a_switch_to_the_same_policy_leaves_the_time_as_it_runs() -> None:
    bench, _ = switched_after_key("zb3", SILENT, "leave-on-timeout", 5 * SECOND)
    assert removals(bench) == [15 * SECOND]
