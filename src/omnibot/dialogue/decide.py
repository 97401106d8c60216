"""From what was said to a plan: what one reply does, where it goes, what was learned, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from omnibot.dialogue.articles import Article
from omnibot.dialogue.company import Company
from omnibot.dialogue.heard import ARTICLE_CHOICE, Answered, Heard, WishSaid, chosen, listen
from omnibot.dialogue.linking import asked, proven, shows_token, without_codes
from omnibot.dialogue.phrases import Alarm, Talk, Wish
from omnibot.model import (
    AddressId,
    Change,
    Choice,
    Direction,
    KnownAddress,
    Length,
    Move,
    MoveKind,
    Plan,
    Preferences,
    Reading,
    Recollection,
    Register,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
)

__all__ = ["decide"]

_NEW_CONVERSATION = timedelta(hours=8)  # after such a silence people greet each other again
_JUST_TOLD = timedelta(hours=24)  # within which the same answer again is no help
_UPSET = -0.4  # compound
_VERY_UPSET = -0.5  # from which an answer alone will not do: "error" and "problem" are said calmly, too
_PEOPLE_FIRST = frozenset({"serious", "urgent", "upset"})  # hand-offs that stand before what may help meanwhile
_FLAG_STOP, _FLAG_START, _FLAG_ALREADY, _FLAG_STAFF_ONLY = "stop", "start", "already", "staff_only"
_FLAG_FILE_REFUSED = "file_refused"
_FLAG_HELP, _FLAG_NETWORK = "help", "network"  # asked by the network's own word; answered by the network itself
_TOPICS_OFFERED = 5
_SAID_BEFORE = 3  # messages that an address alone may complete
_OPENINGS_REMEMBERED = 1000  # of articles
_OF_A_FILE = ("name", "media_type", "size", "ref")


def decide(
    snapshot: Snapshot,
    reading: Reading,
    recollection: Recollection,
    messages: Sequence[TurnMessage],
    company: Company,
    channels: Collection[str],
) -> Plan:
    """Decide about a whole turn: several messages that arrived together are one.

    `channels` are those that replies can leave by. The same arguments give the same plan.
    """
    orders = _orders(messages)
    snapshot = _as_ordered(snapshot, orders)
    if closed := [address for address, order in orders.items() if order.stops and order.changed]:
        return _stopped(_silent(snapshot, reading), _address(snapshot, closed[-1]), messages)
    for_staff = [message for message in messages if _FLAG_STAFF_ONLY in message.flags]
    for_us = [m for m in messages if not m.automatic and _FLAG_STAFF_ONLY not in m.flags and not _is_settled(m, orders)]
    handoff = "a message that only staff may see" if for_staff else ""
    if not for_us:
        return replace(_silent(snapshot, reading), handoff=handoff, why=_why_silent(messages) or handoff)

    written_on = _address(snapshot, for_us[-1].address)
    turn = _Turn(snapshot, reading, recollection, for_us, company, channels, written_on, orders)
    plan = turn.plan(handoff)
    return _unsaid(plan) if plan.to is not None and plan.to.stopped else plan


def _silent(snapshot: Snapshot, reading: Reading) -> Plan:
    return Plan(name=snapshot.name, preferences=snapshot.preferences, language=reading.language.value)


def _why_silent(messages: Sequence[TurnMessage]) -> str:
    for message in messages:
        if message.automatic:
            return f"not to be answered: {message.automatic}"
        if _FLAG_NETWORK in message.flags:
            return "its network has answered this word"
        if _FLAG_STOP in message.flags:
            return "STOP again: it was confirmed before"
    return ""


def _address(snapshot: Snapshot, id_: AddressId) -> KnownAddress | None:
    return next((address for address in snapshot.addresses if address.id == id_), None)


# --- STOP and START ---


@dataclass(frozen=True, slots=True)
class _Order:
    """What the STOPs and STARTs of a turn come to for one address."""

    stops: bool
    changed: bool  # something, on the way, that nobody has confirmed yet


def _orders(messages: Sequence[TurnMessage]) -> dict[AddressId, _Order]:
    """The last order for each address, in the order in which they were committed: the gate goes by that, too.

    Only the flag of the first one tells how the address was before: those of others may be as old.
    """
    orders: dict[AddressId, _Order] = {}
    flagged = [message for message in messages if {_FLAG_STOP, _FLAG_START} & {*message.flags}]
    for message in sorted(flagged, key=lambda message: message.id):
        stops, before = _FLAG_STOP in message.flags, orders.pop(message.address, None)
        changed = before.changed or before.stops != stops if before else _FLAG_ALREADY not in message.flags
        orders[message.address] = _Order(stops, changed and _FLAG_NETWORK not in message.flags)
    return orders


def _as_ordered(snapshot: Snapshot, orders: Mapping[AddressId, _Order]) -> Snapshot:
    """A customer with their addresses opened and closed as this turn says."""
    if not orders:
        return snapshot
    addresses = (replace(a, stopped=orders[a.id].stops) if a.id in orders else a for a in snapshot.addresses)
    return replace(snapshot, addresses=tuple(addresses))


def _is_settled(message: TurnMessage, orders: Mapping[AddressId, _Order]) -> bool:
    """Whether it is an order that changes nothing, that a later one has overruled, or that its network answers."""
    if {_FLAG_STOP, _FLAG_NETWORK} & {*message.flags}:
        return True
    return _FLAG_START in message.flags and orders[message.address].stops


def _stopped(silent: Plan, closed: KnownAddress | None, messages: Sequence[TurnMessage]) -> Plan:
    """STOP is confirmed once, and nothing else is said there; what else was written goes to people."""
    besides = any(not ({_FLAG_STOP, _FLAG_START} & {*m.flags}) and not m.automatic for m in messages)
    handoff = "wrote something else besides STOP" if besides else ""
    if closed is None:
        return replace(silent, handoff=handoff, why="STOP for an address that is not theirs any more")
    confirm = Move(kind=MoveKind.CONFIRM, topic="stopped", why="asked not to be written to here")
    return replace(
        silent, moves=(confirm,), to=closed, confirms_stop=True, handoff=handoff, why="STOP is confirmed once"
    )


def _unsaid(plan: Plan) -> Plan:
    """What would go to an address that said STOP is left to people; a goodbye needs nobody."""
    kinds = {move.kind for move in plan.moves}
    if MoveKind.CLOSE in kinds and kinds <= {MoveKind.CLOSE, MoveKind.GREET}:
        handoff = plan.handoff
    else:
        handoff = "; ".join(filter(None, ("wrote after STOP", plan.handoff)))
    return replace(plan, moves=(), asks=(), to=None, pointer=None, handoff=handoff, why=f"wrote after STOP; {plan.why}")


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a plan is made from."""

    snapshot: Snapshot
    reading: Reading
    recollection: Recollection
    messages: Sequence[TurnMessage]
    company: Company
    channels: Collection[str]
    written_on: KnownAddress | None
    orders: Mapping[AddressId, _Order]

    def plan(self, handoff: str) -> Plan:
        if self.written_on is None:
            return Plan(
                name=self.snapshot.name,
                preferences=self.snapshot.preferences,
                language=self.reading.language.value,
                handoff="written from an address that is not theirs any more",
                why="no address of theirs to answer on",
            )
        heard = self._heard()
        confirms, changes = self._wishes(heard)
        wants, asks = asked(heard, self.written_on, self.snapshot, self.channels, self.company.linking)
        confirms = (*proven(self.snapshot, self.written_on, heard, self.messages), *wants, *confirms)
        preferences = _changed(self.snapshot.preferences, changes)
        kept = () if self._is_shared() else changes
        name = next((change.value for change in kept if change.key == "name"), self.snapshot.name)
        language = self._language(preferences, heard)
        answers, repeated = ((), ()) if Alarm.SERIOUS in heard.alarms else self._answers(heard, changes, language)
        handoffs = tuple(self._handoffs(heard, bool(answers), repeated, bool(confirms or asks)))
        talk = () if answers or handoffs else tuple(self._small_talk(heard, bool(confirms or asks), language))
        people_first = any(move.topic in _PEOPLE_FIRST for move in handoffs)
        substance = (*handoffs, *answers) if people_first else (*answers, *handoffs)
        moves = (*confirms, *substance, *talk)
        if moves and not any(move.kind is MoveKind.GREET for move in moves):
            moves = (*self._greeting(heard), *moves)
        to, pointer = self._destination(preferences, substance=bool(answers or handoffs))
        return Plan(
            moves=moves,
            to=to if moves else None,
            pointer=pointer if moves else None,
            preferences=preferences,
            name=name,
            language=language,
            changes=kept,
            handoff="; ".join(filter(None, (handoff, *(move.why for move in handoffs)))),
            confirms_stop=any(move.topic == "forgotten_here" for move in moves),
            unsolicited=not (self.snapshot.tried or any(map(shows_token, self.messages)))
            and all(message.answers is None for message in self.messages),
            asks=asks,
            why=_reason(heard, moves),
        )

    def _heard(self) -> Heard:
        """What is said; START is an order to the server and opens a conversation, HELP is a word of the network."""
        spoken = [
            without_codes(self._as_pressed(m), self.snapshot.tried)
            for m in self.messages
            if not ({_FLAG_START, _FLAG_HELP} & {*m.flags} or m.own_number)
        ]
        heard = listen(spoken, self.company.knowledge, self.reading.language.value, self._said_before())
        if any(_FLAG_START in message.flags for message in self.messages):
            heard.talk.append(Talk.HELLO)
        return heard

    def _said_before(self) -> Sequence[str]:
        """What they wrote last where they write now, the latest first."""
        there = self.written_on and self.written_on.address
        said = [m.text for m in self.recollection.recent if m.direction is Direction.IN and m.address == there]
        return said[: -_SAID_BEFORE - 1 : -1]

    def _as_pressed(self, message: TurnMessage) -> TurnMessage:
        """The number or the words of a choice that we offered there last count as if it had been pressed."""
        choice = None if message.pressed else chosen(message.text, self._offered_on(message.address))
        return replace(message, pressed=choice.value) if choice else message

    def _offered_on(self, address: AddressId) -> Sequence[Choice]:
        """By the latest message there; () when it is theirs, or offers nothing."""
        known = _address(self.snapshot, address)
        there = (m for m in reversed(self.recollection.recent) if known and m.address == known.address)
        latest = next(there, None)
        return latest.choices if latest else ()

    # --- in which language ---

    def _language(self, preferences: Preferences, heard: Heard) -> str:
        """Stated, else read, else that of a "hola" too short to be read."""
        if preferences.language:
            return preferences.language
        if heard.language and (not self.reading.language.known or self._few_words()):
            return heard.language
        return self.reading.language.value

    def _few_words(self) -> bool:
        return sum(len(message.text.split()) for message in self.messages) < 3

    # --- what is wished ---

    def _wishes(self, heard: Heard) -> tuple[tuple[Move, ...], tuple[Change, ...]]:
        moves: list[Move] = []
        changes: dict[str, Change] = {}
        if heard.name:
            name, source = heard.name
            changes["name"] = Change(key="name", value=name, source=source)
            moves.append(Move(kind=MoveKind.CONFIRM, topic="name_set", why="asked to be called so"))
        for wish in {wish.wish: wish for wish in heard.wishes}.values():  # the last of its kind holds
            move = self._granted(wish)
            moves.append(move)
            if "value" in move.facts:
                key = f"preference.{wish.wish}"
                changes[key] = Change(key=key, value=str(move.facts["value"]), source=wish.source)
        if any(_FLAG_START in m.flags and self.orders[m.address].changed for m in self.messages):
            moves.append(Move(kind=MoveKind.CONFIRM, topic="started", why="asked to be written to again"))
        if any(_FLAG_HELP in message.flags for message in self.messages):
            moves.append(Move(kind=MoveKind.CONFIRM, topic="reach", why="sent the network's word for help"))
        return tuple(self._as_kept(moves, heard)), tuple(changes.values())

    def _is_shared(self) -> bool:
        return self.written_on is not None and self.written_on.shared

    def _as_kept(self, confirms: Sequence[Move], heard: Heard) -> Sequence[Move]:
        """Where several people write, a wish holds for the one reply, and that is said instead of a promise."""
        promises = [move for move in confirms if move.topic == "name_set" or "value" in move.facts]
        if not (promises and self._is_shared()):
            return confirms
        topic = "for_once" if heard.matters and not heard.name else "not_kept"
        instead = Move(kind=MoveKind.CONFIRM, topic=topic, why="several people write from there")
        return [*(move for move in confirms if move not in promises), instead]

    def _granted(self, said: WishSaid) -> Move:
        """The confirmation of a wish, with its value where it can be granted."""
        match said.wish:
            case Wish.CHANNEL:
                return self._channel_wish(said.value)
            case Wish.LANGUAGE if said.value not in self.company.knowledge.languages:
                return Move(
                    kind=MoveKind.CONFIRM,
                    topic="language_missing",
                    facts={"language": said.value},
                    why="a language that we do not write",
                )
            case _:
                return Move(
                    kind=MoveKind.CONFIRM,
                    topic=f"{said.wish}_{said.value}" if said.wish is not Wish.LANGUAGE else "language_set",
                    facts={"value": said.value},
                    why=f"asked for {said.wish} {said.value}",
                )

    def _channel_wish(self, wanted: str) -> Move:
        assert self.written_on is not None
        channel = self.written_on.address.channel if wanted == "here" else wanted
        facts = {"channel": channel}
        if self._usable(channel) or channel == self.written_on.address.channel:
            topic, facts["value"], why = "channel_set", channel, "asked for that channel"
        elif any(a.address.channel == channel and a.id in self.snapshot.trusted for a in self.snapshot.addresses):
            topic, why = "channel_unusable", "their address there cannot be written to now"
        elif channel not in self.channels:
            topic, why = "channel_unknown", "the company does not write on that channel"
        else:
            topic, why = "channel_missing", "no address of theirs on that channel is known"
        return Move(kind=MoveKind.CONFIRM, topic=topic, facts=facts, why=why)

    # --- what is answered ---

    def _answers(
        self, heard: Heard, changes: Sequence[Change], language: str
    ) -> tuple[tuple[Move, ...], tuple[Article, ...]]:
        """The answers, and those articles that were told just before and did not help."""
        told = self._just_told()
        asked_before = () if self._is_shared() else told  # by somebody else, perhaps
        repeated = tuple(a.article for a in heard.answered if _tells(asked_before, a.article))
        fresh = [a for a in heard.answered if a.article not in repeated]
        if not heard.answered and not heard.unanswered and any(map(self._asks_again, changes)):
            fresh = [Answered(a, "told again as just wished") for a in self._told_before(told)]
        return tuple(move for answered in fresh for move in self._answer(answered, language)), repeated

    def _answer(self, answered: Answered, language: str) -> Iterator[Move]:
        article = self.company.knowledge.article(answered.article.id, language) or answered.article
        facts = {
            "title": article.title,
            "language": article.language,
            "short": article.short,
            "detailed": article.detailed,
        }
        if article.steps:
            facts["steps"] = "\n".join(article.steps)
        for number, link in enumerate(article.links, 1):
            facts |= {f"link.{number}.label": link.label, f"link.{number}.url": link.url}
        for number, file in enumerate(article.files, 1):
            facts |= {f"file.{number}.{key}": str(getattr(file, key)) for key in _OF_A_FILE}
        if answered.to_be_done and article.steps:
            yield Move(kind=MoveKind.CONFIRM, topic="not_myself", why="asked us to do what only they can")
        yield Move(kind=MoveKind.ANSWER, topic=article.id, facts=facts, why=answered.why)

    def _just_told(self) -> Sequence[str]:
        """What we said last, since they wrote before this turn."""
        now, told = self.messages[0].at, []
        for message in reversed(self.recollection.recent):
            if message.direction is Direction.IN or now - message.at > _JUST_TOLD:
                break
            told.append(" ".join(message.text.split()))
        return told

    def _asks_again(self, change: Change) -> bool:
        """Whether a wish right after an answer is about that answer: "more detail please", "in Spanish please"."""
        before = self.snapshot.preferences
        if change.key == "preference.language":
            return change.value != (before.language or self.reading.language.value)
        return change.key == "preference.length" and change.value == Length.DETAILED != before.length

    def _told_before(self, told: Sequence[str]) -> list[Article]:
        articles = {a.id: a for a in self.company.knowledge.articles if _tells(told, a)}
        return list(articles.values())[:1]

    # --- what people take over ---

    def _handoffs(self, heard: Heard, answers: bool, repeated: Sequence[Article], confirms: bool) -> Iterator[Move]:
        """At most one hand-off: its topic is the reason that matters most to the customer."""
        reasons = []
        if Alarm.SERIOUS in heard.alarms:
            reasons.append(("serious", "spoke of fraud or the law"))
        if heard.person:
            reasons.append(("person", "asked for a person"))
        if self._is(Urgency.CRITICAL):
            reasons.append(("urgent", f"critical: {', '.join(map(str, self.reading.urgency.evidence))}"))
        elif self._is(Urgency.HIGH) and heard.matters:
            reasons.append(("urgent", f"urgent: {', '.join(map(str, self.reading.urgency.evidence))}"))
        if Alarm.UPSET in heard.alarms:
            reasons.append(("upset", "upset by their words"))
        elif heard.matters and self._mood() <= (_VERY_UPSET if answers else _UPSET):
            reasons.append(("upset", f"upset: {', '.join(map(str, self.reading.sentiment.evidence))}"))
        if any(message.attachments for message in self.messages):
            refused = any(_FLAG_FILE_REFUSED in message.flags for message in self.messages)
            reasons.append(("attachment", "sent a file that was refused" if refused else "sent a file"))
        if repeated:
            titles = ", ".join(article.id for article in repeated)
            contented = Talk.THANKS in heard.talk and Talk.NOT_HELPED not in heard.talk  # they ask further
            reasons.append(("unknown" if contented else "repeat", f"was told {titles} just before and asks again"))
        elif Talk.NOT_HELPED in heard.talk:
            reasons.append(("repeat" if self._just_told() else "unknown", "what they were told did not help"))
        if heard.unanswered:
            reasons.append(("rest" if answers else "unknown", "no approved answer"))
        nothing = not (reasons or answers or confirms or heard.understood)
        if nothing:
            reasons.append(("unclear", "nothing in it could be understood"))
        if reasons:
            yield Move(kind=MoveKind.HANDOFF, topic=reasons[0][0], why="; ".join(why for _, why in reasons))

    def _is(self, level: Urgency) -> bool:
        return self.reading.urgency.known and self.reading.urgency.value is level

    def _mood(self) -> float:
        return self.reading.sentiment.value if self.reading.sentiment.known else 0.0

    # --- small talk ---

    def _small_talk(self, heard: Heard, confirms: bool, language: str) -> Iterator[Move]:
        """One answer to small talk, where nothing weightier is said."""
        if confirms:
            return
        talk = next((kind for kind in _BY_WEIGHT if kind in heard.talk), None)
        if talk is None or (talk is Talk.NOTED and self._spoke_last()):
            return  # "ok" after our answer wants no other
        if talk is Talk.NOTED:
            talk = Talk.HELLO
        if talk is not Talk.WHO_ARE_YOU and self._is_first():
            yield from self._greeting(heard)
        kind = MoveKind.CLOSE if talk in _CLOSING else MoveKind.GREET
        facts: Mapping[str, str] = self._offered(language) if talk is Talk.WHAT_CAN_YOU_DO else {}
        yield Move(kind=kind, topic=talk.value, facts=facts, why=f"small talk: {talk.value}")

    def _offered(self, language: str) -> dict[str, str]:
        """Some titles of articles, by the choice that asks for them."""
        written_in = (
            language if language in self.company.knowledge.languages else self.company.knowledge.company_language
        )
        articles = [article for article in self.company.knowledge.articles if article.language == written_in]
        return {f"choice.{ARTICLE_CHOICE}{a.id}": a.title for a in articles[:_TOPICS_OFFERED]}

    def _greeting(self, heard: Heard) -> Iterator[Move]:
        if self._is_first():
            yield Move(kind=MoveKind.GREET, topic="first", why="never met before")
        elif self._is_shared() and self._is_new_conversation():
            yield Move(kind=MoveKind.GREET, topic="first", why="several people write from there: perhaps another one")
        elif self._is_new_conversation() or Talk.HELLO in heard.talk:
            yield Move(kind=MoveKind.GREET, topic="opening", why="the conversation begins")

    def _is_first(self) -> bool:
        return not any(message.direction is Direction.OUT for message in self.recollection.recent)

    def _is_new_conversation(self) -> bool:
        recent = self.recollection.recent
        return not recent or self.messages[0].at - recent[-1].at > _NEW_CONVERSATION

    def _spoke_last(self) -> bool:
        recent: Sequence[TimelineMessage] = self.recollection.recent
        return bool(recent) and recent[-1].direction is Direction.OUT

    # --- where to ---

    def _destination(
        self, preferences: Preferences, *, substance: bool
    ) -> tuple[KnownAddress | None, KnownAddress | None]:
        """The preferred address, and the one written from when a pointer must stand there.

        Small talk and confirmations stay where they were begun: nobody wants "You're welcome" by email.
        """
        preferred = self._usable(preferences.channel) if preferences.channel and substance else None
        if preferred is None or self.written_on is None or preferred.address.channel == self.written_on.address.channel:
            return self.written_on, None
        silenced = self.written_on.stopped or self.written_on.unreachable
        return preferred, None if silenced else self.written_on

    def _usable(self, channel: str) -> KnownAddress | None:
        return self.snapshot.on(channel) if channel in self.channels else None


