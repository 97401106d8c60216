"""A plan put into words: in the customer's language and style, at the length they like, as their channel allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from operator import attrgetter

from omnibot.model import (
    Ask,
    Choice,
    Complexity,
    Detail,
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
    Value,
    plain,
)
from omnibot.model.values import frozen, replaced
from omnibot.voice.fit import Instead, fit
from omnibot.voice.packs import Pack, Style, VoiceError, Voices, template_of
from omnibot.voice.values import Clock

__all__ = ["Letter", "Speaker", "VoiceError", "Voices", "compose", "compose_body", "compose_code", "compose_words"]

_KIND = attrgetter("kind")
_CHOICE = "choice."
_LINK = "link."
_FILE = "file."
_WEIGHTY = frozenset({"serious", "urgent", "escalated", "team"})  # hand-offs that are never waved through
_UNREMARKABLE = frozenset({"unknown", "unclear"})  # hand-offs that need no words of their own behind another
_WITH_BUTTON = frozenset({"which_number", "which_address"})  # questions that a button can answer
_OPENING = ("opening", "first")  # topics of greetings that stand before all else
_SAYS_WHAT_NEXT = frozenset({MoveKind.HANDOFF, MoveKind.NEXT, MoveKind.ASK})
_REMEMBERED = 6  # of our messages: words that are further back may be used again
_MOST_EMOJI = 2  # a reply

# Moves that belong into one paragraph with those of their group around them.
_TOGETHER: Mapping[MoveKind, str] = {
    MoveKind.WELCOME: "known",
    MoveKind.MOOD: "known",
    MoveKind.HISTORY: "known",
    MoveKind.CLOSE: "known",
    MoveKind.HANDOFF: "people",
    MoveKind.PROMISE: "people",
}
# What nobody wants to see a smile beside; all hand-offs but these are bad news, too.
_GOOD_HANDOFFS = frozenset({"person", "attachment", "more", "team"})
_BAD_NEWS = frozenset(
    {
        (MoveKind.MOOD, "frustrated"),
        (MoveKind.MOOD, "confused"),
        (MoveKind.MOOD, "sorry"),
        (MoveKind.HISTORY, "again"),
        (MoveKind.HISTORY, "tried"),
        (MoveKind.CONFIRM, "stopped"),
        (MoveKind.CONFIRM, "channel_missing"),
        (MoveKind.CONFIRM, "channel_unusable"),
        (MoveKind.CONFIRM, "channel_unknown"),
        (MoveKind.CONFIRM, "language_missing"),
        (MoveKind.CONFIRM, "not_kept"),
        (MoveKind.PROVE, "wrong"),
        (MoveKind.PROVE, "wrong_last"),
        (MoveKind.PROVE, "void"),
        (MoveKind.PROVE, "expired"),
        (MoveKind.PROVE, "token_void"),
        (MoveKind.PROVE, "forgotten"),
        (MoveKind.PROVE, "forgotten_here"),
    }
)


@frozen
class Speaker:
    """Who speaks: for whom, by which name, in whose words, how else people can be reached, where files can be had."""

    company: str
    bot: str
    contact: str = ""
    file_url: Callable[[File], str] = lambda _: ""  # '' where there is no such place
    voices: Voices = field(kw_only=True)
    disclosure: Mapping[str, str] = field(default_factory=dict, kw_only=True)  # by language, instead of the pack's


def compose(
    plan: Plan,
    snapshot: Snapshot,
    limits: Mapping[str, Limits],
    speaker: Speaker,
    variant: int,
    recent: Sequence[TimelineMessage] = (),
    *,
    at: datetime | None = None,
    body: Sequence[Part] | None = None,
) -> tuple[Draft, ...]:
    """The drafts of one reply, in the order in which they should leave; () for silence.

    `limits` are those of each channel by name. `variant` chooses among wordings: the same number, the same words,
    unless `recent`, the latest of the timeline, has them already. `at` is now: without it no day is "yesterday".
    `body` is said instead of what `compose_body` says. Raises KeyError for a channel without limits and for a move
    that has no wording.
    """
    if plan.to is None or not plan.moves:
        return ()
    here = limits[plan.to.address.channel]
    words = _words(plan, snapshot, here, speaker, variant, recent, at)
    drafts = words.reply(plan, here, body)
    if plan.pointer is not None:
        which = _which(plan.to, snapshot)
        drafts = (*drafts, *words.pointer(plan.pointer, limits[plan.pointer.address.channel], which))
    return drafts


def compose_body(
    plan: Plan,
    snapshot: Snapshot,
    limits: Mapping[str, Limits],
    speaker: Speaker,
    variant: int,
    recent: Sequence[TimelineMessage] = (),
    *,
    at: datetime | None = None,
) -> list[Part]:
    """What a reply says for its moves: without greeting, disclosure and signature, and not yet made to fit."""
    if plan.to is None:
        return []
    here = limits[plan.to.address.channel]
    return _merged(_words(plan, snapshot, here, speaker, variant, recent, at).body(plan, here))


def _words(
    plan: Plan,
    snapshot: Snapshot,
    here: Limits,
    speaker: Speaker,
    variant: int,
    recent: Sequence[TimelineMessage],
    at: datetime | None,
) -> _Words:
    assert plan.to is not None
    pack = speaker.voices[plan.language]
    style = pack.style(plan.preferences, brief=here.brief)
    return _Words(
        pack=pack,
        style=style,
        variant=variant,
        told=_told(recent),
        clock=Clock(at, plan.zone),
        speaker=speaker,
        values={
            **_called(plan.name or snapshot.name, style.register),
            "company": speaker.company,
            "bot": speaker.bot,
            "contact": speaker.contact,
            **pack.channel(plan.to.address.channel),
        },
    )


def _which(to: KnownAddress, snapshot: Snapshot) -> str:
    """Tells one address of a channel from their others there, without spelling it out; '' where there is one."""
    there = [address for address in snapshot.addresses if address.address.channel == to.address.channel]
    return to.address.masked if len(there) > 1 else ""


@frozen
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
    pack = speaker.voices[plan.language]
    words = _Words(
        pack=pack,
        style=pack.style(plan.preferences, brief=limits.brief),
        variant=variant,
        told="",
        clock=Clock(),
        speaker=speaker,
        values={"company": speaker.company, "bot": speaker.bot, "code": code, "minutes": str(minutes)},
    )
    return words.code(ask, limits, link)


def compose_words(
    text: str,
    files: Sequence[File],
    to: KnownAddress,
    snapshot: Snapshot,
    limits: Limits,
    speaker: Speaker,
    *,
    language: str,
    signature: str = "",
    asks: str = "",
) -> tuple[Draft, ...]:
    """What people say to a customer, in their own words, made fit for a channel.

    `limits` are those of the channel that it goes to, and `signature` stands below it. `asks` is where they are to
    agree or not: the values of both choices begin with it.
    """
    pack = speaker.voices[language]
    words = _Words(
        pack=pack,
        style=pack.style(snapshot.preferences, brief=limits.brief),
        variant=0,
        told="",
        clock=Clock(),
        speaker=speaker,
        values={"company": speaker.company, "bot": speaker.bot},
    )
    return words.of_people(text, files, to, limits, signature, asks)


_NO_NAME = re.compile(r"[<>/\\@:{}\[\]=#]")


def _called(name: str, register: Register) -> dict[str, str]:
    """Friends use the first name; a formal letter the whole one. What cannot be a name (`<3`, a link) is left out."""
    if name.isalpha():  # most tell one word
        return {"name": name, "first_name": name}
    words = [word.strip(',;.()"') for word in name.split() if not _NO_NAME.search(word)]
    words = [word for word in words if any(map(str.isalpha, word))]
    first = words[0] if words else ""
    return {"name": " ".join(words) if register is Register.FORMAL else first, "first_name": first}


def _told(recent: Sequence[TimelineMessage]) -> str:
    """What we said last, oldest first."""
    ours = [message.text for message in recent if message.direction is Direction.OUT]
    return "\n".join(ours[-_REMEMBERED:])


@frozen
class _Words:
    """Everything that decides how one reply is put."""

    pack: Pack
    style: Style
    variant: int
    told: str  # our latest words
    clock: Clock
    speaker: Speaker
    values: Mapping[str, Value]

    def reply(self, plan: Plan, limits: Limits, body: Sequence[Part] | None = None) -> tuple[Draft, ...]:
        assert plan.to is not None
        parts = _merged([*self._opening(plan, limits), *(self.body(plan, limits) if body is None else body)])
        if not limits.subject:
            parts = _joined(parts) if isinstance(parts[0], _Opening) else parts
        else:
            parts.append(Paragraph(self._say("signature.letter")))
        subject = self._subject(plan) if limits.subject else ""
        return self._drafts(plan.to, _plain_parts(parts), limits, subject)

    def pointer(self, to: KnownAddress, limits: Limits, which: str) -> tuple[Draft, ...]:
        """Tells on the channel written from where the answer is; `which` of several addresses there."""
        moved = Paragraph(self._say("point.moved_to", {"which": which}) if which else self._say("point.moved"))
        if not limits.subject:
            return self._drafts(to, [moved], limits)
        letter = [Paragraph(self._say("greet.opening")), moved, Paragraph(self._say("signature.letter"))]
        return self._drafts(to, letter, limits, self._say("subject.moved"))

    def code(self, ask: Ask, limits: Limits, link: str) -> Letter:
        parts: list[Part] = [Paragraph(self._say(f"code.{ask.purpose}"))]
        if limits.subject and link:
            parts.append(Link(self._say("code.open"), link))
        if limits.subject:
            parts.append(Paragraph(self._say("signature.letter")))
        return Letter(tuple(parts), self._say("subject.code") if limits.subject else "")

    def of_people(
        self, text: str, files: Sequence[File], to: KnownAddress, limits: Limits, signature: str, asks: str
    ) -> tuple[Draft, ...]:
        """Their words as they are; where the provider has a thread, its subject stays."""
        parts: list[Part] = [Paragraph(text)] if text.strip() else []
        if asks:
            parts += (
                Choice(self._say("answer.agree_button"), f"{asks}yes"),
                Choice(self._say("answer.disagree_button"), f"{asks}no"),
            )
        parts += files
        if signature:
            parts.append(Paragraph(signature))
        return self._drafts(to, parts, limits, self._say("subject.handoff") if limits.subject else "")

    def _drafts(self, to: KnownAddress, parts: Sequence[Part], limits: Limits, subject: str = "") -> tuple[Draft, ...]:
        """What is offered, offers the last of them: it is what they have read when they choose."""
        choices = tuple([part for part in parts if isinstance(part, Choice)]) if Choice in map(type, parts) else ()
        instead = Instead(self._instead_of_file, self._say("answer.choose") if choices else "")
        drafts = [Draft(to=to, parts=message, subject=subject) for message in fit(parts, limits, instead)]
        if choices:
            drafts[-1] = replaced(drafts[-1], choices=choices)
        return tuple(drafts)

    def _instead_of_file(self, file: File) -> Part:
        url = self.speaker.file_url(file)
        return Link(file.name, url) if url else Paragraph(self._say("answer.no_file", {"file": file.name}))

    def _say(self, name: str, facts: Mapping[str, Value] | None = None) -> str:
        values = {**self.values, **facts} if facts else self.values
        return self.pack.say(name, self.style, self.variant, values, self.clock, self.told)

    # --- the beginning ---

    def _opening(self, plan: Plan, limits: Limits) -> Iterator[Part]:
        kinds = list(map(_KIND, plan.moves))
        greets = MoveKind.GREET in kinds
        topics = {move.topic for move in plan.moves if move.kind is MoveKind.GREET} if greets else frozenset[str]()
        begins_thread = plan.unsolicited or plan.pointer is not None
        if not topics.isdisjoint(_OPENING) or (limits.subject and begins_thread):
            yield _Opening(self._say("greet.opening" if limits.subject else "greet.opening_chat"))
        discloses = "first" in topics or MoveKind.DISCLOSE in kinds
        if discloses and "who_are_you" not in topics:
            yield Paragraph(self._disclosure())

    def _disclosure(self) -> str:
        """That a machine speaks: in the company's words where it has some in this language."""
        if own := self.speaker.disclosure.get(self.pack.code):
            return self.pack.fill(template_of(own), self.values, self.clock)
        return self._say("disclose.machine")

    # --- the moves ---

    def body(self, plan: Plan, limits: Limits) -> Iterator[Part]:
        answers = [move for move in plan.moves if move.kind is MoveKind.ANSWER]
        emoji = self._emoji(plan, limits)
        promised, named = False, ""
        for move in plan.moves:
            match move.kind:
                case MoveKind.DISCLOSE:
                    continue
                case MoveKind.GREET if move.topic in _OPENING:
                    continue
                case MoveKind.HANDOFF:
                    text = self._said(move, self._handoff_topic(move, plan))
                    yield _Sentence(text, _TOGETHER[move.kind])
                    promised, named = True, text
                case MoveKind.PROMISE:
                    yield _Sentence(self._promised(move, named), _TOGETHER[move.kind])
                case MoveKind.ANSWER:
                    if promised and move is answers[0]:
                        yield Paragraph(self._say("answer.meanwhile"))
                    yield from self._answer(move, plan, several=len(answers) > 1)
                case MoveKind.STEPS:
                    yield from _steps(move)
                case MoveKind.PROVE:
                    yield from self._prove(move, plan, limits)
                case MoveKind.RESOURCES:
                    yield from self._resources(move)
                case _:
                    text = self._said(move, self._topic(move))
                    if sign := emoji.get(id(move)):
                        text = f"{text} {sign}"
                    yield _Sentence(text, _TOGETHER[move.kind]) if move.kind in _TOGETHER else Paragraph(text)
                    yield from _choices(move)
        if self._offers_more(plan, answers):
            yield Paragraph(self._say("answer.offer"))

    def _said(self, move: Move, topic: str) -> str:
        """A move in the company's own words for it where there are some, else in the pack's."""
        if not move.said:
            return self._say(f"{move.kind}.{topic}", self._facts(move))
        own = move.said.get(self.style.register) or next(iter(move.said.values()))
        return self.pack.fill(template_of(own), {**self.values, **self._facts(move)}, self.clock)

    def _promised(self, move: Move, named: str) -> str:
        """By when; and by whom, unless the sentence before has just said it."""
        team = str(move.facts.get("team", ""))
        if team and team.casefold() in named.casefold():
            move = replaced(move, facts={key: value for key, value in move.facts.items() if key != "team"})
        return self._said(move, move.topic)

    def _prove(self, move: Move, plan: Plan, limits: Limits) -> Iterator[Part]:
        """Where there is a button for their own number, it is offered to who is asked for one, and then taken away."""
        assert plan.to is not None
        private = not plan.to.context  # in a group nobody is asked for their number
        if move.topic in _WITH_BUTTON and limits.own_number and private:
            yield Paragraph(self._say(f"prove.{move.topic}_button", self._facts(move)))
            yield OwnNumber(self._say("prove.own_number_button"))
            return
        yield Paragraph(self._say(f"prove.{move.topic}", self._facts(move)))
        yield OwnNumber("")

    def _topic(self, move: Move) -> str:
        return "reach_here" if move.topic == "reach" and not self.values["contact"] else move.topic

    def _handoff_topic(self, move: Move, plan: Plan) -> str:
        """`more` where people were promised a moment ago: the same promise again sounds as if nobody listened."""
        if MoveKind.GREET in map(_KIND, plan.moves):
            return move.topic  # another conversation: what was promised is long past
        if plan.to is not None and plan.to.shared:
            return move.topic  # somebody else was promised it, perhaps
        if move.topic in _WEIGHTY or move.said:
            return move.topic
        topics = self.pack.promises if move.topic in _UNREMARKABLE else (move.topic,)
        for topic in topics if self.told else ():
            if self.pack.promised(topic, self.told):
                return "more"
        return move.topic

    def _facts(self, move: Move) -> dict[str, Value]:
        facts = {key: value for key, value in move.facts.items() if "." not in key}
        if "channel" in facts:
            facts |= self.pack.channel(str(facts["channel"]))
        if isinstance(channels := facts.get("channels"), tuple):
            facts["channels"] = tuple([self.pack.channel(channel)["by_channel"] for channel in channels])
        if "language" in facts:
            facts["language_name"] = self.pack.languages.get(str(facts["language"]), facts["language"])
        return facts

    # --- answers ---

    def _answer(self, move: Move, plan: Plan, *, several: bool) -> Iterator[Part]:
        facts = self._facts(move)
        if facts["language"] != self.pack.code:
            yield Paragraph(self._say("answer.other_language", facts))
        text = self._section(facts, plan)
        yield Paragraph(self._say("answer.several", {**facts, "text": text}) if several else text)
        if self._tells_steps(plan):
            yield from _steps(move)
        if "." in "".join(move.facts):  # few articles have any
            yield from _links(move)
            yield from _files(move)

    def _section(self, facts: Mapping[str, Value], plan: Plan) -> str:
        """As long as they like it, and in the words that they are at home with."""
        technical = facts.get("technical") if plan.preferences.complexity is Complexity.TECHNICAL else None
        if self.style.length is Length.DETAILED:
            return "\n\n".join([str(text) for text in (facts["detailed"], technical) if text])
        return str(technical or facts["short"])

    def _tells_steps(self, plan: Plan) -> bool:
        """Who asked for steps gets them; else whoever does not like it short."""
        if plan.preferences.detail is not None:
            return plan.preferences.detail is Detail.STEPS
        return self.style.length is not Length.SHORT

    def _resources(self, move: Move) -> Iterator[Part]:
        links = list(_links(move))
        if links:
            counted = replaced(move, facts={**move.facts, "count": len(links)})
            yield Paragraph(self._said(counted, move.topic or "links"))
            yield from links

    def _offers_more(self, plan: Plan, answers: list[Move]) -> bool:
        """Once, behind the first answer of a conversation, and not to those who like it short."""
        if not answers or self.style.length is Length.SHORT:
            return False
        kinds = {move.kind for move in plan.moves}
        return MoveKind.GREET in kinds and kinds.isdisjoint(_SAYS_WHAT_NEXT)

    # --- decoration ---

    def _emoji(self, plan: Plan, limits: Limits) -> Mapping[int, str]:
        """The signs behind moves, by their identity: for who likes them, few, and none in a reply with bad news.

        Nor where each sign costs: one emoji makes two text messages of one.
        """
        if not plan.preferences.emoji or limits.brief or any(map(_is_bad_news, plan.moves)):
            return {}
        signs: dict[int, str] = {}
        for move in plan.moves:
            if fitting := self.pack.emoji.get(f"{move.kind}.{move.topic}"):
                signs[id(move)] = fitting[self.variant % len(fitting)]
        return dict(list(signs.items())[:_MOST_EMOJI])

    def _subject(self, plan: Plan) -> str:
        for move in plan.moves:
            if move.kind is MoveKind.ANSWER:
                return str(move.facts["title"])
        kinds = {move.kind for move in plan.moves}
        for kind in (MoveKind.HANDOFF, MoveKind.CONFIRM, MoveKind.PROVE, MoveKind.ASK):
            if kind in kinds:
                return self._say(f"subject.{kind}")
        return self._say("subject.talk")


