"""Articles in Markdown files: what the company has approved to be said.

An article is YAML front matter (id, title, language, questions, keywords, links, files), then the sections `## short`,
`## detailed` and, where there is something to do in order, `## steps`. `files` lie in the same folder and go along.
`## technical` says the same to those who know what the product is made of, `## resources` lists where to read on.
"""

from __future__ import annotations

import mimetypes
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from omnibot.model import File, Link
from omnibot.model.values import frozen

__all__ = ["Article", "KnowledgeError", "read_article"]


@frozen(kw_only=True)
class Article:
    """One approved answer in one language, at three depths."""

    id: str
    title: str
    language: str  # ISO 639-1
    questions: tuple[str, ...]  # as customers put them
    keywords: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    files: tuple[File, ...] = ()
    short: str
    detailed: str
    steps: tuple[str, ...] = ()
    technical: str = ""
    resources: tuple[Link, ...] = ()


class KnowledgeError(Exception):
    """Articles need correcting; tells all faults at once, each with its file and line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(["these articles need correcting by whoever writes the knowledge folder:", *faults]))
        self.faults = tuple(faults)


_KEYS = {"id", "title", "language", "questions", "keywords", "links", "files"}
_SECTIONS = ("short", "detailed", "steps", "technical", "resources")
_NEEDED = ("short", "detailed")
_HEADING = re.compile(r"##\s+(.+?)\s*$")
_STEP = re.compile(r"(?:\d+[.)]|[-*])\s+(.+)")
_RESOURCE = re.compile(r"\[([^\[\]]+)\]\(((?:https?://|mailto:)[^\s()]+)\)")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_FILE_NAME = re.compile(r"[^./\\\0-\x1f\x7f][^/\\\0-\x1f\x7f]{0,199}")
_LARGEST_FILE = 20_000_000  # bytes: few channels carry more, and nobody downloads it on the way


class _Fault(Exception):
    """One thing that is wrong, at a line of the file."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def read_article(path: Path, faults: list[str]) -> Article | None:
    """One article; what is wrong is added to `faults`."""
    found: list[_Fault] = []
    article = None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        header, body = _halves(lines)
        matter = _matter(lines[1:header], found)
        sections = _sections(lines[body:], body, found)
        article = _article(path.parent, matter, sections, _places(lines, header), found)
    except OSError as error:
        found.append(_Fault(1, f"cannot be read ({error.strerror}); let whoever runs the server read it"))
    except UnicodeDecodeError as error:
        found.append(_Fault(1, f"is not UTF-8 (byte {error.start}); save it as UTF-8"))
    except _Fault as fault:
        found.append(fault)
    faults.extend(f"{path}:{fault.line}: {fault}" for fault in found)
    return None if found else article


def _halves(lines: Sequence[str]) -> tuple[int, int]:
    """The index of the line that ends the front matter, and of the first line behind it."""
    if not lines or lines[0].strip() != "---":
        raise _Fault(1, "has no front matter; begin with a line of three dashes, then id, title, language, questions")
    for number, line in enumerate(lines[1:], 1):
        if line.strip() == "---":
            return number, number + 1
    raise _Fault(1, "the front matter has no end; close it with a line of three dashes")


