"""What is sent on order: tshark reads what was asked for, and every frame of it says that it was injected."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator import trace
from coordinator.joiner.device import State
from coordinator.trust_center import injection
from coordinator.trust_center.device import Standing
from coordinator.types import Eui64
from tests.administration.rack import Rack, told, unread
from tests.end_to_end.wireshark import Frame

NOBODY = Eui64.parse("02:00:00:00:00:00:00:99")


def injected(path: Path, name: str, settings: dict[str, object], *, model: str = "zboss-r22") -> list[Frame]:
    """The Trust Center's frames that tshark reads after a joined device was sent this."""
    rack = Rack(capture=path)
    joiner, _ = rack.join(model)
    rack.wait(4)
    began = rack.world.now / 1_000_000
    order = injection.parse(name, joiner.host.eui64, settings)
    label = rack.tell(lambda now: rack.center.administration.inject(order, now))
    rack.wait(12)
    labelled = [record for record in rack.noted(trace.Sent) if label in record.deviations]
    frames = rack.read()
    assert not unread(frames)
    ours = [frame for frame in frames if marked(frame)]
    assert ours
    assert len(ours) == len(labelled)
    assert all(float(frame.text("frame.time_epoch")) >= began for frame in ours)
    return ours


def marked(frame: Frame) -> bool:
    return any(comment.startswith("inject: nothing -> ") for comment in frame.texts("frame.comment"))


@pytest.mark.tshark
@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        (
            "leave",
            {},
            {"zbee_nwk.cmd.id": 4, "zbee_nwk.cmd.leave.request": 1, "zbee_nwk.cmd.leave.rejoin": 0},
        ),
        ("leave", {"rejoin": True}, {"zbee_nwk.cmd.leave.request": 1, "zbee_nwk.cmd.leave.rejoin": 1}),
        ("leave", {"remove_children": True}, {"zbee_nwk.cmd.leave.children": 1}),
        ("mgmt-leave", {}, {"zbee_aps.zdp_cluster": 0x0034}),
        ("remove-device", {}, {"zbee_aps.cmd.id": 0x07}),
        ("node-descriptor-request", {}, {"zbee_aps.zdp_cluster": 0x0002}),
        ("ieee-address-request", {}, {"zbee_aps.zdp_cluster": 0x0001}),
        ("transport-key-nwk", {}, {"zbee_aps.cmd.id": 0x05, "zbee_aps.cmd.key_type": 1}),
        ("transport-key-tclk", {}, {"zbee_aps.cmd.id": 0x05, "zbee_aps.cmd.key_type": 4}),
        ("confirm-key", {"status": 0xAD}, {"zbee_aps.cmd.id": 0x10, "zbee_aps.cmd.status": 0xAD}),
        ("switch-key", {"sequence": 7}, {"zbee_aps.cmd.id": 0x09, "zbee_aps.cmd.seqno": 7}),
    ],
)
def test_tshark_reads_what_was_asked_for(
    name: str, settings: dict[str, object], expected: dict[str, int], tmp_path: Path
) -> None:
    frame = injected(tmp_path / "run.pcapng", name, settings)[0]
    for field, value in expected.items():
        text = frame.text(field)
        assert {"True": 1, "False": 0}.get(text, -1) == value or int(text, 0) == value, field


@pytest.mark.tshark
@pytest.mark.parametrize(("which", "well_known"), [("fresh", False), ("global", True)])
def test_an_unsolicited_link_key_is_fresh_or_everyones(which: str, well_known: bool, tmp_path: Path) -> None:
    frame = injected(tmp_path / "run.pcapng", "transport-key-tclk", {"key": which})[0]
    assert (frame.text("zbee_aps.cmd.key").replace(":", "") == b"ZigBeeAlliance09".hex()) is well_known


def test_a_device_told_to_leave_leaves_and_the_verdict_names_the_injection() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    order = injection.parse("leave", joiner.host.eui64)
    rack.tell(lambda now: rack.center.administration.inject(order, now))
    rack.wait(1)
    device = rack.center.engine.devices.find(joiner.host.eui64)
    assert device is not None
    assert device.standing is Standing.LEFT
    assert [joiner.engine.state] == [State.REMOVED]
    assert [each.behaviour for each in rack.verdict().deviations] == ["inject"]
    assert "NWK Leave request" in told(rack.rows)


