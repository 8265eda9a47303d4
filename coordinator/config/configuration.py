"""The configuration that is in force, and where each of its values comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from coordinator.config import layers
from coordinator.config.keys import Key
from coordinator.config.layers import Layer
from coordinator.config.origin import DEFAULT, Origin, Source
from coordinator.config.schema import Document
from coordinator.profiles.errors import ConfigurationError, together
from coordinator.profiles.locate import SUFFIX

FILE_VARIABLE = "LEGACY_TC_CONFIG"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
DROP_IN_FOLDER = "conf.d"
ONE_OF = (Key("joining", "allow"), Key("joining", "any_joiner"))
"""Two answers to one question: who gives one of them has answered it, whatever a weaker place says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Values with their origins; `files` are those that were read, in their order.

    `problems` is what is wrong with single values, which are not among those in force. Of `doubtful` keys
    nobody knows what was meant: what follows from their value, or from their absence, must not be told.
    """

    values: Document
    origins: Mapping[Key, Origin]
    files: tuple[Path, ...] = ()
    problems: tuple[ConfigurationError, ...] = ()
    doubtful: frozenset[Key] = frozenset()

    @property
    def is_written(self) -> bool:
        """True when some of it comes from a file or a variable."""
        weak = (Source.FILE, Source.ENVIRONMENT)
        return any(origin.source in weak for origin in self.origins.values())

    def origin(self, key: Key) -> Origin:
        """Where the value of this key comes from."""
        return self.origins.get(key, DEFAULT)

    def is_sure(self, *keys: Key) -> bool:
        """Whether the values of these keys are what was meant, or they were really not given."""
        return self.doubtful.isdisjoint(keys)

    def value(self, key: Key) -> object:
        """The value of this key; None when it is absent."""
        return getattr(getattr(self.values, key.section), key.name)

    def error(self, key: Key, message: str) -> ConfigurationError:
        """What is wrong with the value of this key, told of the place where it comes from."""
        origin = self.origin(key)
        source = "configuration" if origin.source is Source.DEFAULT else origin.name
        return ConfigurationError(source, str(key), message)


def load(
    path: Path | None,
    environ: Mapping[str, str],
    options: Mapping[Key, tuple[str, object]] = MappingProxyType({}),
) -> Configuration:
    """Do as `read` does. Raises ConfigurationError for every single value that is wrong."""
    configuration = read(path, environ, options)
    if configuration.problems:
        raise together(configuration.problems)
    return configuration


def read(
    path: Path | None,
    environ: Mapping[str, str],
    options: Mapping[Key, tuple[str, object]] = MappingProxyType({}),
) -> Configuration:
    """Read defaults < `path` < ``conf.d/*.toml`` beside it < `environ` < `options`, and check each.

    `options` have the option's name with each value; they are taken as they are, since whoever offers an
    option refuses a wrong one in its own words.
    """
    directory = environ.get(CREDENTIALS_VARIABLE)
    credentials = Path(directory) if directory else None
    hidden: list[ConfigurationError] = []
    files = () if path is None else (path, *_drop_ins(path.parent / DROP_IN_FOLDER, hidden))
    found = [layers.of_file(each, credentials) for each in files]
    found.append(Layer(problems=tuple(hidden), doubtful=layers.ALL if hidden else frozenset()))
    found.append(layers.of_environment(environ, credentials))
    found.append(
        Layer(
            values={key: value for key, (_, value) in options.items()},
            origins={key: Origin(source=Source.OPTION, name=name) for key, (name, _) in options.items()},
        )
    )
    return merged(found, files)


def _drop_ins(folder: Path, problems: list[ConfigurationError]) -> list[Path]:
    """The files of the folder, in the order of their names; hidden ones are an editor's."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(ConfigurationError(str(folder), "", f"cannot be read: {error.strerror or error}"))
        return []
    return [folder / name for name in names if name.endswith(SUFFIX) and not name.startswith(".")]


def merged(found: Sequence[Layer], files: tuple[Path, ...] = ()) -> Configuration:
    """One configuration of several layers, each stronger than those before it."""
    values: dict[Key, object] = {}
    origins: dict[Key, Origin] = {}
    doubtful: set[Key] = set()
    for layer in found:
        if any(layer.values.get(key) for key in ONE_OF):
            for key in ONE_OF:
                values.pop(key, None)
                origins.pop(key, None)
                doubtful.discard(key)
        for key in layer.doubtful:
            values.pop(key, None)
            origins.pop(key, None)
        values.update(layer.values)
        origins.update(layer.origins)
        doubtful = (doubtful | layer.doubtful) - layer.values.keys()
    document = Document()
    tables = {
        section: table.model_copy(
            update={key.name: value for key, value in values.items() if key.section == section}
        )
        for section, table in document
    }
    return Configuration(
        values=document.model_copy(update=tables),
        origins=MappingProxyType(origins),
        files=files,
        problems=tuple(problem for layer in found for problem in layer.problems),
        doubtful=frozenset(doubtful),
    )
