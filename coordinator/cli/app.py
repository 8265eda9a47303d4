"""The command line: every verb's options and help. What a verb does is in its own module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator import __version__
from coordinator.cli import air as air_verb
from coordinator.cli import (
    api,
    decode,
    doctor,
    dongle,
    listings,
    matrix,
    network,
    options,
    radio_options,
    simulate,
    steering_options,
)
from coordinator.cli import config as config_verb
from coordinator.cli import joiner as joiner_verb
from coordinator.cli import radio as radio_verb
from coordinator.cli import remote as remote_verbs
from coordinator.cli import run as live
from coordinator.cli.configured import configured, option, was_given
from coordinator.cli.listings import examples
from coordinator.composition import OBSERVE
from coordinator.config.schema import DEFAULT_TC_ID
from coordinator.evidence.dissect import Start
from coordinator.scenario import LIMIT
from coordinator.types import SECOND

HELP = """A Zigbee Trust Center as old, as wrong or as compliant as you ask.

Without a verb, or with `run`, it runs one: forms a network on the radio it is given, or on a simulated one
where it also powers a simulated router on; shows each join as a ladder and says how it ended. Exit codes:
0 pass, 1 fail, 2 usage, 3 configuration, 4 no radio, 5 radio lost, 6 broker or bench unreachable,
7 inconclusive, 70 internal error, 129/130/143 signals.
"""


app = typer.Typer(
    name="legacy-tc",
    help=HELP,
    epilog=examples(
        "--profile pre-zb3",
        "--profile pre-zb3 --once --expect left-by-joiner",
        "--profile ./customer.toml --capture run.pcapng",
        "--config /etc/legacy-tc/legacy-tc.toml",
        "--profile pre-zb3 --radio spinel:/dev/ttyACM0 --permit-join 180 --allow 00:12:4b:00:01:02:03:04",
        "simulate --profile all --joiner zboss-r22 --json",
        "profiles show pre-zb3",
    ),
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(listings.profiles_app, name="profiles")
app.add_typer(listings.behaviours_app, name="behaviours")
app.add_typer(listings.joiners_app, name="joiners")
app.add_typer(config_verb.app, name="config")
app.add_typer(dongle.app, name="dongle")
app.add_typer(network.app, name="network")
app.add_typer(radio_verb.app, name="radio")
remote_verbs.add_to(app)


def print_version(wanted: bool) -> None:
    """Print the version and end, where that is wanted."""
    if wanted:
        version_command()
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
]


@app.command(
    "run",
    help="Run a Trust Center until told to stop: what happens without a verb, under its own name.",
    epilog=examples("run --profile pre-zb3", "run --config /etc/legacy-tc/legacy-tc.toml"),
)
@app.callback()
def main_callback(
    context: typer.Context,
    config: steering_options.ConfigFile = None,
    profile: Annotated[Optional[str], options.PROFILE] = None,  # noqa: UP045
    joiner: options.JoinerOfRun = None,
    radio: radio_options.RadioText = "sim:",
    tx_power: radio_options.TxPower = None,
    allow: radio_options.Allow = None,
    any_joiner: radio_options.AnyJoiner = False,
    state: radio_options.StateFolder = None,
    once: options.Once = False,
    expect: options.Expect = options.JOINED_TEXT,
    capture: options.CapturePath = None,
    events: options.EventsPath = None,
    seed: options.Seed = None,
    channel: options.ChannelOfRun = None,
    pan_id: options.PanIdText = None,
    extended_pan_id: options.ExtendedPanIdText = None,
    network_key_file: options.NetworkKeyFile = None,
    tc_eui64: options.TrustCenterText = None,
    install_code: options.InstallCodes = None,
    permit_join: options.PermitJoin = None,
    observe: options.Observe = OBSERVE / SECOND,
    mqtt: steering_options.Mqtt = None,
    tc_id: steering_options.TcId = DEFAULT_TC_ID,
    http: steering_options.Http = None,
    json: options.Json = False,
    version: Version = False,
) -> None:
    """Run a Trust Center, unless a verb says what else to do; its help is the program's."""
    if context.invoked_subcommand is not None:
        refuse_options_before_a_verb(context)
        return
    raise typer.Exit(live.run(configured(context), json=json))


def refuse_options_before_a_verb(context: typer.Context) -> None:
    """Raise typer.BadParameter when there are any: the verb would not hear of them."""
    for name in context.params:
        if was_given(context, name):
            raise typer.BadParameter(
                f"an option goes after the verb '{context.invoked_subcommand}'; before it nobody reads it",
                param_hint=option(name),
            )


