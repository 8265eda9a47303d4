"""The default verb: be a Trust Center until told to stop."""

from __future__ import annotations

import asyncio
import secrets
from typing import TypeVar

import typer

from coordinator import daemon
from coordinator.cli import exits, options
from coordinator.cli.screen import JsonReporter, TerminalReporter
from coordinator.scenario import OBSERVE
from coordinator.types import SECOND

DEFAULT_JOINER = "zboss-r22"
DEFAULT_PERMIT = 180.0
LARGEST_RANDOM_SEED = 2**31 - 1

Thing = TypeVar("Thing")


def run(
    profile: str,
    joiner: str = DEFAULT_JOINER,
    *,
    once: bool = False,
    expect: str = options.JOINED_TEXT,
    capture: options.CapturePath = None,
    events: options.EventsPath = None,
    seed: options.Seed = None,
    channel: options.ChannelNumber = 15,
    pan_id: options.PanIdText = None,
    extended_pan_id: options.ExtendedPanIdText = None,
    network_key_file: options.NetworkKeyFile = None,
    tc_eui64: options.TrustCenterText = None,
    install_code: options.InstallCodes = None,
    permit_join: float = DEFAULT_PERMIT,
    observe: float = OBSERVE / SECOND,
    json: options.Json = False,
) -> int:
    """Run one profile on the simulated radio in real time; return the exit code."""
    order = daemon.Order(
        profile=single(options.chosen_profiles(profile), "--profile"),
        joiner=single(options.chosen_joiners(joiner), "--joiner"),
        seed=secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed,
        setting=options.setting(
            channel=channel,
            pan_id=pan_id,
            extended_pan_id=extended_pan_id,
            network_key_file=network_key_file,
            tc_eui64=tc_eui64,
            install_codes=install_code,
            permit=options.seconds(permit_join),
        ),
        expect=options.parse_expect(expect),
        observe=options.seconds(observe),
        once=once,
        capture=capture,
        events=events,
    )
    reporter = JsonReporter() if json else TerminalReporter()
    try:
        ending = asyncio.run(daemon.serve(order, reporter))
    finally:
        reporter.close()
    if ending.signal is not None:
        return exits.SIGNAL + ending.signal
    if ending.verdict is None:
        return exits.INTERNAL
    return exits.OF_RULING[ending.verdict.verdict]


def single(found: list[Thing], option: str) -> Thing:
    """The one thing chosen. Raises typer.BadParameter for `all`."""
    if len(found) != 1:
        raise typer.BadParameter("'all' is for simulate; here it takes one", param_hint=option)
    return found[0]
