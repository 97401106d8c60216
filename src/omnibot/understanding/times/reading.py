"""The reader of times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from datetime import date, datetime

from omnibot.model import NamedTime, TimeKind
from omnibot.understanding.times.candidates import Candidate, cut, struck
from omnibot.understanding.times.clocks import Clock, clock, in_part, on_day, without_day
from omnibot.understanding.times.context import Context
from omnibot.understanding.times.days import PARTS, Days, days
from omnibot.understanding.times.grammar import NAMING, SIGNS, TIME
from omnibot.understanding.times.kinds import kind, lasts_until_now
from omnibot.understanding.times.lengths import length
from omnibot.understanding.times.lexing import Lexer, Piece, shape
from omnibot.understanding.times.moments import DAY, Moments
from omnibot.understanding.times.recurring import next_time
from omnibot.understanding.times.words import LANGUAGES, Vocabulary, vocabulary
from omnibot.understanding.utterance import Utterance, once

__all__ = ["Times"]

_MOST = 20  # times of a message
_TRIES = 120  # of a flood
_FIGURES = re.compile(r"\d(?:[:./h-]\d|\s?(?:[ap]\.?m\b|uhr|h\b|hrs))|\bq[1-4]\b|\d(?:st|nd|rd|th|er|º|ª)\b|\d\.(?!\w)")
_JOINED = re.compile(r"['.-]")
_OPAQUE = SIGNS["opaque"]


class Times:
    """Reads the times out of messages in the languages that it was built for; of others dates in figures alone."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._spoken = {language: _Grammar(language) for language in languages if language in LANGUAGES}
        self._figures = _Grammar("")

    def read(self, utterance: Utterance) -> tuple[NamedTime, ...]:
        """The times in the order of the text, at most some twenty."""
        grammar = self._spoken.get(utterance.language, self._figures)
        return tuple(grammar.read(utterance)) if grammar.concerns(utterance) else ()


class _Grammar:
    def __init__(self, language: str) -> None:
        self._vocabulary = vocabulary(language)
        self._lexer = Lexer(self._vocabulary)
        ties, numbers = (_any_of(those) for those in (self._tying(), self._vocabulary.numbers))
        self._hours = re.compile(rf"\b{ties} (?:\d|{numbers}\b)")

    def _tying(self) -> list[str]:
        kinds = self._vocabulary.bare_hours | {"det", "dets", "in"}
        return [word for word, meaning in self._vocabulary.words.items() if meaning.kind in kinds]

    def concerns(self, utterance: Utterance) -> bool:
        """Whether a text can name a time at all."""
        triggers, words, lower = self._vocabulary.triggers, utterance.words, utterance.lower
        if not triggers.isdisjoint(words):
            return True
        for place in utterance.odd_words:
            word = words[place]
            if len(word) > 1 and not (word.isdecimal() or triggers.isdisjoint(_JOINED.split(word.removesuffix("'d")))):
                return True
        if utterance.has_figures:
            return _FIGURES.search(lower) is not None or self._hours.search(lower) is not None
        return not self._vocabulary.numbers.isdisjoint(words) and self._hours.search(lower) is not None

    def read(self, utterance: Utterance) -> list[NamedTime]:
        try:
            return _Reading(utterance, self._vocabulary, self._lexer.pieces(utterance.lower)).times()
        except OverflowError:  # it is not now in any year that the zone can tell
            return []


def _any_of(words: Iterable[str]) -> str:
    """An expression for one of these words; without any for nothing."""
    return f"(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True)) or '(?!)'})"


