"""The default verb: be a Trust Center until told to stop."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import typer

from coordinator import daemon
from coordinator.cli import exits, options, radio_options
from coordinator.cli.radio import parse_url
from coordinator.cli.screen import JsonReporter, TerminalReporter
from coordinator.composition import OBSERVE
from coordinator.joiner.model import JoinerModel
from coordinator.radio.url import RadioUrl, Simulated
from coordinator.types import SECOND

DEFAULT_JOINER = "zboss-r22"
DEFAULT_PERMIT = 180.0
LARGEST_RANDOM_SEED = 2**31 - 1

Thing = TypeVar("Thing")


def run(
    profile: str,
    joiner: str | None = None,
    *,
    radio: str = "sim:",
    tx_power: int | None = None,
    allow: list[str] | None = None,
    any_joiner: bool = False,
    state: Path | None = None,
    once: bool = False,
    expect: str = options.JOINED_TEXT,
    capture: Path | None = None,
    events: Path | None = None,
    seed: int | None = None,
    channel: int | None = None,
    pan_id: str | None = None,
    extended_pan_id: str | None = None,
    network_key_file: Path | None = None,
    tc_eui64: str | None = None,
    install_code: list[str] | None = None,
    permit_join: float | None = None,
    observe: float = OBSERVE / SECOND,
    json: bool = False,
) -> int:
    """Run one profile on one radio in real time; return the exit code."""
    url = parse_url(radio, "--radio")
    if permit_join is None:
        permit_join = DEFAULT_PERMIT if isinstance(url, Simulated) else 0.0
    check_sense(url, joiner=joiner, seed=seed, real=tx_power is not None or bool(allow) or any_joiner)
    setting = options.setting(
        channel=channel,
        pan_id=pan_id,
        extended_pan_id=extended_pan_id,
        network_key_file=network_key_file,
        tc_eui64=tc_eui64,
        install_codes=install_code,
        permit=options.seconds(permit_join),
    )
    if isinstance(url, Simulated):
        seed = secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed
    else:
        setting = replace(setting, allowed=radio_options.who_may_join(allow, any_joiner, permit_join))
    order = daemon.Order(
        profile=single(options.chosen_profiles(profile), "--profile"),
        joiner=device_under_test(joiner) if url == Simulated() else None,
        seed=seed,
        radio=url,
        tx_power=tx_power,
        setting=setting,
        expect=options.parse_expect(expect),
        observe=options.seconds(observe),
        once=once,
        state=state,
        capture=capture,
        events=events,
    )
    return serve(order, JsonReporter() if json else TerminalReporter())


def check_sense(url: RadioUrl, *, joiner: str | None, seed: int | None, real: bool) -> None:
    """Raise typer.BadParameter for what means nothing here; `real`: given what only a real radio has."""
    refuse = radio_options.refuse
    if isinstance(url, Simulated):
        refuse("--tx-power, --allow, --any-joiner", real, "is for a real radio")
    else:
        refuse("--seed", seed is not None, "is for simulated radios: a real network's keys are random")
    if url != Simulated():
        refuse("--joiner", joiner is not None, "is for --radio sim:; here devices come by themselves")


def device_under_test(name: str | None) -> JoinerModel:
    """The simulated device that is powered on the same air."""
    return single(options.chosen_joiners(name or DEFAULT_JOINER), "--joiner")


def serve(order: daemon.Order, reporter: JsonReporter | TerminalReporter) -> int:
    """Run until the end; return the exit code."""
    try:
        ending = asyncio.run(daemon.serve(order, reporter))
    finally:
        reporter.close()
    if ending.signal is not None:
        return exits.SIGNAL + ending.signal
    if ending.verdict is None:
        return exits.INTERNAL
    if ending.radio_lost:
        return exits.RADIO_LOST
    return exits.OF_RULING[ending.verdict.verdict]


def single(found: list[Thing], option: str) -> Thing:
    """The one thing chosen. Raises typer.BadParameter for `all`."""
    if len(found) != 1:
        raise typer.BadParameter("'all' is for simulate; here it takes one", param_hint=option)
    return found[0]
