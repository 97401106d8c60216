"""What is done about addresses that belong together: whom to send a code, what one that was typed comes to.

Whether an address is known to us changes nothing here: what is said to who names it is always the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace

from omnibot.dialogue.addresses import Kind
from omnibot.dialogue.heard import Heard, LinkSaid, sentences
from omnibot.dialogue.words import Passage
from omnibot.model import (
    Address,
    Ask,
    KnownAddress,
    Move,
    MoveKind,
    ProofPurpose,
    Snapshot,
    Tried,
    TurnMessage,
)
from omnibot.model.values import frozen

__all__ = ["Linking", "Spell", "asked", "proven", "shows_token", "without_codes"]

Spell = Callable[[str], Address]  # raises ValueError for what is no address of its channel

_BY_NUMBER = ("sms", "whatsapp")  # channels whose addresses are numbers, the likelier first
_TOLD_HOW = ("telegram", "slack")  # nobody knows their address there: linking begins with a message from it
_FLAG_TOKEN, _FLAG_TOKEN_VOID = "token", "token_void"  # a token of the company's that counts, and one that does not
_CODE = re.compile(r"\bco(?:de|digo)s?\b")  # in folded words
_TAKEN_OUT = "…"  # what stands in its place
_MOST_ASKS = 2  # codes that one turn sends


@frozen
class Linking:
    """What decides how linking goes here."""

    spell: Mapping[str, Spell] = field(default_factory=dict)  # by channel, of those that we write on
    waits: Collection[str] = ()  # channels on which a code waits until its address writes
    minutes: int = 10  # that a code lives


# --- codes that were typed, tokens that were shown ---


def without_codes(message: TurnMessage, tried: Sequence[Tried]) -> TurnMessage:
    """A message without the sentences that bring codes and the lines that brought tokens: they are answered already."""
    if not (message.flags or tried):
        return message
    if {_FLAG_TOKEN, _FLAG_TOKEN_VOID} & {*message.flags}:
        lines = (line for line in message.text.splitlines() if not line.rstrip().endswith(_TAKEN_OUT))
        message = replace(message, text="\n".join(lines).strip())
    codes = {one.text: one.right for one in tried if one.message == message.id}
    if not codes:
        return message
    left = (
        sentence
        for sentence in sentences(message.text)
        if not any(code in sentence and (right or _says_code(sentence, code)) for code, right in codes.items())
    )
    return replace(message, text=" ".join(left))


def proven(
    snapshot: Snapshot, written_on: KnownAddress, heard: Heard, messages: Sequence[TurnMessage]
) -> tuple[Move, ...]:
    """What the codes and numbers that came in come to: the right ones each, of the wrong ones the last."""
    if not (snapshot.tried or heard.code or any([message.flags or message.own_number for message in messages])):
        return ()
    moves = [_right(one, written_on) for one in snapshot.tried if one.right]
    if not moves and (wrong := [one for one in snapshot.tried if _is_meant(one, messages)]):
        moves = [_wrong(wrong[-1])]
    moves = [*_by_token(messages), *moves]
    if not moves and heard.code:
        moves = [_move("no_request", "a code, and none was asked for here")]
    if any(message.own_number for message in messages):
        moves.append(_move("own_number", "shared their own number"))
    return tuple(moves)


def shows_token(message: TurnMessage) -> bool:
    """Whether it shows a token that counts: no machine that writes back by itself has one."""
    return _FLAG_TOKEN in message.flags


def _by_token(messages: Sequence[TurnMessage]) -> Iterator[Move]:
    """One word about the tokens that were shown: that one counted, or that none did."""
    flags = {flag for message in messages for flag in message.flags}
    if _FLAG_TOKEN in flags:
        yield _move("token", "a token of the company's")
    elif _FLAG_TOKEN_VOID in flags:
        yield _move("token_void", "a token that does not count, or no more")


def _right(tried: Tried, written_on: KnownAddress) -> Move:
    request = tried.request
    if request.purpose is ProofPurpose.LINK:
        if request.shared or written_on.shared:
            return _move("shared", "the right code, but several people use that address")
        return _move("linked", "the right code", address=request.to)
    if request.purpose is ProofPurpose.UNLINK:
        return _move("unlinked", "the right code")
    here = request.about == written_on.id
    return _move("forgotten_here" if here else "forgotten", "the right code")


def _is_meant(tried: Tried, messages: Sequence[TurnMessage]) -> bool:
    """Whether a wrong code is to be spoken of: whatever counted; else what is said like one, not an order's number."""
    if not tried.request.over:
        return True
    said = (sentence for message in messages if message.id == tried.message for sentence in sentences(message.text))
    return any(tried.text in sentence and _says_code(sentence, tried.text) for sentence in said)


def _says_code(sentence: str, code: str) -> bool:
    """Whether a sentence brings a code: nothing else, or it says so. Orders and invoices have seven digits, too."""
    return not any(map(str.isalpha, sentence.replace(code, ""))) or bool(_CODE.search(Passage(sentence).words))


def _wrong(tried: Tried) -> Move:
    if tried.request.over == "expired":
        return _move("expired", "a code that is too old")
    if tried.request.over or not tried.left:
        return _move("void", "a wrong code too often")
    return _move("wrong" if tried.left > 1 else "wrong_last", "a wrong code", left=str(tried.left))


# --- what is wanted ---