class _Reading:
    """One text on its way to its times."""

    def __init__(self, utterance: Utterance, words: Vocabulary, found: list[Piece]) -> None:
        self._utterance = utterance
        self._vocabulary = words
        self._pieces = found
        self._day: date | None = None  # that the sentence has named: its hours are that day's
        self._day_end = 0

    @once
    def _moments(self) -> Moments:
        return Moments(self._utterance.situation)

    def times(self) -> list[NamedTime]:
        """All times of the text."""
        found: list[NamedTime] = []
        line, place = shape(self._pieces), 0
        stop = len(line)
        for _ in range(_TRIES):
            match = TIME.search(line, place, stop) if NAMING.search(line, place, stop) else None
            if match is None or len(found) == _MOST:
                if stop == len(line):
                    break
                place, stop = stop, len(line)
                continue
            context = Context(self._pieces, match.start(), match.end(), self._vocabulary, self._utterance.text)
            candidate = Candidate(self._pieces, match, self._vocabulary, context)
            fault = struck(candidate)
            if fault >= 0:
                line = line[:fault] + _OPAQUE + line[fault + 1 :]
                place = match.start()
                continue
            end = cut(candidate)
            if end >= 0:
                place, stop = match.start(), end
                continue
            place, stop = match.end(), len(line)
            try:
                named = self._named(candidate)
            except (ValueError, OverflowError):
                continue  # a day that the calendar does not have
            if named is not None:
                found.append(named)
        return found

    def _named(self, candidate: Candidate) -> NamedTime | None:
        if candidate.has("every"):
            return self._again(candidate)
        if candidate.has("length"):
            return self._length(candidate)
        if candidate.has("rest"):
            return self._rest(candidate)
        if candidate.has("span"):
            return self._within(candidate, str(candidate.pieces("span")[-1].value), 1)
        if self._is_custom(candidate):
            return self._time(candidate, self._moments.begin(self._weekly(candidate)), TimeKind.RECURRING, 0.7)
        return self._calendar(candidate)

    def _is_custom(self, candidate: Candidate) -> bool:
        """`le dimanche` is every Sunday."""
        first, end = candidate.span("day")
        return (
            "article_recurs" in self._vocabulary.flags
            and end - first == 1
            and self._pieces[first].kind == "weekday"
            and [piece.kind for piece in candidate.pieces("tie")] == ["det"]
            and not candidate.has("clock")
        )

    def _weekly(self, candidate: Candidate) -> date:
        return self._moments.weekday(candidate.pieces("day")[0].value, back=False)

    def _time(self, candidate: Candidate, at: datetime | None, kind: TimeKind, confidence: float = 0.9) -> NamedTime:
        first, last = self._pieces[candidate.match.start()], self._pieces[candidate.match.end() - 1]
        text = self._utterance.text[first.start : last.end]
        return NamedTime(at, text, kind, first.start, last.end, confidence)

    # --- days and hours ---------------------------------------------------------------------------------------

    def _calendar(self, candidate: Candidate) -> NamedTime | None:
        kind_of = kind(candidate)
        found = self._as(candidate, kind_of)
        at = found.at if found is not None and kind_of is TimeKind.PAST else None
        if at is not None and self._moments.is_ahead(at):
            return self._as(candidate, TimeKind.FUTURE)  # what the words name is still to come
        return found

    def _as(self, candidate: Candidate, kind_of: TimeKind) -> NamedTime | None:
        back = kind_of is TimeKind.PAST
        group = "day" if candidate.has("day") else "dayafter"
        hours = "clock" if candidate.has("day") else "clockfirst"
        hour = clock(candidate.pieces(hours), self._vocabulary) if candidate.has(hours) else None
        confidence = _confidence(candidate, hour)
        if not candidate.has(group):
            if hour is None:
                return None
            return self._time(candidate, self._hour(candidate, hour, kind_of), kind_of, confidence)
        named = days(candidate.pieces(group), self._moments, self._vocabulary, back=back)
        if named.whole and named.last < self._moments.today and kind_of is not TimeKind.PAST:
            kind_of, back = TimeKind.PAST, True
        self._remember(named, candidate, back=back)
        if named.clock:
            hour = Clock(*named.clock)
        if hour is not None:
            if named.part and not hour.part:
                hour = in_part(hour, named.part)
            at = on_day(
                hour, named.first, self._moments, self._vocabulary, back=back, deadline=kind_of is TimeKind.DEADLINE
            )
            return self._time(candidate, at, kind_of, confidence)
        at = self._due(candidate, named) if kind_of is TimeKind.DEADLINE else self._begin(candidate, named)
        return self._time(candidate, at, kind_of, confidence)

    def _remember(self, named: Days, candidate: Candidate, *, back: bool) -> None:
        if named.first == named.last and not back:
            self._day, self._day_end = named.first, candidate.match.end()

    def _hour(self, candidate: Candidate, hour: Clock, kind_of: TimeKind) -> datetime:
        back, deadline = kind_of is TimeKind.PAST, kind_of is TimeKind.DEADLINE
        between = self._pieces[self._day_end : candidate.match.start()]
        if self._day is not None and not back and not any(piece.kind == "dot" for piece in between):
            return on_day(hour, self._day, self._moments, self._vocabulary, back=back, deadline=deadline)
        return without_day(hour, self._moments, self._vocabulary, back=back, deadline=deadline)

    def _due(self, candidate: Candidate, named: Days) -> datetime:
        """The last moment that still counts."""
        moments = self._moments
        edged = candidate.kinds("day") & {"end", "edge"}
        if "before" in candidate.kinds("tie") and not edged and not candidate.kinds("tie") & {"by"}:
            if named.part:
                return moments.at(named.first, PARTS[named.part][0])
            return moments.end(named.first - DAY)
        if named.closing:
            return moments.closes(named.last)
        if "weekend" in candidate.kinds("day") and "by" in candidate.kinds("tie"):
            return moments.end(named.first - DAY)
        if named.part and PARTS[named.part][1] < 24:
            return moments.at(named.last, PARTS[named.part][1])
        return moments.end(named.last)

    def _begin(self, candidate: Candidate, named: Days) -> datetime:
        if named.part:
            return self._moments.at(named.first, PARTS[named.part][0])
        if "late" in candidate.kinds("tie"):
            return self._moments.at(named.first, PARTS["evening"][0])
        return self._moments.begin(named.first)

    def _again(self, candidate: Candidate) -> NamedTime:
        hour = clock(candidate.pieces("everyclock"), self._vocabulary) if candidate.has("everyclock") else None
        at = next_time(candidate.pieces("every"), hour, self._moments, self._vocabulary)
        return self._time(candidate, at, TimeKind.RECURRING)

    # --- lengths ----------------------------------------------------------------------------------------------

    def _length(self, candidate: Candidate) -> NamedTime | None:
        number, unit = length(candidate.pieces("length"))
        ties = candidate.kinds("tie")
        after = candidate.kinds("after")
        if number is None:
            kind_of = _vague(ties, after)
            return self._time(candidate, None, kind_of, 0.6)
        if after & {"now", "day", "weekday", "short", "from", "date", "md", "month"} and "ago" not in after:
            return self._counted_from(candidate, number, unit)
        if "ago" in after or self._ago(candidate):
            return self._time(candidate, self._shift(-number, unit), TimeKind.PAST)
        if "within" in ties or "less" in ties or self._allowed(candidate, unit):
            return self._within(candidate, unit, number)
        if "in" in ties and not candidate.kinds("length") & {"last", "past"}:
            if self._due_then(candidate):
                return self._within(candidate, unit, number)
            if candidate.context.tense(own=True) == "past":
                return self._time(candidate, None, TimeKind.DURATION, 0.8)  # it was over in ten minutes
            return self._time(candidate, self._shift(number, unit), TimeKind.FUTURE)
        return self._lasting(candidate, number, unit)

    def _ago(self, candidate: Candidate) -> bool:
        if candidate.has("pre"):
            context = candidate.context
            return not (context.has("that", context.after[:1]) or context.has("since_then", context.before[:1]))
        return "before" in candidate.kinds("tie") and "before_is_ago" in self._vocabulary.flags

    def _allowed(self, candidate: Candidate, unit: str) -> bool:
        """`You have ten working days`"""
        context = candidate.context
        return not candidate.has("tie") and unit == "business" and context.has("present", context.near[:2])

    def _due_then(self, candidate: Candidate) -> bool:
        context = candidate.context
        if context.has("due", context.near[:6]) or context.has("due_behind", context.behind):
            return True
        return context.near_or_behind("want") or (
            "in_is_within" in self._vocabulary.flags and context.near_or_behind("answering")
        )

    def _within(self, candidate: Candidate, unit: str, number: float) -> NamedTime:
        kind_of = TimeKind.DEADLINE
        minutes = self._moments.minutes(unit, number)
        if minutes is not None:
            return self._time(candidate, self._moments.in_minutes(minutes), kind_of)
        day = self._moments.shifted(self._moments.today, unit, number)
        at = self._moments.closes(day) if unit == "business" else self._moments.end(day)
        return self._time(candidate, at, kind_of)

    def _shift(self, number: float, unit: str, start: date | None = None) -> datetime:
        minutes = self._moments.minutes(unit, number)
        if minutes is not None and start is None:
            return self._moments.in_minutes(minutes)
        if minutes is not None:  # 36 hours from Monday
            unit, number = "day", minutes / 60 / 24
        return self._moments.begin(self._moments.shifted(start or self._moments.today, unit, number))

    def _counted_from(self, candidate: Candidate, number: float, unit: str) -> NamedTime | None:
        """`a week today`, `two weeks from Friday`"""
        words = [piece for piece in candidate.pieces("after") if piece.kind not in ("from", "on", "of")]
        start = None
        if words[0].kind != "now":
            if unit not in ("week", "fortnight") and "from" not in candidate.kinds("after"):
                return None
            start = days(words, self._moments, self._vocabulary, back=False).first
        context = candidate.context
        due = "by" in candidate.kinds("tie") or "within" in candidate.kinds("tie") or context.has("due", context.near)
        at = self._shift(number, unit, start)
        if due and self._moments.minutes(unit, number) is None:
            at = self._moments.end(at.date())
        return self._time(candidate, at, TimeKind.DEADLINE if due else TimeKind.FUTURE)

    def _lasting(self, candidate: Candidate, number: float, unit: str) -> NamedTime | None:
        until_now = lasts_until_now(candidate)
        if until_now is None or ("by" in candidate.kinds("tie") and not until_now):
            return self._time(candidate, None, TimeKind.DURATION, 0.8)
        if until_now:
            return self._time(candidate, self._shift(-number, unit), TimeKind.DURATION)
        start = self._start_named(candidate)
        at = self._shift(number, unit, start)
        return self._time(candidate, at, TimeKind.DURATION, 0.8)

    def _start_named(self, candidate: Candidate) -> date | None:
        """The day behind `from` that a length begins with."""
        end = candidate.match.end()
        match = TIME.match(shape(self._pieces[end : end + 12]))
        if match is None or match.start("day") < 0 or self._pieces[end].kind not in ("from", "ofdet"):
            return None
        first, last = match.span("day")
        try:
            return days(self._pieces[end + first : end + last], self._moments, self._vocabulary, back=False).first
        except (ValueError, OverflowError):
            return None

    def _rest(self, candidate: Candidate) -> NamedTime | None:
        found = [piece for piece in candidate.pieces("rest") if piece.kind != "rest"]
        named = days(found, self._moments, self._vocabulary, back=False)
        return self._time(candidate, self._moments.begin(named.last), TimeKind.DURATION)


def _vague(ties: Set[str], after: Set[str]) -> TimeKind:
    """The kind of `a few days`, which fix no moment."""
    if "ago" in after:
        return TimeKind.PAST
    if "within" in ties:
        return TimeKind.DEADLINE
    return TimeKind.FUTURE if "in" in ties else TimeKind.DURATION


def _confidence(candidate: Candidate, hour: Clock | None) -> float:
    """How sure it is that a time is meant, and this one."""
    bare = not candidate.has("tie")
    kinds = candidate.kinds("day")
    if hour is not None and not hour.certain and not hour.name:
        return 0.75
    if kinds & {"md", "dec", "ord"} and not kinds & {"month"}:
        return 0.8
    if bare and kinds & {"weekday", "short"}:
        return 0.8
    return 0.95