def test_a_resent_network_key_is_not_waited_for_with_an_announcement() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    order = injection.parse("transport-key-nwk", joiner.host.eui64)
    rack.tell(lambda now: rack.center.administration.inject(order, now))
    rack.wait(1)
    assert rack.close() == ()


def test_injections_reach_the_right_one_of_two_devices_in_the_verdict() -> None:
    rack = Rack()
    first, _ = rack.join()
    second, _ = rack.join()
    order = injection.parse("node-descriptor-request", second.host.eui64)
    rack.tell(lambda now: rack.center.administration.inject(order, now))
    rack.wait(1)
    verdicts = {each.device: each.deviations for each in rack.verdict().devices}
    assert verdicts[first.host.eui64] == ()
    assert [each.behaviour for each in verdicts[second.host.eui64]] == ["inject"]


@pytest.mark.tshark
def test_raw_octets_go_on_the_air_once_and_as_they_are(tmp_path: Path) -> None:
    rack = Rack(capture=tmp_path / "run.pcapng")
    octets = bytes.fromhex("030864ffffffff07")  # a beacon request, as sniffed (protocol.md 1.1)
    label = rack.tell(lambda now: rack.center.administration.inject_raw(octets, now))
    rack.wait(1)
    assert [sent.psdu for sent in rack.noted(trace.Sent) if label in sent.deviations] == [octets]
    frames = [frame for frame in rack.read() if marked(frame)]
    assert [frame.number("wpan.cmd") for frame in frames] == [7]


@pytest.mark.parametrize("octets", [b"", b"\x03\x08", bytes(126)])
def test_octets_that_are_no_frame_are_refused(octets: bytes) -> None:
    rack = Rack()
    with pytest.raises(ValueError, match=rf"3 to 125 octets without its FCS, not {len(octets)}"):
        rack.tell(lambda now: rack.center.administration.inject_raw(octets, now))
    assert rack.deviations() == []


@pytest.mark.parametrize(
    ("name", "device", "settings", "words"),
    [
        ("leaf", NOBODY, {}, "nothing to inject is called 'leaf'; there are leave, mgmt-leave, "),
        ("leave", None, {}, "leave is for one device; say which"),
        ("leave", NOBODY, {"rejoyn": True}, "leave has no setting 'rejoyn'; it has rejoin, remove_children"),
        ("remove-device", NOBODY, {"rejoin": True}, "remove-device has no setting 'rejoin'; it has none"),
        ("leave", NOBODY, {"rejoin": 1}, "rejoin: true or false, not 1"),
        ("confirm-key", NOBODY, {"status": 256}, "status: an integer, 0 to 255, not 256"),
        ("confirm-key", NOBODY, {"status": True}, "status: an integer, 0 to 255, not True"),
        ("transport-key-tclk", NOBODY, {"key": "new"}, "key: 'fresh' or 'global', not 'new'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    name: str, device: Eui64 | None, settings: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        injection.parse(name, device, settings)


@pytest.mark.parametrize("name", [name for name in injection.INJECTIONS if name != "switch-key"])
def test_nothing_is_sent_to_a_device_that_nobody_knows(name: str) -> None:
    rack = Rack()
    rack.forget()
    with pytest.raises(ValueError, match=f"{NOBODY} is not known: it has not joined this network"):
        rack.tell(lambda now: rack.center.administration.inject(injection.parse(name, NOBODY), now))
    assert rack.records == []


def test_no_key_is_injected_past_the_allow_list() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    rack.center.host.nib.allowed = frozenset()
    for name in ("transport-key-nwk", "transport-key-tclk"):
        order = injection.parse(name, joiner.host.eui64)
        with pytest.raises(ValueError, match="is not on the allow-list, and gets no key"):
            rack.tell(lambda now, order=order: rack.center.administration.inject(order, now))  # type: ignore[misc]


def test_a_network_key_that_is_not_held_cannot_be_sent() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    order = injection.parse("transport-key-nwk", joiner.host.eui64, {"sequence": 3})
    with pytest.raises(ValueError, match="no network key with sequence number 3; held: 0"):
        rack.tell(lambda now: rack.center.administration.inject(order, now))
