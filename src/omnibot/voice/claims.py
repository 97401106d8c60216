"""Nothing invented: every number, date, name and link of a reply is found in what it was made from.

What a reply may say is its brief: the facts of the plan's moves in every form in which the language writes them, the
company's own words, the words of the voice pack for these very moves, and who speaks to whom. Whatever else of these
four kinds stands in a text is a claim that nothing bears out.

Words are judged by their form alone. A name at the beginning of a sentence cannot be told from another word there, nor
can one in German, where every noun has a capital, unless a first name and a last stand together or a title stands
before it: such names pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache

from omnibot.model import Money, Move, Plan, Snapshot, Value
from omnibot.model.values import frozen
from omnibot.voice import Speaker
from omnibot.voice.packs import Pack
from omnibot.voice.values import DAYS, Clock

__all__ = ["Brief", "Claim", "ClaimKind", "brief_of", "unfounded"]


class ClaimKind(StrEnum):
    """What somebody could hold us to."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    LINK = "link"


@frozen
class Claim:
    """Something that a text states and its brief does not."""

    kind: ClaimKind
    text: str


@frozen
class Brief:
    """All that a reply may state."""

    pack: Pack
    texts: tuple[str, ...]  # in which it may be said word by word
    days: frozenset[date]  # by the customer's clock
    today: date | None
    numbers: frozenset[str]  # digits alone
    words: frozenset[str]  # folded
    links: frozenset[str]


