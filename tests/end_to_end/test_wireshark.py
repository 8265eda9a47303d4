"""tshark, with no preferences, judges the captures: it decrypts all of them, and each step is what it was.

What is expected comes from the command line (keys, addresses), from the reference pages (key ids,
statuses, masks) and from published vectors; nothing comes from our own encoder.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from tests.end_to_end import wireshark
from tests.end_to_end.front_door import (
    CHANNEL,
    EXTENDED_PAN_ID,
    NETWORK_KEY,
    PAN_ID,
    WELL_KNOWN_KEY,
    Captured,
    captured,
    simulate,
)
from tests.end_to_end.stories import STORIES
from tests.end_to_end.wireshark import Frame, command, on_air

pytestmark = pytest.mark.tshark

TRANSPORT_KEY, REQUEST_KEY, VERIFY_KEY, CONFIRM_KEY = 0x05, 0x08, 0x0F, 0x10
NETWORK_KEY_ID, KEY_TRANSPORT_ID, KEY_LOAD_ID, LINK_KEY_ID = 1, 2, 3, 0
ALL_PROFILES, ALL_JOINERS = tuple(profiles.catalogue()), tuple(joiners.catalogue())


def unread(frames: list[Frame]) -> list[Frame]:
    """The frames that tshark finds malformed, or cannot decrypt."""
    faults = (*wireshark.MALFORMED, *wireshark.UNDECRYPTED)
    return [frame for frame in frames if any(fault in frame for fault in faults)]


def every_layer_is_read(frame: Frame) -> bool:
    """True when what security covers has been taken apart as well."""
    if frame.flag("zbee_aps.security") or frame.number("zbee_aps.type") == 1:
        return "zbee_aps.cmd.id" in frame
    if frame.flag("zbee_nwk.security"):
        return "zbee_nwk.cmd.id" in frame or "zbee_aps.type" in frame
    return True


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A capture of each profile with each joiner; seed, PAN and so every key and address its own."""
    folder = tmp_path_factory.mktemp("captures")
    made = {}
    for number, profile in enumerate(ALL_PROFILES):
        for other, joiner in enumerate(ALL_JOINERS):
            seed = 100 * number + other
            path = made[profile, joiner] = folder / f"{profile}+{joiner}.pcapng"
            names = ("--profile", profile, "--joiner", joiner)
            simulate(*names, "--seed", str(seed), "--pan-id", hex(0x1000 + seed), "--capture", str(path))
    return made