def asked(
    heard: Heard, written_on: KnownAddress, snapshot: Snapshot, channels: Collection[str], linking: Linking
) -> tuple[tuple[Move, ...], tuple[Ask, ...]]:
    """What is said to who wants something linked, unlinked or forgotten, and the codes that are sent for it."""
    if not heard.links:
        return (), ()
    moves: dict[tuple[str, str], Move] = {}
    asks: dict[tuple[str, Address, int | None], Ask] = {}
    for said in heard.links:
        if len(asks) == _MOST_ASKS:
            break
        one = _Want(said, written_on, snapshot, channels, linking)
        move, ask = one.link() if said.purpose is ProofPurpose.LINK else one.undo()
        if move is not None:
            moves.setdefault((move.topic, str(move.facts)), move)
        if ask is not None:
            asks.setdefault((ask.purpose, ask.target, ask.about), ask)
    return tuple(moves.values()), tuple(asks.values())


_Answer = tuple[Move | None, Ask | None]


@frozen
class _Want:
    """One thing that is wanted, and what is needed to answer it."""

    said: LinkSaid
    written_on: KnownAddress
    snapshot: Snapshot
    channels: Collection[str]
    linking: Linking

    # --- link ---

    def link(self) -> _Answer:
        """A code to the address that is named; or what is to be done instead."""
        if self.written_on.shared:
            return _move("shared_here", "several people write from there: it never links"), None
        channel = self._channel()
        if channel in _TOLD_HOW:
            return self._without_code(channel), None
        if channel and channel not in self.linking.spell:
            return _not_written(channel), None
        if self.said.named is None:
            return _move(f"which_{_asked_for(channel)}", "no address was named"), None
        target = self._spelled(channel)
        if target is None:
            return _move(f"unclear_{_asked_for(channel)}", "what was named is no address"), None
        if target == self.written_on.address:
            return _move("here", "named the address that they write from", address=target), None
        return self._sent(target)

    def _sent(self, target: Address) -> _Answer:
        ask = Ask(purpose=ProofPurpose.LINK, by=self.written_on.id, target=target, source=self.said.source)
        topic = "asked_waiting" if target.channel in self.linking.waits else "asked"
        minutes = str(self.linking.minutes)
        return _move(topic, "a code proves it", address=target, channel=target.channel, minutes=minutes), ask

    def _without_code(self, channel: str) -> Move:
        if channel == self.written_on.address.channel:
            return _move("which_address", "they write from there: what is it to be linked with?")
        if channel not in self.linking.spell:
            return _not_written(channel)
        return _move(f"how_{channel}", "linking begins with a message from there")

    def _channel(self) -> str:
        """That of what is named, else of what it is called; a number is rather one for text messages."""
        kind, named = self.said.kind, self.said.named
        if named is not None and named.kind is Kind.EMAIL:
            return "email"
        is_number = named is not None and named.kind is Kind.NUMBER and kind not in (*_BY_NUMBER, *_TOLD_HOW)
        if kind == "number" or is_number:
            return next((channel for channel in _BY_NUMBER if channel in self.linking.spell), _BY_NUMBER[0])
        return "" if kind == "here" else kind

    def _spelled(self, channel: str) -> Address | None:
        named = self.said.named
        if named is None or channel not in self.linking.spell:
            return None
        text = named.text
        if named.kind is Kind.NUMBER and text.startswith("00"):
            text = f"+{text[2:]}"
        try:
            return self.linking.spell[channel](text)
        except ValueError:
            return None

    # --- unlink and forget ---

    def undo(self) -> _Answer:
        """A code to the address that asks, whatever is named: whoever reads there may do so, and nobody else.

        Who names an address that is not linked with this one is told the same.
        """
        theirs = list(self._theirs())
        if not self.linking.spell or (self.said.named is None and not theirs):
            return _move("none", "nothing of that kind is linked"), None
        if len(theirs) > 1:
            return _move("several", "more than one of that kind is linked"), None
        return None, Ask(
            purpose=self.said.purpose,
            by=self.written_on.id,
            target=self.written_on.address,
            about=theirs[0].id if theirs else None,
            source=self.said.source,
        )

    def _theirs(self) -> Iterator[KnownAddress]:
        """The addresses of theirs that are meant."""
        if self.said.named is not None:
            channel = self._channel()
            named = [self._spelled(one) for one in (_BY_NUMBER if channel in _BY_NUMBER else (channel,))]
            yield from [one for one in self.snapshot.addresses if one.address in named][:1]
            return
        if self.said.kind == "here":
            yield self.written_on
            return
        channels = _BY_NUMBER if self.said.kind == "number" else (self.said.kind,)
        meant = [one for one in self.snapshot.addresses if one.address.channel in channels]
        yield from [one for one in meant if one.id == self.written_on.id] or meant  # "my number", said from there


def _asked_for(channel: str) -> str:
    return "number" if channel in _BY_NUMBER else "email" if channel == "email" else "address"


def _not_written(channel: str) -> Move:
    facts = {"channel": channel}
    return Move(kind=MoveKind.CONFIRM, topic="channel_unknown", facts=facts, why="the company does not write there")


def _move(topic: str, why: str, **facts: str | Address) -> Move:
    told = {key: fact.value if isinstance(fact, Address) else fact for key, fact in facts.items()}
    return Move(kind=MoveKind.PROVE, topic=topic, facts=told, why=why)
