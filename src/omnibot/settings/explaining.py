"""Pydantic's errors in words: what is wrong, and what to do, without what was written."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from omnibot.settings.faults import Steps
from omnibot.settings.reading import FILE
from omnibot.settings.section import table_in, tables_in


def causes(error: ValidationError) -> list[ErrorDetails]:
    """Without lists that are too short for no other reason than that their members were refused."""
    details = error.errors(include_url=False)
    places = {detail["loc"][:-1] for detail in details}
    return [detail for detail in details if not (detail["type"] == "too_short" and detail["loc"] in places)]


def explained(
    detail: ErrorDetails, model: type[BaseModel], values: Mapping[str, Any], steps: Steps
) -> tuple[Steps, str, str]:
    """(steps, problem, action) of one of pydantic's errors, without what was written."""
    owner, inner = _owner(model, detail["loc"])
    where = (*steps, *inner)
    match detail["type"]:
        case "missing":
            return where, "is missing", f"set it, or {inner[-1]}{FILE} to a file that holds it"
        case "extra_forbidden":
            return where, "is not a setting", _suggestion(inner[-1], owner)
        case "model_type" | "dict_type":
            return where, "is not a table", f"write [{'.'.join(where)}]"
        case "string_pattern_mismatch":
            known = owner.model_fields.get(inner[-1])
            meant = (known.description or "").rstrip(".") if known else ""
            return where, "is not written as it must be", f"it means: {meant}" if meant else "correct it"
        case "list_type" | "tuple_type":
            return where, "is no list", f'write {inner[-1]} = ["…", "…"]'
        case "too_short":
            return where, "is empty", "name at least one, or leave the line away"
        case "string_too_short":
            return where, "is empty", "write it, or leave the line away"
        case "value_error":  # by our convention "what is wrong: what to do"
            problem, _, action = _masked(detail["msg"].removeprefix("Value error, "), model, values).partition(": ")
            return where, problem, action or "correct it"
    return where, detail["msg"].removeprefix("Input "), "correct it"


def _owner(model: type[BaseModel], loc: Sequence[int | str]) -> tuple[type[BaseModel], Steps]:
    """The table that an error is in, and the way to the setting, without positions in lists and members of unions."""
    inner: list[str] = []
    named: type[BaseModel] | None = None  # what the next step may call as it likes
    for step in loc:
        inner.append(str(step))
        below, named = (named, None) if named else (table_in(model, str(step)), tables_in(model, str(step)))
        if named is not None:
            continue
        if below is None:
            break
        if len(inner) < len(loc):
            model = below
    return model, tuple(inner)


def _suggestion(unknown: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(unknown, model.model_fields, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"remove it; there are {', '.join(sorted(model.model_fields))}"


def _masked(text: str, model: type[BaseModel], values: Mapping[str, Any]) -> str:
    """A channel's validator may quote what it refuses; a fault must not quote a secret."""
    for name, known in model.model_fields.items():
        value, section, named = values.get(name), table_in(model, name), tables_in(model, name)
        if section is not None and isinstance(value, dict):
            text = _masked(text, section, value)
        elif named is not None and isinstance(value, dict):
            for table in value.values():
                text = _masked(text, named, table) if isinstance(table, dict) else text
        elif isinstance(value, str) and value and _is_secret(known.annotation):
            text = text.replace(value, "…")
    return text


def _is_secret(annotation: object) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_is_secret(inner) for inner in get_args(annotation))