def test_tshark_reads_and_decrypts_every_frame_of_every_profile_with_every_joiner(
    captures: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    # pcapng sections may follow one another in one file: one reading, and no run's keys serve another.
    together = tmp_path / "all.pcapng"
    together.write_bytes(b"".join(path.read_bytes() for path in captures.values()))
    frames = wireshark.read(together)
    air = on_air(frames)
    assert len({frame.number("wpan.src_pan") or frame.number("wpan.dst_pan") for frame in air}) > len(
        captures
    )
    assert len(frames) == packets(list(captures.values()))
    assert not unread(frames)
    assert all(every_layer_is_read(frame) for frame in frames)


def packets(paths: list[Path]) -> int:
    """How many packets the captures hold, counted by capinfos."""
    counting = ["capinfos", "-c", "-M", "-T", "-r", *(str(path) for path in paths)]
    answer = subprocess.run(counting, capture_output=True, text=True, check=True, timeout=60)
    return sum(int(line.split("\t")[1]) for line in answer.stdout.splitlines())


ALONE = sorted(
    {(profile, ALL_JOINERS[number % len(ALL_JOINERS)]) for number, profile in enumerate(ALL_PROFILES)}
    | {(profile, joiner) for profile in ("pre-zb3", "zb3") for joiner in ALL_JOINERS}
)


@pytest.mark.parametrize(("profile", "joiner"), ALONE)
def test_a_capture_opens_decrypted_by_itself(
    profile: str, joiner: str, captures: dict[tuple[str, str], Path]
) -> None:
    frames = wireshark.read(captures[profile, joiner])
    assert len(on_air(frames)) > 10
    assert not unread(frames)
    assert all(every_layer_is_read(frame) for frame in frames)


def test_without_the_disclosures_tshark_decrypts_nothing(tmp_path: Path) -> None:
    run = captured(tmp_path, "zb3", "zboss-r22")
    stripped = tmp_path / "stripped.pcapng"
    wireshark.tshark(run.path, "-Y", 'frame.interface_name == "radio0"', "-w", str(stripped))
    frames = wireshark.read(stripped)
    secured = [frame for frame in frames if frame.flag("zbee_nwk.security")]
    assert len(secured) > 10
    assert all(wireshark.UNDECRYPTED[0] in frame for frame in secured)


# --- every step --------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "joiner"), STORIES)
def test_tshark_reads_each_step_of_a_run(profile: str, joiner: str, tmp_path: Path) -> None:
    run = captured(tmp_path, profile, joiner)
    assert wireshark.tell(run.frames, run.cast) == list(STORIES[profile, joiner])


@pytest.fixture(scope="module")
def compliant(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    """A full exchange under the compliant profile."""
    return captured(tmp_path_factory.mktemp("zb3"), "zb3", "zboss-r22")


@pytest.fixture(scope="module")
def reused(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    """A full exchange of the key that everyone has."""
    return captured(tmp_path_factory.mktemp("pre-zb3"), "pre-zb3", "telink")


def one(frames: list[Frame]) -> Frame:
    """The only frame there is."""
    (frame,) = frames
    return frame


def test_every_frame_is_on_the_channel_and_pan_asked_for(compliant: Captured) -> None:
    for frame in on_air(compliant.frames):
        if frame.number("wpan-tap.ch_num") != CHANNEL:
            assert frame.number("wpan.cmd") == 0x07  # the joiner scans for beacons elsewhere, too
        for field in ("wpan.src_pan", "wpan.dst_pan"):
            assert frame.number(field) in (None, PAN_ID, 0xFFFF)


def test_the_beacon_is_that_of_an_open_pro_coordinator(compliant: Captured) -> None:
    beacons = [frame for frame in compliant.frames if frame.number("wpan.frame_type") == 0]
    assert beacons
    for frame in beacons:
        assert (frame.number("wpan.src16"), frame.number("wpan.src_pan")) == (0x0000, PAN_ID)
        assert frame.text("zbee_beacon.ext_panid") == EXTENDED_PAN_ID
        assert frame.number("zbee_beacon.profile") == 2
        assert all(
            frame.flag(bit) for bit in ("wpan.assoc_permit", "zbee_beacon.router", "zbee_beacon.end_dev")
        )


def test_the_association_response_carries_the_address_that_the_joiner_then_uses(compliant: Captured) -> None:
    response = one([frame for frame in compliant.frames if frame.number("wpan.cmd") == 0x02])
    assert (response.text("wpan.src64"), response.text("wpan.dst64")) == (
        compliant.cast.trust_center,
        compliant.cast.joiner,
    )
    assert response.number("wpan.assoc.status") == 0
    announced = [frame for frame in compliant.frames if frame.number("zbee_aps.zdp_cluster") == 0x0013]
    address = response.number("wpan.asoc.addr")
    assert announced
    for frame in announced:
        assert frame.number("zbee_zdp.nwk_addr") == frame.number("zbee_nwk.src") == address
        assert frame.text("zbee_zdp.ext_addr") == compliant.cast.joiner
        assert frame.number("zbee_nwk.dst") == 0xFFFD


def test_every_unicast_is_acknowledged_on_a_clear_air(compliant: Captured) -> None:
    acknowledged = wireshark.acknowledgements(compliant.frames)
    asking = [frame for frame in on_air(compliant.frames) if frame.flag("wpan.ack_request")]
    assert len(asking) > 10
    assert all(frame.text("frame.number") in acknowledged for frame in asking)


def test_the_network_key_goes_out_once_under_the_key_transport_key_without_nwk_security(
    compliant: Captured,
) -> None:
    frame = one(command(on_air(compliant.frames), TRANSPORT_KEY, key_type=1))
    assert frame.text("zbee_aps.cmd.key") == NETWORK_KEY
    assert frame.number("zbee_aps.cmd.seqno") == 0
    assert frame.text("zbee_aps.cmd.dst") == compliant.cast.joiner
    assert frame.text("zbee_aps.cmd.src") == frame.text("zbee.sec.src64") == compliant.cast.trust_center
    assert frame.numbers("zbee.sec.key_id") == (KEY_TRANSPORT_ID,)
    assert not frame.flag("zbee_nwk.security")
    assert frame.texts("zbee.sec.key") == (WELL_KNOWN_KEY,)


def test_the_link_key_is_fresh_and_goes_out_under_the_key_load_key_of_the_old_one(
    compliant: Captured,
) -> None:
    frame = one(command(on_air(compliant.frames), TRANSPORT_KEY, key_type=4))
    assert frame.text("zbee_aps.cmd.key") not in (WELL_KNOWN_KEY, NETWORK_KEY)
    assert frame.numbers("zbee.sec.key_id") == (NETWORK_KEY_ID, KEY_LOAD_ID)
    assert frame.texts("zbee.sec.key") == (NETWORK_KEY, WELL_KNOWN_KEY)
    assert frame.text("zbee_aps.cmd.dst") == compliant.cast.joiner
    assert frame.text("zbee_aps.cmd.src") == compliant.cast.trust_center


def test_the_request_is_under_the_old_link_key_and_the_confirmation_under_the_new_one(
    compliant: Captured,
) -> None:
    air = on_air(compliant.frames)
    offered = one(command(air, TRANSPORT_KEY, key_type=4)).text("zbee_aps.cmd.key")
    request, confirmation = one(command(air, REQUEST_KEY)), one(command(air, CONFIRM_KEY))
    for frame, key in ((request, WELL_KNOWN_KEY), (confirmation, offered)):
        assert frame.numbers("zbee.sec.key_id") == (NETWORK_KEY_ID, LINK_KEY_ID)
        assert frame.texts("zbee.sec.key") == (NETWORK_KEY, key)
    assert confirmation.number("zbee_aps.cmd.status") == 0x00
    assert confirmation.text("zbee_aps.cmd.dst") == compliant.cast.joiner


def test_the_reused_key_is_verified_with_its_published_hash_and_confirmed(reused: Captured) -> None:
    air = on_air(reused.frames)
    transported = one(command(air, TRANSPORT_KEY, key_type=4))
    assert transported.text("zbee_aps.cmd.key") == WELL_KNOWN_KEY
    verified = one(command(air, VERIFY_KEY))
    # HMAC(ZigBeeAlliance09, 03), protocol.md 1.4
    assert verified.text("zbee_aps.cmd.key_hash").replace(":", "") == "1ab128df1639a1246aaba72a6a559124"
    assert verified.text("zbee_aps.cmd.src") == reused.cast.joiner
    assert not verified.flag("zbee_aps.security")
    confirmation = one(command(air, CONFIRM_KEY))
    assert confirmation.texts("zbee.sec.key") == (NETWORK_KEY, WELL_KNOWN_KEY)


def test_frame_counters_only_rise(compliant: Captured) -> None:
    latest: dict[tuple[str, int, str], int] = {}
    for frame in on_air(compliant.frames):
        layers = zip(
            frame.texts("zbee.sec.src64"),
            frame.numbers("zbee.sec.key_id"),
            frame.texts("zbee.sec.key"),
            frame.numbers("zbee.sec.counter"),
            strict=True,
        )
        for source, key_id, key, counter in layers:
            assert counter > latest.get((source, key_id, key), -1)
            latest[source, key_id, key] = counter
    assert len(latest) >= 5


def test_an_install_code_protects_the_network_key_of_its_device_alone(tmp_path: Path) -> None:
    # Code and key: protocol.md 1.4, after the BDB specification.
    device, derived = "f4:ce:36:00:11:22:33:44", "66b6900981e1ee3ca4206b6b861c02bb"
    code = f"{device}=83FED3407A939723A5C639B26916D505C3B5"
    run = captured(tmp_path, "zb3", "zboss-r22", "--install-code", code)
    assert (run.verdict["device"], run.verdict["link_key"]) == (device, "unique")
    assert wireshark.tell(run.frames, run.cast) == list(STORIES["zb3", "zboss-r22"])
    air = on_air(run.frames)
    network_key = one(command(air, TRANSPORT_KEY, key_type=1))
    link_key = one(command(air, TRANSPORT_KEY, key_type=4))
    assert network_key.texts("zbee.sec.key") == (derived,)
    assert one(command(air, REQUEST_KEY)).texts("zbee.sec.key") == (NETWORK_KEY, derived)
    assert link_key.texts("zbee.sec.key") == (NETWORK_KEY, derived)
    assert link_key.text("zbee_aps.cmd.key") not in (derived, WELL_KNOWN_KEY)


@pytest.mark.parametrize(
    ("profile", "mask", "revision"),
    [
        ("zb3", 0x2C41, 22),
        ("zb3-r21", 0x2A41, 21),
        ("classic-r20", 0x2841, 20),
        ("ha12", 0x0041, 0),
    ],
)
def test_the_node_descriptor_shows_the_revision_of_the_profile(
    profile: str, mask: int, revision: int, tmp_path: Path
) -> None:
    run = captured(tmp_path, profile, "zboss-r22")
    answers = [
        frame
        for frame in on_air(run.frames)
        if frame.number("zbee_aps.zdp_cluster") == 0x8002 and frame.number("wpan.src16") == 0x0000
    ]
    assert answers
    for frame in answers:
        assert frame.number("zbee_zdp.status") == 0
        assert frame.number("zbee_zdp.nwk_addr") == 0x0000
        assert frame.number("zbee_zdp.server") == mask
        assert frame.number("zbee_zdp.server.stack_compliance_revision") == revision


# --- deviations --------------------------------------------------------------------------------

SEED_FILTER = (
    "zbee_aps.cmd.id==5 && zbee_aps.cmd.key_type==4 && "
    'zbee_aps.cmd.key==5a:69:67:42:65:65:41:6c:6c:69:61:6e:63:65:30:39 && frame.interface_name=="radio0"'
)
"""The seed's defect in one line (evidence.md)."""


@pytest.mark.parametrize(
    ("profile", "joiner", "hits"),
    [
        ("pre-zb3", "zboss-r22", 1),
        ("pre-zb3", "zboss-r22-legacy-update", 1),
        ("pre-zb3", "telink", 1),
        ("pre-zb3", "zboss-r22-legacy", 0),
        ("zb3", "zboss-r22", 0),
        ("zb3", "telink", 0),
    ],
)
def test_one_filter_finds_the_seeds_defect_and_nothing_else(
    profile: str, joiner: str, hits: int, tmp_path: Path
) -> None:
    run = captured(tmp_path, profile, joiner)
    found = wireshark.tshark(run.path, "-Y", SEED_FILTER, "-T", "fields", "-e", "frame.number")
    named = [frame.text("frame.number") for frame in run.frames if "tclk.reuse_global" in frame.deviations]
    assert found.split() == named
    assert len(named) == hits


COMMENTED = {
    # Which frames the behaviour turns out differently, as tshark tells them.
    "nwkkey.clear": ("clear-key", "zboss-r22", {(TRANSPORT_KEY, 1)}),
    "tclk.reuse_global": ("key-reuse", "zboss-r22", {(TRANSPORT_KEY, 4)}),
    "confirm.status": ("negative-confirm", "zboss-r22", {(CONFIRM_KEY, 4)}),
}


@pytest.mark.parametrize("behaviour", COMMENTED)
def test_a_deviation_is_named_on_the_frames_that_deviate_and_on_no_other(
    behaviour: str, tmp_path: Path
) -> None:
    profile, joiner, commands = COMMENTED[behaviour]
    run = captured(tmp_path, profile, joiner)
    for frame in run.frames:
        identity = (frame.number("zbee_aps.cmd.id"), frame.number("zbee_aps.cmd.key_type"))
        deviates = frame in on_air(run.frames) and identity in commands
        assert frame.deviations.count(behaviour) == deviates


def test_a_beacon_with_another_stack_profile_says_so(tmp_path: Path) -> None:
    run = captured(tmp_path, "zigbee-2007", "zboss-r22")
    beacons = [frame for frame in run.frames if frame.number("wpan.frame_type") == 0]
    assert beacons
    for frame in beacons:
        assert frame.number("zbee_beacon.profile") == 1
        assert "beacon.stack_profile" in frame.deviations


@pytest.mark.parametrize(
    ("profile", "behaviour", "identity"),
    [
        ("silent-request-key", "reqkey.ignore", ("zbee_aps.cmd.id", 0x08)),
        ("missing-confirm-key", "verify.ignore", ("zbee_aps.cmd.id", 0x0F)),
        ("no-node-descriptor", "nodedesc.ignore", ("zbee_aps.zdp_cluster", 0x0002)),
    ],
)
def test_an_answer_that_a_behaviour_withholds_is_noted_beside_the_frame_that_asked(
    tmp_path: Path, profile: str, behaviour: str, identity: tuple[str, int]
) -> None:
    run = captured(tmp_path, profile, "nxp")
    field, value = identity
    named = [frame for frame in run.frames if behaviour in frame.deviations]
    assert len(named) == 3  # NXP asks three times (protocol.md 2)
    assert [frame.numbers(field)[0] for frame in named] == [value] * 3
    assert all(frame.text("wpan.src16") != "0x0000" for frame in named)


def test_the_compliant_profile_has_no_deviation_to_name(compliant: Captured) -> None:
    assert not [frame for frame in compliant.frames if frame.deviations]


PROFILE = """
extends = "leave-on-timeout"
without = ["leave.nwk_no_rejoin"]
title = "another removal"
summary = "removes by {behaviour}"
imitates = "nothing: a test"
clause = "unverified: a test"
seen = "nowhere"
basis = ["K"]

[[behaviours]]
name = "{behaviour}"
clause = "unverified: a test"
seen = "nowhere"
"""

REMOVALS = {
    # What tells the joiner to leave, and the words in which it leaves (protocol.md 1.7).
    "leave.nwk_no_rejoin": ("TC Leave request [nwk 1]", "joiner Leave [nwk 1]"),
    "leave.nwk_rejoin": (
        "TC Leave request rejoin [nwk 1] !leave.nwk_rejoin",
        "joiner Leave rejoin [nwk 1]",
    ),
    "leave.remove_device": (
        "TC Remove-Device [nwk 1, aps 0] !leave.remove_device",
        "joiner Leave [nwk 1]",
    ),
    "leave.mgmt": ("TC Mgmt_Leave_req EUI-64 of joiner [nwk 1] !leave.mgmt", "joiner Leave [nwk 1]"),
}


@pytest.mark.parametrize("behaviour", REMOVALS)
def test_a_joiner_is_removed_by_the_form_of_leave_that_was_asked_for(behaviour: str, tmp_path: Path) -> None:
    profile = "leave-on-timeout"
    if behaviour != "leave.nwk_no_rejoin":
        path = tmp_path / "removal.toml"
        path.write_text(PROFILE.format(behaviour=behaviour))
        profile = str(path)
    run = captured(tmp_path, profile, "ha12")
    assert run.verdict["outcome"] == "removed-by-trust-center"
    story = wireshark.tell(run.frames, run.cast)
    told, left = REMOVALS[behaviour]
    assert left in story[story.index(told) :]
    assert left not in story[: story.index(told)]
