"""A plan put into words: in the customer's language and register, at the length they like, as their channel allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from omnibot.model import (
    Ask,
    Choice,
    Direction,
    Draft,
    File,
    KnownAddress,
    Length,
    Limits,
    Link,
    Move,
    MoveKind,
    OwnNumber,
    Paragraph,
    Part,
    Plan,
    Register,
    Snapshot,
    Steps,
    TimelineMessage,
)
from omnibot.voice.fit import Instead, fit
from omnibot.voice.wording import LANGUAGES, Wording, wording

__all__ = ["LANGUAGES", "Letter", "Speaker", "compose", "compose_code"]

_CHOICE = "choice."
_LINK = "link."
_FILE = "file."
_WEIGHTY = frozenset({"serious", "urgent"})  # hand-offs that are never waved through
_UNREMARKABLE = frozenset({"unknown", "unclear"})  # hand-offs that need no words of their own behind another
_WITH_BUTTON = frozenset({"which_number", "which_address"})  # questions that a button can answer
_REMEMBERED = 6  # of our messages: words that are further back may be used again


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: for whom, by which name, how else people can be reached, and where files can be downloaded."""

    company: str
    bot: str
    contact: str = ""
    file_url: Callable[[File], str] = lambda _: ""  # '' where there is no such place


def compose(
    plan: Plan,
    snapshot: Snapshot,
    limits: Mapping[str, Limits],
    speaker: Speaker,
    variant: int,
    recent: Sequence[TimelineMessage] = (),
) -> tuple[Draft, ...]:
    """The drafts of one reply, in the order in which they should leave; () for silence.

    `limits` are those of each channel by name. `variant` chooses among wordings: the same number, the same words,
    unless `recent`, the latest of the timeline, has them already.
    Raises KeyError for a channel without limits and for a move that has no wording.
    """
    if plan.to is None or not plan.moves:
        return ()
    register = plan.preferences.register or Register.CASUAL
    words = _Words(
        wording=wording(plan.language),
        register=register,
        length=plan.preferences.length or (Length.SHORT if limits[plan.to.address.channel].brief else None),
        variant=variant,
        told=_told(recent),
        file_url=speaker.file_url,
        values={
            **_called(plan.name or snapshot.name, register),
            "company": speaker.company,
            "bot": speaker.bot,
            "contact": speaker.contact,
            **wording(plan.language).channel(plan.to.address.channel),
        },
    )
    drafts = words.reply(plan, limits[plan.to.address.channel])
    if plan.pointer is not None:
        which = _which(plan.to, snapshot)
        drafts = (*drafts, *words.pointer(plan.pointer, limits[plan.pointer.address.channel], which))
    return drafts


