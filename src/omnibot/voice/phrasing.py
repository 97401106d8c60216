"""A reply that a language model may put more freely: what it is given, and what its answer is held to.

The model gets a brief: what the voice pack would say, the facts behind it, in which style, and what the customer
wrote, as data. It is given no address and no name of the customer's, and what it must not change (steps, links) stands
for it as `[[1]]`, and is put back as it was. Greeting, disclosure, signature, choices and files are never its own.

What it answers is sent only where nothing speaks against it. Nothing here waits or calls anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import orjson

from omnibot.model import (
    Complexity,
    Draft,
    Length,
    Limits,
    Link,
    Manner,
    Move,
    MoveKind,
    Paragraph,
    Part,
    Plan,
    Reading,
    Register,
    Snapshot,
    Steps,
    TimelineMessage,
    plain,
)
from omnibot.model.values import frozen
from omnibot.stems import folded
from omnibot.voice import Speaker, compose, compose_body
from omnibot.voice.claims import Brief, brief_of, unfounded
from omnibot.voice.grounds import LANGUAGES, Doubt, Ground, groundless
from omnibot.voice.values import Clock

__all__ = ["Doubt", "Judged", "Phrased", "Wording", "can_be_phrased", "masked", "wording"]

Read = Callable[[str], Reading]

_PHRASED = frozenset(
    {
        MoveKind.WELCOME,
        MoveKind.MOOD,
        MoveKind.HISTORY,
        MoveKind.CAUSE,
        MoveKind.ANSWER,
        MoveKind.STEPS,
        MoveKind.ASK,
        MoveKind.HANDOFF,
        MoveKind.NEXT,
    }
)
# What was agreed or proven is confirmed in the words that the company knows.
_EXACT = frozenset({MoveKind.CONFIRM, MoveKind.PROVE})
_WORTH_IT = 40  # characters: less is said as well by anybody
_LONGEST_SAID = 600  # characters of what the customer wrote
_LONGEST_ANSWER = 20_000  # characters that are looked at
_LONGER, _SHORTER, _SPARE = 1.5, 0.4, 40  # times the pack's own length, and characters besides
_FORMALITY = 0.35  # by which the tone may differ from the pack's
_SENTENCE = 6  # words from which on its language is asked for
_MARK = re.compile(r"\s*\[\[(\d{1,3})\]\]\s*")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_LANGUAGES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French"}
_FORM = {
    ("de", Register.CASUAL): "du",
    ("de", Register.FORMAL): "Sie",
    ("es", Register.CASUAL): "tú",
    ("es", Register.FORMAL): "usted",
    ("fr", Register.CASUAL): "tu",
    ("fr", Register.FORMAL): "vous",
}

_PRIVATE = (
    re.compile(r"\b(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE),
    re.compile(
        r"(?<=\b)(?:password|passcode|passwort|kennwort|contraseña|clave|mot de passe|pin|code|código|token|secret"
        r"|api[ _-]?key)\b(?:\s*(?:is|ist|lautet|es|est|:|=))*\s*[\"'«„]?(?=\S*[\d\W_])\S+",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?=[\w+/=-]*\d)(?=[\w+/=-]*[^\W\d_])[\w+/=-]{12,}"),  # keys and tokens
    re.compile(r"\+?\d(?:[ ./()-]?\d){3,}"),  # telephones, cards, accounts
)


@lru_cache
def _instructions() -> str:
    return (Path(__file__).parent / "instructions.txt").read_text(encoding="utf-8")


@frozen
class Judged:
    """What became of an answer: drafts, or why there are none."""

    drafts: tuple[Draft, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@frozen
class Phrased:
    """What came of asking a model; without drafts the voice pack's are sent."""

    drafts: tuple[Draft, ...] = ()
    why: str = ""  # why there are none: timeout, unreachable, refused, garbage, doubt, resting, busy, budget, stopping
    doubts: tuple[Doubt, ...] = ()
    model: str = ""  # that wrote
    restarts: int = 0  # how often they wrote more meanwhile


