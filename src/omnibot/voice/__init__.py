"""A plan put into words: in the customer's language and register, at the length they like, as their channel allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omnibot.model import (
    Choice,
    Draft,
    KnownAddress,
    Length,
    Limits,
    Link,
    Move,
    MoveKind,
    Paragraph,
    Part,
    Plan,
    Register,
    Snapshot,
    Steps,
)
from omnibot.voice.fit import fit
from omnibot.voice.wording import LANGUAGES, Wording, wording

__all__ = ["LANGUAGES", "compose"]

_CHOICE = "choice."
_LINK = "link."


def compose(
    plan: Plan, snapshot: Snapshot, limits: Mapping[str, Limits], company: str, bot: str, variant: int
) -> tuple[Draft, ...]:
    """The drafts of one reply, in the order in which they should leave; () for silence.

    `limits` are those of each channel by name. `variant` chooses among wordings: the same number, the same words.
    Raises KeyError for a channel without limits and for a move that has no wording.
    """
    if plan.to is None or not plan.moves:
        return ()
    register = plan.preferences.register or Register.CASUAL
    words = _Words(
        wording=wording(plan.language),
        register=register,
        length=plan.preferences.length,
        variant=variant,
        values={
            "name": _called(plan.name or snapshot.name, register),
            "company": company,
            "bot": bot,
            **wording(plan.language).channel(plan.to.address.channel),
        },
    )
    drafts = words.reply(plan, limits[plan.to.address.channel])
    if plan.pointer is not None:
        drafts = (*drafts, *words.pointer(plan.pointer, limits[plan.pointer.address.channel]))
    return drafts


def _called(name: str, register: Register) -> str:
    """Friends use the first name; a formal letter the whole one."""
    return name if register is Register.FORMAL or not name else name.split()[0]


@dataclass(frozen=True, slots=True)
class _Words:
    """Everything that decides how one reply is put."""

    wording: Wording
    register: Register
    length: Length | None
    variant: int
    values: Mapping[str, str]

    def reply(self, plan: Plan, limits: Limits) -> tuple[Draft, ...]:
        assert plan.to is not None
        parts = [*self._opening(plan, limits), *self._body(plan)]
        if not limits.subject:
            parts = _joined(parts) if isinstance(parts[0], _Opening) else parts
        else:
            parts.append(Paragraph(self._say("signature", "letter")))
        subject = self._subject(plan) if limits.subject else ""
        return tuple(Draft(to=plan.to, parts=message, subject=subject) for message in fit(_plain_parts(parts), limits))

    def pointer(self, to: KnownAddress, limits: Limits) -> tuple[Draft, ...]:
        """Tells on the channel written from where the answer is."""
        parts = [Paragraph(self._say("point", "moved"))]
        subject = self._say("subject", "moved") if limits.subject else ""
        return tuple(Draft(to=to, parts=message, subject=subject) for message in fit(parts, limits))

    def _say(self, move: str, topic: str, facts: Mapping[str, str] | None = None) -> str:
        values = {**self.values, **facts} if facts else self.values
        return self.wording.say(move, topic, self.register, self.variant, values)

    # --- the beginning ---

    def _opening(self, plan: Plan, limits: Limits) -> Iterator[Part]:
        topics = {move.topic for move in plan.moves if move.kind is MoveKind.GREET}
        if topics & {"opening", "first"}:
            yield _Opening(self._say("greet", "opening" if limits.subject else "opening_chat"))
        if "first" in topics and "who_are_you" not in topics:
            yield Paragraph(self._say("greet", "first"))

    # --- the moves ---

    def _body(self, plan: Plan) -> Iterator[Part]:
        answers = [move for move in plan.moves if move.kind is MoveKind.ANSWER]
        for move in plan.moves:
            match move.kind:
                case MoveKind.ANSWER:
                    yield from self._answer(move, several=len(answers) > 1)
                case MoveKind.GREET if move.topic in ("opening", "first"):
                    continue
                case _:
                    yield Paragraph(self._say(move.kind, move.topic, self._facts(move)))
                    yield from _choices(move)
        if self._offers_more(plan, answers):
            yield Paragraph(self._say("answer", "offer"))

    def _facts(self, move: Move) -> dict[str, str]:
        facts = {key: value for key, value in move.facts.items() if "." not in key}
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

    def _offers_more(self, plan: Plan, answers: list[Move]) -> bool:
        """Once, behind the first answer of a conversation, and not to those who like it short."""
        handed_off = any(move.kind is MoveKind.HANDOFF for move in plan.moves)
        begins = any(move.kind is MoveKind.GREET for move in plan.moves)
        return bool(answers) and begins and not handed_off and self.length is not Length.SHORT

    def _subject(self, plan: Plan) -> str:
        for move in plan.moves:
            if move.kind is MoveKind.ANSWER:
                return move.facts["title"]
        kinds = {move.kind for move in plan.moves}
        for kind in (MoveKind.HANDOFF, MoveKind.CONFIRM):
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
            yield Choice(label, key.removeprefix(_CHOICE))


def _links(move: Move) -> Iterator[Link]:
    for key, label in move.facts.items():
        if key.startswith(_LINK) and key.endswith(".label"):
            yield Link(label, move.facts[key.removesuffix(".label") + ".url"])