def _which(to: KnownAddress, snapshot: Snapshot) -> str:
    """Tells one address of a channel from their others there, without spelling it out; '' where there is one."""
    there = [address for address in snapshot.addresses if address.address.channel == to.address.channel]
    return to.address.masked if len(there) > 1 else ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to an address that may never have written."""

    parts: tuple[Part, ...]
    subject: str


def compose_code(
    code: str, ask: Ask, plan: Plan, limits: Limits, speaker: Speaker, *, minutes: int, variant: int, link: str = ""
) -> Letter:
    """The message that brings a code, in the words of who asked for it and without anything about them.

    `limits` are of the channel that it goes to; `link` is an address that does the same, for a letter. With dots for
    the code, and without the address, it is what the timeline keeps.
    """
    words = _Words(
        wording=wording(plan.language),
        register=plan.preferences.register or Register.CASUAL,
        length=None,
        variant=variant,
        told="",
        file_url=speaker.file_url,
        values={"company": speaker.company, "bot": speaker.bot, "code": code, "minutes": str(minutes)},
    )
    return words.code(ask, limits, link)


_NO_NAME = re.compile(r"[<>/\\@:{}\[\]=#]")


def _called(name: str, register: Register) -> dict[str, str]:
    """Friends use the first name; a formal letter the whole one. What cannot be a name (`<3`, a link) is left out."""
    words = [word.strip(',;.()"') for word in name.split() if not _NO_NAME.search(word)]
    words = [word for word in words if any(map(str.isalpha, word))]
    first = words[0] if words else ""
    return {"name": " ".join(words) if register is Register.FORMAL else first, "first_name": first}


def _told(recent: Sequence[TimelineMessage]) -> str:
    """What we said last, oldest first."""
    ours = [message.text for message in recent if message.direction is Direction.OUT]
    return "\n".join(ours[-_REMEMBERED:])


@dataclass(frozen=True, slots=True)
class _Words:
    """Everything that decides how one reply is put."""

    wording: Wording
    register: Register
    length: Length | None
    variant: int
    told: str  # our latest words
    file_url: Callable[[File], str]
    values: Mapping[str, str]

    def reply(self, plan: Plan, limits: Limits) -> tuple[Draft, ...]:
        assert plan.to is not None
        parts = [*self._opening(plan, limits), *self._body(plan, limits)]
        if not limits.subject:
            parts = _joined(parts) if isinstance(parts[0], _Opening) else parts
        else:
            parts.append(Paragraph(self._say("signature", "letter")))
        subject = self._subject(plan) if limits.subject else ""
        return self._drafts(plan.to, _plain_parts(parts), limits, subject)

    def pointer(self, to: KnownAddress, limits: Limits, which: str) -> tuple[Draft, ...]:
        """Tells on the channel written from where the answer is; `which` of several addresses there."""
        moved = Paragraph(self._say("point", "moved_to", {"which": which}) if which else self._say("point", "moved"))
        if not limits.subject:
            return self._drafts(to, [moved], limits)
        letter = [Paragraph(self._say("greet", "opening")), moved, Paragraph(self._say("signature", "letter"))]
        return self._drafts(to, letter, limits, self._say("subject", "moved"))

    def code(self, ask: Ask, limits: Limits, link: str) -> Letter:
        parts: list[Part] = [Paragraph(self._say("code", ask.purpose))]
        if limits.subject and link:
            parts.append(Link(self._say("code", "open"), link))
        if limits.subject:
            parts.append(Paragraph(self._say("signature", "letter")))
        return Letter(tuple(parts), self._say("subject", "code") if limits.subject else "")

    def _drafts(self, to: KnownAddress, parts: Sequence[Part], limits: Limits, subject: str = "") -> tuple[Draft, ...]:
        """What is offered, offers the last of them: it is what they have read when they choose."""
        choices = tuple(part for part in parts if isinstance(part, Choice))
        instead = Instead(self._instead_of_file, self._say("answer", "choose") if choices else "")
        drafts = [Draft(to=to, parts=message, subject=subject) for message in fit(parts, limits, instead)]
        if choices:
            drafts[-1] = replace(drafts[-1], choices=choices)
        return tuple(drafts)

    def _instead_of_file(self, file: File) -> Part:
        url = self.file_url(file)
        return Link(file.name, url) if url else Paragraph(self._say("answer", "no_file", {"file": file.name}))

    def _say(self, move: str, topic: str, facts: Mapping[str, str] | None = None) -> str:
        values = {**self.values, **facts} if facts else self.values
        return self.wording.say(move, topic, self.register, self.variant, values, self.told)

    # --- the beginning ---

    def _opening(self, plan: Plan, limits: Limits) -> Iterator[Part]:
        topics = {move.topic for move in plan.moves if move.kind is MoveKind.GREET}
        begins_thread = plan.unsolicited or plan.pointer is not None
        if topics & {"opening", "first"} or (limits.subject and begins_thread):
            yield _Opening(self._say("greet", "opening" if limits.subject else "opening_chat"))
        if "first" in topics and "who_are_you" not in topics:
            yield Paragraph(self._say("greet", "first"))

    # --- the moves ---

    def _body(self, plan: Plan, limits: Limits) -> Iterator[Part]:
        answers = [move for move in plan.moves if move.kind is MoveKind.ANSWER]
        promised = False
        for move in plan.moves:
            match move.kind:
                case MoveKind.HANDOFF:
                    yield Paragraph(self._say(move.kind, self._handoff_topic(move, plan)))
                    promised = True
                case MoveKind.ANSWER:
                    if promised and move is answers[0]:
                        yield Paragraph(self._say("answer", "meanwhile"))
                    yield from self._answer(move, several=len(answers) > 1)
                case MoveKind.GREET if move.topic in ("opening", "first"):
                    continue
                case MoveKind.PROVE:
                    yield from self._prove(move, plan, limits)
                case _:
                    yield Paragraph(self._say(move.kind, self._topic(move), self._facts(move)))
                    yield from _choices(move)
        if self._offers_more(plan, answers):
            yield Paragraph(self._say("answer", "offer"))

    def _prove(self, move: Move, plan: Plan, limits: Limits) -> Iterator[Part]:
        """Where there is a button for their own number, it is offered to who is asked for one, and then taken away."""
        assert plan.to is not None
        private = not plan.to.context  # in a group nobody is asked for their number
        if move.topic in _WITH_BUTTON and limits.own_number and private:
            yield Paragraph(self._say("prove", f"{move.topic}_button", self._facts(move)))
            yield OwnNumber(self._say("prove", "own_number_button"))
            return
        yield Paragraph(self._say("prove", move.topic, self._facts(move)))
        yield OwnNumber("")

    def _topic(self, move: Move) -> str:
        return "reach_here" if move.topic == "reach" and not self.values["contact"] else move.topic

    def _handoff_topic(self, move: Move, plan: Plan) -> str:
        """`more` where people were promised a moment ago: the same promise again sounds as if nobody listened."""
        if any(move.kind is MoveKind.GREET for move in plan.moves):
            return move.topic  # another conversation: what was promised is long past
        if plan.to is not None and plan.to.shared:
            return move.topic  # somebody else was promised it, perhaps
        if move.topic in _WEIGHTY:
            return move.topic
        topics = self.wording.promises if move.topic in _UNREMARKABLE else (move.topic,)
        return "more" if any(self.wording.promised(topic, self.told) for topic in topics) else move.topic

    def _facts(self, move: Move) -> dict[str, str]:
        facts = {key: str(value) for key, value in move.facts.items() if "." not in key}
        if "channel" in facts:
            facts |= self.wording.channel(facts["channel"])
        if "language" in facts:
            facts["language_name"] = self.wording.languages.get(facts["language"], facts["language"])
        return facts

    def _answer(self, move: Move, *, several: bool) -> Iterator[Part]:
        facts = self._facts(move)
        if facts["language"] != self.wording.language:
            yield Paragraph(self._say("answer", "other_language", facts))
        text = facts["detailed" if self.length is Length.DETAILED else "short"]
        yield Paragraph(self._say("answer", "several", {**facts, "text": text}) if several else text)
        if "steps" in facts and self.length is not Length.SHORT:
            yield Steps(tuple(facts["steps"].split("\n")))
        yield from _links(move)
        yield from _files(move)

    def _offers_more(self, plan: Plan, answers: list[Move]) -> bool:
        """Once, behind the first answer of a conversation, and not to those who like it short."""
        handed_off = any(move.kind is MoveKind.HANDOFF for move in plan.moves)
        begins = any(move.kind is MoveKind.GREET for move in plan.moves)
        return bool(answers) and begins and not handed_off and self.length is not Length.SHORT

    def _subject(self, plan: Plan) -> str:
        for move in plan.moves:
            if move.kind is MoveKind.ANSWER:
                return str(move.facts["title"])
        kinds = {move.kind for move in plan.moves}
        for kind in (MoveKind.HANDOFF, MoveKind.CONFIRM, MoveKind.PROVE):
            if kind in kinds:
                return self._say("subject", kind)
        return self._say("subject", "talk")


class _Opening(Paragraph):
    """A greeting: a line of its own in a letter, the first words in a chat."""


def _joined(parts: list[Part]) -> list[Part]:
    """The greeting of a chat stands before its first sentence, not above it."""
    match parts:
        case [_Opening(greeting), Paragraph(text), *rest]:
            return [Paragraph(f"{greeting} {text}"), *rest]
        case _:
            return parts


def _plain_parts(parts: list[Part]) -> list[Part]:
    return [Paragraph(part.text) if isinstance(part, _Opening) else part for part in parts]


def _choices(move: Move) -> Iterator[Choice]:
    for key, label in move.facts.items():
        if key.startswith(_CHOICE):
            yield Choice(str(label), key.removeprefix(_CHOICE))


def _links(move: Move) -> Iterator[Link]:
    for key, label in move.facts.items():
        if key.startswith(_LINK) and key.endswith(".label"):
            yield Link(str(label), str(move.facts[key.removesuffix(".label") + ".url"]))


def _files(move: Move) -> Iterator[File]:
    for key, ref in move.facts.items():
        if key.startswith(_FILE) and key.endswith(".ref"):
            file = key.removesuffix("ref")
            name, media_type, size = (str(move.facts[file + each]) for each in ("name", "media_type", "size"))
            yield File(name, media_type, int(size), str(ref))
