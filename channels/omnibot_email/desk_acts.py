"""What an agent wants whose letter comes to the desk: a note, unless a line says otherwise.

A line that begins with `#` and a word is a command; what a command takes goes up to the next one. Nothing is guessed:
where a word is not known, nothing of the letter is done, for what was meant for colleagues could reach a customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from omnibot.model import ActKind

MAX_REPLY = 20_000  # characters of what goes to a customer
MAX_NOTE = 100_000
MARK = "--- answer above this line ---"  # on top of each of our letters: what is below was not written now
_MARK_LINE = re.compile(r"^.*-{2,}\s*answer above this line\s*-{2,}.*$", re.IGNORECASE | re.MULTILINE)
_COMMAND = re.compile(r"\s*#([A-Za-z][A-Za-z_-]*)\s*:?(?:\s+|$)(.*)")
_LOOKS_LIKE_ONE = re.compile(r"\s*#[A-Za-z]")
_ESCAPED = re.compile(r"^(\s*)\\#", re.MULTILINE)
_SPAN = re.compile(r"(\d{1,4})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2}))?")
_MORNING = time(9)  # of a date without a time
_LONGEST = timedelta(days=366)
_PRIORITIES = ("normal", "high", "urgent")


class Unclear(Exception):
    """A letter of which nothing can be done; its text tells the agent why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that an agent wants done, with the fields of a `DeskAct`."""

    kind: ActKind
    text: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that an agent wants to see: `card`, `timeline` or `help`; `page` of the timeline."""

    what: str
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a letter's words can mean: when it was written, by the writer's clock; who may act; the teams there are."""

    at: datetime
    me: str  # the writer's address
    people: Mapping[str, str]  # by address
    teams: Mapping[str, str]  # by key, as people call them


_Step = Wanted | Asked
_BARE = {  # commands that take nothing; what stands below is a note
    "take": ActKind.TAKE,
    "reopen": ActKind.REOPEN,
    "back": ActKind.HAND_BACK,
    "retry": ActKind.RETRY,
    "mute": ActKind.MUTE,
}
_WORDY = {"reply": ActKind.REPLY, "note": ActKind.NOTE, "consent": ActKind.CONSENT}  # take all up to the next command
_VALUED = ("assign", "team", "priority", "snooze", "resolve", "merge")
_ASKED = ("card", "timeline", "help")
COMMANDS = (*_WORDY, *_BARE, *_VALUED, *_ASKED)


def own_part(text: str) -> str:
    """What stands above our letter, where a mail program put it below without marking it as a quotation."""
    found = _MARK_LINE.search(text)
    return text[: found.start()] if found else text


def steps_of(text: str, around: Around) -> list[_Step]:
    """What a letter wants, in order; raises Unclear. No step where nothing was written."""
    steps = [step for name, rest in _sections(own_part(text)) for step in _steps(name, rest, around)]
    if sum(isinstance(step, Wanted) and step.kind is ActKind.REPLY for step in steps) > 1:
        raise Unclear("There are two #reply in the letter. Send each in a letter of its own.")
    return steps


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each command with what follows it; '' for what stands before the first."""
    name, lines = "", list[str]()
    for line in text.split("\n"):
        command = _COMMAND.fullmatch(line)
        if command is None:
            if _LOOKS_LIKE_ONE.match(line):
                raise _unknown(line.split()[0])
            lines.append(line)
            continue
        if command[1].casefold() not in COMMANDS:
            raise _unknown(f"#{command[1]}")
        yield name, "\n".join(lines)
        name, lines = command[1].casefold(), [command[2]]
    yield name, "\n".join(lines)


def _unknown(word: str) -> Unclear:
    known = ", ".join(f"#{name}" for name in COMMANDS)
    return Unclear(
        f"{word[:40]} is no command. There are {known}. If it belongs to your text, write it with a backslash:"
        f" \\{word[:40]}"
    )


def _steps(name: str, rest: str, around: Around) -> Iterator[_Step]:
    if name in _WORDY or not name:
        yield from _worded(name, _unescaped(rest))
        return
    first, _, below = rest.partition("\n")
    first, below = first.strip(), _unescaped(below)
    if name == "resolve":
        yield _resolved(first, below)
        return
    if name == "merge":
        yield _merged(first, below)
        return
    if name in _BARE:
        if first:
            raise Unclear(f"#{name} takes nothing behind it: write {first[:40]!r} on the next line if it is a note.")
        yield Wanted(_BARE[name])
    elif name in _ASKED:
        yield _asked(name, first)
    else:
        yield _valued(name, first, around)
    yield from _worded("note", below)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1#", text).strip()


