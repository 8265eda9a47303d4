"""Options of a run that say which radio, who may join on a real one, and what survives it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.cli.options import parse_eui64
from coordinator.config import values
from coordinator.types import Eui64

RadioText = Annotated[
    str,
    typer.Option(
        "--radio",
        metavar="URL",
        help="sim:, spinel:/dev/ttyACM0, spinel+tcp://host:port, spinel+hdlc+uart://..., "
        "spinel+hdlc+forkpty://..., sim+udp://127.0.0.1:PORT.",
    ),
]
TxPower = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--tx-power",
        metavar="DBM",
        min=values.TX_POWER.low,
        max=values.TX_POWER.high,
        help="Transmit power of a real radio.",
    ),
]
Allow = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--allow", metavar="EUI64", help="A device that may join on a real radio; repeatable."),
]
AnyJoiner = Annotated[bool, typer.Option("--any-joiner", help="On a real radio, let anybody join: lab only.")]
StateFolder = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--state", metavar="DIR", help="Keep network, keys, counters and devices here, and go on from there."
    ),
]


def parse_allowed(allow: list[str] | None, any_joiner: bool) -> frozenset[Eui64] | None:
    """Who may join: those on the list, or, with `any_joiner`, everybody: None."""
    if any_joiner and allow:
        raise typer.BadParameter("either some (--allow) or all (--any-joiner)", param_hint="--any-joiner")
    return None if any_joiner else frozenset(parse_eui64(text, "--allow") for text in allow or [])


def who_may_join(allow: list[str] | None, any_joiner: bool, permit_join: float) -> frozenset[Eui64] | None:
    """The allow-list of a real radio, None for everybody. Nobody gets in because nobody thought of it."""
    allowed = parse_allowed(allow, any_joiner)
    if permit_join and allowed is not None and not allowed:
        raise typer.BadParameter(
            "say who may join this real network: --allow EUI64 (repeatable), or --any-joiner",
            param_hint="--permit-join",
        )
    return allowed


def refuse(option: str, given: bool, why: str) -> None:
    """Raise typer.BadParameter for an option that has no meaning here."""
    if given:
        raise typer.BadParameter(why, param_hint=option)
