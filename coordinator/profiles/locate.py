"""Where the shipped configurations are: in the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

import coordinator
from coordinator.profiles.errors import ConfigurationError, suggestion

PACKAGE = Path(coordinator.__file__).resolve().parent
SUFFIX = ".toml"


def configs_folder() -> Path:
    """The shipped `configs`: beside the package in a checkout, inside it when installed from a wheel."""
    checkout = PACKAGE.parent / "configs"
    if (PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    return PACKAGE / "configs"


def shipped(kind: str) -> tuple[str, ...]:
    """The names that ship in `configs/<kind>` (``profiles``, ``joiners``), sorted."""
    return tuple(sorted(path.stem for path in (configs_folder() / kind).glob(f"*{SUFFIX}")))


def locate(kind: str, name_or_path: str, base: Path | None = None) -> Path:
    """Find a configuration by shipped name, or by path (it has a slash or ends in ``.toml``).

    `kind` is the folder (``profiles``, ``joiners``); a relative path is taken from `base`, or from the
    working directory. Raises ConfigurationError for a name that does not ship; a path is not opened here.
    """
    if name_or_path.endswith(SUFFIX) or "/" in name_or_path:
        return (base or Path()) / name_or_path
    known = shipped(kind)
    if name_or_path in known:
        return configs_folder() / kind / f"{name_or_path}{SUFFIX}"
    noun = kind.removesuffix("s")
    hint = suggestion(name_or_path, known) or f"; `legacy-tc {kind} list` names them all"
    raise ConfigurationError(f"{noun} '{name_or_path}'", "", f"no such {noun}{hint}")


def display(path: Path) -> str:
    """The path as an error shows it: shipped ones from ``configs/`` on, others as they were given."""
    try:
        return f"configs/{path.resolve().relative_to(configs_folder()).as_posix()}"
    except ValueError:
        return str(path)