def _worded(name: str, text: str) -> Iterator[Wanted]:
    """What is for the customer, or for colleagues; what is empty is meant to carry files, or is nothing."""
    if name == "consent" and not text:
        raise Unclear("#consent asks the customer to agree to something: write to what behind it.")
    most = MAX_NOTE if name in ("", "note") else MAX_REPLY
    if len(text) > most:
        raise Unclear(f"Your text has {len(text):,} characters, and may have {most:,}: shorten it, or send a file.")
    if text or name == "reply":
        yield Wanted(_WORDY.get(name, ActKind.NOTE), text)


def _resolved(first: str, below: str) -> Wanted:
    reason, colon, worked = first.partition(":")
    if not reason.strip():
        raise Unclear("#resolve takes a reason, and behind a colon what worked: #resolve fixed: restarted the gateway")
    worked = "\n".join(part for part in (worked.strip() if colon else "", below) if part)
    return Wanted(ActKind.RESOLVE, worked, reason.strip())


def _merged(first: str, below: str) -> Wanted:
    number, _, why = first.partition(" ")
    number = number.lstrip("#")
    if not (number.isascii() and number.isdecimal()):
        raise Unclear("#merge takes the number of a review, as the card tells it, and why: #merge 12 same phone")
    return Wanted(ActKind.MERGE, "\n".join(part for part in (why.strip(), below) if part), number)


def _asked(name: str, first: str) -> Asked:
    if not first:
        return Asked(name)
    if name != "timeline" or not (first.isascii() and first.isdecimal() and len(first) < 6):
        raise Unclear(f"#{name} takes {'the number of a page' if name == 'timeline' else 'nothing'} behind it.")
    return Asked(name, int(first))


def _valued(name: str, first: str, around: Around) -> Wanted:
    match name:
        case "assign":
            return _assigned(around.me if first.casefold() == "me" else first, around.people)
        case "team":
            return Wanted(ActKind.TEAM, value=_team(first, around.teams))
        case "priority":
            if first.casefold() not in _PRIORITIES:
                raise Unclear(f"#priority takes {', '.join(_PRIORITIES[:-1])} or {_PRIORITIES[-1]}.")
            return Wanted(ActKind.PRIORITY, value=first.casefold())
    return Wanted(ActKind.SNOOZE, value=_until(first, around.at).isoformat())


def _assigned(written: str, people: Mapping[str, str]) -> Wanted:
    """By address, or by a name that one of them alone has."""
    wanted = written.casefold().removeprefix("mailto:").strip("<> ").removeprefix("@")
    found = [address for address, name in people.items() if wanted and wanted in (address, *_names(address, name))]
    if len(found) != 1:
        raise Unclear(
            f"#assign takes me, or the address of somebody who may act here, and {written[:80]!r} is"
            f" {'several' if found else 'none'}. There are {_listed(sorted(people))}."
        )
    return Wanted(ActKind.ASSIGN, people[found[0]], f"email:{found[0]}")


def _names(address: str, name: str) -> Sequence[str]:
    folded = name.casefold()
    return (folded, folded.partition(" ")[0], address.partition("@")[0])


def _team(written: str, teams: Mapping[str, str]) -> str:
    wanted = written.casefold()
    found = [key for key, name in teams.items() if wanted in (key.casefold(), name.casefold())]
    if not found:
        raise Unclear(
            f"#team takes the name of a team, and {written[:80]!r} is none. There are {_listed(list(teams))}."
        )
    return found[0]


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(names[:most]) or "none"
    return f"{shown}, …" if len(names) > most else shown


def _until(written: str, at: datetime) -> datetime:
    """Until when: after a time from now, at a date and time of the writer's clock, or that morning."""
    until = _after(written, at) or _on(written, at)
    if until is None:
        raise Unclear("#snooze takes how long, or until when: 30m, 2h, 3d, tomorrow, 2026-03-01 or 2026-03-01 14:00.")
    if not at < until <= at + _LONGEST:
        raise Unclear("#snooze takes a time within a year from now.")
    return until.astimezone(UTC)


def _after(written: str, at: datetime) -> datetime | None:
    span = _SPAN.fullmatch(written)
    if span is None:
        return None
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[span[2][0].casefold()]
    return at + timedelta(**{unit: int(span[1])})


def _on(written: str, at: datetime) -> datetime | None:
    if written.casefold() == "tomorrow":
        return datetime.combine(at.date() + timedelta(days=1), _MORNING, _zone(at))
    dated = _DATE.fullmatch(written)
    if dated is None:
        return None
    try:
        day = datetime.strptime(f"{dated[1]} {dated[2] or '09:00'}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - joined below
    except ValueError:
        return None
    return day.replace(tzinfo=_zone(at))


def _zone(at: datetime) -> tzinfo:
    return at.tzinfo or UTC
