"""From a configuration to what is run, or to all that keeps it from being run."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import typer

from coordinator.cli import configured, options, radio_options, steering
from coordinator.cli.configured import JOINER, PROFILE, named_by, told_where
from coordinator.cli.radio import parse_url
from coordinator.composition import Setting
from coordinator.config import rules
from coordinator.config.configuration import ONE_OF, Configuration
from coordinator.config.keys import Key
from coordinator.config.origin import Source
from coordinator.daemon import Control
from coordinator.joiner.model import JoinerModel
from coordinator.profiles import joiners
from coordinator.profiles.errors import ConfigurationError, together
from coordinator.profiles.profile import Profile
from coordinator.radio.url import RadioUrl, Simulated
from coordinator.runtime.order import Order
from coordinator.types import Eui64

DEFAULT_JOINER = "zboss-r22"
DEFAULT_PERMIT = 180.0
LARGEST_RANDOM_SEED = 2**31 - 1

Thing = TypeVar("Thing")


def order(configuration: Configuration) -> Order:
    """What to run. Raises typer.BadParameter for a wrong option, ConfigurationError for the rest."""
    found = configuration.values
    with told_where(configuration):
        named_profile(configuration)
        refuse_twin(configuration)
        refuse_overwriting(configuration)
        url = radio(configuration)
        check_sense(configuration, url)
        setting = network(configuration)
        if isinstance(url, Simulated):
            seed = found.simulation.seed
            seed = secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed
        else:
            seed = None
            setting = replace(setting, allowed=allowed(configuration))
        return Order(
            profile=profile(configuration),
            profile_source=found.trust_center.profile,
            joiner=joiner(configuration) if url == Simulated() and powers_one(configuration) else None,
            seed=seed,
            radio=url,
            tx_power=None if isinstance(url, Simulated) else found.radio.tx_power,
            setting=setting,
            expect=options.parse_expect(",".join(found.run.expect)),
            observe=options.seconds(found.run.observe_seconds),
            once=found.run.once,
            state=found.state.folder,
            capture=found.evidence.capture,
            events=found.evidence.events,
        )


def ordered(configuration: Configuration) -> tuple[Order, Control | None]:
    """What to run, and who may steer it. Raises as `order` does; where a file or a variable is wrong, for all
    that is wrong at once.
    """
    if configuration.problems:
        raise together(faults(configuration))
    try:
        return order(configuration), steering.control(configuration)
    except ConfigurationError:
        problems = faults(configuration) if configuration.is_written else []
        if not problems:
            raise
        raise together(problems) from None


def faults(configuration: Configuration) -> list[ConfigurationError]:
    """All that keeps a configuration from being run; that it names no profile does not, an option may."""
    remarks = rules.faults(configuration)
    problems = [*configuration.problems, *(configuration.error(*remark) for remark in remarks)]
    checks: list[Callable[[Configuration], object]] = [
        refuse_twin,
        network,
        joiner,
        partial(refuse_overwriting, events=False),
        partial(refuse_overwriting, capture=False),
    ]
    if not any(key.section == "mqtt" for key in (*configuration.doubtful, *(key for key, _ in remarks))):
        checks.append(steering.broker)
    if configuration.values.trust_center.profile is not None:
        checks.append(profile)
    if not isinstance(radio(configuration), Simulated) and configuration.is_sure(*ONE_OF):
        checks.append(allowed)
    for check in checks:
        try:
            with told_where(configuration):
                check(configuration)
        except ConfigurationError as error:
            problems += error.problems
        except typer.BadParameter as error:
            problems.append(ConfigurationError("configuration", "", configured.in_keys(error.message)))
    return list({str(problem): problem for problem in problems}.values())


def named_profile(configuration: Configuration) -> str:
    """The name of the profile. Raises typer.BadParameter when there is none."""
    name = configuration.values.trust_center.profile
    if name is None:
        raise typer.BadParameter(
            "name a Trust Center, for example --profile pre-zb3; --help tells more", param_hint="--profile"
        )
    return name


def refuse_twin(configuration: Configuration) -> None:
    """Raise typer.BadParameter when Trust Center and simulated joiner would have one EUI-64."""
    seed = configuration.values.simulation.seed
    options.refuse_twin(configuration.values.network.trust_center, [] if seed is None else [seed])


def refuse_overwriting(configuration: Configuration, *, capture: bool = True, events: bool = True) -> None:
    """Raise typer.BadParameter when a file to be written, of those asked about, is one that is read."""
    found = configuration.values
    with named_by(configuration, PROFILE):
        name = found.trust_center.profile
        read = options.inputs(options.ALL if name is None else name, None, found.network.key_file)
    name = found.simulation.joiner
    if name is not None and name != options.ALL:
        with named_by(configuration, JOINER):
            read += joiners.files(name)
    written = found.evidence
    options.refuse_overwriting(
        written.capture if capture else None,
        written.events if events else None,
        [*read, *configuration.files],
    )


def radio(configuration: Configuration) -> RadioUrl:
    """Which radio. Raises typer.BadParameter."""
    return parse_url(configuration.values.radio.url, "--radio")


def check_sense(configuration: Configuration, url: RadioUrl) -> None:
    """Raise typer.BadParameter for an option that means nothing on this radio.

    What a file or a variable says of another kind of radio waits until there is one.
    """

    def given(*keys: Key) -> bool:
        return any(
            configuration.origin(key).source is Source.OPTION
            and configuration.value(key) not in (None, [], False)
            for key in keys
        )

    refuse = radio_options.refuse
    if isinstance(url, Simulated):
        refuse("--tx-power, --allow, --any-joiner", given(*rules.OF_A_REAL_RADIO), "is for a real radio")
    else:
        why = "is for simulated radios: a real network's keys are random"
        refuse("--seed", given(Key("simulation", "seed")), why)
    if url != Simulated():
        refuse("--joiner", given(JOINER), "is for --radio sim:; here devices come by themselves")


def powers_one(configuration: Configuration) -> bool:
    """Whether a simulated device is powered at once."""
    return configuration.values.simulation.joiner is not None or not steering.is_steered(configuration)


def permit_seconds(configuration: Configuration) -> float:
    """How long joining is open from the beginning."""
    said = configuration.values.joining.permit_seconds
    if said is not None:
        return said
    opens = isinstance(radio(configuration), Simulated) and not steering.is_steered(configuration)
    return DEFAULT_PERMIT if opens else 0.0


def network(configuration: Configuration) -> Setting:
    """The network to form. Raises typer.BadParameter."""
    found = configuration.values.network
    return options.setting(
        channel=found.channel,
        pan_id=found.pan_id,
        extended_pan_id=found.extended_pan_id,
        network_key_file=found.key_file,
        tc_eui64=found.trust_center,
        install_codes=found.install_codes,
        permit=options.seconds(permit_seconds(configuration)),
    )


def allowed(configuration: Configuration) -> frozenset[Eui64] | None:
    """Who may join a real network; None for everybody. Raises typer.BadParameter."""
    joining = configuration.values.joining
    return radio_options.who_may_join(joining.allow, joining.any_joiner, permit_seconds(configuration))


def profile(configuration: Configuration) -> Profile:
    """Which Trust Center to be. Raises ConfigurationError and typer.BadParameter."""
    with named_by(configuration, PROFILE):
        return single(options.chosen_profiles(named_profile(configuration)), "--profile")


def joiner(configuration: Configuration) -> JoinerModel:
    """The simulated device that is powered on the same air. Raises as `profile` does."""
    with named_by(configuration, JOINER):
        name = configuration.values.simulation.joiner or DEFAULT_JOINER
        return single(options.chosen_joiners(name), "--joiner")


def single(found: list[Thing], option: str) -> Thing:
    """The one thing chosen. Raises typer.BadParameter for `all`."""
    if len(found) != 1:
        raise typer.BadParameter("'all' is for simulate; here it takes one", param_hint=option)
    return found[0]
