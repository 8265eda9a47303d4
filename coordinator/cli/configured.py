"""The options of a run and the keys of the configuration that they are, and who is told of a wrong one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from coordinator.cli import options
from coordinator.config import configuration as configurations
from coordinator.config.configuration import Configuration
from coordinator.config.keys import Key
from coordinator.config.origin import Source
from coordinator.profiles.errors import ConfigurationError

PROFILE = Key("trust_center", "profile")
JOINER = Key("simulation", "joiner")

KEYS = {
    "profile": PROFILE,
    "joiner": JOINER,
    "radio": Key("radio", "url"),
    "tx_power": Key("radio", "tx_power"),
    "allow": Key("joining", "allow"),
    "any_joiner": Key("joining", "any_joiner"),
    "state": Key("state", "folder"),
    "once": Key("run", "once"),
    "expect": Key("run", "expect"),
    "capture": Key("evidence", "capture"),
    "events": Key("evidence", "events"),
    "seed": Key("simulation", "seed"),
    "channel": Key("network", "channel"),
    "pan_id": Key("network", "pan_id"),
    "extended_pan_id": Key("network", "extended_pan_id"),
    "network_key_file": Key("network", "key_file"),
    "tc_eui64": Key("network", "trust_center"),
    "install_code": Key("network", "install_codes"),
    "permit_join": Key("joining", "permit_seconds"),
    "observe": Key("run", "observe_seconds"),
    "mqtt": Key("mqtt", "url"),
    "tc_id": Key("mqtt", "id"),
    "http": Key("http", "listen"),
}
"""The parameters of a run, each with the key that says the same in a file."""
NOT_IN_A_FILE = ("config", "json", "version")
"""What says how this one call goes, not what to run."""


def option(parameter: str) -> str:
    """The option of a parameter, as it is written."""
    return f"--{parameter.replace('_', '-')}"


OPTIONS = {key: option(parameter) for parameter, key in KEYS.items()}


def configured(context: typer.Context) -> Configuration:
    """The configuration that file, environment and the options that were really given make, with what is
    wrong in it (`ordering.ordered` raises that).
    """
    given = {
        key: (OPTIONS[key], _as_in_a_file(parameter, context.params[parameter]))
        for parameter, key in KEYS.items()
        if was_given(context, parameter)
    }
    return configurations.read(context.params["config"], os.environ, given)


def was_given(context: typer.Context, parameter: str) -> bool:
    """True when the option is on the command line."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _as_in_a_file(parameter: str, value: object) -> object:
    return options.words(value) if parameter == "expect" and isinstance(value, str) else value


@contextmanager
def told_where(configuration: Configuration) -> Iterator[None]:
    """What is wrong with an option's value is told of the file or variable, where the value is from there.

    Raises typer.BadParameter for an option, ConfigurationError for the rest.
    """
    try:
        yield
    except typer.BadParameter as error:
        key = _BY_OPTION.get(str(error.param_hint))
        if key is None or configuration.origin(key).source in (Source.OPTION, Source.DEFAULT):
            raise
        raise configuration.error(key, in_keys(error.message)) from None


@contextmanager
def named_by(configuration: Configuration, key: Key) -> Iterator[None]:
    """A name for which there is nothing is told of the file or variable that has it."""
    try:
        yield
    except ConfigurationError as error:
        only = len(error.problems) == 1 and not error.path
        if not only or configuration.origin(key).source in (Source.OPTION, Source.DEFAULT):
            raise
        raise configuration.error(key, str(error)) from None


def in_keys(message: str) -> str:
    """The message with keys in place of the options it names."""
    return re.sub(r"--[a-z0-9-]+", lambda found: str(_BY_OPTION.get(found[0], found[0])), message)


_BY_OPTION = {name: key for key, name in OPTIONS.items()}
