"""The reader of times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from datetime import date, datetime

from omnibot.model import NamedTime, TimeKind
from omnibot.understanding.times.candidates import Candidate, cut, struck
from omnibot.understanding.times.clocks import Clock, clock, on_day, without_day
from omnibot.understanding.times.context import Context
from omnibot.understanding.times.days import PARTS, Days, days
from omnibot.understanding.times.grammar import SIGNS, TIME
from omnibot.understanding.times.kinds import kind, lasts_until_now
from omnibot.understanding.times.lexing import Piece, pieces, shape
from omnibot.understanding.times.moments import DAY, Moments
from omnibot.understanding.times.words import LANGUAGES, Vocabulary, vocabulary
from omnibot.understanding.utterance import Utterance

__all__ = ["Times"]

_MOST = 20  # times of a message
_TRIES = 120  # of a flood
_FIGURES = re.compile(r"\d(?:[:./h-]\d|\s?(?:[ap]\.?m\b|uhr|h\b|hrs))|\d(?:st|nd|rd|th|er|º|ª)\b|\d\.(?:\s|$)")
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
        ties = "|".join(sorted(map(re.escape, self._tying()), key=len, reverse=True))
        self._hours = re.compile(rf"\b(?:{ties}) \d") if ties else re.compile(r"(?!)")

    def _tying(self) -> list[str]:
        kinds = self._vocabulary.bare_hours | {"det", "dets", "in"}
        return [word for word, meaning in self._vocabulary.words.items() if meaning.kind in kinds]

    def concerns(self, utterance: Utterance) -> bool:
        """Whether a text can name a time at all."""
        triggers = self._vocabulary.triggers
        if not triggers.isdisjoint(utterance.words):
            return True
        for word in utterance.words:
            if not word.isalnum() and len(word) > 1 and not triggers.isdisjoint(_JOINED.split(word)):
                return True
        lower = utterance.lower
        return _FIGURES.search(lower) is not None or self._hours.search(lower) is not None

    def read(self, utterance: Utterance) -> list[NamedTime]:
        try:
            reading = _Reading(utterance, self._vocabulary)
        except OverflowError:  # it is not now in any year that the zone can tell
            return []
        return reading.times()


class _Reading:
    """One text on its way to its times."""

    def __init__(self, utterance: Utterance, words: Vocabulary) -> None:
        self._utterance = utterance
        self._vocabulary = words
        self._moments = Moments(utterance.situation)
        self._pieces = pieces(utterance.lower, words)
        self._day: date | None = None  # that the sentence has named: its hours are that day's
        self._day_end = 0

    def times(self) -> list[NamedTime]:
        """All times of the text."""
        found: list[NamedTime] = []
        line, place = shape(self._pieces), 0
        stop = len(line)
        for _ in range(_TRIES):
            match = TIME.search(line, place, stop)
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
            return self._time(candidate, self._again(candidate), TimeKind.RECURRING)
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
        if found is not None and kind_of is TimeKind.PAST and found.at is not None and found.at > self._moments.now:
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
                hour = _of_part(hour, named.part)
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

    # --- lengths ----------------------------------------------------------------------------------------------

    def _length(self, candidate: Candidate) -> NamedTime | None:
        number, unit = _measure(candidate.pieces("length"))
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
        if minutes is not None:
            start, unit, number = start, "day", number / 24
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

    # --- what comes again -------------------------------------------------------------------------------------

    def _again(self, candidate: Candidate) -> datetime | None:
        """The next time after now; None where nothing anchors it."""
        found = candidate.pieces("every")
        hour = clock(candidate.pieces("everyclock"), self._vocabulary) if candidate.has("everyclock") else None
        kinds = {piece.kind: piece for piece in reversed(found)}
        if "other" in kinds and "month" not in {piece.value for piece in found}:
            return None
        part = next(
            (str(p.value) if p.kind == "part" else "morning" for p in found if p.kind in ("part", "manana")), None
        )
        if "dayparts" in kinds:
            part = str(kinds["dayparts"].value[1])
        candidates = self._days_again(found, kinds, part)
        if candidates is None:
            return None
        for day in candidates:
            at = self._hour_again(day, hour, part)
            if at > self._moments.now:
                return at
        return None

    def _hour_again(self, day: date, hour: Clock | None, part: str | None) -> datetime:
        if hour is not None:
            if part:
                hour = _of_part(hour, part)
            return on_day(hour, day, self._moments, self._vocabulary, back=False, deadline=False, again=True)
        return self._moments.at(day, PARTS[part][0] if part else 0)

    def _days_again(self, found: Sequence[Piece], kinds: dict[str, Piece], part: str | None) -> list[date] | None:
        """The days to come on which it happens; None where that is not known."""
        moments = self._moments
        ahead = [moments.today + DAY * place for place in range(15)]
        names = [
            p.value[0] if p.kind == "dayparts" else p.value
            for p in found
            if p.kind in ("weekday", "short", "always", "dayparts")
        ]
        if names and (kinds.keys() & {"nth", "ord"} or ("other" in kinds and not part)):
            nth = (kinds.get("nth") or kinds.get("ord") or kinds["other"]).value or 2
            if nth == 2 and "every" in kinds and "unit" not in kinds:
                return None  # every second Tuesday: which of the two is not said
            return self._nth_weekday(nth, names[0])
        if "ord" in kinds:
            day = moments.day_of_month(kinds["ord"].value, back=False)
            return [day, moments.shifted(day, "month", 1)]
        if names and (kinds.keys() & {"to", "until", "at", "on"}):
            span = range(names[0], names[-1] + 1 + (7 if names[-1] < names[0] else 0))
            names = [day % 7 for day in span]
        if names:
            return [day for day in ahead if day.weekday() in names]
        if "workdays" in kinds:
            return [day for day in ahead if moments.works(day)]
        if "weekend" in kinds:
            return [day for day in ahead if day.weekday() == 5]
        if "num" in kinds or "hour" in kinds or "h" in kinds:
            return None
        if part:
            return ahead
        unit = kinds.get("unit")
        if unit is not None:
            if unit.value == "night":
                return [day for day in ahead] if part else None
            if unit.value == "business":
                return [day for day in ahead if moments.works(day)]
            return ahead if unit.value == "day" else None
        return None

    def _nth_weekday(self, nth: int, weekday: int) -> list[date]:
        """That weekday of this month and the next two."""
        found = []
        for months in range(3):
            first = self._moments.shifted(self._moments.today.replace(day=1), "month", months)
            day = first + DAY * ((weekday - first.weekday()) % 7)
            if nth < 0:
                day = max(day + DAY * 7 * week for week in range(5) if (day + DAY * 7 * week).month == first.month)
            else:
                day += DAY * 7 * (nth - 1)
            if day.month == first.month:
                found.append(day)
        return found


def _vague(ties: Set[str], after: Set[str]) -> TimeKind:
    """The kind of `a few days`, which fix no moment."""
    if "ago" in after:
        return TimeKind.PAST
    if "within" in ties:
        return TimeKind.DEADLINE
    return TimeKind.FUTURE if "in" in ties else TimeKind.DURATION


def _of_part(hour: Clock, part: str) -> Clock:
    if hour.certain or hour.name:
        return hour
    later = 0
    if part in ("afternoon", "evening") and hour.hour < 12:
        later = 24 if part == "evening" and hour.hour < 5 else 12  # tonight at one is tomorrow
    return Clock(hour.hour + later, hour.minute, certain=True, part=part)


def _measure(found: Sequence[Piece]) -> tuple[float | None, str]:
    """How many of what; None where the number is vague."""
    for piece in found:
        if piece.kind == "amount":
            number, unit = piece.value.split()
            return float(number), unit
    units = [place for place, piece in enumerate(found) if piece.kind in ("unit", "hour", "h")]
    unit = str(found[units[0]].value)
    counts = [piece for piece in found[: units[0]] if piece.kind in ("num", "art", "few", "half", "dec")]
    if any(piece.kind == "few" for piece in counts):
        return None, unit
    number = _number(counts)
    behind = found[units[0] + 1 :]
    if any(piece.kind == "half" for piece in behind):
        number += 0.5
    elif any(piece.kind == "quarter" for piece in behind):
        number += 0.25
    elif len(units) > 1 and behind:
        extra = next((piece.value for piece in behind if piece.kind == "num"), 0)
        number += extra / 60 if found[units[1]].value in ("minute", "second") else 0
    return _whole(number, unit)


def _number(counts: Sequence[Piece]) -> float:
    kinds = [piece.kind for piece in counts]
    numbers = [_decimal(piece) for piece in counts if piece.kind in ("num", "dec")]
    if "half" in kinds:
        return (numbers[0] if numbers else 0) + 0.5
    return float(max(numbers, default=1))


def _decimal(piece: Piece) -> float:
    """`2.5` was cut as if it could be a day of a month."""
    if piece.kind == "num":
        return float(piece.value)
    return float(f"{piece.value[0]}.{piece.value[1]}")


def _whole(number: float, unit: str) -> tuple[float, str]:
    """Half units in the next smaller ones."""
    if number == int(number) or unit in ("second", "minute", "hour"):
        return number, unit
    smaller = {
        "year": ("month", 12),
        "quarter": ("month", 3),
        "month": ("day", 30),
        "week": ("day", 7),
        "day": ("hour", 24),
    }
    if unit in smaller:
        name, many = smaller[unit]
        return float(round(number * many)), name
    return float(round(number)), unit


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
