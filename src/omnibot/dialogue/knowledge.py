"""All articles of the company, searchable by what customers ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from omnibot.dialogue.articles import Article, KnowledgeError, read_article
from omnibot.dialogue.search import Found, Index
from omnibot.dialogue.words import Passage
from omnibot.model.values import frozen

__all__ = ["Knowledge"]


@frozen
class Knowledge:
    """All articles, searchable; `company_language` stands in where an answer is missing in another."""

    articles: tuple[Article, ...]
    company_language: str = "en"
    _indexes: Mapping[str, Index] = field(init=False, repr=False, compare=False)
    _by_id: Mapping[str, Mapping[str, Article]] = field(init=False, repr=False, compare=False)  # then by language

    def __post_init__(self) -> None:
        by_language: dict[str, list[Article]] = {}
        for article in self.articles:
            by_language.setdefault(article.language, []).append(article)
        indexes = {language: Index.of(articles, language) for language, articles in by_language.items()}
        object.__setattr__(self, "_indexes", indexes)
        by_id: dict[str, dict[str, Article]] = {}
        for article in self.articles:
            by_id.setdefault(article.id, {})[article.language] = article
        object.__setattr__(self, "_by_id", by_id)

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
            article = read_article(path, faults)
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
        return self.about(Passage(question), language)

    def about(self, question: Passage, language: str) -> Found | None:
        """As `find`, for what somebody else looks at, too."""
        if not (asked := question.content(language)):
            return None
        index = self._indexes.get(language)
        if index is not None and (found := index.best(asked)):
            return found
        if language == self.company_language:
            return None
        index = self._indexes.get(self.company_language)
        return index.best(asked) if index is not None else None

    def is_within(self, question: Passage, id: str, language: str) -> bool:
        """Whether an article has all that a question has words for: it asks for nothing besides."""
        index = self._indexes.get(language)
        return index is not None and index.has_all(question.content(language), id)

    def article(self, id: str, language: str) -> Article | None:
        """An article in a language, else in the company's, else None."""
        by_language = self._by_id.get(id, {})
        return by_language.get(language) or by_language.get(self.company_language)

    def knows(self, word: str, language: str) -> bool:
        """Whether any article of a language uses a word."""
        index = self._indexes.get(language)
        return index is not None and index.knows(Passage(word).content(language))
