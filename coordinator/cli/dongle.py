"""Emulated dongles: what hosts written for real sticks can be tried on."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Annotated, Optional
from urllib.parse import urlsplit

import typer

from coordinator.cli import exits, options
from coordinator.cli.listings import examples
from coordinator.config.values import is_loopback
from coordinator.dongle import faults, service
from coordinator.dongle.listen import CannotListen, Pty, Stdio, Tcp, Where
from coordinator.profiles import joiners

LARGEST_RANDOM_SEED = 2**31 - 1

FAULTS = """\b
A fault is KIND[=VALUE][/DIRECTION][@WHEN].
KIND: drop[=N] or double[=N] a frame, or N octets; flip[=N] bits; reorder;
  delay=S one frame; slow=S every frame; split into octets; swallow[=S]
  all (half-open); cut[=S], back in S seconds; reset the RCP.
DIRECTION: host, dongle or both, where the octets go.
WHEN: @3s, @octet:200, @frame:12, @STREAM_RAW:2 (a property's second frame),
  @psdu:0308 (how a frame on the air begins), @2% (of all frames).

"""
EXAMPLES = examples(
    "dongle spinel --listen tcp://127.0.0.1:0 --joiner telink",
    "dongle spinel --listen pty --fault cut=3@frame:60 --fault flip@1%",
    "dongle spinel --listen pty --air udp://127.0.0.1:4949",
)

Air = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--air",
        metavar="udp://127.0.0.1:PORT",
        help="The simulated air to share; who comes first hosts it. Without it, an air of its own.",
    ),
]
Fault = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--fault",
        metavar="SPEC",
        help="Something that goes wrong on the line, KIND[=VALUE][/DIRECTION][@WHEN]; repeatable.",
    ),
]
Joiners = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--joiner",
        help="A simulated device on the same air; repeatable. Powered once a host listens.",
        autocompletion=options.complete_joiner,
    ),
]
PendingOff = Annotated[
    bool,
    typer.Option(
        "--no-pending-by-default",
        help="Acknowledge data requests without frame pending while source matching is off.",
    ),
]

app = typer.Typer(help="Emulated dongles on a simulated air.", rich_markup_mode=None)


@app.callback()
def dongle_callback() -> None:
    """Emulated dongles on a simulated air."""


@app.command("spinel", epilog=FAULTS + EXAMPLES)
def spinel_command(
    listen: Annotated[
        str, typer.Option("--listen", metavar="pty|stdio|tcp://HOST:PORT", help="Where a host reaches it.")
    ],
    joiner: Joiners = None,
    link: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--link", metavar="PATH", help="Symbolic link to the pty, as udev makes by-id names."),
    ] = None,
    air: Air = None,
    seed: options.Seed = None,
    no_pending_by_default: PendingOff = False,
    fault: Fault = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen on an address that other machines reach.")
    ] = False,
) -> None:
    """Be an OpenThread radio co-processor (RCP) with Spinel on a serial line.

    The first line of output says where it is: the path of the pty, or the TCP address. With stdio
    nothing is ever printed. It serves one host at a time until SIGINT or SIGTERM; it ends with 5 when
    a shared air is lost.
    """
    if air is not None and joiner:
        raise typer.BadParameter(
            "on a shared air a device is a process of its own: legacy-tc joiner --air URL --joiner NAME",
            param_hint="--joiner",
        )
    order = service.Order(
        where=parse_listen(listen, link, allow_remote=allow_remote),
        seed=secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed,
        joiners=[joiners.load(name) for name in joiner or []],
        pending_by_default=not no_pending_by_default,
        air=None if air is None else options.parse_air(air),
        faults=[parse_fault(text) for text in fault or []],
    )
    try:
        ended_by = asyncio.run(service.serve(order, typer.echo))
    except CannotListen as error:
        option = "--link" if link is not None and str(link) in str(error) else "--listen"
        raise typer.BadParameter(str(error), param_hint=option) from None
    raise typer.Exit(exits.PASS if ended_by is None else exits.SIGNAL + ended_by)


def parse_fault(text: str) -> faults.Fault:
    """``cut=3@frame:60``. Raises typer.BadParameter."""
    try:
        return faults.parse(text)
    except faults.BadFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from None


def parse_listen(text: str, link: Path | None, *, allow_remote: bool) -> Where:
    """``pty``, ``stdio`` or ``tcp://127.0.0.1:9000``. Raises typer.BadParameter."""
    if link is not None and text != "pty":
        raise typer.BadParameter("is for --listen pty", param_hint="--link")
    if text == "pty":
        return Pty(link=link)
    if text == "stdio":
        return Stdio()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    else:
        if parts.scheme != "tcp" or parts.path or parts.query:
            host = None
    if host is None or port is None:
        raise typer.BadParameter(
            f"expected pty, stdio or tcp://HOST:PORT, found '{text}'", param_hint="--listen"
        )
    if not allow_remote and not is_loopback(host):
        raise typer.BadParameter(
            f"{host} can be reached from other machines; if that is wanted, add --allow-remote",
            param_hint="--listen",
        )
    return Tcp(host=host, port=port)