@frozen
class Wording:
    """What a model is asked to put into words. Made by `wording`."""

    instructions: str
    brief: str  # JSON
    ground: Ground
    facts: Brief
    longest: int  # characters
    again: Callable[[Sequence[Part]], tuple[Draft, ...]]  # drafts of another body
    blocks: tuple[tuple[Part, ...], ...]  # that the marks stand for
    behind: tuple[Part, ...]  # what comes behind the text
    read: Read

    def judge(self, answer: str) -> Judged:
        """Drafts of an answer, where nothing speaks against it."""
        answer = answer[:_LONGEST_ANSWER].replace("\r\n", "\n").strip()
        pieces = _MARK.split(answer)
        texts, marks = pieces[::2], pieces[1::2]
        text = "\n\n".join(piece for piece in texts if piece)
        doubts = [*self._size(text), *self._marks(marks, texts)]
        if not doubts:
            doubts = [*self._claims(text), *groundless(text, self.ground), *self._sound(text)]
        if doubts:
            return Judged(doubts=tuple(doubts))
        return Judged(self.again([*self._parts(texts), *self.behind]))

    def _size(self, text: str) -> Iterator[Doubt]:
        size = len(text.replace("\n\n", "\n"))  # as the pack's own is counted, line by line
        if not size:
            yield Doubt("empty")
        elif size > self.longest:
            yield Doubt("length", f"{size} characters, at most {self.longest}")
        elif size < _SHORTER * len(self.ground.text):
            yield Doubt("length", f"{size} characters of {len(self.ground.text)}")

    def _marks(self, marks: Sequence[str], texts: Sequence[str]) -> Iterator[Doubt]:
        if list(marks) != [str(number) for number in range(1, len(self.blocks) + 1)]:
            yield Doubt("blocks", ", ".join(marks)[:100])

    def _claims(self, text: str) -> Iterator[Doubt]:
        return (Doubt(claim.kind.value, claim.text) for claim in unfounded(text, self.facts))

    def _sound(self, text: str) -> Iterator[Doubt]:
        """Language and tone, as we would read them of anybody."""
        reading, own = self.read(text), self.read(self.ground.text)
        said = reading.language
        other = said.known and said.value != self.ground.language
        if other or (own.language.known and not said.known):
            yield Doubt("language", said.value)
        for sentence in re.split(r"(?<=[.!?…])\s+|\n+", text):
            if len(sentence.split()) >= _SENTENCE:
                here = self.read(sentence).language
                if here.known and here.value != self.ground.language:
                    yield Doubt("language", sentence)
        formal, usual = reading.formality, own.formality
        if formal.known and usual.known and abs(formal.value - usual.value) > _FORMALITY:
            yield Doubt("tone", f"{formal.value:.2f} instead of {usual.value:.2f}")

    def _parts(self, texts: Sequence[str]) -> Iterator[Part]:
        for number, piece in enumerate(texts):
            if number:
                yield from self.blocks[number - 1]
            for paragraph in _PARAGRAPHS.split(piece.strip()):
                if paragraph:
                    yield Paragraph(" ".join(paragraph.split()))


def can_be_phrased(plan: Plan) -> bool:
    """Whether a reply to this plan gains by other words: small talk, codes and confirmations do not."""
    if plan.to is None or plan.confirms_stop or plan.asks or plan.language not in LANGUAGES:
        return False
    kinds = {move.kind for move in plan.moves}
    return bool(kinds & _PHRASED) and not kinds & _EXACT and not _in_another_language(plan)


def _in_another_language(plan: Plan) -> bool:
    """An article that is quoted in the company's language is nobody's to translate."""
    return any(move.facts.get("language", plan.language) != plan.language for move in plan.moves)


