"""Parts made fit for a channel: what it lacks becomes text, what is too long becomes several messages.

The one place where richness degrades: a channel gets nothing that it has not said it can carry.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from omnibot.model import Choice, File, Limits, Link, OwnNumber, Paragraph, Part, Steps, plain
from omnibot.model.values import frozen

__all__ = ["Instead", "fit"]


_EVERYWHERE = frozenset({Paragraph, Steps, Link})  # what each channel can carry


@frozen
class Instead:
    """What stands for what a channel lacks: a part for a file, and words below choices that are numbered."""

    file: Callable[[File], Part]
    choose: str


def fit(parts: Sequence[Part], limits: Limits, instead: Instead) -> Sequence[tuple[Part, ...]]:
    """Cut parts into messages that a channel can carry, in order; nothing is lost."""
    if not _EVERYWHERE.issuperset(map(type, parts)):
        parts = _without_lacking(parts, limits, instead)
    if parts and _has_room(parts, limits):  # nearly always
        return [tuple(parts)]
    return list(_cut_up(parts, limits))


def _cut_up(parts: Sequence[Part], limits: Limits) -> Iterator[tuple[Part, ...]]:
    message: list[Part] = []
    for part in _pieces(parts, limits.text):
        if message and not _has_room([*message, part], limits):
            yield tuple(message)
            message = []
        message.append(part)
    if message:
        yield tuple(message)


def _has_room(message: Sequence[Part], limits: Limits) -> bool:
    """Whether a message carries some parts: beside a file it may carry fewer characters."""
    room = limits.text
    if limits.caption is not None and File in map(type, message):
        room = limits.caption
    return len(plain(message)) <= room


def _without_lacking(parts: Sequence[Part], limits: Limits, instead: Instead) -> list[Part]:
    if not limits.own_number:  # the words tell how it goes without
        parts = [part for part in parts if not isinstance(part, OwnNumber)]
    return _with_choices(list(_with_files(parts, limits, instead)), limits, instead)


def _with_files(parts: Sequence[Part], limits: Limits, instead: Instead) -> Iterator[Part]:
    """The first few files that can be carried; something else for the others."""
    left = limits.files
    for part in parts:
        if not isinstance(part, File):
            yield part
        elif left and _can_carry(part, limits):
            left -= 1
            yield part
        else:
            yield instead.file(part)


def _can_carry(file: File, limits: Limits) -> bool:
    return file.size <= limits.file_bytes and file.media_type.startswith(limits.file_types)


def _with_choices(parts: list[Part], limits: Limits, instead: Instead) -> list[Part]:
    """Choices as a numbered list where the channel cannot offer them all: its numbers count as presses."""
    choices = [part for part in parts if isinstance(part, Choice)]
    if not choices or _can_offer(choices, limits):
        return parts
    numbered = "\n".join(f"{number}. {choice.label}" for number, choice in enumerate(choices, 1))
    place = parts.index(choices[0])
    others: list[Part] = [part for part in parts if not isinstance(part, Choice)]
    return [*others[:place], Paragraph(numbered), Paragraph(instead.choose), *others[place:]]


def _can_offer(choices: Sequence[Choice], limits: Limits) -> bool:
    return len(choices) <= limits.choices and all(
        len(choice.value.encode()) <= limits.choice_bytes for choice in choices
    )


def _pieces(parts: Sequence[Part], limit: int) -> Iterator[Part]:
    for part in parts:
        if len(plain([part])) <= limit:
            yield part
            continue
        match part:
            case Steps(items):
                # Numbers are written out: a second list would begin at 1 again.
                for number, item in enumerate(items, 1):
                    yield from map(Paragraph, _cut(f"{number}. {item}", limit))
            case Paragraph(text):
                yield from map(Paragraph, _cut(text, limit))
            case Link(label, url):
                yield from map(Paragraph, (*_cut(label, limit), *_cut(url, limit)))


# From the best place to cut to the worst.
_PLACES = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…:;])\s+"), re.compile(r"\s+"))


def _cut(text: str, limit: int) -> Iterator[str]:
    while len(text) > limit:
        end, after = _place(text, limit)
        yield text[:end]
        text = text[after:]
    if text:
        yield text


def _place(text: str, limit: int) -> tuple[int, int]:
    """Where the first piece ends and the next begins."""
    for place in _PLACES:
        # A piece of a few words looks torn off: take a worse place further on instead.
        gaps = [gap for gap in place.finditer(text, limit // 4, limit + 1) if gap.start() <= limit]
        if gaps and text[: gaps[-1].start()].strip():
            return gaps[-1].start(), gaps[-1].end()
    end = _before_mark(text, limit)
    return end, end


_LONGEST_CLUSTER = 32  # code points; longer ones are noise, not writing
_JOINER = "\u200d"


def _before_mark(text: str, end: int) -> int:
    """The last place up to `end` that does not part a letter from its marks or an emoji from its pieces."""
    for place in range(end, max(end - _LONGEST_CLUSTER, 0), -1):
        if not _holds_on(text, place):
            return place
    return end


def _holds_on(text: str, place: int) -> bool:
    """Whether the sign at a place belongs to the one before it."""
    sign, before = text[place], text[place - 1]
    return (
        bool(unicodedata.combining(sign))
        or unicodedata.category(sign) in ("Mn", "Me", "Mc")
        or _JOINER in (sign, before)
        or "\ufe00" <= sign <= "\ufe0f"  # variation selectors
        or "\U0001f3fb" <= sign <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= sign <= "\U000e007f"  # tags of flags
        or ("\U0001f1e6" <= sign <= "\U0001f1ff" and _flags_before(text, place) % 2 == 1)
    )


def _flags_before(text: str, place: int) -> int:
    """How many regional indicators stand right before a place: two make a flag."""
    start = place
    while start > 0 and place - start < _LONGEST_CLUSTER and "\U0001f1e6" <= text[start - 1] <= "\U0001f1ff":
        start -= 1
    return place - start