# What every reply may have around its moves.
_AROUND = (
    "greet.opening",
    "greet.opening_chat",
    "disclose.machine",
    "signature.letter",
    "answer.several",
    "answer.other_language",
    "answer.meanwhile",
    "answer.choose",
    "answer.no_file",
    "answer.offer",
    "handoff.more",
    "point.moved",
    "point.moved_to",
    "resources.links",
)
_BUTTON = "_button"
_LINK = re.compile(r"\b(?:https?://|www\.|mailto:)[^\s<>\"']+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\d.,'\u00a0\u202f]*\d)?")
_NUMBERED = re.compile(r"^(\d{1,2})\. ", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_STARTS = re.compile(r"(?:^|[.!?…:;\n(\"«“„¿¡>•–]\s*|\d\.\s)$")
_TITLE = re.compile(r"\b(?:Herrn?|Frau|Kolleg(?:e|in|en)|Mr|Mrs|Ms|Dr)\.?\s+$")
_EVERY_NOUN = frozenset({"de"})  # languages in which every noun has a capital


def brief_of(
    plan: Plan, snapshot: Snapshot, speaker: Speaker, *, at: datetime | None = None, more: Sequence[str] = ()
) -> Brief:
    """What a reply to this plan may state; `more` are other texts that may be quoted, such as an article's."""
    pack = speaker.voices[plan.language]
    clock = Clock(at, plan.zone)
    values = [value for move in plan.moves for value in move.facts.values()]
    texts = (
        *more,
        *(text for move in plan.moves for text in move.said.values()),
        *(written for value in values for written in _written(value, pack, clock)),
        *_wordings(plan.moves, pack),
        *(speaker.company, speaker.bot, speaker.contact, plan.name, snapshot.name),
        *speaker.disclosure.values(),
        *_channels(plan, pack),
        *(address.address.masked for address in snapshot.addresses),
    )
    links = {_bare(found[0]) for text in texts for found in _LINK.finditer(text)}
    return Brief(
        pack=pack,
        texts=texts,
        days=frozenset(_days(values, plan.zone)),
        today=_day(at, plan.zone) if at else None,
        numbers=frozenset(_digits(found[0]) for text in texts for found in _NUMBER.finditer(_LINK.sub(" ", text))),
        words=frozenset(word for text in texts for word in _words(text)),
        links=frozenset(links),
    )


def unfounded(text: str, brief: Brief) -> tuple[Claim, ...]:
    """What a text states that its brief does not, in the order of its kinds; () for a text that can be sent."""
    claims: list[Claim] = [Claim(ClaimKind.LINK, link) for link in _links(text) if link not in brief.links]
    text = _LINK.sub(" ", text)
    dates = list(_dates(text, brief))
    claims += [Claim(ClaimKind.DATE, said) for said, founded in dates if not founded]
    for said, _ in dates:
        text = text.replace(said, " ", 1)
    claims += [Claim(ClaimKind.NUMBER, number) for number in _numbers(text, brief)]
    claims += [Claim(ClaimKind.NAME, name) for name in _names(text, brief)]
    return tuple(claims)


# --- the brief ------------------------------------------------------------------------------------------------------


def _written(value: Value, pack: Pack, clock: Clock) -> Iterator[str]:
    """A value in every form in which it may stand in a reply."""
    if isinstance(value, str):
        yield value
        return
    if isinstance(value, tuple):
        yield from value
    if isinstance(value, date):
        for form in DAYS:
            yield pack.language.write(value, clock, form)
        return
    yield pack.language.write(value, clock)
    if isinstance(value, int):
        yield pack.language.write(value, clock, "ordinal")
    elif isinstance(value, Money):
        yield f"{value.amount} {value.currency}"


def _wordings(moves: Sequence[Move], pack: Pack) -> Iterator[str]:
    """The pack's own words for these moves, and for what stands around them."""
    names = [f"{move.kind}.{move.topic}" for move in moves]
    around = [*_AROUND, *(f"subject.{move.kind}" for move in moves), "subject.talk", "subject.moved"]
    here = [f"{name}{end}" for name in names for end in ("", _BUTTON, "_here")]
    for name in (*here, *around, "prove.own_number_button"):
        for cell in pack.moves.get(name, ()):
            for wording in cell:
                yield " ".join(
                    part if isinstance(part, str) else _of_cases(part.cases) for part in wording.template.parts
                )


def _of_cases(cases: object) -> str:
    """What a plural says besides its number."""
    return " ".join(case.text for case in cases.values()) if isinstance(cases, dict) else ""


def _channels(plan: Plan, pack: Pack) -> Iterator[str]:
    """How the channels are called that the plan speaks of or goes to."""
    named = [plan.to, plan.pointer]
    channels = {address.address.channel for address in named if address}
    for move in plan.moves:
        for key in ("channel", "channels"):
            value = move.facts.get(key, ())
            channels |= {value} if isinstance(value, str) else set(value) if isinstance(value, tuple) else set()
        language = move.facts.get("language")
        if isinstance(language, str) and language in pack.languages:
            yield pack.languages[language]
    for channel in channels:
        yield from pack.channel(channel).values()


def _days(values: Iterable[Value], zone: tzinfo | None) -> Iterator[date]:
    return (_day(value, zone) for value in values if isinstance(value, date))


def _day(value: date, zone: tzinfo | None) -> date:
    if not isinstance(value, datetime):
        return value
    return (value.astimezone(zone) if zone and value.tzinfo else value).date()


def _words(text: str) -> Iterator[str]:
    """The words of a text, and the parts of those that are joined: `Sarah's` has `Sarah`."""
    for found in _WORD.finditer(text):
        yield found[0].casefold()
        yield from re.split(r"['’-]", found[0].casefold())


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _links(text: str) -> Iterator[str]:
    return (_bare(found[0]) for found in _LINK.finditer(text))


def _bare(link: str) -> str:
    """Without the stop of its sentence, and without whether it is a capital."""
    return link.rstrip(".,;:!?)»”\"'").casefold()


# --- what a text states -----------------------------------------------------------------------------------------------


@frozen
class _Calendar:
    """What a language calls its days."""

    months: dict[str, int]
    weekdays: dict[str, int]
    near: dict[str, int]  # yesterday: -1
    dated: re.Pattern[str]
    named: re.Pattern[str]


@lru_cache(16)
def _calendar(code: str, locale: str, near: tuple[str, str, str]) -> _Calendar:
    from babel import Locale

    spoken = Locale.parse(locale)
    months = {
        name.rstrip(".").casefold(): number
        for width in ("wide", "abbreviated")
        for kind in ("format", "stand-alone")
        for number, name in spoken.months[kind][width].items()
    }
    weekdays = {name.casefold(): number for number, name in spoken.days["format"]["wide"].items()}
    of_month = _any(months)
    alone = [name for name in (*months, *weekdays) if len(name) > 3]  # "may", "mar", "sep" are other words, too
    return _Calendar(
        months,
        weekdays,
        dict(zip((word.casefold() for word in near), (-1, 0, 1), strict=True)),
        re.compile(
            rf"\b(?:(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er)?\s+(?:de\s+|of\s+)?(?P<month>{of_month})\b"
            rf"|(?P<month_first>{of_month})\.?\s+(?P<day_behind>\d{{1,2}})(?:st|nd|rd|th)?\b)"
            rf"(?:\.?,?\s+(?:de\s+)?(?P<year>\d{{4}})\b)?",
            re.IGNORECASE,
        ),
        re.compile(rf"\b(?:{_any(alone)}|{_any(near)})\b", re.IGNORECASE),
    )


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _calendar_of(pack: Pack) -> _Calendar:
    words = pack.language.days.words["plain"]
    near = (words["yesterday"].text, words["today"].text, words["tomorrow"].text)
    return _calendar(pack.code, str(pack.language.locale), near)


def _dates(text: str, brief: Brief) -> Iterator[tuple[str, bool]]:
    """Days that are named, each with whether the brief has it."""
    calendar = _calendar_of(brief.pack)
    for found in calendar.dated.finditer(text):
        yield found[0], _is_known_day(found, calendar, brief)
    for found in calendar.named.finditer(calendar.dated.sub(" ", text)):
        yield found[0], _is_known_name(found[0], calendar, brief)


def _is_known_day(found: re.Match[str], calendar: _Calendar, brief: Brief) -> bool:
    day = int(found["day"] or found["day_behind"])
    month = calendar.months[(found["month"] or found["month_first"]).rstrip(".").casefold()]
    year = int(found["year"]) if found["year"] else None
    if any((one.day, one.month) == (day, month) and year in (None, one.year) for one in brief.days):
        return True
    return _is_quoted(found[0], brief)


def _is_known_name(word: str, calendar: _Calendar, brief: Brief) -> bool:
    name = word.casefold()
    if name in calendar.near:
        ahead = timedelta(days=calendar.near[name])
        known = brief.today is not None and brief.today + ahead in brief.days
    else:
        weekday, month = calendar.weekdays.get(name), calendar.months.get(name)
        known = any(one.weekday() == weekday or one.month == month for one in brief.days)
    return known or _is_quoted(word, brief)


def _is_quoted(words: str, brief: Brief) -> bool:
    """Whether a text of the brief has these very words."""
    wanted = re.compile(rf"\b{re.escape(words)}\b", re.IGNORECASE)
    return any(wanted.search(text) for text in brief.texts)


def _numbers(text: str, brief: Brief) -> Iterator[str]:
    """Numbers that the brief has not; those that count the lines of a list are no claims."""
    listed = 0
    places = set()
    for found in _NUMBERED.finditer(text):
        number = int(found[1])
        if number in (1, listed + 1):
            listed = number
            places.add(found.start())
    for found in _NUMBER.finditer(text):
        if found.start() not in places and _digits(found[0]) not in brief.numbers:
            yield found[0]


def _names(text: str, brief: Brief) -> Iterator[str]:
    """Words with a capital that the brief has not, where nothing but a name has one."""
    for found in _WORD.finditer(text):
        word = found[0]
        if not word[0].isupper() or _is_of(word, brief):
            continue
        before = text[max(0, found.start() - 24) : found.start()]
        if brief.pack.code in _EVERY_NOUN:
            if _TITLE.search(before) or _goes_on(text, found.end(), brief):
                yield word
        elif not _STARTS.search(before):
            yield word


def _is_of(word: str, brief: Brief) -> bool:
    folded = word.casefold()
    return folded in brief.words or any(part in brief.words for part in re.split(r"['’-]", folded) if len(part) > 2)


def _goes_on(text: str, end: int, brief: Brief) -> bool:
    """Whether another word with a capital that the brief has not stands right behind."""
    following = re.match(r" ([^\W\d_]\w+)", text[end:])
    return bool(following and following[1][0].isupper() and not _is_of(following[1], brief))