def _matter(lines: Sequence[str], faults: list[_Fault]) -> dict[str, Any]:
    try:
        matter = yaml.safe_load("\n".join(lines))
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: the 13th month of a date
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise _Fault(line, f"the front matter is not YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(matter, dict):
        raise _Fault(2, "the front matter must be `key: value` lines")
    for key in matter.keys() - _KEYS:
        known = ", ".join(sorted(_KEYS))
        line = next((number for number, line in enumerate(lines, 2) if line.startswith(f"{key}:")), 2)
        faults.append(_Fault(line, f"unknown key {key!r}; known are {known}"))
    return matter


def _places(lines: Sequence[str], end: int) -> Mapping[str, int]:
    """The lines of keys and sections; what is missing should stand at the end of the front matter."""
    places: defaultdict[str, int] = defaultdict(lambda: end + 1)
    for number, line in enumerate(lines, 1):
        if number <= end:
            places.setdefault(line.partition(":")[0], number)
        elif heading := _HEADING.match(line):
            places.setdefault(heading[1].casefold(), number)
    return places


def _sections(lines: Sequence[str], offset: int, faults: list[_Fault]) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(lines, offset + 1):
        if heading := _HEADING.match(line):
            name = heading[1].casefold()
            if name not in _SECTIONS:
                faults.append(_Fault(number, f"unknown section {heading[1]!r}; known are {', '.join(_SECTIONS)}"))
            if name in sections:
                faults.append(_Fault(number, f"the section {name!r} stands twice; keep one"))
            current = sections.setdefault(name, [])
        elif current is not None:
            current.append(line)
        elif line.strip():
            faults.append(_Fault(number, "this text stands before the first section; put `## short` above it"))
            current = []
    return sections


def _article(
    folder: Path,
    matter: Mapping[str, Any],
    sections: Mapping[str, list[str]],
    places: Mapping[str, int],
    faults: list[_Fault],
) -> Article:
    def text(key: str, form: re.Pattern[str] | None = None, example: str = "") -> str:
        value = matter.get(key)
        if not isinstance(value, str) or not value.strip():
            faults.append(_Fault(places[key], f"`{key}` is missing; add it to the front matter as text"))
            return ""
        if form and not form.fullmatch(value):
            faults.append(_Fault(places[key], f"`{key}: {value}` is not valid; write it like {example}"))
        return value.strip()

    def texts(key: str) -> tuple[str, ...]:
        value = matter.get(key) or []
        if not isinstance(value, list) or not all(isinstance(entry, str) and entry.strip() for entry in value):
            faults.append(
                _Fault(places[key], f"`{key}` must be a list of texts; put a dash before each and quote numbers")
            )
            return ()
        return tuple(entry.strip() for entry in value)

    def section(name: str) -> str:
        said = _paragraphs(sections.get(name, ()))
        if not said and (name in sections or name in _NEEDED):
            faults.append(_Fault(places[name], f"the section `## {name}` is missing or empty; write it"))
        return said

    questions = texts("questions")
    if "questions" not in matter:
        faults.append(_Fault(places["questions"], "`questions` is missing; list how customers ask for this"))
    return Article(
        id=text("id", _ID, "reset-password"),
        title=text("title"),
        language=text("language", _LANGUAGE, "en"),
        questions=questions,
        keywords=texts("keywords"),
        links=_links(matter.get("links") or [], places["links"], faults),
        files=tuple(_files(folder, texts("files"), places["files"], faults)),
        short=section("short"),
        detailed=section("detailed"),
        steps=_steps(sections.get("steps", ())),
        technical=section("technical"),
        resources=tuple(_resources(sections.get("resources", ()), places["resources"], faults)),
    )


def _paragraphs(lines: Sequence[str]) -> str:
    """Running text, a paragraph a line."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _resources(lines: Sequence[str], line: int, faults: list[_Fault]) -> Iterator[Link]:
    for number, text in enumerate(lines, line + 1):
        entry = _STEP.fullmatch(text.strip())
        if found := _RESOURCE.fullmatch(entry[1].strip()) if entry else None:
            yield Link(" ".join(found[1].split()), found[2])
        elif text.strip():
            faults.append(_Fault(number, "each of `## resources` is a link in a list: - [What it is](https://…)"))


def _links(entries: object, line: int, faults: list[_Fault]) -> tuple[Link, ...]:
    links = []
    for entry in entries if isinstance(entries, list) else [entries]:
        match entry:
            case {"label": str(label), "url": str(url)} if url.startswith(("https://", "http://", "mailto:")):
                links.append(Link(label, url))
            case _:
                faults.append(_Fault(line, "each of `links` needs a label and an address: {label: …, url: https://…}"))
    return tuple(links)


def _files(folder: Path, names: Sequence[str], line: int, faults: list[_Fault]) -> Iterator[File]:
    """What is told to customers must lie there, and nothing that lies elsewhere may be told."""
    for name in names:
        file = folder / name
        if not _FILE_NAME.fullmatch(name) or file.suffix == ".md":
            faults.append(
                _Fault(line, f"{name!r} cannot go along; name a file beside the articles that is none itself")
            )
        elif not (file.is_file() and os.access(file, os.R_OK)):
            faults.append(_Fault(line, f"the file {name!r} is not there to be read; put it beside the articles"))
        elif not file.resolve().is_relative_to(folder.resolve()):
            faults.append(_Fault(line, f"{name!r} leads out of the folder; put the file itself there"))
        elif not 0 < file.stat().st_size <= _LARGEST_FILE:
            faults.append(_Fault(line, f"{name!r} is empty or larger than {_LARGEST_FILE} bytes; make it smaller"))
        else:
            media_type, _ = mimetypes.guess_type(name, strict=False)
            yield File(name, media_type or "application/octet-stream", file.stat().st_size, f"knowledge:{name}")


def _steps(lines: Sequence[str]) -> tuple[str, ...]:
    """Numbered or dashed lines; a line without a number goes on the one above."""
    steps: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        if step := _STEP.fullmatch(line):
            steps.append(step[1])
        elif steps:
            steps[-1] += f" {line}"
        else:
            steps.append(line)
    return tuple(steps)