def wording(
    plan: Plan,
    snapshot: Snapshot,
    limits: Mapping[str, Limits],
    speaker: Speaker,
    variant: int,
    recent: Sequence[TimelineMessage] = (),
    *,
    at: datetime | None = None,
    said: str = "",
    read: Read,
) -> Wording | None:
    """What a model is asked for this plan, or None where it is left to the voice pack; arguments as of `compose`.

    `said` is what the customer wrote, `read` how a text is understood.
    """
    if not can_be_phrased(plan):
        return None
    assert plan.to is not None
    body = compose_body(plan, snapshot, limits, speaker, variant, recent, at=at)
    given = _Given.of(body)
    if len(given.text) < _WORTH_IT:
        return None
    here = limits[plan.to.address.channel]
    pack = speaker.voices[plan.language]
    style = pack.style(plan.preferences, brief=here.brief)
    longest = len(given.text) if here.brief else round(_LONGER * len(given.text)) + _SPARE
    facts = [dict(_facts(move, plan, speaker, at)) for move in plan.moves if move.kind in _PHRASED]
    brief = {
        "language": _LANGUAGES[plan.language],
        "style": _style(plan, style.register, style.manner, style.length),
        "company": speaker.company,
        "longest": longest,
        "facts": [each for each in facts if each],
        "reply": given.marked,
        "blocks": {str(number): plain(block) for number, block in enumerate(given.blocks, 1)},
        "customer_wrote": masked(said),
    }
    written = orjson.dumps(brief).decode()
    if _has_address(written, snapshot):
        return None
    quoted = [_text_of(value) for each in facts for key, value in each.items() if key not in ("does", "about")]
    claims = brief_of(plan, snapshot, speaker, at=at)

    def again(parts: Sequence[Part]) -> tuple[Draft, ...]:
        return compose(plan, snapshot, limits, speaker, variant, recent, at=at, body=parts)

    return Wording(
        instructions=_instructions(),
        brief=written,
        ground=Ground(plan.language, style.register, given.text, quoted, frozenset(folded(speaker.company).split())),
        facts=replace(claims, pack=pack),
        longest=longest,
        again=again,
        blocks=given.blocks,
        behind=given.behind,
        read=read,
    )


@frozen
class _Given:
    """A body taken apart: its text, with marks where something stays as it is, and what comes behind."""

    text: str
    marked: str
    blocks: tuple[tuple[Part, ...], ...]
    behind: tuple[Part, ...]

    @classmethod
    def of(cls, body: Sequence[Part]) -> _Given:
        texts: list[str] = []
        marked: list[str] = []
        blocks: list[list[Part]] = []
        behind: list[Part] = []
        in_block = False
        for part in body:
            match part:
                case Paragraph(text):
                    texts.append(text)
                    marked.append(text)
                    in_block = False
                case Steps() | Link():
                    if not in_block:
                        blocks.append([])
                        marked.append(f"[[{len(blocks)}]]")
                    blocks[-1].append(part)
                    in_block = True
                case _:
                    behind.append(part)
        return cls("\n".join(texts), "\n\n".join(marked), tuple(map(tuple, blocks)), tuple(behind))


def _style(plan: Plan, register: Register, manner: Manner, length: Length | None) -> dict[str, str]:
    style = {"register": register.value, "manner": manner.value}
    if form := _FORM.get((plan.language, register)):
        style["address_them_as"] = form
    if length:
        style["length"] = length.value
    if plan.preferences.complexity:
        style["words"] = "technical" if plan.preferences.complexity is Complexity.TECHNICAL else "plain, no jargon"
    return style


_IN_THE_TEXT = frozenset({"title", "short", "detailed", "technical", "steps", "language"})


def _facts(move: Move, plan: Plan, speaker: Speaker, at: datetime | None) -> Iterator[tuple[str, object]]:
    """What a move does, and its facts as its language writes them; what stands in the reply as it is, once."""
    yield "does", move.kind.value
    yield "about", move.topic
    clock, language = Clock(at, plan.zone), speaker.voices[plan.language].language
    for key, value in move.facts.items():
        if "." not in key and key not in _IN_THE_TEXT and value != "":
            yield key, value if isinstance(value, str | tuple) else language.write(value, clock)


def _text_of(value: object) -> str:
    return "\n".join(value) if isinstance(value, tuple) else str(value)


def _has_address(brief: str, snapshot: Snapshot) -> bool:
    held = f" {folded(brief)} "
    values = (folded(each) for a in snapshot.addresses for each in (a.address.value, a.address.masked))
    return any(len(value) > 2 and f" {value} " in held for value in values)


def masked(text: str) -> str:
    """What somebody wrote, without what it could give away: links, addresses, long numbers, keys and passwords."""
    text = text[:_LONGEST_SAID]
    for private in _PRIVATE:
        text = private.sub("…", text)
    return text
