"""The search for the one article that answers a question, or for none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field
from functools import lru_cache
from operator import attrgetter

from omnibot.dialogue.articles import Article
from omnibot.dialogue.words import Passage
from omnibot.model.values import frozen
from omnibot.stems import stemmer

__all__ = ["Found", "Index"]

# Calibrated on the tuned half of tests/dialogue/questions.toml: right answers score .52 and more, wrong ones up to .45.
_ENOUGH = 0.5
_LEAST_EVIDENCE = 1.2  # of idf: a word that half of the articles share answers nothing
_UNKNOWN_WORD = 2.5  # weight of a word that no article has: it may be what the question is about
_VERBATIM = 0.9  # likeness to an example from which it needs no keyword, and may name another's subject
_NEAR = 0.6  # of a question with words that an article lacks: how much it must cover, or be like an example
_TYPO_LENGTH = 6  # of the shortest stem that a slip of the pen is forgiven in
_BODY = 0.4  # weight of a word that only an article's text has
_BY_COVERAGE, _BY_EXAMPLE = 0.55, 0.45
_REACH = 0.4228  # of a question's weight: with less no article scores enough, for no example of it is more alike than
# one of just its words, and so the score at most coverage · _BY_COVERAGE + 2 · coverage / (1 + coverage) · _BY_EXAMPLE
_ROUNDING = 1e-9
_QUESTIONS_REMEMBERED = 2048  # of each language, by the stems that articles have: some 0.5 MB
_WORDS_REMEMBERED = 4096  # of those who ask, with their stems: most that people write are among them


@frozen
class Found:
    """An article that answers a question, and how sure the search is."""

    article: Article
    score: float  # 0…1
    matched: tuple[str, ...]  # stems that the question and the article share


@frozen
class _Term:
    """What a stem says about articles that have it."""

    stem: str
    idf: float
    articles: Mapping[int, float]  # that have it, each with what it weighs there
    examples: Mapping[int, Sequence[int]]  # example questions that have it, by article


@frozen
class Index:
    """The articles of one language by their words."""

    articles: tuple[Article, ...]
    terms: _Terms
    anchors: tuple[tuple[frozenset[str], ...], ...]  # of each article: a word of its title, or a whole keyword
    subjects: frozenset[str]  # keywords of one stem
    example_weight: tuple[float, ...]  # of each example the idf of all its stems
    _remembered: Callable[[tuple[str, ...], int], Found | None] = field(init=False, repr=False, compare=False)

    @classmethod
    def of(cls, articles: Sequence[Article], language: str) -> Index:
        """The index of some articles, which are written in a language."""
        stem_of = stemmer(language)

        def stems_of(*texts: str) -> list[str]:
            return list(dict.fromkeys(stem_of(word) for text in texts for word in Passage(text).content(language)))

        weights: dict[str, dict[int, float]] = {}
        anchors = []
        subjects: set[str] = set()
        for number, article in enumerate(articles):
            head = stems_of(article.title, *article.questions, *article.keywords)
            for stem in stems_of(article.short, article.detailed, *article.steps, article.technical):
                weights.setdefault(stem, {})[number] = _BODY
            title = [frozenset((stem,)) for stem in stems_of(article.title)]
            keywords = [frozenset(found) for word in article.keywords if (found := stems_of(word))]
            subjects.update(*(keyword for keyword in keywords if len(keyword) == 1))
            anchors.append((*title, *keywords))
            for stem in head:
                weights.setdefault(stem, {})[number] = 1.0
        idf = {stem: _idf(sum(w * w for w in found.values()), len(articles)) for stem, found in weights.items()}

        examples: dict[str, dict[int, list[int]]] = {}
        example_weight: list[float] = []
        for number, article in enumerate(articles):
            for text in (article.title, *article.questions):
                asked = stems_of(text)
                for stem in asked:
                    examples.setdefault(stem, {}).setdefault(number, []).append(len(example_weight))
                example_weight.append(sum(idf[stem] for stem in asked))
        terms = {
            stem: _Term(
                stem,
                idf[stem],
                {number: weight * idf[stem] for number, weight in found.items()},
                examples.get(stem, {}),
            )
            for stem, found in weights.items()
        }
        return cls(
            articles=tuple(articles),
            terms=_Terms(terms, stem_of),
            anchors=tuple(anchors),
            subjects=frozenset(subjects),
            example_weight=tuple(example_weight),
        )

    def knows(self, words: Iterable[str]) -> bool:
        """Whether any article has any of some words, as they are written."""
        return any(map(self.terms.knows, words))

    def has_all(self, words: Iterable[str], id: str) -> bool:
        """Whether the article of this id has all of some words."""
        number = next((number for number, article in enumerate(self.articles) if article.id == id), -1)
        terms = map(self.terms.by_stem.get, map(self.terms.stems.__getitem__, words))
        return all(term is not None and number in term.articles for term in terms)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_remembered", lru_cache(_QUESTIONS_REMEMBERED)(self._best))

    def best(self, question: Iterable[str]) -> Found | None:
        """The article that a question's words are about, if one is sure enough."""
        stems = dict.fromkeys(map(self.terms.stems.__getitem__, question))
        known = tuple(filter(self.terms.idf.__contains__, stems))
        unknown = len(stems) - len(known)
        weight = sum(map(self.terms.idf.__getitem__, known))
        if weight < max(_LEAST_EVIDENCE, _REACH * (weight + _UNKNOWN_WORD * unknown)):
            return None
        # Many ask for the same in the same words that matter, and what else they write is but counted.
        return self._remembered(known, unknown)

    def _best(self, stems: Sequence[str], unknown: int) -> Found | None:
        """The article that stems are about which articles have, among so many that none has."""
        known = [self.terms.by_stem[stem] for stem in stems]
        weight = sum([term.idf for term in known])
        whole = weight + _UNKNOWN_WORD * unknown
        least = max(_LEAST_EVIDENCE, _REACH * whole)
        evidence = _evidence(known, weight, least)
        asked = frozenset(stems)
        score, number, likeness = 0.0, -1, 0.0
        for one, found in evidence.items():
            if found < least:
                continue
            like = self._likeness(one, known, whole)
            sure = _BY_COVERAGE * found / whole + _BY_EXAMPLE * like
            if sure >= _ENOUGH and (sure, one) > (score, number) and self._is_about(one, asked, like):
                score, number, likeness = sure, one, like
        if number < 0:
            return None
        matched = [term.stem for term in known if number in term.articles]
        besides = asked - set(matched)
        if (besides or unknown) and not self._covers(evidence[number] / whole, likeness, besides):
            return None
        return Found(self.articles[number], round(score, 3), tuple(sorted(matched)))

    def _covers(self, coverage: float, likeness: float, besides: Set[str]) -> bool:
        """Whether an article answers a question though it lacks some of its words.

        "Why was I charged in euros?" is no question about charges, "a password to invite someone" about neither.
        """
        if likeness >= _VERBATIM:
            return True
        return max(coverage, likeness) >= _NEAR and self.subjects.isdisjoint(besides)

    def _is_about(self, number: int, asked: Set[str], likeness: float) -> bool:
        """Whether a question names an article's subject: the "work" of an example is none."""
        return likeness >= _VERBATIM or any([anchor <= asked for anchor in self.anchors[number]])

    def _likeness(self, number: int, known: Sequence[_Term], whole: float) -> float:
        """How much of the question and an article's most similar example is the same (Dice, weighted by idf)."""
        shared: dict[int, float] = {}
        so_far, weights, most = shared.get, self.example_weight, 0.0
        for term in known:
            if examples := term.examples.get(number):
                idf = term.idf
                for example in examples:
                    shared[example] = so_far(example, 0.0) + idf
        for example, weight in shared.items():
            if (like := 2 * weight / (whole + weights[example])) > most:
                most = like
        return most