def _is_bad_news(move: Move) -> bool:
    if move.kind is MoveKind.HANDOFF:
        return move.topic not in _GOOD_HANDOFFS
    return (move.kind, move.topic) in _BAD_NEWS


@frozen
class _Sentence(Paragraph):
    """Running text that goes on in one paragraph with those of its group around it."""

    group: str


class _Opening(Paragraph):
    """A greeting: a line of its own in a letter, the first words in a chat."""


def _merged(parts: Iterable[Part]) -> list[Part]:
    """What belongs into one paragraph, in one."""
    merged: list[Part] = []
    group = ""
    for part in parts:
        own = part.group if isinstance(part, _Sentence) else ""
        if own and own == group:
            merged[-1] = Paragraph(f"{plain(merged[-1:])} {plain([part])}")
        else:
            merged.append(Paragraph(part.text) if isinstance(part, _Sentence) else part)
        group = own
    return merged


def _joined(parts: list[Part]) -> list[Part]:
    """The greeting of a chat stands before its first sentence, not above it."""
    match parts:
        case [_Opening(greeting), Paragraph(text), *rest]:
            return [Paragraph(f"{greeting} {text}"), *rest]
        case _:
            return parts


def _plain_parts(parts: list[Part]) -> list[Part]:
    return [Paragraph(part.text) if isinstance(part, _Opening) else part for part in parts]


def _steps(move: Move) -> Iterator[Steps]:
    """Those of an answer are lines of one fact."""
    steps = move.facts.get("steps")
    if steps:
        yield Steps(steps if isinstance(steps, tuple) else tuple(str(steps).split("\n")))


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
