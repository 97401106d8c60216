"""What several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The settings file; else OMNIBOT_CONFIG, else config/omnibot.toml.", dir_okay=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
LimitOption = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")]
IdArgument = Annotated[int, typer.Argument(metavar="ID")]
