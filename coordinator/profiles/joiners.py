"""Joiner models from TOML: `configs/joiners/*.toml`, or a file of one's own.

A file may extend another one and then says only what differs, trait by trait; `title` and
`imitates` are its own. Every trait carries its basis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from coordinator.joiner import model
from coordinator.profiles import joiner_schema as schema
from coordinator.profiles.document import Table, kind_of, read, validate
from coordinator.profiles.errors import ConfigurationError, together
from coordinator.profiles.locate import display, locate, shipped
from coordinator.types import MILLISECOND

FOLDER = "joiners"
OWN_KEYS = ("extends", "title", "imitates")
"""What a file says for itself and does not inherit."""


class Layer(NamedTuple):
    """One file of a chain of extensions."""

    path: Path
    source: str
    document: Mapping[str, object]


def catalogue() -> tuple[str, ...]:
    """The names of the joiners that ship, sorted."""
    return shipped(FOLDER)


def load(name_or_path: str) -> model.JoinerModel:
    """Load a shipped joiner by name, or any by path (it has a slash or ends in ``.toml``).

    Raises ConfigurationError, which names the file and the place in it.
    """
    path = locate(FOLDER, name_or_path)
    layers = _read_chain(path)
    try:
        joiner = validate(schema.Joiner, _merge(layers), layers[0].source)
    except ConfigurationError as error:
        raise together(
            [
                ConfigurationError(_source_of(each.path, layers), each.path, each.message)
                for each in error.problems
            ]
        ) from None
    return _build(path.stem, joiner, layers[0].source)


def files(name_or_path: str) -> tuple[Path, ...]:
    """The file of a joiner that loads, and those that it extends."""
    return tuple(layer.path for layer in _read_chain(locate(FOLDER, name_or_path)))


def _read_chain(path: Path) -> list[Layer]:
    """The file and those it extends, itself first."""
    layers: list[Layer] = []
    seen: list[Path] = []
    while True:
        document = read(path)
        layers.append(Layer(path, display(path), document))
        seen.append(path.resolve())
        parent = document.get("extends")
        if parent is None:
            return layers
        if not isinstance(parent, str):
            raise ConfigurationError(
                layers[-1].source, "extends", f"expected a text, found {kind_of(parent)}"
            )
        path = _locate_parent(parent, path, layers[-1].source)
        if path.resolve() in seen:
            names = " -> ".join(step.stem for step in [*seen, path])
            raise ConfigurationError(layers[-1].source, "extends", f"goes in a circle: {names}")


def _locate_parent(parent: str, path: Path, source: str) -> Path:
    try:
        return locate(FOLDER, parent, path.parent)
    except ConfigurationError as error:
        raise ConfigurationError(source, "extends", f"{error.source}: {error.message}") from None


def _merge(layers: list[Layer]) -> dict[str, object]:
    """One document: the traits of all files, each from the first file that has it."""
    own = layers[0].document
    merged: dict[str, object] = {key: own[key] for key in OWN_KEYS if key in own}
    for layer in reversed(layers):
        for group, traits in layer.document.items():
            if group in OWN_KEYS:
                continue
            before = merged.get(group)
            if isinstance(before, dict) and isinstance(traits, dict):
                merged[group] = {**before, **traits}
            else:
                merged[group] = traits
    return merged


def _source_of(path: str, layers: list[Layer]) -> str:
    """The file that says what is wrong at `path`; what is missing is missing in the first."""
    group, _, rest = path.partition(".")
    trait = rest.partition(".")[0]
    if group in OWN_KEYS:
        return layers[0].source
    for layer in layers:
        traits = layer.document.get(group)
        if traits is not None and (not isinstance(traits, dict) or not trait or trait in traits):
            return layer.source
    return layers[0].source


def _build(name: str, joiner: schema.Joiner, source: str) -> model.JoinerModel:
    built = model.JoinerModel(
        name=name,
        title=joiner.title,
        imitates=joiner.imitates,
        node=model.Node(
            capability=joiner.node.capability.value, stack_revision=joiner.node.stack_revision.value
        ),
        scan=_scan(joiner.scan),
        association=model.Association(
            attempts=joiner.association.attempts.value,
            pause=joiner.association.pause_ms.value * MILLISECOND,
        ),
        authentication=model.Authentication(
            network_key_timeout=joiner.authentication.network_key_timeout_ms.value * MILLISECOND,
            accepts_clear_network_key=joiner.authentication.accepts_clear_network_key.value,
        ),
        exchange=_exchange(joiner.exchange),
        leave=model.Leave(
            delay=joiner.leave.delay_ms.value * MILLISECOND,
            since_join=joiner.leave.since_join_ms.value * MILLISECOND,
            retries_after=joiner.leave.retries_after.value,
        ),
        steering=model.Steering(permit_seconds=joiner.steering.permit_seconds.value),
        poll=None if joiner.poll is None else _poll(joiner.poll),
        basis=dict(_provenance(joiner)),
    )
    if built.sleepy and built.poll is None:
        raise ConfigurationError(
            source, "poll", "missing: node.capability says the receiver sleeps when idle"
        )
    if not built.sleepy and built.poll is not None:
        raise ConfigurationError(
            source, "poll", "not used: node.capability says the receiver is on when idle"
        )
    return built


def _scan(scan: schema.Scan) -> model.Scan:
    return model.Scan(
        channel_mask=scan.channel_mask.value,
        duration=scan.duration.value,
        stack_profiles=tuple(scan.stack_profiles.value),
        attempts=scan.attempts.value,
        pause=scan.pause_ms.value * MILLISECOND,
    )


def _exchange(exchange: schema.Exchange) -> model.Exchange:
    return model.Exchange(
        enabled=exchange.enabled.value,
        start_delay=exchange.start_delay_ms.value * MILLISECOND,
        timeout=exchange.timeout_ms.value * MILLISECOND,
        attempts=exchange.attempts.value,
        retry_rule=model.RetryRule(exchange.retry_rule.value),
        requires_primary_trust_center=exchange.requires_primary_trust_center.value,
        skips_exchange_before_r21=exchange.skips_exchange_before_r21.value,
        accepts_fresh_key=exchange.accepts_fresh_key.value,
        accepts_identical_key=exchange.accepts_identical_key.value,
        node_descriptor_error=model.DescriptorErrorReaction(exchange.node_descriptor_error.value),
        negative_confirm=model.NegativeConfirmReaction(exchange.negative_confirm.value),
        on_failure=model.FailureReaction(exchange.on_failure.value),
    )


def _poll(poll: schema.Poll) -> model.Poll:
    return model.Poll(joining=poll.joining_ms.value * MILLISECOND, joined=poll.joined_ms.value * MILLISECOND)


def _provenance(joiner: schema.Joiner) -> Iterator[tuple[str, model.Provenance]]:
    """Each trait's basis under the trait's name in the model, where spans have no unit."""
    for group, table in joiner:
        if not isinstance(table, Table):
            continue
        for trait, entry in table:
            known = model.Provenance(basis=model.Basis(entry.basis), note=entry.note)
            yield f"{group}.{trait.removesuffix('_ms')}", known
