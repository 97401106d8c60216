"""What the company has approved to be said: articles in Markdown files, and the search over them.

An article is a file `*.md`: YAML front matter (id, title, language, questions, keywords, links), then the sections
`## short`, `## detailed` and, where there is something to do in order, `## steps`. Files with the same id in several
languages are one article.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from omnibot.dialogue.words import content, stems
from omnibot.model import Link

__all__ = ["Article", "Found", "Knowledge", "KnowledgeError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One approved answer in one language, at three depths."""

    id: str
    title: str
    language: str  # ISO 639-1
    questions: tuple[str, ...]  # as customers put them
    keywords: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    short: str
    detailed: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """An article that answers a question, and how sure the search is."""

    article: Article
    score: float  # 0…1
    matched: tuple[str, ...]  # stems that the question and the article share


class KnowledgeError(Exception):
    """Articles need correcting; tells all faults at once, each with its file and line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(["these articles need correcting by whoever writes the knowledge folder:", *faults]))
        self.faults = tuple(faults)


# --- search ---

# Calibrated on tests/dialogue/questions.toml: the lowest score that keeps strangers' questions unanswered.
_ENOUGH = 0.5
_LEAST_EVIDENCE = 1.2  # of idf: a word that half of the articles share answers nothing
_UNKNOWN_WORD = 2.0  # weight of a word that no article has
_BODY = 0.4  # weight of a word that only an article's text has
_BY_COVERAGE, _BY_EXAMPLE = 0.55, 0.45


@dataclass(frozen=True, slots=True)
class _Index:
    """The articles of one language by their words."""

    articles: tuple[Article, ...]
    idf: Mapping[str, float]
    weights: Mapping[str, tuple[tuple[int, float], ...]]  # stem → articles that have it, with its weight there
    examples: Mapping[str, tuple[int, ...]]  # stem → example questions that have it
    example_article: tuple[int, ...]  # of each example
    example_weight: tuple[float, ...]  # the idf of all its stems

    @classmethod
    def of(cls, articles: Sequence[Article], language: str) -> _Index:
        def stems_of(*texts: str) -> set[str]:
            return {stem for text in texts for stem in stems(content(text, language), language)}

        weights: dict[str, dict[int, float]] = {}
        for number, article in enumerate(articles):
            head = stems_of(article.title, *article.questions, *article.keywords)
            for stem in stems_of(article.short, article.detailed, *article.steps):
                weights.setdefault(stem, {})[number] = _BODY
            for stem in head:
                weights.setdefault(stem, {})[number] = 1.0
        idf = {stem: _idf(sum(w * w for w in found.values()), len(articles)) for stem, found in weights.items()}

        examples: dict[str, list[int]] = {}
        example_article: list[int] = []
        example_weight: list[float] = []
        for number, article in enumerate(articles):
            for text in (article.title, *article.questions):
                asked = stems_of(text)
                for stem in asked:
                    examples.setdefault(stem, []).append(len(example_article))
                example_article.append(number)
                example_weight.append(sum(idf[stem] for stem in asked))
        return cls(
            articles=tuple(articles),
            idf=idf,
            weights={stem: tuple(found.items()) for stem, found in weights.items()},
            examples={stem: tuple(found) for stem, found in examples.items()},
            example_article=tuple(example_article),
            example_weight=tuple(example_weight),
        )

    def best(self, question: Iterable[str]) -> Found | None:
        """The article that a question's stems are about, if one is sure enough."""
        asked = frozenset(question)
        known = [(stem, self.idf[stem]) for stem in asked if stem in self.idf]
        whole = sum(idf for _, idf in known) + _UNKNOWN_WORD * (len(asked) - len(known))
        evidence: dict[int, float] = {}
        for stem, idf in known:
            for number, weight in self.weights[stem]:
                evidence[number] = evidence.get(number, 0.0) + weight * idf
        likeness = self._likeness(known, whole)
        score, number = max(
            (
                (_BY_COVERAGE * found / whole + _BY_EXAMPLE * likeness.get(number, 0.0), number)
                for number, found in evidence.items()
                if found >= _LEAST_EVIDENCE
            ),
            default=(0.0, 0),
        )
        if score < _ENOUGH:
            return None
        matched = (stem for stem, _ in known if any(number == n for n, _ in self.weights[stem]))
        return Found(self.articles[number], round(score, 3), tuple(sorted(matched)))

    def _likeness(self, known: Sequence[tuple[str, float]], whole: float) -> dict[int, float]:
        """By article, how much of the question and its most similar example is the same (Dice, weighted by idf)."""
        shared: dict[int, float] = {}
        for stem, idf in known:
            for example in self.examples.get(stem, ()):
                shared[example] = shared.get(example, 0.0) + idf
        likeness: dict[int, float] = {}
        for example, weight in shared.items():
            article = self.example_article[example]
            dice = 2 * weight / (whole + self.example_weight[example])
            likeness[article] = max(likeness.get(article, 0.0), dice)
        return likeness