@app.command(
    "simulate",
    epilog=examples(
        "simulate --profile pre-zb3 --joiner all --json",
        "simulate --profile zb3 --joiner telink --capture run.pcapng",
        "simulate --profile zb3 --joiner nxp --loss 0.1 --collisions --count 20",
    ),
)
def simulate_command(
    profile: options.ProfileName,
    joiner: options.JoinerName,
    expect: options.Expect = options.JOINED_TEXT,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The first seed.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Runs, each with the next seed.")] = 1,
    until: options.Until = LIMIT / SECOND,
    observe: options.Observe = OBSERVE / SECOND,
    permit_join: options.PermitJoinOfRun = None,
    loss: options.Loss = 0.0,
    delay: options.Delay = 0.0,
    collisions: options.Collisions = False,
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

    `--profile all` and `--joiner all` run the product. `--loss`, `--delay` and `--collisions` spoil the air.
    """
    options.refuse_twin(tc_eui64, range(seed, seed + count))
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
            permit=options.seconds(until if permit_join is None else permit_join),
        ),
        expect=options.parse_expect(expect),
        observe=options.seconds(observe),
        until=options.seconds(until),
        medium=options.medium(loss=loss, delay=delay, collisions=collisions),
    )
    options.refuse_overwriting(capture, events, options.inputs(profile, joiner, network_key_file))
    raise typer.Exit(simulate.run(runs, json=json, capture=capture, events=events))


@app.command(
    "air",
    epilog=examples(
        "air --listen udp://127.0.0.1:4949 --capture air.pcapng",
        "joiner --air udp://127.0.0.1:4949 --joiner zboss-r22",
    ),
)
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
    """Host a simulated air that other processes share, without a device of its own.

    Ends with a signal or --for. Radios in other processes come with --air and the same URL.
    """
    raise typer.Exit(air_verb.run(listen, capture=capture, limit=limit, seed=seed, json=json))


@app.command("joiner", epilog=examples("joiner --air udp://127.0.0.1:4949 --joiner zboss-r22 --once"))
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


@app.command("doctor", epilog=examples("doctor", "doctor --radio spinel:/dev/ttyACM0"))
def doctor_command(
    radio: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--radio", metavar="URL", help="The radio to check too; it is asked what it is."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Check this machine, and a radio if one is named: one line each, and what to do about it.

    Exits with 0 when nothing is in the way, with 4 when the radio that was named cannot be used.
    """
    raise typer.Exit(doctor.run(radio, json=json))


@app.command(
    "decode",
    epilog=examples(
        "decode run.pcapng",
        "decode run.pcapng --json --key 000102030405060708090a0b0c0d0e0f",
        "decode 030864ffffffff07",
    ),
)
def decode_command(
    sources: Annotated[list[str], typer.Argument(metavar="HEX|FILE...", help="Octets, or a capture file.")],
    key: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--key", metavar="HEX", help="A network or link key; repeatable."),
    ] = None,
    layer: Annotated[
        Optional[Start],  # noqa: UP045
        typer.Option("--layer", help="Where hexadecimal octets begin; mac by default."),
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="Every field of every frame of a file.")] = False,
    json: options.Json = False,
) -> None:
    """Take frames apart, decrypted with the keys given and those learnt on the way.

    Reads pcap and pcapng (link types 195, 215, 230, 283); ZigBeeAlliance09 is always tried.
    Exits with 0 when every source was read, frames of a file that are malformed or cut off included (stderr
    has their number), with 2 when octets are no frame or a file is no capture of IEEE 802.15.4.
    """
    raise typer.Exit(decode.run(sources, key or [], layer, json=json, tree=tree))


@app.command("matrix", epilog=examples("matrix --check docs/matrix.md", "matrix --output docs/matrix.md"))
def matrix_command(
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", parser=options.parse_output, metavar="FILE", help="Write the page here."),
    ] = None,
    check: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--check", parser=options.parse_path, metavar="FILE", help="Compare with this; exit 1 on drift."
        ),
    ] = None,
) -> None:
    """Every profile times every joiner, as a table."""
    raise typer.Exit(matrix.run(output, check))


@app.command("api", epilog=examples("api", "api --output docs/api", "api --check docs/api"))
def api_command(
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", parser=options.parse_output, metavar="DIR", help="Write the files here."),
    ] = None,
    check: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--check", parser=options.parse_path, metavar="DIR", help="Compare with these; exit 1 on drift."
        ),
    ] = None,
) -> None:
    """Print the AsyncAPI document of the control plane; with --output, write it and its JSON Schemas."""
    raise typer.Exit(api.run(output, check))


@app.command("version", epilog=examples("version", "version --json"))
def version_command(json: options.Json = False) -> None:
    """Print the version."""
    typer.echo(f'{{"version": "{__version__}"}}' if json else f"legacy-tc {__version__}")
