"""From a configuration to what is run, or to all that keeps it from being run."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import typer

from coordinator.cli import configured, options, radio_options
from coordinator.cli.configured import JOINER, PROFILE, named_by, told_where
from coordinator.cli.radio import parse_url
from coordinator.composition import Setting
from coordinator.config import rules, secret_files, values
from coordinator.config.configuration import Configuration
from coordinator.config.keys import Key
from coordinator.config.origin import Source
from coordinator.control.bench.bench import Options
from coordinator.control.http.listening import Address
from coordinator.control.mqtt import link
from coordinator.control.mqtt.link import Link, LinkError
from coordinator.daemon.log import LogSettings
from coordinator.daemon.steering import Control, Http
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
            joiner=joiner(configuration) if url == Simulated() else None,
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
    try:
        return order(configuration), control(configuration)
    except ConfigurationError:
        problems = faults(configuration) if configuration.is_written else []
        if not problems:
            raise
        raise together(problems) from None


def control(configuration: Configuration) -> Control | None:
    """How the run is steered from outside; None when it is not. Raises as `order` does."""
    remarks = rules.faults(configuration)
    for key, message in remarks:
        origin = configuration.origin(key)
        if origin.source is Source.OPTION:
            raise typer.BadParameter(message, param_hint=origin.name)
    if remarks:
        raise together([configuration.error(*remark) for remark in remarks])
    found = configuration.values
    if found.mqtt.url is None and found.http.listen is None:
        return None
    return Control(
        options=Options(
            id=found.mqtt.id,
            folder=found.evidence.folder,
            max_bytes=found.evidence.max_bytes,
            expose_keys=found.control.expose_keys,
            frames=found.mqtt.frames,
        ),
        in_flight=found.control.requests_in_flight,
        http=None if found.http.listen is None else _http(found.http.listen, found.http.token_file),
        mqtt=broker(configuration),
        log=LogSettings(level=found.log.level, form=found.log.format),
    )


def broker(configuration: Configuration) -> Link | None:
    """The broker, and our place on it. Raises ConfigurationError for files that TLS cannot use."""
    mqtt = configuration.values.mqtt
    if mqtt.url is None:
        return None
    found = link.at(
        mqtt.url,
        allow_plaintext=mqtt.allow_plaintext,
        id=mqtt.id,
        username=mqtt.username,
        password=None if mqtt.password_file is None else secret_files.text(mqtt.password_file),
        ca_file=mqtt.ca_file,
        certificate_file=mqtt.certificate_file,
        key_file=mqtt.key_file,
        outbox=mqtt.outbox,
        keepalive=mqtt.keepalive_seconds,
    )
    try:
        found.context()
    except LinkError as error:
        blamed = rules.MQTT_CERTIFICATE
        if str(error).startswith(f"{mqtt.ca_file}: "):
            blamed = rules.MQTT_CA
        raise configuration.error(blamed, str(error)) from None
    return found


def _http(listen: str, token_file: Path | None) -> Http:
    where = values.listen(listen)
    return Http(
        address=Address(host=where.host, port=where.port),
        token=None if token_file is None else secret_files.text(token_file),
    )


def faults(configuration: Configuration) -> list[ConfigurationError]:
    """All that keeps a configuration from being run; that it names no profile does not, an option may."""
    remarks = rules.faults(configuration)
    problems = [configuration.error(*remark) for remark in remarks]
    checks: list[Callable[[Configuration], object]] = [refuse_twin, network, joiner]
    if not any(key.section == "mqtt" for key, _ in remarks):
        checks.append(broker)
    if configuration.values.trust_center.profile is not None:
        checks += [profile, refuse_overwriting]
    if not isinstance(radio(configuration), Simulated):
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


def refuse_overwriting(configuration: Configuration) -> None:
    """Raise typer.BadParameter when a file to be written is one that is read."""
    found = configuration.values
    with named_by(configuration, PROFILE):
        read = options.inputs(named_profile(configuration), None, found.network.key_file)
    name = found.simulation.joiner
    if name is not None and name != options.ALL:
        with named_by(configuration, JOINER):
            read += joiners.files(name)
    options.refuse_overwriting(found.evidence.capture, found.evidence.events, [*read, *configuration.files])


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


def permit_seconds(configuration: Configuration) -> float:
    """How long joining is open from the beginning."""
    said = configuration.values.joining.permit_seconds
    if said is not None:
        return said
    return DEFAULT_PERMIT if isinstance(radio(configuration), Simulated) else 0.0


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
