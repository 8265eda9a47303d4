"""The catalogue: what there is, what it can be told, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.behaviours import registry
from coordinator.stack.behaviour import Behaviour
from tests.behaviours.plans import behaviour

FIRST = {
    "assoc.deny",
    "assoc.pan_full",
    "beacon.capacity",
    "beacon.stack_profile",
    "confirm.delay",
    "confirm.status",
    "leave.mgmt",
    "leave.nwk_no_rejoin",
    "leave.nwk_rejoin",
    "leave.remove_device",
    "leave.timeout",
    "nodedesc.ignore",
    "nodedesc.no_primary_tc_bit",
    "nodedesc.revision",
    "nodedesc.status",
    "nwkkey.clear",
    "permit.assoc_off_but_accepts",
    "reqkey.delay",
    "reqkey.ignore",
    "tclk.reuse_global",
    "tclk.reuse_install_code",
    "tclk.reuse_previous",
    "verify.ignore",
}


def test_the_first_behaviours_of_the_catalogue_are_all_there() -> None:
    assert set(registry.catalogue()) >= FIRST


@pytest.mark.parametrize("name", registry.catalogue())
class TestEachBehaviour:
    def test_is_found_under_its_modules_name(self, name: str) -> None:
        entry = registry.find(name)
        assert entry.behaviour.__module__ == f"coordinator.behaviours.{name}"
        assert behaviour(name).name == name

    def test_says_what_it_does_what_it_breaks_and_where_it_was_seen(self, name: str) -> None:
        entry = registry.find(name)
        assert entry.summary.endswith(".")
        assert entry.clause.startswith(("unverified: ", "none "))
        assert entry.seen

    def test_overrides_a_hook(self, name: str) -> None:
        assert registry.find(name).hooks

    def test_is_a_value(self, name: str) -> None:
        one, other = behaviour(name), behaviour(name)
        assert one == other
        assert hash(one) == hash(other)
        assert not hasattr(one, "__dict__")

    def test_describes_each_setting_with_its_unit_or_meaning(self, name: str) -> None:
        for field in registry.find(name).fields:
            assert field.setting.meaning in field.describe()

    def test_refuses_a_setting_it_does_not_have(self, name: str) -> None:
        with pytest.raises(registry.SettingError, match="unknown setting") as refused:
            registry.find(name).build({"colour": 1})
        assert refused.value.setting == "colour"


def test_a_setting_that_must_be_given_is_asked_for() -> None:
    with pytest.raises(registry.SettingError, match="seconds: missing"):
        registry.find("reqkey.delay").build({})


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("reqkey.delay", "seconds", "7"),
        ("reqkey.delay", "seconds", -1),
        ("reqkey.delay", "seconds", float("nan")),
        ("reqkey.delay", "seconds", float("inf")),
        ("reqkey.delay", "seconds", True),
        ("leave.timeout", "seconds", 0),
        ("confirm.status", "status", 0),
        ("confirm.status", "status", 256),
        ("confirm.status", "status", 173.0),
        ("nodedesc.revision", "revision", 128),
        ("beacon.stack_profile", "stack_profile", 16),
        ("beacon.capacity", "router", 1),
        ("leave.mgmt", "rejoin", "yes"),
    ],
)
def test_a_value_of_the_wrong_kind_or_out_of_range_is_refused(name: str, setting: str, value: object) -> None:
    given = {"router": True, "end_device": True} if name == "beacon.capacity" else {}
    with pytest.raises(registry.SettingError) as refused:
        registry.find(name).build({**given, setting: value})
    assert refused.value.setting == setting


def test_an_integer_will_do_for_seconds() -> None:
    built = registry.find("reqkey.delay").build({"seconds": 7})
    assert registry.settings_of(built) == {"seconds": 7.0}


def test_a_setting_with_a_default_may_be_left_out() -> None:
    assert registry.settings_of(registry.find("leave.mgmt").build({})) == {"rejoin": False}


def test_a_name_that_is_not_in_the_catalogue_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        registry.find("tclk.reuse_globl")


def test_every_catalogue_entry_is_a_behaviour() -> None:
    classes: list[type[Any]] = [registry.find(name).behaviour for name in registry.catalogue()]
    assert all(issubclass(declared, Behaviour) for declared in classes)
    assert len(set(classes)) == len(classes)
