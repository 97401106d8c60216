"""Tables of YAML, with the line of everything, so that a fault says where it is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

__all__ = ["Fault", "Table", "items", "line_of", "one_text"]

_TEXT = "tag:yaml.org,2002:str"
_BOOL = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Fault(Exception):
    """One thing that is wrong with a file, at a line of it."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def line_of(node: yaml.Node) -> int:
    """Where something stands, from 1."""
    return int(node.start_mark.line) + 1


def one_text(node: yaml.Node) -> str | None:
    """A text in single spaces; None for what is none: numbers, dates, yes and no, lists, nothing."""
    if not isinstance(node, yaml.ScalarNode) or node.tag != _TEXT or not node.value.strip():
        return None
    return " ".join(node.value.split())


def items(node: yaml.Node | None) -> Sequence[yaml.Node]:
    """The entries of a list; what is no list is one entry."""
    if node is None:
        return ()
    return tuple(node.value) if isinstance(node, yaml.SequenceNode) else (node,)


@dataclass(frozen=True, slots=True)
class Table:
    """The values of a mapping by key."""

    entries: Mapping[str, yaml.Node]
    faults: list[Fault]

    @classmethod
    def of(
        cls, node: yaml.Node | None, what: str, known: Sequence[str], needed: Sequence[str], faults: list[Fault]
    ) -> Table:
        """A mapping, with the faults of its keys; raises Fault for what is none."""
        if not isinstance(node, yaml.MappingNode):
            line = line_of(node) if node is not None else 1
            raise Fault(line, f"is no {what}; write the keys {', '.join(needed or known)}, each on a line of its own")
        entries: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name not in known:
                faults.append(Fault(line_of(key), f"unknown key {name!r}; {_known(name, known)}"))
            elif name in entries:
                faults.append(Fault(line_of(key), f"`{name}` stands twice; keep one"))
            else:
                entries[name] = value
        # Of a whole file it is told at its beginning, where whoever writes it begins.
        line = line_of(node)
        faults.extend(Fault(line, f"`{name}` is missing; add it") for name in needed if name not in entries)
        return cls(entries, faults)

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def get(self, key: str) -> yaml.Node | None:
        """What stands under a key."""
        return self.entries.get(key)

    def line(self, key: str) -> int:
        """Where it stands."""
        return line_of(self.entries[key])

    def text(self, key: str, form: re.Pattern[str] | None = None, example: str = "") -> str:
        """A text in single spaces; '' where there is none."""
        node = self.entries.get(key)
        if node is None:
            return ""
        text = one_text(node)
        if text is None:
            problem = f"`{key}` must be a text; put numbers, dates and yes or no into quotes"
            self.faults.append(Fault(line_of(node), problem))
            return ""
        if form is not None and not form.fullmatch(text):
            self.faults.append(Fault(line_of(node), f"`{key}: {text:.60}` is not valid; write it like {example}"))
        return text

    def flag(self, key: str, *, otherwise: bool) -> bool:
        """Yes or no."""
        node = self.entries.get(key)
        if node is None:
            return otherwise
        value = _BOOL.get(str(node.value).casefold()) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            self.faults.append(Fault(line_of(node), f"`{key}` must be yes or no"))
            return otherwise
        return value


def _known(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"known are {', '.join(known)}{meant}"
