"""What is written in another way than pydantic takes it: files that hold a value, and lists in one text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from omnibot.settings.faults import Fault, Steps, fault
from omnibot.settings.reading import FILE, FromEnvironment
from omnibot.settings.section import table_in, tables_in


class Resolving:
    """Reads the files that `…_file` settings name, and parts lists; pydantic judges the rest."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.unread: set[Steps] = set()  # to be called unreadable, not missing as well

    def left_unread(self, steps: Steps) -> bool:
        """Whether a setting, or one in a table, is in a file that could not be read: all else follows from that."""
        return any(unread[: len(steps)] == steps for unread in self.unread)

    def table(self, model: type[BaseModel], raw: Mapping[str, Any], steps: Steps) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in raw.items():
            stem = key.removesuffix(FILE)
            if key in model.model_fields or stem not in model.model_fields or table_in(model, stem):
                values[key] = self._value(model, key, value, (*steps, key))
            elif stem in raw:
                self.faults.append(fault((*steps, key), f"is set and {stem} is set too", "remove one of the two"))
            elif (text := self._content(value, (*steps, stem))) is not None:
                values[stem] = self._value(model, stem, text, (*steps, stem))
        return values

    def _value(self, model: type[BaseModel], key: str, value: object, steps: Steps) -> object:
        section, named = table_in(model, key), tables_in(model, key)
        if section is not None and isinstance(value, dict):
            return self.table(section, value, steps)
        if named is not None and isinstance(value, dict):
            return {
                name: self.table(named, table, (*steps, name)) if isinstance(table, dict) else table
                for name, table in value.items()
            }
        if isinstance(value, FromEnvironment):
            known = model.model_fields.get(key)
            return _parted(value) if known and _takes_list(known.annotation) else str(value)
        return value

    def _content(self, file: object, steps: Steps) -> FromEnvironment | None:
        try:
            text = Path(str(file)).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
            action = "let it name a file that the user that runs Omnibot can read"
            where = (*steps[:-1], steps[-1] + FILE)
            self.faults.append(fault(where, f"names {file}, which cannot be read ({reason})", action))
            self.unread.add(steps)
            return None
        return FromEnvironment(text.rstrip("\r\n"))


def _takes_list(annotation: object) -> bool:
    """Whether a list is meant: tuple[str, ...], list[str], or one of them or None."""
    origin = get_origin(annotation) or annotation
    if origin in (list, tuple, set, frozenset):
        return True
    return origin is not Literal and any(_takes_list(inner) for inner in get_args(annotation))


def _parted(text: str) -> object:
    """`a, b` or `["a", "b"]`; a broken one of the second kind is left to pydantic to refuse."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return str(text)
    return [part.strip() for part in text.split(",") if part.strip()]
