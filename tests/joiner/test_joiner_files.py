"""configs/joiners and what is refused: the file, the place in it, and what was probably meant."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from coordinator.joiner import model
from coordinator.profiles import joiners
from coordinator.profiles.errors import ConfigurationError
from coordinator.profiles.locate import configs_folder
from coordinator.types import DeviceType

SHIPPED = configs_folder() / "joiners"
NXP = (SHIPPED / "nxp.toml").read_text()
SLEEPY = (SHIPPED / "sleepy-zb3.toml").read_text()
GROUPS = (
    "node", "scan", "association", "authentication", "exchange", "leave", "steering", "poll",
)  # fmt: skip


def traits_of(joiner: model.JoinerModel) -> set[str]:
    return {
        f"{group}.{field.name}"
        for group in GROUPS
        if (table := getattr(joiner, group)) is not None
        for field in dataclasses.fields(table)
    }


def refusal(path: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        joiners.load(str(path))
    assert "\n" not in str(caught.value)
    return caught.value


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_models_that_ship() -> None:
    assert joiners.catalogue() == (
        "emberznet", "ha12", "ha12-clear", "nxp", "schneider", "sleepy-zb3", "telink", "zboss-r22",
        "zboss-r22-legacy", "zboss-r22-legacy-update", "zstack-3.0.2",
    )  # fmt: skip


@pytest.mark.parametrize("name", joiners.catalogue())
def test_every_trait_of_a_shipped_model_says_how_it_is_known(name: str) -> None:
    joiner = joiners.load(name)
    assert set(joiner.basis) == traits_of(joiner)
    assert all(known.note for known in joiner.basis.values())
    assert joiner.name == name
    assert joiner.title
    assert joiner.imitates


@pytest.mark.parametrize("name", joiners.catalogue())
def test_the_stack_revision_of_each_node_descriptor(name: str) -> None:
    # seed.md: R22; protocol.md 1.6: before R21 the bits are zero
    revision = model.stack_policy(joiners.load(name)).stack_revision
    assert revision == (None if name.startswith("ha12") else 22)


@pytest.mark.parametrize("name", joiners.catalogue())
def test_all_are_routers_but_the_sleepy_one(name: str) -> None:
    joiner = joiners.load(name)
    sleepy = name == "sleepy-zb3"
    assert joiner.device_type is (DeviceType.END_DEVICE if sleepy else DeviceType.ROUTER)
    assert joiner.sleepy is sleepy


def test_no_shipped_trait_is_measured_but_by_the_seed_the_capture_or_a_named_thread() -> None:
    for name in joiners.catalogue():
        for trait, known in joiners.load(name).basis.items():
            if known.basis is model.Basis.MEASURED:
                assert re.search(r"sources\.md, seed|the capture of docs/sources\.md|#137", known.note), (
                    name,
                    trait,
                )


def test_the_weakest_basis_of_some_traits() -> None:
    telink = joiners.load("telink")
    assert telink.weakest_basis([]) is None
    assert telink.weakest_basis(["exchange.accepts_identical_key"]) is model.Basis.MEASURED
    traits = ["exchange.accepts_identical_key", "exchange.attempts"]
    assert telink.weakest_basis(traits) is model.Basis.SOURCE
    assert telink.weakest_basis([*traits, "scan.attempts"]) is model.Basis.ASSUMED


class TestExtends:
    def test_a_variant_differs_from_its_base_only_where_it_says_so(self) -> None:
        base, variant = joiners.load("zboss-r22"), joiners.load("zboss-r22-legacy-update")
        assert variant.exchange == dataclasses.replace(base.exchange, on_failure=model.FailureReaction.STAY)
        assert (variant.scan, variant.leave, variant.node) == (base.scan, base.leave, base.node)
        assert variant.title != base.title

    def test_a_file_of_ones_own_may_extend_a_shipped_one(self, tmp_path: Path) -> None:
        path = write(
            tmp_path,
            'extends = "zboss-r22"\ntitle = "T"\nimitates = "I"\n'
            '[leave]\ndelay_ms = { value = 4000, basis = "measured", note = "on my bench" }\n',
        )
        joiner = joiners.load(str(path))
        assert (joiner.name, joiner.leave.delay) == ("mine", 4_000_000)
        assert joiner.basis["leave.delay"] == model.Provenance(basis=model.Basis.MEASURED, note="on my bench")

    def test_title_and_imitates_are_not_inherited(self, tmp_path: Path) -> None:
        error = refusal(write(tmp_path, 'extends = "zboss-r22"\ntitle = "T"\n'))
        assert (error.path, error.message) == ("imitates", "missing")

    def test_a_circle_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, 'extends = "b.toml"\n', "a.toml")
        path = write(tmp_path, 'extends = "a.toml"\n', "b.toml")
        error = refusal(path)
        assert (error.path, error.message) == ("extends", "goes in a circle: b -> a -> b")
        assert error.source.endswith("a.toml")

    def test_an_unknown_base_is_refused_with_a_suggestion(self, tmp_path: Path) -> None:
        error = refusal(write(tmp_path, 'extends = "zboss-r2"\n'))
        assert error.path == "extends"
        assert "did you mean 'zboss-r22'?" in error.message

    def test_a_base_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        error = refusal(write(tmp_path, "extends = 3\n"))
        assert (error.path, error.message) == ("extends", "expected a text, found an integer")

    def test_a_mistake_in_the_base_names_the_base(self, tmp_path: Path) -> None:
        write(tmp_path, NXP.replace("value = 300,", "value = -1,"), "base.toml")
        error = refusal(write(tmp_path, 'extends = "base.toml"\ntitle = "T"\nimitates = "I"\n'))
        assert error.source.endswith("base.toml")
        assert error.path == "exchange.start_delay_ms.value"


@pytest.mark.parametrize(
    ("before", "after", "path", "message"),
    [
        ("retry_rule =", "retry_rul =", "exchange.retry_rul", "unknown key; did you mean 'retry_rule'?"),
        ("[leave]", "[leaves]", "leaves", "unknown key; did you mean 'leave'?"),
        ("title =", "titel =", "titel", "unknown key; did you mean 'title'?"),
        ('"shared", basis', '"shraed", basis', "exchange.retry_rule.value", "did you mean 'shared'?"),
        ('300, basis = "source"', '300, basis = "sauce"', "exchange.start_delay_ms.basis", "'source'?"),
        ("300, basis", '"300", basis', "exchange.start_delay_ms.value", "expected an integer, found a text"),
        ("300, basis", "0.3, basis", "exchange.start_delay_ms.value", "expected an integer, found a number"),
        ("0x07FFF800", "0x07FFF801", "scan.channel_mask.value", "wrong value"),
        ("0x07FFF800", "0", "scan.channel_mask.value", "wrong value 0"),
        ("value = [2]", "value = []", "scan.stack_profiles.value", "wrong value []"),
        ("value = 0x8E", "value = 0x80", "poll", "missing: node.capability says the receiver sleeps"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, path: str, message: str
) -> None:
    assert before in NXP
    error = refusal(write(tmp_path, NXP.replace(before, after)))
    assert error.source.endswith("mine.toml")
    assert error.path == path
    assert message in error.message


def test_a_trait_without_its_basis_is_refused(tmp_path: Path) -> None:
    text = re.sub(r"(start_delay_ms = \{ value = 300), basis = \"source\"", r"\1", NXP)
    error = refusal(write(tmp_path, text))
    assert (error.path, error.message) == ("exchange.start_delay_ms.basis", "missing")


def test_polls_of_a_device_that_does_not_sleep_are_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, SLEEPY.replace("value = 0x80", "value = 0x8C")))
    assert error.path == "poll"
    assert "not used" in error.message


def test_a_poll_period_of_zero_is_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, SLEEPY.replace("value = 250", "value = 0")))
    assert error.path == "poll.joining_ms.value"


def test_broken_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, 'title = "T"\nimitates = \n'))
    assert "line 2" in error.path


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'emberznet'"):
        joiners.load("emberzent")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.toml").message