_BY_WEIGHT = (
    Talk.WHO_ARE_YOU,
    Talk.WHAT_CAN_YOU_DO,
    Talk.HOW_ARE_YOU,
    Talk.LIGHT,
    Talk.SOLVED,
    Talk.THANKS,
    Talk.GOODBYE,
    Talk.HELLO,
    Talk.NOTED,
)
_CLOSING = {Talk.SOLVED, Talk.THANKS, Talk.GOODBYE}


def _changed(preferences: Preferences, changes: Sequence[Change]) -> Preferences:
    if not changes:
        return preferences
    values = {change.key.removeprefix("preference."): change.value for change in changes}
    return Preferences(
        channel=values.get("channel", preferences.channel),
        register=Register(values["register"]) if "register" in values else preferences.register,
        length=Length(values["length"]) if "length" in values else preferences.length,
        language=values.get("language", preferences.language),
    )


def _tells(told: Sequence[str], article: Article) -> bool:
    """Whether we just said what an article says, at either depth."""
    openings = (_opening(article.short), _opening(article.detailed))
    return any(opening in text for text in told for opening in openings)


@lru_cache(_OPENINGS_REMEMBERED)
def _opening(text: str) -> str:
    return " ".join(text.split())[:80]


def _reason(heard: Heard, moves: Sequence[Move]) -> str:
    if not moves:
        return "nothing in it wants an answer"
    asides = f"; not answered as an aside: {len(heard.asides)}" if heard.asides else ""
    return "; ".join(dict.fromkeys(move.why for move in moves)) + asides
