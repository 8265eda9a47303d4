"""Profiles of one's own: inheritance, and one clear line for everything that can be wrong with a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordinator.behaviours import registry
from coordinator.profiles.errors import ConfigurationError, suggestion
from coordinator.profiles.load import load
from coordinator.profiles.locate import configs_folder, display
from coordinator.profiles.schema import StackTable, TrustCenterTable
from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import SECOND

HEAD = """
title = "Bench"
summary = "A coordinator on the bench"
imitates = "nothing"
clause = "none"
seen = "here"
basis = ["K"]
"""
REUSE = '[[behaviours]]\nname = "tclk.reuse_global"\nclause = "c"\nseen = "s"\n'
DELAY = '[[behaviours]]\nname = "reqkey.delay"\nclause = "c"\nseen = "s"\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "bench.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def refusal(path: Path | str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        load(str(path))
    return refused.value


class TestWhatMayBeLeftOut:
    def test_a_title_is_enough_to_describe_a_profile(self, write: Write) -> None:
        bare = load(str(write('title = "Bench"\n')))
        assert bare.title == "Bench"
        assert (bare.summary, bare.imitates, bare.clause, bare.seen, bare.basis) == ("", "", "", "", ())

    def test_a_behaviour_has_the_clause_and_the_sightings_of_the_catalogue(self, write: Write) -> None:
        entry = registry.find("tclk.reuse_global")
        bare = load(str(write('title = "Bench"\n[[behaviours]]\nname = "tclk.reuse_global"\n')))
        (citation,) = bare.citations
        assert (citation.clause, citation.seen) == (entry.clause, entry.seen)

    def test_its_own_words_come_before_the_catalogues(self, write: Write) -> None:
        (citation,) = load(str(write(f"{HEAD}{REUSE}"))).citations
        assert (citation.clause, citation.seen) == ("c", "s")

    def test_the_basis_is_in_ones_own_words(self, write: Write) -> None:
        assert load(str(write(HEAD.replace('"K"', '"a log of 3 March"')))).basis == ("a log of 3 March",)

    def test_a_byte_order_mark_as_windows_editors_write_it_is_passed_over(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.toml"
        path.write_bytes(b"\xef\xbb\xbf" + b'title = "Bench"\r\n')
        assert load(str(path)).title == "Bench"


class TestSeveralFaults:
    def test_a_missing_key_hides_no_misspelt_name(self, write: Write) -> None:
        file = write(
            'extends = "zb4"\n[trust_centre]\n[[behaviours]]\nname = "tclk.reuse_globl"\n'
            '[[behaviours]]\nname = "reqkey.delay"\nsecond = 7\n'
        )
        assert [(each.path, each.message) for each in refusal(file).problems] == [
            ("trust_centre", "unknown key; did you mean 'trust_center'?"),
            ("title", "missing"),
            ("extends", "profile 'zb4': no such profile; did you mean 'zb3'?"),
            (
                "behaviours[0].name",
                "no such behaviour: 'tclk.reuse_globl'; did you mean 'tclk.reuse_global'?",
            ),
            ("behaviours[1].second", "unknown setting (reqkey.delay); did you mean 'seconds'?"),
        ]

    def test_a_misspelt_key_is_not_missing_as_well(self, write: Write) -> None:
        assert [each.path for each in refusal(write('titel = "Bench"\n')).problems] == ["titel"]

    @pytest.mark.parametrize("revision", [128, 255, -1])
    def test_a_revision_that_seven_bits_cannot_hold_is_refused(self, write: Write, revision: int) -> None:
        error = refusal(write(f'title = "Bench"\n[stack]\nstack_revision = {revision}\n'))
        assert error.path == "stack.stack_revision"

    def test_a_revision_that_does_not_exist_is_faultless(self, write: Write) -> None:
        profile = load(str(write('title = "Bench"\n[stack]\nstack_revision = 99\n')))
        assert profile.stack.server_mask == 99 << 9 | 0x41


class TestInheritance:
    def test_a_child_states_only_what_differs(self, write: Write) -> None:
        child = load(str(write(f'extends = "pre-zb3"\n{HEAD}[trust_center]\nnode_join_timeout = 2.5\n')))
        assert child.trust_center.node_join_timeout == 5 * SECOND // 2
        assert child.trust_center.require_key_exchange is RequireKeyExchange.IF_R21

    def test_a_childs_behaviours_come_after_its_parents(self, write: Write) -> None:
        child = load(str(write(f'extends = "key-reuse"\n{HEAD}{DELAY}seconds = 7\n')))
        assert [behaviour.name for behaviour in child.behaviours] == ["tclk.reuse_global", "reqkey.delay"]

    def test_a_child_can_go_without_what_its_parent_does(self, write: Write) -> None:
        child = load(str(write(f'extends = "ha12"\nwithout = ["reqkey.ignore"]\n{HEAD}{REUSE}')))
        assert [behaviour.name for behaviour in child.behaviours] == [
            "nodedesc.revision",
            "tclk.reuse_global",
        ]
        assert [citation.behaviour for citation in child.citations] == [
            "nodedesc.revision",
            "tclk.reuse_global",
        ]

    def test_a_parent_may_be_a_file_beside_the_child(self, write: Write) -> None:
        write(f"{HEAD}[stack]\nstack_revision = 0\n", "parent.toml")
        child = load(str(write(f'extends = "parent.toml"\n{HEAD}')))
        assert child.stack.stack_revision is None
        assert child.lineage == ("parent",)

    def test_what_describes_a_profile_is_not_inherited(self, write: Write) -> None:
        assert refusal(write('extends = "zb3"\n')).message == "missing"

    @pytest.mark.parametrize(
        ("table", "policy"), [(TrustCenterTable, TrustCenterPolicy), (StackTable, StackPolicy)]
    )
    def test_every_policy_value_can_be_set(
        self,
        table: type[TrustCenterTable] | type[StackTable],
        policy: type[TrustCenterPolicy] | type[StackPolicy],
    ) -> None:
        assert set(table.model_fields) == {field.name for field in dataclasses.fields(policy)}


def with_behaviour(extra: str) -> str:
    return f"{HEAD}{DELAY}{extra}\n"


class TestRefusals:
    """Each says the file, the place in it, what is wrong and, where one is near, what was meant."""

    @pytest.mark.parametrize(
        ("text", "path", "message"),
        [
            (
                f'{HEAD}[trust_center]\nrequire_key_exchnge = "never"\n',
                "trust_center.require_key_exchnge",
                "unknown key; did you mean 'require_key_exchange'?",
            ),
            (f'{HEAD}extend = "zb3"\n', "extend", "unknown key; did you mean 'extends'?"),
            (f"{HEAD}[stak]\n", "stak", "unknown key; did you mean 'stack'?"),
            (HEAD.replace("title", "titel"), "titel", "unknown key; did you mean 'title'?"),
            (
                f'{HEAD}[trust_center]\nrequire_key_exchange = "nevr"\n',
                "trust_center.require_key_exchange",
                "wrong value 'nevr', expected never, always or if-joiner-r21; did you mean 'never'?",
            ),
            (
                f"{HEAD}[trust_center]\nrequire_key_exchange = true\n",
                "trust_center.require_key_exchange",
                "wrong value True, expected never, always or if-joiner-r21",
            ),
            (
                f'{HEAD}[trust_center]\nnode_join_timeout = "15"\n',
                "trust_center.node_join_timeout",
                "expected a number, found a text",
            ),
            (
                f"{HEAD}[trust_center]\nnode_join_timeout = 0\n",
                "trust_center.node_join_timeout",
                "wrong value 0: should be greater than 0",
            ),
            (
                f"{HEAD}[trust_center]\nnode_join_timeout = nan\n",
                "trust_center.node_join_timeout",
                "wrong value nan: should be a finite number",
            ),
            (
                f"{HEAD}[stack]\nstack_revision = 128\n",
                "stack.stack_revision",
                "wrong value 128: should be less than or equal to 127",
            ),
            (
                f"{HEAD}[stack]\nrouter_capacity = 1\n",
                "stack.router_capacity",
                "expected true or false, found an integer",
            ),
            (
                f"{HEAD}[stack]\nstack_revision = 22.0\n",
                "stack.stack_revision",
                "expected an integer, found a number",
            ),
            (f"{HEAD}stack = 22\n", "stack", "expected a table, found an integer"),
            (f'{HEAD}behaviours = "all"\n', "behaviours", "expected a list, found a text"),
            (HEAD.replace('"K"', "7"), "basis[0]", "expected a text, found an integer"),
            (HEAD.replace('title = "Bench"\n', ""), "title", "missing"),
            (
                f'{HEAD}[[behaviours]]\nname = "tclk.reuse_globl"\nclause = "c"\nseen = "s"\n',
                "behaviours[0].name",
                "no such behaviour: 'tclk.reuse_globl'; did you mean 'tclk.reuse_global'?",
            ),
            (
                f'{HEAD}[[behaviours]]\nname = "xyz"\nclause = "c"\nseen = "s"\n',
                "behaviours[0].name",
                "no such behaviour: 'xyz'; `legacy-tc behaviours list` names them all",
            ),
            (
                with_behaviour("second = 7"),
                "behaviours[0].second",
                "unknown setting (reqkey.delay); did you mean 'seconds'?",
            ),
            (
                f"{HEAD}{REUSE}clauses = 7\n",
                "behaviours[0].clauses",
                "unknown setting (tclk.reuse_global); did you mean 'clause'?",
            ),
            (
                with_behaviour('seconds = "7"'),
                "behaviours[0].seconds",
                "expected a number, found '7' (reqkey.delay)",
            ),
            (
                with_behaviour("seconds = -1"),
                "behaviours[0].seconds",
                "wrong value -1.0, expected 0 to 3600 (reqkey.delay)",
            ),
            (
                with_behaviour(""),
                "behaviours[0].seconds",
                re.compile(r"missing; seconds: a number, 0 to 3600 s: .* \(reqkey\.delay\)"),
            ),
            (
                f'extends = "zb4"\n{HEAD}',
                "extends",
                "profile 'zb4': no such profile; did you mean 'zb3'?",
            ),
            (
                f'extends = "ha12"\nwithout = ["reqkey.ignored"]\n{HEAD}',
                "without[0]",
                "'reqkey.ignored' is not inherited; did you mean 'reqkey.ignore'?",
            ),
            (f'{HEAD}x = "\n', re.compile(r"line 8, column \d+"), re.compile("not TOML: .+")),
            (f"{HEAD}title = 1\n", re.compile("line 8, column .*"), re.compile("not TOML: Cannot overwrite")),
            (f"{HEAD}a = [\n", "end of document", re.compile("not TOML: ")),
        ],
    )
    def test_what_is_wrong_in_a_file_is_named_with_its_place(
        self, write: Write, text: str, path: str | re.Pattern[str], message: str | re.Pattern[str]
    ) -> None:
        file = write(text)
        error = refusal(file)
        assert error.source == str(file)
        assert error.path == path if isinstance(path, str) else path.fullmatch(error.path)
        assert error.message == message if isinstance(message, str) else message.match(error.message)
        assert str(error) == f"{error.source}: {error.path}: {error.message}"
        assert "\n" not in str(error)

    def test_an_unknown_name_is_no_path(self) -> None:
        assert str(refusal("pre-zb4")) == "profile 'pre-zb4': no such profile; did you mean 'pre-zb3'?"
        assert str(refusal("x")) == "profile 'x': no such profile; `legacy-tc profiles list` names them all"

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing.toml"
        assert str(refusal(missing)) == f"{missing}: cannot be read: No such file or directory"

    def test_a_folder_is_no_profile(self, tmp_path: Path) -> None:
        assert "cannot be read: Is a directory" in str(refusal(f"{tmp_path}/"))

    def test_a_missing_parent_is_blamed_on_the_child(self, write: Write) -> None:
        child = write(f'extends = "./parent.toml"\n{HEAD}')
        error = refusal(child)
        assert (error.source, error.path) == (str(child), "extends")
        assert error.message == f"no such file: {child.parent / 'parent.toml'}"

    def test_an_error_in_the_parent_is_blamed_on_the_parent(self, write: Write) -> None:
        parent = write(f"{HEAD}colour = 1\n", "parent.toml")
        assert refusal(write(f'extends = "parent.toml"\n{HEAD}')).source == str(parent)

    def test_extending_oneself_goes_round_in_a_circle(self, write: Write) -> None:
        error = refusal(write(f'extends = "bench.toml"\n{HEAD}'))
        assert error.path == "extends"
        assert error.message == "goes round in a circle: bench extends bench"

    def test_two_files_that_extend_each_other_go_round_in_a_circle(self, write: Write) -> None:
        first = write(f'extends = "second.toml"\n{HEAD}', "first.toml")
        second = write(f'extends = "./first.toml"\n{HEAD}', "second.toml")
        error = refusal(first)
        assert (error.source, error.path) == (str(second), "extends")
        assert error.message == "goes round in a circle: first extends second extends first"

    def test_octets_that_are_no_text_are_placed_by_line(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.toml"
        path.write_bytes(b'title = "a"\nseen = "\xff"\n')
        assert str(refusal(path)) == f"{path}: line 2: not TOML: not UTF-8 text"

    def test_a_file_beyond_all_measure_is_no_configuration(self, tmp_path: Path) -> None:
        path = tmp_path / "bench.toml"
        path.write_bytes(b"#" * 2_000_000)
        assert "not a configuration" in str(refusal(path))

    @pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = 2026-13-01\n"])
    def test_toml_that_python_chokes_on_is_refused_like_any_other(self, write: Write, text: str) -> None:
        assert refusal(write(text)).message.startswith("not TOML: ")

    @pytest.mark.parametrize("name", ["a\0b.toml", "x" * 300 + ".toml"])
    def test_a_name_that_no_file_can_have_is_refused(self, name: str) -> None:
        assert "\0" not in str(refusal(name))


@settings(max_examples=200)
@given(octets=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(octets=HEAD.encode())
def test_any_octets_load_or_are_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(octets)
    try:
        load(str(path))
    except ConfigurationError as error:
        refused = str(error)
    else:
        refused = f"{path}: nothing"
    assert refused.startswith(f"{path}: ")


def test_a_shipped_file_is_shown_from_configs_on() -> None:
    assert display(configs_folder() / "profiles" / "zb3.toml") == "configs/profiles/zb3.toml"


def test_a_suggestion_is_made_only_when_one_is_near() -> None:
    assert suggestion("nevr", ["never", "always"]) == "; did you mean 'never'?"
    assert suggestion("purple", ["never", "always"]) == ""
