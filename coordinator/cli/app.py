"""The command line: every verb's options and help. What a verb does is in its own module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator import __version__
from coordinator.cli import air as air_verb
from coordinator.cli import catalogue, decode, doctor, dongle, matrix, network, options, simulate
from coordinator.cli import joiner as joiner_verb
from coordinator.cli import radio as radio_verb
from coordinator.cli import run as live
from coordinator.evidence.dissect import Start
from coordinator.scenario import LIMIT, OBSERVE
from coordinator.types import SECOND

HELP = """A Zigbee Trust Center as old, as wrong or as compliant as you ask.

Without a verb it runs one: forms a network on the radio it is given, or on a simulated one where it also
powers a simulated router on; shows each join as a ladder and says how it ended. Exit codes: 0 pass, 1 fail,
2 usage, 3 configuration, 4 no radio, 5 radio lost, 7 inconclusive, 70 internal error, 130/143 signals.

\b
Examples:
  legacy-tc --profile pre-zb3
  legacy-tc --profile pre-zb3 --once --expect left-by-joiner
  legacy-tc --profile ./customer.toml --capture run.pcapng
  legacy-tc --profile pre-zb3 --radio spinel:/dev/ttyACM0 --permit-join 180 --allow 00:12:4b:00:01:02:03:04
  legacy-tc simulate --profile all --joiner zboss-r22 --json
  legacy-tc profiles show pre-zb3
"""

app = typer.Typer(
    name="legacy-tc",
    help=HELP,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
profiles_app = typer.Typer(help="Trust Centers by name.", rich_markup_mode=None)
behaviours_app = typer.Typer(help="Misbehaviours by name.", rich_markup_mode=None)
joiners_app = typer.Typer(help="Simulated devices under test.", rich_markup_mode=None)
app.add_typer(profiles_app, name="profiles")
app.add_typer(behaviours_app, name="behaviours")
app.add_typer(joiners_app, name="joiners")
app.add_typer(dongle.app, name="dongle")
app.add_typer(network.app, name="network")
app.add_typer(radio_verb.app, name="radio")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.callback()
def main_callback(
    context: typer.Context,
    profile: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Which Trust Center: a shipped name or a .toml file.",
            autocompletion=options.complete_profile,
        ),
    ] = None,
    joiner: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help=f"Which simulated device under test: a shipped name or a .toml file; {live.DEFAULT_JOINER}.",
            autocompletion=options.complete_joiner,
        ),
    ] = None,
    radio: options.RadioText = "sim:",
    tx_power: options.TxPower = None,
    allow: options.Allow = None,
    any_joiner: options.AnyJoiner = False,
    state: options.StateFolder = None,
    once: Annotated[bool, typer.Option("--once", help="Exit with the first verdict's code.")] = False,
    expect: options.Expect = options.JOINED_TEXT,
    capture: options.CapturePath = None,
    events: options.EventsPath = None,
    seed: options.Seed = None,
    channel: options.ChannelNumber = 15,
    pan_id: options.PanIdText = None,
    extended_pan_id: options.ExtendedPanIdText = None,
    network_key_file: options.NetworkKeyFile = None,
    tc_eui64: options.TrustCenterText = None,
    install_code: options.InstallCodes = None,
    permit_join: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            min=0,
            max=86_400,
            help=f"Seconds to keep joining open; renewed past 254. {live.DEFAULT_PERMIT:g} on a simulated "
            "radio, 0 on a real one.",
        ),
    ] = None,
    observe: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds to watch a device after it asked to associate.")
    ] = OBSERVE / SECOND,
    json: options.Json = False,
) -> None:
    """Run a Trust Center, unless a verb says what else to do; its help is the program's."""
    if context.invoked_subcommand is not None:
        refuse_options_before_a_verb(context)
        return
    if profile is None:
        raise typer.BadParameter(
            "name a Trust Center, for example --profile pre-zb3; --help tells more", param_hint="--profile"
        )
    code = live.run(
        profile,
        joiner,
        radio=radio,
        tx_power=tx_power,
        allow=allow,
        any_joiner=any_joiner,
        state=state,
        once=once,
        expect=expect,
        capture=capture,
        events=events,
        seed=seed,
        channel=channel,
        pan_id=pan_id,
        extended_pan_id=extended_pan_id,
        network_key_file=network_key_file,
        tc_eui64=tc_eui64,
        install_code=install_code,
        permit_join=permit_join,
        observe=observe,
        json=json,
    )
    raise typer.Exit(code)


