"""Options of a run that say where else its values come from, and who may steer it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.cli import options
from coordinator.config import broker_url, values
from coordinator.config.configuration import FILE_VARIABLE

ConfigFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--config",
        parser=options.parse_path,
        envvar=FILE_VARIABLE,
        metavar="FILE",
        help="A configuration file, with conf.d/*.toml beside it; options here win over it.",
    ),
]
Mqtt = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--mqtt",
        parser=options.checked(broker_url.parse),
        metavar="URL",
        help="Be commanded here: mqtt://127.0.0.1:1883.",
    ),
]
TcId = Annotated[
    str,
    typer.Option(
        "--tc-id",
        parser=options.checked(values.tc_id),
        metavar="ID",
        help="The name of this bench in MQTT topics.",
    ),
]
Http = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--http",
        parser=options.checked(values.listen),
        metavar="HOST:PORT",
        help="Be commanded here: 127.0.0.1:8321.",
    ),
]
