"""From what is written to settings, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from omnibot.settings.channels import outer_faults
from omnibot.settings.explaining import causes, explained
from omnibot.settings.faults import Fault, SettingsError, Steps, fault
from omnibot.settings.reading import Written, read
from omnibot.settings.resolving import Resolving
from omnibot.settings.tree import Settings

Model = TypeVar("Model", bound=BaseModel)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and judge everything but what channels judge themselves; raises SettingsError with all faults.

    `path` is what the command line names; else OMNIBOT_CONFIG; else config/omnibot.toml, which may be absent.
    """
    settings, faults = judge(read(path, environ))
    if settings is None:
        raise SettingsError(faults)
    return settings


def judge(written: Written) -> tuple[Settings | None, list[Fault]]:
    """The settings, or None and all that is wrong. Channels are only looked at from outside."""
    tree = dict(written.tree)
    channels = tree.pop("channels", {})
    settings, faults = judge_table(Settings, tree, ())
    faults = [*written.faults, *faults, *outer_faults(channels)]
    if settings is None or faults:
        return None, faults
    return settings.model_copy(update={"channels": channels}), []


def judge_table(model: type[Model], raw: Mapping[str, Any], steps: Steps) -> tuple[Model | None, list[Fault]]:
    """One table judged by its own model: None where there are faults."""
    resolving = Resolving()
    values = resolving.table(model, raw, steps)
    faults = resolving.faults
    try:
        judged = model.model_validate(values)
    except ValidationError as error:
        told = dict.fromkeys(explained(detail, model, values, steps) for detail in causes(error))
        return None, faults + [fault(*one) for one in told if not resolving.left_unread(one[0])]
    return (None if faults else judged), faults
