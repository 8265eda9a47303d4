"""A request from words of a command line: a JSON object, ``key=value`` pairs, or both."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from coordinator.control import payload
from coordinator.control.schema.commands import COMMANDS, Command
from coordinator.control.schema.errors import ControlError
from coordinator.profiles.errors import suggestion

HINT = "WORDS"

Body = dict[str, Any]


def command_of(verb: str) -> Command:
    """The command of this verb. Raises typer.BadParameter."""
    known = COMMANDS.get(verb.strip("/"))
    if known is None:
        hint = suggestion(verb, COMMANDS) or "; --list has them all"
        raise typer.BadParameter(f"no such command: '{verb}'{hint}", param_hint="VERB")
    return known


def body_of(command: Command, words: Sequence[str]) -> Body:
    """What is asked. Raises typer.BadParameter.

    A value is JSON if it reads as such, else text; also text where the command wants one: ``run=311``, and
    a list of one where it wants a list: ``expect=joined-secure``. ``-`` is JSON from stdin, ``@FILE`` from
    a file.
    """
    body: Body = {}
    texts: dict[tuple[str, ...], str] = {}
    for word in words:
        if word.startswith(("{", "@")) or word == "-":
            body.update(_object(word))
            continue
        path, text = _pair(word)
        _put(body, path, _value(text), word)
        texts[path] = text
    lists = {path for path in payload.where_a_list_is_wanted(command, body) if path in texts}
    for path in lists:
        _put(body, path, [_value(texts[path])], texts[path], again=True)
    for path in payload.where_text_is_wanted(command, body):
        for given, text in texts.items():
            if path[: len(given)] == given:
                _put(body, given, [text] if given in lists else text, text, again=True)
    return body


def _object(word: str) -> Body:
    try:
        if word == "-":
            octets = sys.stdin.buffer.read(payload.LARGEST + 1)
        elif word.startswith("@"):
            with Path(word[1:]).open("rb") as file:
                octets = file.read(payload.LARGEST + 1)
        else:
            octets = word.encode(errors="surrogateescape")
        return payload.parse(octets)
    except OSError as error:
        raise typer.BadParameter(f"{word[1:]}: {error.strerror or error}", param_hint=HINT) from None
    except ControlError as error:
        raise typer.BadParameter(error.message, param_hint=HINT) from None


def _pair(word: str) -> tuple[tuple[str, ...], str]:
    key, separator, text = word.partition("=")
    path = tuple(key.split("."))
    if not separator or not all(path):
        raise typer.BadParameter(
            f"'{word}' is neither a JSON object nor key=value, for example profile=pre-zb3", param_hint=HINT
        )
    return path, text


def _value(text: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    return value


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _put(body: Body, path: tuple[str, ...], value: object, word: str, *, again: bool = False) -> None:
    *parents, last = path
    for key in parents:
        body = body.setdefault(key, {})
        if not isinstance(body, dict):
            raise typer.BadParameter(f"'{word}': {key} has a value already", param_hint=HINT)
    if last in body and not again:
        raise typer.BadParameter(f"'{word}': {'.'.join(path)} has a value already", param_hint=HINT)
    body[last] = value
