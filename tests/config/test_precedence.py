"""Defaults < file < conf.d < environment < options, whatever subset of them has a key."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.config.configuration import load
from coordinator.config.keys import Key

PLACES = ("file", "10-rack", "20-site", "environment", "option")
VALUES: dict[Key, st.SearchStrategy[object]] = {
    Key("mqtt", "id"): st.from_regex(r"\A[a-z0-9-]{1,32}\Z"),
    Key("mqtt", "keepalive_seconds"): st.integers(1, 65_535),
    Key("mqtt", "frames"): st.booleans(),
    Key("run", "observe_seconds"): st.floats(1, 86_400),
    Key("run", "expect"): st.lists(st.sampled_from(["joined-secure", "left-by-joiner"]), min_size=1),
    Key("log", "level"): st.sampled_from(["debug", "info", "warning", "error"]),
    Key("network", "channel"): st.integers(11, 26),
}
DEFAULTS: dict[Key, object] = {
    Key("mqtt", "id"): "tc0",
    Key("mqtt", "keepalive_seconds"): 5,
    Key("mqtt", "frames"): False,
    Key("run", "observe_seconds"): 40.0,
    Key("run", "expect"): ["joined-secure", "joined-legacy"],
    Key("log", "level"): "info",
    Key("network", "channel"): None,
}
TEXTS = (Key("mqtt", "id"), Key("log", "level"))
Said = Mapping[Key, Mapping[str, object]]


def saying(values: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """What each of some places says."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(PLACES, values))


def toml(said: Said, place: str) -> str:
    lines: list[str] = []
    for key, places in said.items():
        if place in places:
            lines.append(f"{key} = {json.dumps(places[place])}")  # dotted, as TOML allows
    return "\n".join(lines)


@given(st.fixed_dictionaries({key: saying(values) for key, values in VALUES.items()}))
def test_the_strongest_place_that_has_a_key_decides_and_is_named(said: Said) -> None:
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "legacy-tc.toml"
        main.write_text(toml(said, "file"))
        (main.parent / "conf.d").mkdir()
        for name in ("10-rack", "20-site"):
            (main.parent / "conf.d" / f"{name}.toml").write_text(toml(said, name))
        environ = {
            f"LEGACY_TC__{key.section.upper()}__{key.name.upper()}": str(places["environment"])
            if key in TEXTS
            else json.dumps(places["environment"])
            for key, places in said.items()
            if "environment" in places
        }
        options = {key: ("--option", places["option"]) for key, places in said.items() if "option" in places}
        found = load(main, environ, options)
    for key, places in said.items():
        strongest = [place for place in PLACES if place in places][-1:]
        assert found.value(key) == (places[strongest[0]] if strongest else DEFAULTS[key])
        expected = {
            (): "default",
            ("file",): str(main),
            ("10-rack",): str(main.parent / "conf.d" / "10-rack.toml"),
            ("20-site",): str(main.parent / "conf.d" / "20-site.toml"),
            ("environment",): f"LEGACY_TC__{key.section}__{key.name}".upper(),
            ("option",): "--option",
        }[tuple(strongest)]
        assert str(found.origin(key)) == expected


ALLOW, ANY = Key("joining", "allow"), Key("joining", "any_joiner")
DEVICE = "00:12:4b:00:01:02:03:04"


@given(st.lists(st.sampled_from(["nothing", "some", "any"]), min_size=2, max_size=2))
def test_the_stronger_answer_to_who_may_join_takes_the_place_of_the_weaker(answers: list[str]) -> None:
    said = {
        "nothing": {},
        "some": {"LEGACY_TC__JOINING__ALLOW": f'["{DEVICE}"]'},
        "any": {"LEGACY_TC__JOINING__ANY_JOINER": "true"},
    }
    option: dict[str, dict[Key, tuple[str, object]]] = {
        "nothing": {},
        "some": {ALLOW: ("--allow", [DEVICE])},
        "any": {ANY: ("--any-joiner", True)},
    }
    weaker, stronger = answers
    found = load(None, said[weaker], option[stronger])
    decisive = weaker if stronger == "nothing" else stronger
    assert found.value(ALLOW) == ([DEVICE] if decisive == "some" else [])
    assert found.value(ANY) == (decisive == "any")


def test_drop_ins_come_in_the_order_of_their_names_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    main, folder = tmp_path / "legacy-tc.toml", tmp_path / "conf.d"
    main.write_text("")
    folder.mkdir()
    for name, level in (("b.toml", "error"), ("a.toml", "debug"), (".c.toml", "warning"), ("d.txt", "info")):
        (folder / name).write_text(f'[log]\nlevel = "{level}"\n')
    found = load(main, {})
    assert found.values.log.level == "error"
    assert [path.name for path in found.files] == ["legacy-tc.toml", "a.toml", "b.toml"]


def test_nothing_is_read_that_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("legacy-tc.toml").write_text("this is not TOML")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.toml").write_text("nor is this")
    assert load(None, {}).origins == {}


def test_a_variable_that_is_empty_counts_as_not_there(tmp_path: Path) -> None:
    main = tmp_path / "legacy-tc.toml"
    main.write_text('[mqtt]\nid = "rack7"\n')
    found = load(main, {"LEGACY_TC__MQTT__ID": "", "LEGACY_TC__RUN__ONCE": ""})
    assert found.values.mqtt.id == "rack7"
    assert found.values.run.once is False


def test_a_relative_path_counts_from_the_folder_of_its_file(tmp_path: Path) -> None:
    main = tmp_path / "etc" / "legacy-tc.toml"
    (main.parent / "conf.d").mkdir(parents=True)
    main.write_text('[trust_center]\nprofile = "./mine.toml"\n[state]\nfolder = "state"\n')
    (main.parent / "conf.d" / "a.toml").write_text('[evidence]\ncapture = "/var/run.pcapng"\nevents = "e"\n')
    found = load(main, {"LEGACY_TC__EVIDENCE__FOLDER": "captures"}).values
    assert found.state.folder == tmp_path / "etc" / "state"
    assert found.trust_center.profile == f"{tmp_path}/etc/./mine.toml"
    assert found.evidence.capture == Path("/var/run.pcapng")
    assert found.evidence.events == tmp_path / "etc" / "conf.d" / "e"
    assert found.evidence.folder == Path("captures")


def test_a_shipped_name_is_no_path(tmp_path: Path) -> None:
    main = tmp_path / "legacy-tc.toml"
    main.write_text('[trust_center]\nprofile = "zb3"\n')
    assert load(main, {}).values.trust_center.profile == "zb3"
