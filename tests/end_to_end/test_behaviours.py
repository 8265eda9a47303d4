"""Each behaviour that no shipped profile uses, in a whole join: what the joiner made of it, and what tshark
reads in the frames it changed, which are named in the capture and no others are.

What a joiner does about it is from the catalogue (behaviours.md, the number beside each).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from coordinator.composition import TRUST_CENTER_NAME, JoinerNode, Setting
from coordinator.evidence.outcome import Outcome
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.recording import Files, Recording
from coordinator.scenario import Scenario, Simulation, power_on
from coordinator.types import SECOND, Eui64, Instant, Key
from tests.end_to_end import wireshark
from tests.end_to_end.front_door import NETWORK_KEY, captured
from tests.end_to_end.wireshark import Frame, command, on_air

pytestmark = pytest.mark.tshark

PROFILE = """
extends = "{extends}"
title = "{behaviour}"
summary = "does {behaviour}"
imitates = "nothing: a test"
clause = "unverified: a test"
seen = "nowhere"
basis = ["K"]

[[behaviours]]
name = "{behaviour}"
{settings}
clause = "unverified: a test"
seen = "nowhere"
"""
TRANSPORT_KEY, REQUEST_KEY, VERIFY_KEY, CONFIRM_KEY = 0x05, 0x08, 0x0F, 0x10
INSTALL_CODE_DEVICE = "f4:ce:36:00:11:22:33:44"
INSTALL_CODE = f"{INSTALL_CODE_DEVICE}=83FED3407A939723A5C639B26916D505C3B5"
INSTALL_CODE_KEY = "66b6900981e1ee3ca4206b6b861c02bb"
"""Code and key: protocol.md 1.4, after the BDB specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A behaviour, who meets it, how that ends, and which of its frames reads how."""

    joiner: str
    ends: tuple[str, str]
    changed: Callable[[Frame], bool]
    """Which frames the behaviour turns out differently."""
    reads: tuple[str, int | str]
    """The field of those frames that shows it, and its value."""
    settings: str = ""
    extends: str = "zb3"
    arguments: tuple[str, ...] = ()


def association_response(frame: Frame) -> bool:
    return frame.number("wpan.cmd") == 0x02


def beacon(frame: Frame) -> bool:
    return frame.number("wpan.frame_type") == 0


def descriptor(frame: Frame) -> bool:
    return frame.number("zbee_aps.zdp_cluster") == 0x8002 and frame.number("wpan.src16") == 0x0000


def link_key(frame: Frame) -> bool:
    return bool(command([frame], TRANSPORT_KEY, key_type=4))


def confirmation(frame: Frame) -> bool:
    return bool(command([frame], CONFIRM_KEY))


def leave_request(frame: Frame) -> bool:
    return frame.number("zbee_nwk.cmd.id") == 0x04 and frame.number("wpan.src16") == 0x0000


CASES = {
    "assoc.deny": Case(  # 43
        joiner="zboss-r22",
        ends=("not-associated", "association"),
        changed=association_response,
        reads=("wpan.assoc.status", 0x02),
    ),
    "assoc.pan_full": Case(  # 44
        joiner="zboss-r22",
        ends=("not-associated", "association"),
        changed=association_response,
        reads=("wpan.assoc.status", 0x01),
    ),
    "beacon.capacity": Case(  # 45
        joiner="zboss-r22",
        ends=("not-associated", "scan"),
        changed=beacon,
        reads=("zbee_beacon.router", 0),
        settings="router = false\nend_device = true",
    ),
    "permit.assoc_off_but_accepts": Case(  # 42
        joiner="zboss-r22",
        ends=("not-associated", "scan"),
        changed=beacon,
        reads=("wpan.assoc_permit", 0),
    ),
    "nodedesc.status": Case(  # 32: NXP takes it for a Trust Center older than R21
        joiner="nxp",
        ends=("joined-legacy", "joined"),
        changed=descriptor,
        reads=("zbee_zdp.status", 0x84),
        settings="status = 0x84",
        extends="zb3-lenient",
    ),
    "nodedesc.no_primary_tc_bit": Case(  # 33: Schneider stops there
        joiner="schneider",
        ends=("removed-by-trust-center", "node-descriptor"),
        changed=descriptor,
        reads=("zbee_zdp.server", 0x2C40),
    ),
    "reqkey.delay": Case(  # 7: between 5 and 15 s it asks again, and is answered
        joiner="zboss-r22",
        ends=("joined-secure", "joined"),
        changed=link_key,
        reads=("zbee.sec.key_id", "1 3"),
        settings="seconds = 7",
    ),
    "confirm.delay": Case(  # 13
        joiner="zboss-r22",
        ends=("joined-secure", "joined"),
        changed=confirmation,
        reads=("zbee_aps.cmd.status", 0x00),
        settings="seconds = 6",
    ),
    "tclk.reuse_install_code": Case(  # 2: as 1, for the comparison is with the provisional key
        joiner="zboss-r22",
        ends=("left-by-joiner", "transport-link-key"),
        changed=link_key,
        reads=("zbee_aps.cmd.key", INSTALL_CODE_KEY),
        arguments=("--install-code", INSTALL_CODE),
    ),
    "leave.timeout": Case(  # 40
        joiner="ha12",
        ends=("removed-by-trust-center", "announce"),
        changed=leave_request,
        reads=("zbee_nwk.cmd.leave.request", 1),
        settings="seconds = 5",
    ),
}


def reading(frame: Frame, field: str) -> int | str:
    """The one value of a field, or all of them in one text."""
    texts = frame.texts(field)
    if len(texts) == 1:
        text = {"True": "1", "False": "0"}.get(texts[0], texts[0]).replace(":", "")
        return text if field == "zbee_aps.cmd.key" else int(text, 0)
    return " ".join(str(number) for number in frame.numbers(field))


def write(folder: Path, behaviour: str, case: Case) -> str:
    path = folder / "profile.toml"
    path.write_text(PROFILE.format(behaviour=behaviour, extends=case.extends, settings=case.settings))
    return str(path)


@pytest.mark.parametrize("behaviour", CASES)
def test_a_behaviour_shows_in_the_outcome_and_in_the_frames_that_name_it(
    behaviour: str, tmp_path: Path
) -> None:
    case = CASES[behaviour]
    run = captured(tmp_path, write(tmp_path, behaviour, case), case.joiner, *case.arguments)
    assert (run.verdict["outcome"], run.verdict["step"]) == case.ends
    assert run.verdict["deviations"] == [behaviour]
    air = on_air(run.frames)
    field, value = case.reads
    changed = [frame for frame in air if case.changed(frame)]
    assert changed
    assert {reading(frame, field) for frame in changed} == {value}
    assert [frame for frame in run.frames if behaviour in frame.deviations] == changed


def test_a_joiner_is_removed_when_the_profile_says(tmp_path: Path) -> None:
    case = CASES["leave.timeout"]
    run = captured(tmp_path, write(tmp_path, "leave.timeout", case), case.joiner)
    (key,) = command(on_air(run.frames), TRANSPORT_KEY)
    leave, *_ = (frame for frame in on_air(run.frames) if leave_request(frame))
    assert time(leave) - time(key) == pytest.approx(5, abs=0.05)


@pytest.mark.parametrize(
    ("behaviour", "asked", "answered", "seconds"),
    [
        ("reqkey.delay", REQUEST_KEY, TRANSPORT_KEY, 7),
        ("confirm.delay", VERIFY_KEY, CONFIRM_KEY, 6),
    ],
)
def test_a_late_answer_is_as_late_as_it_was_to_be_and_so_is_that_to_the_repetition(
    behaviour: str, asked: int, answered: int, seconds: int, tmp_path: Path
) -> None:
    case = CASES[behaviour]
    air = on_air(captured(tmp_path, write(tmp_path, behaviour, case), case.joiner).frames)
    asking = [time(frame) for frame in command(air, asked, key_type=4)]
    answers = [time(frame) for frame in command(air, answered, key_type=4)]
    assert len(asking) == len(answers) == 2
    for question, answer in zip(asking, answers, strict=True):
        assert answer - question == pytest.approx(seconds, abs=0.05)


def time(frame: Frame) -> float:
    return float(frame.text("frame.time_epoch"))


def test_a_device_that_joins_again_gets_the_unique_key_it_had(tmp_path: Path) -> None:
    # 3: accepted, for it differs from the provisional key
    case = Case(joiner="zboss-r22", ends=("", ""), changed=link_key, reads=("", 0))
    profile = profiles.load(write(tmp_path, "tclk.reuse_previous", case))
    device = Eui64.parse("f4:ce:36:00:11:22:33:55")
    model = joiners.load("zboss-r22")
    scenario = Scenario(
        profile=profile, joiners=(model,), setting=Setting(network_key=Key.parse(NETWORK_KEY))
    )
    simulation = Simulation(scenario)
    path = tmp_path / "twice.pcapng"
    files = Files(capture=path, utc_at_zero=0, radio="sim")
    with Recording(files, TRUST_CENTER_NAME, simulation.witness.miss) as recording:
        simulation.watch(recording.note)
        simulation.medium.observe(recording.hear)
        simulation.start()
        world = simulation.world
        for number in (1, 2):  # its plug is pulled, and it comes back as new out of the box
            joiner = JoinerNode(model, simulation.entropy.stream(f"joiner {number}"), eui64=device)
            driver = power_on(joiner, f"joiner-{number}", world, simulation.medium)
            world.run_until(Instant(world.now + 10 * SECOND))
            if number == 1:
                driver.power_off()
        verdict = simulation.witness.close(world.now)
        recording.flush()
    assert verdict.device == device
    assert verdict.outcome is Outcome.JOINED_SECURE
    assert "verified the unique key of an earlier attempt" in verdict.explanation
    assert [each.outcome for each in verdict.attempts] == [Outcome.INCONCLUSIVE, Outcome.JOINED_SECURE]
    assert [each.behaviour for each in verdict.deviations] == ["tclk.reuse_previous"]
    frames = wireshark.read(path)
    first, second = command(on_air(frames), TRANSPORT_KEY, key_type=4)
    assert first.text("zbee_aps.cmd.key") == second.text("zbee_aps.cmd.key")
    assert first.text("zbee_aps.cmd.key") not in ("", NETWORK_KEY)
    assert [frame for frame in frames if "tclk.reuse_previous" in frame.deviations] == [second]
    hashes = {frame.text("zbee_aps.cmd.key_hash") for frame in command(on_air(frames), VERIFY_KEY)}
    assert len(hashes) == 1


@pytest.mark.parametrize("profile", ["clear-key", "zigbee-2007"])
def test_an_old_device_joins_with_the_network_key_in_the_clear(profile: str, tmp_path: Path) -> None:
    run = captured(tmp_path, profile, "ha12-clear")
    assert (run.verdict["outcome"], run.verdict["step"]) == ("joined-legacy", "joined")
    (key,) = command(on_air(run.frames), TRANSPORT_KEY)
    assert not key.flag("zbee_aps.security")
    assert not key.flag("zbee_nwk.security")
    assert key.text("zbee_aps.cmd.key").replace(":", "") == NETWORK_KEY
    assert "nwkkey.clear" in key.deviations