def refuse_options_before_a_verb(context: typer.Context) -> None:
    """Raise typer.BadParameter when there are any: the verb would not hear of them."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"an option goes after the verb '{context.invoked_subcommand}'; before it nobody reads it",
                param_hint=f"--{name.replace('_', '-')}",
            )


@app.command("simulate")
def simulate_command(
    profile: options.ProfileName,
    joiner: options.JoinerName,
    expect: options.Expect = options.JOINED_TEXT,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The first seed.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Runs, each with the next seed.")] = 1,
    until: Annotated[
        float, typer.Option("--until", min=1, max=86_400, help="Simulated seconds a run may take.")
    ] = LIMIT / SECOND,
    observe: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds to watch a device after it asked to associate.")
    ] = OBSERVE / SECOND,
    capture: options.CapturePath = None,
    events: options.EventsPath = None,
    channel: options.ChannelNumber = 15,
    pan_id: options.PanIdText = None,
    extended_pan_id: options.ExtendedPanIdText = None,
    network_key_file: options.NetworkKeyFile = None,
    tc_eui64: options.TrustCenterText = None,
    install_code: options.InstallCodes = None,
    json: options.Json = False,
) -> None:
    """Run in virtual time, as fast as the machine goes; the same seed gives the same bytes.

    `--profile all` and `--joiner all` run the product.

    Example: legacy-tc simulate --profile pre-zb3 --joiner all --json
    """
    runs = simulate.Runs(
        profiles=options.chosen_profiles(profile),
        joiners=options.chosen_joiners(joiner),
        first_seed=seed,
        count=count,
        setting=options.setting(
            channel=channel,
            pan_id=pan_id,
            extended_pan_id=extended_pan_id,
            network_key_file=network_key_file,
            tc_eui64=tc_eui64,
            install_codes=install_code,
            permit=options.seconds(until),
        ),
        expect=options.parse_expect(expect),
        observe=options.seconds(observe),
        until=options.seconds(until),
    )
    raise typer.Exit(simulate.run(runs, json=json, capture=capture, events=events))


@app.command("air")
def air_command(
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="udp://127.0.0.1:PORT", help="Where; port 0 takes a free one."),
    ],
    capture: options.CapturePath = None,
    limit: options.Limit = None,
    seed: options.Seed = None,
    json: options.Json = False,
) -> None:
    r"""Host a simulated air that other processes share, without a device of its own.

    Ends with a signal or --for. Radios in other processes come with --air and the same URL.

    \b
    Examples:
      legacy-tc air --listen udp://127.0.0.1:4949 --capture air.pcapng
      legacy-tc joiner --air udp://127.0.0.1:4949 --joiner zboss-r22
    """
    raise typer.Exit(air_verb.run(listen, capture=capture, limit=limit, seed=seed, json=json))


@app.command("joiner")
def joiner_command(
    air: options.AirText,
    joiner: options.JoinerName,
    eui64: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--eui64", metavar="EUI64", help="Its EUI-64; drawn by default."),
    ] = None,
    install_code: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--install-code", metavar="EUI64=CODE", help="Its EUI-64 and its install code."),
    ] = None,
    name: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--name", metavar="TEXT", help="Its name on the air; its EUI-64 by default."),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when it is out for good, or was in a network for --stay.")
    ] = False,
    stay: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds in a network after which --once ends.")
    ] = joiner_verb.DEFAULT_STAY,
    limit: options.Limit = None,
    seed: options.Seed = None,
    json: options.Json = False,
) -> None:
    """Run one simulated device under test as a process of its own, and say what it does.

    With --once or --for it exits with 0 when it has joined, 1 when it is out or has no verified key,
    7 when it is still on its way; with 5 when the air is lost.

    Example: legacy-tc joiner --air udp://127.0.0.1:4949 --joiner zboss-r22 --once
    """
    code = joiner_verb.run(
        air,
        joiner,
        eui64=eui64,
        install_code=install_code,
        name=name,
        once=once,
        stay=stay,
        limit=limit,
        seed=seed,
        json=json,
    )
    raise typer.Exit(code)


@app.command("doctor")
def doctor_command(
    radio: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--radio", metavar="URL", help="The radio to check too; it is asked what it is."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Check this machine, and a radio if one is named: one line each, and what to do about it.

    Exits with 0 when nothing is in the way, with 4 when the radio that was named cannot be used.

    Example: legacy-tc doctor --radio spinel:/dev/ttyACM0
    """
    raise typer.Exit(doctor.run(radio, json=json))


