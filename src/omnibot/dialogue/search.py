"""The search for the one article that answers a question, or for none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from omnibot.dialogue.articles import Article
from omnibot.dialogue.words import content, stems

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


@dataclass(frozen=True, slots=True)
class Found:
    """An article that answers a question, and how sure the search is."""

    article: Article
    score: float  # 0…1
    matched: tuple[str, ...]  # stems that the question and the article share


@dataclass(frozen=True, slots=True)
class Index:
    """The articles of one language by their words."""

    articles: tuple[Article, ...]
    idf: Mapping[str, float]
    weights: Mapping[str, tuple[tuple[int, float], ...]]  # stem → articles that have it, with its weight there
    anchors: tuple[tuple[frozenset[str], ...], ...]  # of each article: a word of its title, or a whole keyword
    subjects: frozenset[str]  # keywords of one stem
    typos: Mapping[str, str]  # a stem with a letter left out → the stem
    examples: Mapping[str, tuple[int, ...]]  # stem → example questions that have it
    example_article: tuple[int, ...]  # of each example
    example_weight: tuple[float, ...]  # the idf of all its stems

    @classmethod
    def of(cls, articles: Sequence[Article], language: str) -> Index:
        def stems_of(*texts: str) -> set[str]:
            return {stem for text in texts for stem in stems(content(text, language), language)}

        weights: dict[str, dict[int, float]] = {}
        anchors = []
        subjects: set[str] = set()
        for number, article in enumerate(articles):
            head = stems_of(article.title, *article.questions, *article.keywords)
            for stem in stems_of(article.short, article.detailed, *article.steps):
                weights.setdefault(stem, {})[number] = _BODY
            title = [frozenset((stem,)) for stem in stems_of(article.title)]
            keywords = [frozenset(found) for word in article.keywords if (found := stems_of(word))]
            subjects.update(*(keyword for keyword in keywords if len(keyword) == 1))
            anchors.append((*title, *keywords))
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
            anchors=tuple(anchors),
            subjects=frozenset(subjects),
            typos={slip: stem for stem in idf if len(stem) >= _TYPO_LENGTH for slip in _slips(stem)},
            examples={stem: tuple(found) for stem, found in examples.items()},
            example_article=tuple(example_article),
            example_weight=tuple(example_weight),
        )

    def best(self, question: Iterable[str]) -> Found | None:
        """The article that a question's stems are about, if one is sure enough."""
        asked = frozenset(stem if stem in self.idf else self._meant(stem) for stem in question)
        known = [(stem, self.idf[stem]) for stem in asked if stem in self.idf]
        whole = sum(idf for _, idf in known) + _UNKNOWN_WORD * (len(asked) - len(known))
        evidence: dict[int, float] = {}
        for stem, idf in known:
            for number, weight in self.weights[stem]:
                evidence[number] = evidence.get(number, 0.0) + weight * idf
        likeness = self._likeness(known, whole)
        scores = (
            (_BY_COVERAGE * found / whole + _BY_EXAMPLE * likeness.get(number, 0.0), number)
            for number, found in evidence.items()
            if found >= _LEAST_EVIDENCE
        )
        sure = (one for one in scores if one[0] >= _ENOUGH)
        score, number = max((one for one in sure if self._is_about(one[1], asked, likeness)), default=(0.0, -1))
        if number < 0:
            return None
        matched = [stem for stem, _ in known if any(number == n for n, _ in self.weights[stem])]
        besides = asked.difference(matched)
        if besides and not self._covers(evidence[number] / whole, likeness.get(number, 0.0), besides):
            return None
        return Found(self.articles[number], round(score, 3), tuple(sorted(matched)))

    def _covers(self, coverage: float, likeness: float, besides: frozenset[str]) -> bool:
        """Whether an article answers a question though it lacks some of its words.

        "Why was I charged in euros?" is no question about charges, "a password to invite someone" about neither.
        """
        if likeness >= _VERBATIM:
            return True
        return max(coverage, likeness) >= _NEAR and self.subjects.isdisjoint(besides)

    def _is_about(self, number: int, asked: frozenset[str], likeness: Mapping[int, float]) -> bool:
        """Whether a question names an article's subject: the "work" of an example is none."""
        return likeness.get(number, 0.0) >= _VERBATIM or any(map(asked.issuperset, self.anchors[number]))

    def _meant(self, stem: str) -> str:
        """The stem that an unknown one is a slip of the pen for, if there is one."""
        if len(stem) < _TYPO_LENGTH - 1:
            return stem
        meant = self.typos.get(stem)  # a letter is missing
        for slip in () if meant else _slips(stem):  # one too many, or a wrong one
            meant = slip if slip in self.idf and len(slip) >= _TYPO_LENGTH else self.typos.get(slip)
            if meant:
                break
        return meant if meant and meant[0] == stem[0] else stem

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


def _slips(stem: str) -> Iterator[str]:
    """A stem with one letter left out, wherever that is."""
    return (stem[:place] + stem[place + 1 :] for place in range(len(stem)))


def _idf(holders: float, articles: int) -> float:
    """BM25's, never negative."""
    return math.log(1 + (articles - holders + 0.5) / (holders + 0.5))
