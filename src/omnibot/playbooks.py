"""Playbooks: what customers want of the company, each with how they say it; a YAML file an intent.

A playbook is `intent`, `description` and `examples`, which are phrasings by language:

    intent: refund
    description: Somebody wants money back that they have paid.
    examples:
      en:
        - I want my money back
        - can you refund the last invoice?

The intent `oos` is what the company has no playbook for. Its examples, where there are some, say what looks as if.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

__all__ = ["Playbook", "PlaybookError", "Playbooks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """One thing that customers want."""

    intent: str
    description: str
    examples: Mapping[str, tuple[str, ...]]  # by language, ISO 639-1: as customers put it


class PlaybookError(Exception):
    """Playbooks need correcting; tells all faults at once, each with its file and line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(["these playbooks need correcting by whoever writes that folder:", *faults]))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Playbooks:
    """All playbooks of the company, in the order of their intents."""

    playbooks: tuple[Playbook, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Playbooks:
        """Read every playbook (*.yaml) of a folder; raises PlaybookError that tells all faults.

        A folder without playbooks is allowed: then no intent is ever known.
        """
        if not folder.is_dir():
            raise PlaybookError([f"{folder}: is not a folder; make it, or correct the setting that names it"])
        reading = _Reading()
        for path in sorted(folder.iterdir()):
            if path.suffix in (".yaml", ".yml") and not path.name.startswith("."):
                reading.file(path)
        if reading.faults:
            raise PlaybookError(reading.faults)
        return cls(tuple(sorted(reading.playbooks, key=lambda playbook: playbook.intent)))

    @property
    def examples(self) -> tuple[tuple[str, str], ...]:
        """Each phrasing with its intent, all languages together."""
        return tuple(
            (text, playbook.intent)
            for playbook in self.playbooks
            for texts in playbook.examples.values()
            for text in texts
        )


_KEYS = ("intent", "description", "examples")
_INTENT = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_LONGEST_NAME = 48
_LANGUAGE = re.compile(r"[a-z]{2}")
_LONGEST_EXAMPLE = 500  # characters: who says more says more than one thing
_TEXT = "tag:yaml.org,2002:str"


class _Fault(Exception):
    """One thing that is wrong with a file, at a line of it."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(slots=True)
class _Reading:
    """What was read of a folder so far."""

    playbooks: list[Playbook] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _intents: dict[str, Path] = field(default_factory=dict)
    _examples: dict[str, tuple[str, str]] = field(default_factory=dict)  # the phrasing as it counts → intent, place

    def file(self, path: Path) -> None:
        found: list[_Fault] = []
        try:
            entries = _entries(_document(path), found)
            playbook = self._playbook(path, entries, found)
        except _Fault as fault:
            found.append(fault)
        else:
            self.playbooks.append(playbook)
        self.faults.extend(f"{path}:{fault.line}: {fault}" for fault in sorted(found, key=lambda fault: fault.line))

    def _playbook(self, path: Path, entries: Mapping[str, yaml.Node], faults: list[_Fault]) -> Playbook:
        intent = _text(entries, "intent", faults)
        if intent and not (_INTENT.fullmatch(intent) and len(intent) <= _LONGEST_NAME):
            faults.append(
                _Fault(
                    _line(entries["intent"]),
                    f"`intent: {intent}` is not valid; write it in small letters, digits and dashes, like order-status",
                )
            )
        elif first := self._intents.get(intent):
            faults.append(
                _Fault(_line(entries["intent"]), f"the intent {intent!r} is taken by {first.name}; keep one of them")
            )
        elif intent:
            self._intents[intent] = path
        description = _text(entries, "description", faults)
        examples = {
            language: tuple(self._own(path, intent, phrasings, faults))
            for language, phrasings in _phrasings(entries, faults)
        }
        if "examples" in entries and not any(examples.values()) and not faults:
            faults.append(
                _Fault(_line(entries["examples"]), "`examples` has no phrasings; list how customers say this")
            )
        return Playbook(intent=intent, description=description, examples=examples)

    def _own(self, path: Path, intent: str, phrasings: Sequence[yaml.Node], faults: list[_Fault]) -> Iterator[str]:
        """The phrasings of one playbook that no other has: one that stands for two intents teaches neither."""
        for phrasing in phrasings:
            if (text := _phrasing(phrasing, faults)) is None:
                continue
            counts_as = " ".join(re.findall(r"\w+", text.casefold())) or text
            other, place = self._examples.setdefault(counts_as, (intent, f"{path.name}:{_line(phrasing)}"))
            if other != intent:
                fault = f"{text!r} stands for {other!r}, too ({place}); leave it to the one that it tells more of"
                faults.append(_Fault(_line(phrasing), fault))
            elif place == f"{path.name}:{_line(phrasing)}":
                yield text


def _document(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise _Fault(1, f"cannot be read ({error.strerror}); let whoever runs the server read it") from error
    except UnicodeDecodeError as error:
        raise _Fault(1, f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be understood"
        raise _Fault(line, f"is not YAML ({problem}); put a text with a colon or a # into quotes") from error


def _entries(document: yaml.Node | None, faults: list[_Fault]) -> dict[str, yaml.Node]:
    """The values of a playbook by key, with the faults of its keys."""
    if not isinstance(document, yaml.MappingNode):
        raise _Fault(1, f"is no playbook; write the keys {', '.join(_KEYS)}, each on a line of its own")
    entries: dict[str, yaml.Node] = {}
    for key, value in document.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        if name not in _KEYS:
            faults.append(_Fault(_line(key), f"unknown key {name!r}; known are {', '.join(_KEYS)}"))
        elif name in entries:
            faults.append(_Fault(_line(key), f"`{name}` stands twice; keep one"))
        else:
            entries[name] = value
    for name in _KEYS:
        if name not in entries:
            faults.append(_Fault(1, f"`{name}` is missing; add it"))
    return entries


def _text(entries: Mapping[str, yaml.Node], key: str, faults: list[_Fault]) -> str:
    node = entries.get(key)
    if node is None:
        return ""
    if not isinstance(node, yaml.ScalarNode) or node.tag != _TEXT or not node.value.strip():
        faults.append(_Fault(_line(node), f"`{key}` must be a text; put numbers, dates and yes or no into quotes"))
        return ""
    return " ".join(node.value.split())


def _phrasings(entries: Mapping[str, yaml.Node], faults: list[_Fault]) -> Iterator[tuple[str, Sequence[yaml.Node]]]:
    """The examples of each language, with the faults of the languages."""
    node = entries.get("examples")
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        faults.append(
            _Fault(_line(node), "`examples` must be lists by language; write `en:` and below it the phrasings")
        )
        return
    seen = set()
    for key, value in node.value:
        language = str(key.value)
        if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT or not _LANGUAGE.fullmatch(language):
            problem = f"{language!r} is no language; write two letters (ISO 639-1), and `no` in quotes"
            faults.append(_Fault(_line(key), problem))
        elif language in seen:
            faults.append(_Fault(_line(key), f"the language {language!r} stands twice; keep one list"))
        elif not isinstance(value, yaml.SequenceNode):
            faults.append(_Fault(_line(value), f"{language!r} must be a list of phrasings; put a dash before each"))
        else:
            seen.add(language)
            yield language, value.value


def _phrasing(node: yaml.Node, faults: list[_Fault]) -> str | None:
    if not isinstance(node, yaml.ScalarNode) or node.tag != _TEXT or not node.value.strip():
        problem = "a phrasing must be a text; put one with a colon, and numbers, yes and no, into quotes"
        faults.append(_Fault(_line(node), problem))
        return None
    text = " ".join(node.value.split())
    if len(text) > _LONGEST_EXAMPLE:
        problem = f"a phrasing is longer than {_LONGEST_EXAMPLE} characters; shorten it to what tells the intent"
        faults.append(_Fault(_line(node), problem))
        return None
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        faults.append(_Fault(_line(node), "a phrasing is no valid Unicode (half a pair of surrogates); write it anew"))
        return None
    return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
