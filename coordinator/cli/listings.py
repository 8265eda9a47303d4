"""The verbs of `profiles`, `behaviours` and `joiners`: their options and help. `catalogue` does them."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from coordinator.cli import catalogue, options


def examples(*lines: str) -> str:
    """The end of a help text, with its lines left alone."""
    return "\b\nExamples:\n" + "\n".join(f"  legacy-tc {line}" for line in lines)


def group(what: str, *lines: str) -> typer.Typer:
    """An empty group of verbs."""
    return typer.Typer(help=what, epilog=examples(*lines), rich_markup_mode=None)


profiles_app = group(
    "Trust Centers by name.",
    "profiles list",
    "profiles show pre-zb3",
    "profiles check ./customer.toml",
)
behaviours_app = group("Misbehaviours by name.", "behaviours list", "behaviours show tclk.reuse_global")
joiners_app = group(
    "Simulated devices under test.",
    "joiners list",
    "joiners show telink",
    "joiners check ./device.toml",
)

ProfileToShow = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=options.complete_shipped_profile)
]
BehaviourToShow = Annotated[str, typer.Argument(metavar="NAME", autocompletion=options.complete_behaviour)]
JoinerToShow = Annotated[str, typer.Argument(metavar="NAME", autocompletion=options.complete_shipped_joiner)]
ProfilesToCheck = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[NAME|FILE]...", autocompletion=options.complete_shipped_profile),
]
JoinersToCheck = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[NAME|FILE]...", autocompletion=options.complete_shipped_joiner),
]


@profiles_app.command("list", epilog=examples("profiles list", "profiles list --json"))
def profiles_list(json: options.Json = False) -> None:
    """List the shipped profiles."""
    raise typer.Exit(catalogue.list_profiles(json))


@profiles_app.command("show", epilog=examples("profiles show pre-zb3"))
def profiles_show(name: ProfileToShow, json: options.Json = False) -> None:
    """Show what a profile sets, which clauses it breaks, and where it was seen."""
    raise typer.Exit(catalogue.show_profile(name, json))


@profiles_app.command("check", epilog=examples("profiles check", "profiles check ./customer.toml"))
def profiles_check(names: ProfilesToCheck = None, json: options.Json = False) -> None:
    """Check profiles by name or file; all shipped ones by default."""
    raise typer.Exit(catalogue.check_profiles(names or [], json))


@behaviours_app.command("list", epilog=examples("behaviours list", "behaviours list --json"))
def behaviours_list(json: options.Json = False) -> None:
    """List the catalogue."""
    raise typer.Exit(catalogue.list_behaviours(json))


@behaviours_app.command("show", epilog=examples("behaviours show tclk.reuse_global"))
def behaviours_show(name: BehaviourToShow, json: options.Json = False) -> None:
    """Show a behaviour's settings, the clause it breaks and where it was seen."""
    raise typer.Exit(catalogue.show_behaviour(name, json))


@joiners_app.command("list", epilog=examples("joiners list", "joiners list --json"))
def joiners_list(json: options.Json = False) -> None:
    """List the simulated joiners."""
    raise typer.Exit(catalogue.list_joiners(json))


@joiners_app.command("check", epilog=examples("joiners check", "joiners check ./device.toml"))
def joiners_check(names: JoinersToCheck = None, json: options.Json = False) -> None:
    """Check joiners by name or file; all shipped ones by default."""
    raise typer.Exit(catalogue.check_joiners(names or [], json))


@joiners_app.command("show", epilog=examples("joiners show telink"))
def joiners_show(name: JoinerToShow, json: options.Json = False) -> None:
    """Show a joiner's traits, and how each is known: measured, read in source, or assumed."""
    raise typer.Exit(catalogue.show_joiner(name, json))
