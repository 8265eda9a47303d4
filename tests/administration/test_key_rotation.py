"""The network key is replaced while devices are there, asleep, away, or just joining."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator import trace
from coordinator.composition import JoinerNode
from coordinator.evidence.outcome import Outcome, Ruling
from coordinator.primitives import apsme, trust_center, zdo
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.frame_fault import Drop, FrameFault, Match
from coordinator.stack.plan import Cause, Plan
from coordinator.trust_center.injection import IeeeAddressRequest
from coordinator.trust_center.key_rotation import RotationRefused
from coordinator.types import Key
from tests.administration.rack import Rack, told, unread
from tests.end_to_end.wireshark import Frame, command

NEXT = Key.parse("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
AFTER_NEXT = Key.parse("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
MODELS = ["zboss-r22", "sleepy-zb3", "ha12", "telink"]


def rotate(rack: Rack, key: Key | None = NEXT) -> int:
    return rack.tell(lambda now: rack.center.administration.rotate_key(key, now))


def active(joiner: JoinerNode) -> int:
    key = joiner.host.network_keys.active
    assert key is not None
    return key.sequence


def answers(rack: Rack, joiner: JoinerNode) -> bool:
    """Whether the device is heard to answer an IEEE_addr_req."""
    began = rack.world.now
    order = IeeeAddressRequest(device=joiner.host.eui64)
    rack.tell(lambda now: rack.center.administration.inject(order, now))
    rack.wait(12)
    return any(
        record.at >= began
        and isinstance(record.indication, zdo.CommandIndication)
        and record.indication.device == joiner.host.eui64
        for record in rack.noted(trace.Indicated)
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_device_that_is_there_switches_and_goes_on(model: str) -> None:
    rack = Rack("zb3-lenient")
    joiner, _ = rack.join(model)
    assert rotate(rack) == 1
    rack.wait(8)
    assert (active(joiner), rack.center.network.key_sequence) == (0, 0)
    rack.wait(9)
    assert (active(joiner), rack.center.network.key_sequence) == (1, 1)
    assert rack.center.network.key == NEXT
    assert answers(rack, joiner)


@pytest.mark.parametrize("model", MODELS)
def test_a_rotation_in_the_observation_window_is_no_failure(model: str) -> None:
    calm, rack = Rack("zb3-lenient"), Rack("zb3-lenient")
    calm.join(model, seconds=40)
    rack.join(model)
    rotate(rack)
    rack.wait(34)
    assert rack.verdict().outcome is calm.verdict().outcome
    assert rack.verdict().outcome in (Outcome.JOINED_SECURE, Outcome.JOINED_LEGACY)
    assert rack.verdict().verdict is Ruling.PASS
    assert rack.verdict().deviations == ()
    assert rack.findings() == calm.findings()
    assert rack.close() == calm.close() == ()
    rows = told(rack.rows)
    assert [row for row in rows if "sequence 1" in row or "Switch" in row or "in use" in row] == [
        "Transport-Key (NWK, sequence 1)",
        "Switch-Key (1)",
        "Network key 1 in use",
    ]


@pytest.mark.tshark
def test_tshark_reads_every_frame_and_sees_the_key_change(tmp_path: Path) -> None:
    rack = Rack(capture=tmp_path / "run.pcapng")
    awake, _ = rack.join("zboss-r22")
    sleeper, _ = rack.join("sleepy-zb3")
    rotate(rack)
    rack.wait(20)
    assert answers(rack, awake)
    assert answers(rack, sleeper)
    frames = rack.read()
    assert not unread(frames)
    given = [frame for frame in command(frames, 0x05, 1) if key_of(frame) == NEXT.octets.hex()]
    assert given
    switches = command(frames, 0x09)
    assert switches
    for frame in (*given, *switches):
        assert frame.flag("zbee_nwk.security")
        assert not frame.flag("zbee_aps.security")
        assert frame.number("zbee_nwk.dst") == 0xFFFF
        assert frame.number("zbee_aps.cmd.seqno") == 1
    assert all(
        eui64 == "00:00:00:00:00:00:00:00" for frame in given for eui64 in frame.texts("zbee_aps.cmd.dst")
    )
    since = float(switches[0].text("frame.time_epoch"))
    assert since - float(given[0].text("frame.time_epoch")) == pytest.approx(9, abs=0.1)
    late = [frame for frame in frames if float(frame.text("frame.time_epoch")) > since + 6]
    secured = [frame for frame in late if frame.flag("zbee_nwk.security")]
    assert len(secured) > 4
    assert {nwk_key(frame) for frame in secured} == {NEXT.octets.hex()}
    assert nwk_key(switches[0]) != NEXT.octets.hex()


def key_of(frame: Frame) -> str:
    return frame.text("zbee_aps.cmd.key").replace(":", "")


def nwk_key(frame: Frame) -> str:
    """The key that tshark opened the NWK layer with."""
    return frame.texts("zbee.sec.key")[0].replace(":", "")


def test_a_device_that_was_off_keeps_the_old_key_and_is_heard_until_the_next_rotation() -> None:
    rack = Rack()
    joiner, driver = rack.join()
    driver.power_off()
    rotate(rack)
    rack.wait(15)
    rack.again(joiner, "joiner-1")
    assert not answers(rack, joiner)  # it cannot open what we send
    lost = [record.reason for record in joiner_drops(rack)]
    assert lost == []  # yet what it sends we still can
    assert rotate(rack, AFTER_NEXT) == 2
    rack.wait(15)
    rack.forget()
    joiner.host.request(apsme.RequestKeyRequest(address=rack.center.host.address, key_type=4), rack.world.now)
    rack.nudge(joiner)
    rack.wait(3)
    assert {record.reason for record in joiner_drops(rack)} == {"no network key with sequence number 0"}


def joiner_drops(rack: Rack) -> list[trace.Dropped]:
    return [record for record in rack.noted(trace.Dropped) if "sequence number" in record.reason]


def test_a_device_that_joins_during_a_rotation_has_the_next_key_as_well() -> None:
    for seconds in range(10):
        rack = Rack()
        rotate(rack)
        rack.wait(seconds)
        joiner, _ = rack.join("zboss-r22", seconds=6)
        rack.wait(10)
        assert active(joiner) == 1, seconds
        assert answers(rack, joiner), seconds
        assert rack.findings() == [], seconds


@pytest.mark.parametrize("model", ["zboss-r22", "sleepy-zb3"])
@pytest.mark.parametrize("seconds", [1.5, 2.72, 3.0, 3.5, 4.5] + [2.6 + step / 100 for step in range(20)])
def test_a_rotation_at_any_moment_of_a_join_lets_it_pass(model: str, seconds: float) -> None:
    rack = Rack()
    joiner, _ = rack.power(model)
    rack.wait(seconds)
    rotate(rack)
    rack.wait(40)
    assert active(joiner) == 1
    assert rack.verdict().outcome is Outcome.JOINED_SECURE


def test_one_rotation_at_a_time() -> None:
    rack = Rack()
    rotate(rack)
    rack.wait(4)
    with pytest.raises(RotationRefused, match=r"is under way: sequence number 1 comes into use in 5\.1 s"):
        rotate(rack, AFTER_NEXT)
    rack.wait(6)
    assert rotate(rack, AFTER_NEXT) == 2
    rack.wait(10)
    assert rack.center.network.key == AFTER_NEXT
    assert [key.sequence for key in rack.center.host.network_keys.held()] == [1, 2]


def test_the_key_in_use_cannot_be_rotated_to() -> None:
    rack = Rack()
    with pytest.raises(RotationRefused, match="this is the network key in use already"):
        rotate(rack, rack.center.network.key)
    assert rack.center.host.network_keys.find(1) is None


def test_a_key_nobody_names_is_drawn_at_random() -> None:
    first, second = Rack(seed=1), Rack(seed=2)
    for rack in (first, second):
        rotate(rack, None)
        rack.wait(10)
    assert first.center.network.key != second.center.network.key


def test_sequence_numbers_wrap_and_counters_do_not_restart() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    before = 0
    for turn in range(1, 260):
        assert rotate(rack, Key(turn.to_bytes(16, "big"))) == turn & 0xFF
        rack.wait(12)
        outgoing = rack.center.host.network_keys.active
        assert outgoing is not None
        assert outgoing.outgoing.value > before
        before = outgoing.outgoing.value
    assert active(joiner) == 3
    assert answers(rack, joiner)


class NeverSwitches(Behaviour):
    """Distributes a key and never says that it is to be used."""

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        if not isinstance(cause, trust_center.NetworkKeyUpdateIndication):
            return plan
        return Plan(
            tuple(step for step in plan.steps if not isinstance(step.request, apsme.SwitchKeyRequest))
        )


def test_a_behaviour_can_rewrite_a_rotation_and_leaves_its_record() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    rack.center.host.switch((NeverSwitches(),))
    rotate(rack)
    rack.wait(15)
    assert (active(joiner), rack.center.network.key_sequence) == (0, 1)
    (deviated,) = rack.deviations()
    assert deviated.cause == "Network key update (sequence 1)"
    assert "Switch-Key (1) after 9 s" in deviated.before
    assert "Switch-Key" not in deviated.after


def test_a_switch_key_that_is_lost_leaves_the_device_behind() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    rack.center.host.faults.arm(
        FrameFault(id="lost", match=Match(frame="switch-key"), action=Drop(), count=None)
    )
    rotate(rack)
    rack.wait(15)
    assert active(joiner) == 0
    assert answers(rack, joiner)  # it holds both keys, and so do we


def test_with_an_allow_list_the_members_get_the_next_key() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    rack.center.host.nib.allowed = frozenset((joiner.host.eui64,))
    rotate(rack)
    rack.wait(15)
    assert active(joiner) == 1
