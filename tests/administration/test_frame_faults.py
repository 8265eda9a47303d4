"""Frame faults through a whole join: what the joiner gets is what was armed, and every use of it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator import trace
from coordinator.evidence.outcome import Outcome, Ruling
from coordinator.joiner.device import State
from coordinator.stack.frame_fault import Action, Drop, Flip, FrameFault, Match, Repeat, Truncate
from coordinator.trust_center.device import Standing
from coordinator.types import MILLISECOND, SECOND
from tests.administration.rack import Rack, told, unread
from tests.end_to_end.wireshark import Frame, command


def fault(
    frame: str, action: Action, *, count: int | None = 1, skip: int = 0, id: str = "test"
) -> FrameFault:
    return FrameFault(id=id, match=Match(frame=frame), action=action, count=count, skip=skip)


def faulted(*faults: FrameFault, model: str = "zboss-r22", capture: Path | None = None) -> Rack:
    """A run to the end of its window with these armed before the joiner is powered."""
    rack = Rack(capture=capture)
    for each in faults:
        rack.center.host.faults.arm(each)
    rack.power(model)
    rack.wait(42)
    return rack


def test_a_dropped_transport_key_is_asked_for_again_and_the_join_goes_on() -> None:
    rack = faulted(fault("transport-key-tclk", Drop()))
    verdict = rack.verdict()
    assert verdict.verdict is Ruling.PASS
    assert [(each.behaviour, each.count) for each in verdict.deviations] == [("fault.test", 1)]
    (concluded,) = [record for record in rack.noted(trace.Concluded) if record.reason.startswith("withheld")]
    assert (concluded.delivered, concluded.reason) == (False, "withheld by fault.test")
    key = "Transport-Key (TC link, unique key)"
    assert [row for row in told(rack.rows) if row.startswith(key)] == [
        f"{key} (not sent (withheld by fault.test))",
        key,
    ]
    assert rack.noted(trace.FaultSpent) == [
        trace.FaultSpent(at=rack.deviations()[0].at, fault="test", used=1)
    ]


def test_when_every_transport_key_is_dropped_the_joiner_proves_nothing_and_is_removed() -> None:
    rack = faulted(fault("transport-key-tclk", Drop(), count=None))
    assert rack.verdict().verdict is Ruling.FAIL
    assert rack.verdict().outcome is Outcome.REMOVED_BY_TRUST_CENTER
    ((_, left, used),) = rack.center.host.faults.standing()
    assert left is None
    assert used == len(rack.deviations()) == 3


def test_a_dropped_confirm_key_comes_once_more_from_the_aps_layer() -> None:
    rack = faulted(fault("confirm-key", Drop()))
    assert rack.verdict().verdict is Ruling.PASS
    confirms = [row for row in told(rack.rows) if row.startswith("Confirm-Key")]
    assert confirms == ["Confirm-Key (SUCCESS) (not sent (withheld by fault.test))", "Confirm-Key (SUCCESS)"]


@pytest.mark.parametrize("model", ["zboss-r22", "sleepy-zb3"])
@pytest.mark.parametrize(
    "frame",
    ["beacon", "association-response", "transport-key-nwk", "node-descriptor-response", "aps-ack", "any"],
)
def test_one_frame_lost_of_any_kind_is_survived(frame: str, model: str) -> None:
    rack = faulted(fault(frame, Drop()), model=model)
    assert len(rack.deviations()) == 1
    assert rack.verdict().outcome is Outcome.JOINED_SECURE


@pytest.mark.parametrize("model", ["zboss-r22", "sleepy-zb3"])
def test_no_association_response_at_all_is_no_join(model: str) -> None:
    rack = faulted(fault("association-response", Drop(), count=None), model=model)
    assert rack.verdict().verdict is not Ruling.PASS
    assert not any(rack.center.engine.devices)


def test_a_replayed_frame_has_the_same_octets_and_does_no_harm() -> None:
    after = 2 * SECOND
    rack = faulted(fault("transport-key-tclk", Repeat(times=2, after=after)))
    (deviated,) = rack.deviations()
    labelled = [record for record in rack.noted(trace.Sent) if deviated in record.deviations]
    assert len(labelled) == 3
    assert len({record.psdu for record in labelled}) == 1
    assert labelled[2].at - labelled[1].at == pytest.approx(after, abs=50 * MILLISECOND)
    assert rack.verdict().verdict is Ruling.PASS
    assert rack.verdict().outcome is Outcome.JOINED_SECURE


@pytest.mark.tshark
def test_tshark_cannot_open_the_frame_whose_mic_was_hit_and_reads_the_next(tmp_path: Path) -> None:
    rack = faulted(
        fault("transport-key-tclk", Flip(octet=-1, mask=0x01), id="mic"), capture=tmp_path / "run.pcapng"
    )
    assert rack.verdict().verdict is Ruling.PASS
    frames = rack.read()
    hit = [frame for frame in frames if "fault.mic" in frame.deviations]
    assert len(hit) >= 1
    assert len({frame.text("wpan.seq_no") for frame in hit}) == 1
    assert unread(frames) == hit
    assert len(link_keys(frames)) == 1


def link_keys(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in command(frames, 0x05, 4) if not frame.deviations]


@pytest.mark.tshark
def test_a_truncated_frame_is_labelled_and_the_rest_decrypts(tmp_path: Path) -> None:
    rack = faulted(
        fault("node-descriptor-response", Truncate(octets=-2), id="cut"), capture=tmp_path / "run.pcapng"
    )
    frames = rack.read()
    assert unread(frames)
    assert all("fault.cut" in frame.deviations for frame in unread(frames))


@pytest.mark.tshark
def test_what_is_dropped_is_told_beside_the_frame_that_it_would_have_answered(tmp_path: Path) -> None:
    rack = faulted(fault("transport-key-tclk", Drop(), id="gone"), capture=tmp_path / "run.pcapng")
    (blamed,) = [frame for frame in rack.read() if "fault.gone" in frame.deviations]
    assert blamed.number("zbee_aps.cmd.id") == 0x08  # Request-Key


def test_a_fault_for_one_device_leaves_the_other_alone() -> None:
    rack = Rack()
    first, _ = rack.power()
    second, _ = rack.power()
    lost = Match(frame="any", device=first.host.eui64)
    rack.center.host.faults.arm(FrameFault(id="first", match=lost, action=Drop(), count=None))
    rack.wait(42)
    devices = rack.center.engine.devices
    assert devices.find(first.host.eui64) is None
    found = devices.find(second.host.eui64)
    assert found is not None
    assert found.standing is Standing.VERIFIED
    verdicts = {verdict.device: verdict for verdict in rack.verdict().devices}
    assert verdicts[second.host.eui64].deviations == ()
    assert [each.behaviour for each in verdicts[first.host.eui64].deviations] == ["fault.first"]


def test_a_fault_disarmed_in_the_middle_of_a_join_harms_no_longer() -> None:
    rack = Rack()
    faults = rack.center.host.faults
    faults.arm(fault("node-descriptor-response", Drop(), count=None))
    joiner, _ = rack.join(seconds=4)
    assert [joiner.engine.state] == [State.DESCRIBING]
    assert faults.disarm("test") is True
    assert faults.disarm("test") is False
    rack.wait(10)
    assert joiner.engine.state is State.JOINED
