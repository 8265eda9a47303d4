"""Octets from anybody: a request, or an error that says what is wrong and where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.control import payload
from coordinator.control.payload import DEEPEST, LARGEST
from coordinator.control.schema.commands import COMMANDS
from coordinator.control.schema.errors import ControlError, ErrorCode


def wrong(octets: bytes, verb: str = "profile/set") -> ControlError:
    with pytest.raises(ControlError) as caught:
        payload.request_of(payload.command_of(verb), payload.parse(octets))
    return caught.value


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b" " * (LARGEST + 1), "more than a request may have"),
        (b'{"profile": "\xff"}', "octet 13 is not UTF-8"),
        (b"[" * 100_000, "more than a request may have"),
        (b"[" * (DEEPEST + 1), f"nested {DEEPEST + 1} deep"),
        (b'{"a":' * 5000, "nested 5000 deep"),
        (b"[]", "a list where an object was expected"),
        (b"null", "a NoneType where an object was expected"),
        (b'"x"', "a str where an object was expected"),
        (b"{", "not JSON"),
        (b'{"within": NaN}', "NaN is no JSON"),
        (b'{"within": -Infinity}', "-Infinity is no JSON"),
        (b'{"profile": "zb3", "profile": "zb4"}', "the key 'profile' is there twice"),
        (b'{"within": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_what_is_no_json_object_is_malformed_and_told_in_one_line(octets: bytes, says: str) -> None:
    error = wrong(octets)
    assert error.code is ErrorCode.MALFORMED
    assert says in error.message
    assert "\n" not in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("request_", "place", "says"),
    [
        ({"profil": "zb3"}, "profil", "profile"),
        ({"profile": 7}, "profile", "7"),
        ({"profile": "zb3", "within": "soon"}, "within", "'soon'"),
        ({"profile": "zb3", "within": 1e999}, "within", "finite"),
        ({"profile": "zb3", "if_generation": 1.5}, "if_generation", "1.5"),
        ({"profile": "zb3", "if_generation": True}, "if_generation", "true"),
        ({"profile": "zb3", "transaction": "a b"}, "transaction", "'a b'"),
        ({"profile": "zb3", "transaction": ""}, "transaction", "''"),
        ({"profile": "zb3", "when": {"after": {"event": "request-key", "count": 0}}}, "count", "0"),
    ],
)
def test_each_fault_is_named_with_its_place(request_: dict[str, object], place: str, says: str) -> None:
    error = wrong(json.dumps(request_).encode().replace(b"Infinity", b"1e999"))
    assert error.code is ErrorCode.INVALID
    assert any(place in each.path and says in each.message for each in error.details), error.details


MOMENTS = "expected now, next-exchange, next-join or an object, found "
ONCE = {
    "when": [
        ("next-jion", "when", f"{MOMENTS}'next-jion'; did you mean 'next-join'?"),
        (7, "when", f"{MOMENTS}7"),
        (None, "when", f"{MOMENTS}null"),
        (["now"], "when", f'{MOMENTS}["now"]'),
        ({"aftr": {"seconds": 1}}, "when.aftr", "unknown key; did you mean 'after'?"),
        ({"after": {"secnds": 1}}, "when.after.secnds", "unknown key; did you mean 'seconds'?"),
        ({"after": "leave"}, "when.after", "expected an object, found 'leave'"),
        (
            {"after": {"event": "leave", "answer": "nwe"}},
            "when.after.answer",
            "expected old or new, found 'nwe'; did you mean 'new'?",
        ),
    ],
    "profile": [
        (7, "profile", "expected a text or an object, found 7"),
        (
            "a/zb3",
            "profile",
            "the name of a profile, not a path, no control characters, found 'a/zb3'",
        ),
    ],
    "settings": [
        ({"a": {}}, "settings.a", "expected a text, an integer, a number or true or false, found {}"),
        ({"int": None}, "settings.int", "expected a text, an integer, a number or true or false, found null"),
        ("x", "settings", "expected an object, found 'x'"),
    ],
}
"""What may be one of several things."""


@pytest.mark.parametrize(
    ("key", "value", "place", "says"), [(key, *each) for key, cases in ONCE.items() for each in cases]
)
def test_what_may_be_one_of_several_things_is_complained_about_once(
    key: str, value: object, place: str, says: str
) -> None:
    verb, request = "profile/set", {"profile": "zb3", key: value}
    if key == "settings":
        verb, request = "behaviour/add", {"name": "x", key: value}
    error = wrong(json.dumps(request).encode(), verb)
    assert [(each.path, each.message) for each in error.details] == [(place, says)]
    assert error.message == f"{place}: {says}"


def test_a_misspelt_key_of_a_step_is_not_missing_as_well_and_each_step_is_told_of() -> None:
    steps = [{"whn": "now", "profile": "zb3"}, {"when": "nwo", "profile": 7}, {"when": "now"}]
    error = wrong(json.dumps({"script": "s", "steps": steps}).encode(), "script/run")
    assert [(each.path, each.message) for each in error.details] == [
        ("steps[0].whn", "unknown key; did you mean 'when'?"),
        ("steps[1].when", f"{MOMENTS}'nwo'; did you mean 'now'?"),
        ("steps[1].profile", "expected a text or an object, found 7"),
        (
            "steps[2]",
            'a step changes something: profile, remove, update, add, disarm or arm, found {"when": "now"}',
        ),
    ]


def test_every_fault_is_told_and_a_long_value_is_not_repeated_whole() -> None:
    error = wrong(json.dumps({"profile": 1, "within": "x" * 5000, "colour": 1, "if_generation": 0}).encode())
    assert {each.path.split(".")[0] for each in error.details} == {
        "profile",
        "within",
        "colour",
        "if_generation",
    }
    assert all(len(each.message) < 300 for each in error.details)


def test_a_lone_surrogate_is_an_error_of_whoever_sent_it() -> None:
    assert wrong(b'{"profile": "\\ud800"}').code in (ErrorCode.INVALID, ErrorCode.MALFORMED)


def test_an_unknown_command_is_named_with_what_was_meant() -> None:
    with pytest.raises(ControlError) as caught:
        payload.command_of("profile/sett")
    assert caught.value.code is ErrorCode.UNKNOWN_COMMAND
    assert "profile/set" in caught.value.message
    with pytest.raises(ControlError) as caught:
        payload.command_of("\x1b[2J" + "x" * 70_000)
    assert len(caught.value.message) < 300
    assert caught.value.message.isprintable()


def test_no_octets_are_an_empty_request() -> None:
    assert payload.parse(b"") == payload.parse(b" \n") == {}


def test_brackets_in_a_text_do_not_make_a_request_deep_until_there_are_many() -> None:
    assert payload.parse(b'{"run": "[[[x"}') == {"run": "[[[x"}


@given(st.sampled_from(sorted(COMMANDS)), st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_octets_are_a_request_or_an_error_that_is_told(verb: str, octets: bytes) -> None:
    _request_or_error(verb, octets)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**310)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = sorted({field for command in COMMANDS.values() for field in command.request.model_fields})


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=5))
@settings(max_examples=600, deadline=None)
def test_any_json_under_any_known_key_is_a_request_or_an_error_that_is_told(
    verb: str, request: dict[str, object]
) -> None:
    _request_or_error(verb, json.dumps(request).encode())


def _request_or_error(verb: str, octets: bytes) -> None:
    error: ControlError | None = None
    try:
        request = payload.request_of(payload.command_of(verb), payload.parse(octets))
    except ControlError as refused:
        error = refused
    if error is None:
        assert type(request) is COMMANDS[verb].request
    else:
        told = payload.encode(payload.not_done(error, payload.transaction_of(octets)))
        assert json.loads(told)["error"]["message"]
