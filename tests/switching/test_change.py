"""What a change makes of what is in force, and what it says when it cannot be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.behaviours import registry
from coordinator.profiles import load
from coordinator.stack.behaviour import Behaviour
from coordinator.switching.change import Edit, InForce, Misfit, add, become, remove, together, update

ZB3, PRE_ZB3, CLASSIC = (load.load(name) for name in ("zb3", "pre-zb3", "classic-r20"))


def built(name: str, **settings: object) -> Behaviour:
    return registry.find(name).build(settings)


IGNORE, REUSE = built("reqkey.ignore"), built("tclk.reuse_global")
DELAY, STATUS = built("reqkey.delay", seconds=2.0), built("confirm.status", status=0xAD)


def in_force(*behaviours: Behaviour) -> InForce:
    return InForce(profile=ZB3, behaviours=behaviours)


def names(state: InForce) -> list[str]:
    return [each.name for each in state.behaviours]


def misfits(edit: Edit, state: InForce) -> tuple[str, ...]:
    with pytest.raises(Misfit) as caught:
        edit(state)
    assert str(caught.value) == "; ".join(caught.value.reasons)
    return caught.value.reasons


class TestBecoming:
    def test_another_profile_brings_its_behaviours_and_leaves_no_others(self) -> None:
        after = become(PRE_ZB3)(in_force(IGNORE, DELAY))
        assert after == InForce(profile=PRE_ZB3, behaviours=PRE_ZB3.behaviours)
        assert names(after) == ["tclk.reuse_global"]


class TestAdding:
    def test_one_more_is_applied_last(self) -> None:
        assert names(add(IGNORE)(in_force(REUSE, DELAY))) == [
            "tclk.reuse_global",
            "reqkey.delay",
            "reqkey.ignore",
        ]

    @pytest.mark.parametrize(("position", "order"), [(0, "ird"), (1, "rid"), (2, "rdi")])
    def test_one_more_is_applied_at_its_position(self, position: int, order: str) -> None:
        letters = {"i": "reqkey.ignore", "r": "tclk.reuse_global", "d": "reqkey.delay"}
        assert names(add(IGNORE, position)(in_force(REUSE, DELAY))) == [letters[each] for each in order]

    @pytest.mark.parametrize("position", [3, -1])
    def test_there_is_no_position_past_either_end(self, position: int) -> None:
        assert misfits(add(IGNORE, position), in_force(REUSE, DELAY)) == (
            f"there is no position {position} among 2 behaviours",
        )

    def test_the_same_twice_is_refused_whatever_its_settings(self) -> None:
        assert misfits(add(built("reqkey.delay", seconds=9.0)), in_force(DELAY)) == (
            "reqkey.delay is in force already; update it, or take it out first",
        )

    def test_the_profile_stays(self) -> None:
        assert add(IGNORE)(in_force()).profile is ZB3


class TestRemoving:
    def test_the_others_keep_their_order(self) -> None:
        assert names(remove("reqkey.ignore")(in_force(REUSE, IGNORE, DELAY))) == [
            "tclk.reuse_global",
            "reqkey.delay",
        ]

    def test_a_profiles_own_behaviour_can_be_taken_out_of_it(self) -> None:
        after = remove("tclk.reuse_global")(InForce.of(PRE_ZB3))
        assert (after.profile, after.behaviours) == (PRE_ZB3, ())

    def test_what_is_not_there_is_refused_with_what_is(self) -> None:
        assert misfits(remove("reqkey.ignore"), in_force(REUSE, DELAY)) == (
            "reqkey.ignore is not in force; in force: tclk.reuse_global, reqkey.delay",
        )
        assert misfits(remove("reqkey.ignore"), in_force()) == (
            "reqkey.ignore is not in force; in force: none",
        )


class TestUpdating:
    def test_settings_change_and_its_place_does_not(self) -> None:
        after = update("reqkey.delay", {"seconds": 4.5})(in_force(REUSE, DELAY, STATUS))
        assert after.behaviours == (REUSE, built("reqkey.delay", seconds=4.5), STATUS)

    def test_a_setting_that_is_not_named_stays(self) -> None:
        assert update("confirm.status", {})(in_force(STATUS)).behaviours == (STATUS,)

    def test_a_setting_that_there_is_not_is_refused_by_name(self) -> None:
        (reason,) = misfits(update("reqkey.delay", {"minutes": 1}), in_force(DELAY))
        assert reason == "reqkey.delay: minutes: unknown setting"

    def test_a_value_out_of_range_is_refused_with_the_range(self) -> None:
        (reason,) = misfits(update("confirm.status", {"status": 0x100}), in_force(STATUS))
        assert reason == "confirm.status: status: wrong value 256, expected 1 to 255"

    def test_what_is_not_in_force_cannot_be_updated(self) -> None:
        (reason,) = misfits(update("reqkey.delay", {"seconds": 1.0}), in_force(REUSE))
        assert reason == "reqkey.delay is not in force; in force: tclk.reuse_global"


class TestTogether:
    def test_each_is_made_of_what_those_before_it_made(self) -> None:
        edit = together(
            become(CLASSIC), add(DELAY), update("reqkey.delay", {"seconds": 1.0}), remove("nodedesc.revision")
        )
        after = edit(in_force(IGNORE))
        assert after == InForce(profile=CLASSIC, behaviours=(built("reqkey.delay", seconds=1.0),))

    def test_nothing_is_made_of_them_when_one_does_not_fit_and_each_misfit_is_named(self) -> None:
        before = in_force(DELAY)
        edit = together(
            add(REUSE), remove("reqkey.ignore"), add(DELAY), update("tclk.reuse_global", {"x": 1})
        )
        assert misfits(edit, before) == (
            "reqkey.ignore is not in force; in force: reqkey.delay, tclk.reuse_global",
            "reqkey.delay is in force already; update it, or take it out first",
            "tclk.reuse_global: x: unknown setting",
        )
        assert before == in_force(DELAY)

    def test_no_change_at_all_changes_nothing(self) -> None:
        before = replace(in_force(DELAY))
        assert together()(before) == before
