"""voice samples: how the company's voice packs sound, as pages to read and to show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from omnibot.cli.options import ConfigOption
from omnibot.cli.printing import fail, say
from omnibot.cli.running import settings_of

app = typer.Typer(help="How everything is said.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A callback keeps `samples` a command of its own while it is the only one."""


@app.command("samples")
def samples(
    out: Annotated[Path, typer.Option(help="The folder that the pages are written into.")] = Path("docs"),
    config: ConfigOption = None,
) -> None:
    """Write voice-samples.md: the same answer in twelve styles, and a page of samples for each language."""
    from omnibot.app import speaker_of
    from omnibot.voice import VoiceError
    from omnibot.voice.samples import pages

    try:
        speaker = speaker_of(settings_of(config))
    except VoiceError as error:
        fail(str(error))
    for name, text in pages(speaker).items():
        file = out / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"{file} cannot be written ({error.strerror}): name another folder by --out, or make it writable")
        say(str(file))