def _evidence(known: Sequence[_Term], weight: float, least: float) -> dict[int, float]:
    """By article what the terms of a question weigh there, of all articles where that may be as much as the least.

    The rarest come first: an article that has none of them until what is left is too little need not be looked at, and
    most have the common words alone.
    """
    evidence: dict[int, float] = {}
    so_far = evidence.get
    left = weight
    for term in sorted(known, key=_IDF, reverse=True):
        if left < least - _ROUNDING:
            for number in evidence.keys() & term.articles.keys():
                evidence[number] += term.articles[number]
        else:
            for number, counts in term.articles.items():
                evidence[number] = so_far(number, 0.0) + counts
        left -= term.idf
    return evidence


_IDF = attrgetter("idf")


class _Stems(dict[str, str]):
    """By word its stem: known by heart, as far as there is room, at less than what a cache costs that counts."""

    def __init__(self, find: Callable[[str], str]) -> None:
        self._find = find

    def __missing__(self, word: str) -> str:
        if len(self) >= _WORDS_REMEMBERED:
            self.clear()
        stem = self[word] = self._find(word)
        return stem


class _Terms:
    """The terms of an index by the words of those who ask."""

    def __init__(self, terms: Mapping[str, _Term], stem_of: Callable[[str], str]) -> None:
        self.by_stem = terms
        self.idf = {stem: term.idf for stem, term in terms.items()}
        self._stem_of = stem_of
        # a stem with a letter left out → the stem
        self._typos = {slip: stem for stem in terms if len(stem) >= _TYPO_LENGTH for slip in _slips(stem)}
        self.stems = _Stems(self._stem)

    def knows(self, word: str) -> bool:
        """Whether a word is one of an article, as it is written."""
        return self._stem_of(word) in self.by_stem

    def _stem(self, word: str) -> str:
        """The stem of a word, perhaps of the one that it is a slip of the pen for."""
        stem = self._stem_of(word)
        return stem if stem in self.by_stem else self._meant(stem)

    def _meant(self, stem: str) -> str:
        """The stem that an unknown one is a slip of the pen for, if there is one."""
        if len(stem) < _TYPO_LENGTH - 1:
            return stem
        meant = self._typos.get(stem)  # a letter is missing
        for slip in () if meant else _slips(stem):  # one too many, or a wrong one
            meant = slip if slip in self.by_stem and len(slip) >= _TYPO_LENGTH else self._typos.get(slip)
            if meant:
                break
        return meant if meant and meant[0] == stem[0] else stem


def _slips(stem: str) -> Iterator[str]:
    """A stem with one letter left out, wherever that is."""
    return (stem[:place] + stem[place + 1 :] for place in range(len(stem)))


def _idf(holders: float, articles: int) -> float:
    """BM25's, never negative."""
    return math.log(1 + (articles - holders + 0.5) / (holders + 0.5))