def _idf(holders: float, articles: int) -> float:
    """BM25's, never negative."""
    return math.log(1 + (articles - holders + 0.5) / (holders + 0.5))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All articles, searchable; `company_language` stands in where an answer is missing in another."""

    articles: tuple[Article, ...]
    company_language: str = "en"
    _indexes: Mapping[str, _Index] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_language: dict[str, list[Article]] = {}
        for article in self.articles:
            by_language.setdefault(article.language, []).append(article)
        indexes = {language: _Index.of(articles, language) for language, articles in by_language.items()}
        object.__setattr__(self, "_indexes", indexes)

    @classmethod
    def load(cls, folder: Path, language: str = "en") -> Knowledge:
        """Read every article of a folder; raises KnowledgeError that tells all faults.

        `language` is the company's own. A folder without articles is allowed: then every question goes to people.
        """
        faults: list[str] = []
        articles: list[Article] = []
        if not folder.is_dir():
            raise KnowledgeError([f"{folder}: is not a folder; make it, or correct the setting that names it"])
        seen: dict[tuple[str, str], Path] = {}
        for path in sorted(folder.glob("*.md")):
            article = _read(path, faults)
            if article is None:
                continue
            if first := seen.get((article.id, article.language)):
                faults.append(
                    f"{path}:1: the id {article.id!r} in language {article.language!r} is taken by {first.name}; "
                    "give one of them another id"
                )
            seen.setdefault((article.id, article.language), path)
            articles.append(article)
        if faults:
            raise KnowledgeError(faults)
        return cls(tuple(articles), language)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that articles are written in."""
        return tuple(self._indexes)

    def find(self, question: str, language: str) -> Found | None:
        """The article that answers a question, or None: an unrelated question must get no answer.

        Searched in the question's language first, then in the company's.
        """
        asked = content(question, language)
        for searched in dict.fromkeys((language, self.company_language)):
            index = self._indexes.get(searched)
            if index and asked and (found := index.best(stems(asked, searched))):
                return found
        return None

    def article(self, id: str, language: str) -> Article | None:
        """An article in a language, else in the company's, else None."""
        by_language = {article.language: article for article in self.articles if article.id == id}
        return by_language.get(language) or by_language.get(self.company_language)

    def knows(self, word: str, language: str) -> bool:
        """Whether any article of a language uses a word."""
        index = self._indexes.get(language)
        return index is not None and any(stem in index.idf for stem in stems(content(word, language), language))


# --- reading files ---

_KEYS = {"id", "title", "language", "questions", "keywords", "links"}
_SECTIONS = ("short", "detailed", "steps")
_HEADING = re.compile(r"##\s+(.+?)\s*$")
_STEP = re.compile(r"(?:\d+[.)]|[-*])\s+(.+)")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_LANGUAGE = re.compile(r"[a-z]{2}")


class _Fault(Exception):
    """One thing that is wrong, at a line of the file."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def _read(path: Path, faults: list[str]) -> Article | None:
    """One article; what is wrong is added to `faults`."""
    found: list[_Fault] = []
    article = None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        header, body = _halves(lines)
        matter = _matter(lines[1:header], found)
        sections = _sections(lines[body:], body, found)
        article = _article(matter, sections, header, found)
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
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise _Fault(line, f"the front matter is not YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(matter, dict):
        raise _Fault(2, "the front matter must be `key: value` lines")
    for key in matter.keys() - _KEYS:
        known = ", ".join(sorted(_KEYS))
        faults.append(_Fault(_line_of(lines, key), f"unknown key {key!r}; known are {known}"))
    return matter


def _line_of(lines: Sequence[str], key: object) -> int:
    return next((number for number, line in enumerate(lines, 2) if line.startswith(f"{key}:")), 2)


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


def _article(matter: Mapping[str, Any], sections: Mapping[str, list[str]], end: int, faults: list[_Fault]) -> Article:
    def text(key: str, form: re.Pattern[str] | None = None, example: str = "") -> str:
        value = matter.get(key)
        if not isinstance(value, str) or not value.strip():
            faults.append(_Fault(end + 1, f"`{key}` is missing; add it to the front matter as text"))
            return ""
        if form and not form.fullmatch(value):
            faults.append(_Fault(end + 1, f"`{key}: {value}` is not valid; write it like {example}"))
        return value.strip()

    def texts(key: str) -> tuple[str, ...]:
        value = matter.get(key) or []
        if not isinstance(value, list) or not all(isinstance(entry, str) and entry.strip() for entry in value):
            faults.append(_Fault(end + 1, f"`{key}` must be a list of texts; put a dash before each, quote numbers"))
            return ()
        return tuple(entry.strip() for entry in value)

    def section(name: str) -> str:
        paragraphs = re.split(r"\n\s*\n", "\n".join(sections.get(name, ())).strip())
        said = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        if not said:
            faults.append(_Fault(end + 1, f"the section `## {name}` is missing or empty; write it"))
        return said

    questions = texts("questions")
    if "questions" not in matter:
        faults.append(_Fault(end + 1, "`questions` is missing; list how customers ask for this"))
    return Article(
        id=text("id", _ID, "reset-password"),
        title=text("title"),
        language=text("language", _LANGUAGE, "en"),
        questions=questions,
        keywords=texts("keywords"),
        links=_links(matter.get("links") or [], end, faults),
        short=section("short"),
        detailed=section("detailed"),
        steps=_steps(sections.get("steps", ())),
    )


def _links(entries: object, end: int, faults: list[_Fault]) -> tuple[Link, ...]:
    links = []
    for entry in entries if isinstance(entries, list) else [entries]:
        match entry:
            case {"label": str(label), "url": str(url)} if url.startswith(("https://", "http://", "mailto:")):
                links.append(Link(label, url))
            case _:
                faults.append(
                    _Fault(end + 1, "each of `links` needs a label and an address: {label: …, url: https://…}")
                )
    return tuple(links)


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