@app.command("decode")
def decode_command(
    sources: Annotated[list[str], typer.Argument(metavar="HEX|FILE...", help="Octets, or a capture file.")],
    key: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--key", metavar="HEX", help="A network or link key; repeatable."),
    ] = None,
    layer: Annotated[Start, typer.Option(help="Where hexadecimal octets begin.")] = Start.MAC,
    tree: Annotated[bool, typer.Option("--tree", help="Every field of every frame of a file.")] = False,
    json: options.Json = False,
) -> None:
    r"""Take frames apart, decrypted with the keys given and those learnt on the way.

    Reads pcap and pcapng (link types 195, 215, 230, 283); ZigBeeAlliance09 is always tried.

    \b
    Examples:
      legacy-tc decode run.pcapng
      legacy-tc decode run.pcapng --json --key 000102030405060708090a0b0c0d0e0f
      legacy-tc decode 030864ffffffff07
    """
    raise typer.Exit(decode.run(sources, key or [], layer, json=json, tree=tree))


@app.command("matrix")
def matrix_command(
    output: Annotated[Optional[Path], typer.Option(help="Write the page here.")] = None,  # noqa: UP045
    check: Annotated[Optional[Path], typer.Option(help="Compare with this page; exit 1 on drift.")] = None,  # noqa: UP045
) -> None:
    """Every profile times every joiner, as a table.

    Example: legacy-tc matrix --check docs/matrix.md
    """
    raise typer.Exit(matrix.run(output, check))


@app.command("version")
def version_command(json: options.Json = False) -> None:
    """Print the version."""
    typer.echo(f'{{"version": "{__version__}"}}' if json else f"legacy-tc {__version__}")


@profiles_app.command("list")
def profiles_list(json: options.Json = False) -> None:
    """List the shipped profiles."""
    raise typer.Exit(catalogue.list_profiles(json))


@profiles_app.command("show")
def profiles_show(name: Name, json: options.Json = False) -> None:
    """Show what a profile sets, which clauses it breaks, and where it was seen.

    Example: legacy-tc profiles show pre-zb3
    """
    raise typer.Exit(catalogue.show_profile(name, json))


@profiles_app.command("check")
def profiles_check(
    names: Annotated[Optional[list[str]], typer.Argument(metavar="[NAME|FILE]...")] = None,  # noqa: UP045
    json: options.Json = False,
) -> None:
    """Check profiles by name or file; all shipped ones by default.

    Example: legacy-tc profiles check ./my-coordinator.toml
    """
    raise typer.Exit(catalogue.check_profiles(names or [], json))


@behaviours_app.command("list")
def behaviours_list(json: options.Json = False) -> None:
    """List the catalogue."""
    raise typer.Exit(catalogue.list_behaviours(json))


@behaviours_app.command("show")
def behaviours_show(name: Name, json: options.Json = False) -> None:
    """Show a behaviour's settings, the clause it breaks and where it was seen.

    Example: legacy-tc behaviours show tclk.reuse_global
    """
    raise typer.Exit(catalogue.show_behaviour(name, json))


@joiners_app.command("list")
def joiners_list(json: options.Json = False) -> None:
    """List the simulated joiners."""
    raise typer.Exit(catalogue.list_joiners(json))


@joiners_app.command("show")
def joiners_show(name: Name, json: options.Json = False) -> None:
    """Show a joiner's traits, and how each is known: measured, read in source, or assumed.

    Example: legacy-tc joiners show telink
    """
    raise typer.Exit(catalogue.show_joiner(name, json))
