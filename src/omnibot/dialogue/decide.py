"""From what was said to a plan: what one reply does, where it goes, what was learned, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from functools import lru_cache
from itertools import takewhile

from omnibot.dialogue.articles import Article
from omnibot.dialogue.company import Company
from omnibot.dialogue.heard import (
    ARTICLE_CHOICE,
    BY_BUTTON,
    INTENT_CHOICE,
    Answered,
    Heard,
    WishSaid,
    chosen,
    listen,
)
from omnibot.dialogue.linking import asked, proven, shows_token, without_codes
from omnibot.dialogue.personal import Personal, fewer, spoken_of
from omnibot.dialogue.phrases import Alarm, Talk, Wish, noted
from omnibot.dialogue.playing import Chosen, Play, promise, which, which_key, which_of
from omnibot.dialogue.times_of_day import place_of
from omnibot.dialogue.world import World, signed_up, zone_of
from omnibot.model import (
    OUT_OF_SCOPE,
    AddressId,
    Attempt,
    CaseChange,
    CaseState,
    Change,
    Choice,
    Complexity,
    Detail,
    Direction,
    Expertise,
    KnownAddress,
    Length,
    Level,
    Manner,
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
    Value,
)
from omnibot.playbooks import Handoff

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
_SAYS_SORRY = frozenset({"upset", "serious"})  # hand-offs in whose words a feeling is seen
_BY_PLAYBOOK = frozenset({"escalated", "team"})  # hand-offs that a playbook wants
_OFTEN, _FELT = 3, 0.5  # contacts on one matter, and how much frustration, that call for a person
_MOST_RESOURCES = 2
_LONGEST_CONCERN = 300  # characters
_FEW_WORDS, _PRAISE = 8, 16  # words: who says more than it takes to say that it works, or is liked, may want more


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
        pressed = [self._as_pressed(message) for message in self.messages]
        heard = self._heard(pressed)
        confirms, changes = self._wishes(heard)
        wants, asks = asked(heard, self.written_on, self.snapshot, self.channels, self.company.linking)
        confirms = (*proven(self.snapshot, self.written_on, heard, self.messages), *wants, *confirms)
        preferences = _changed(self.snapshot.preferences, changes)
        kept = () if self._is_shared() else changes
        name = next((change.value for change in kept if change.key == "name"), self.snapshot.name)
        language = self._language(preferences, heard)
        world = self._world()
        manner = self._manner(preferences, language, world)
        meant = _meant(pressed)
        play = self._play(heard, meant, manner, world)
        said = self._substance(heard, changes, manner, play, world, confirmed=bool(confirms or asks))
        talk = () if said.moves else tuple(self._small_talk(heard, bool(confirms or asks), language))
        personal = self._personal(said, talk, manner, play, world)
        moves = (*confirms, *personal.before, *said.moves, *personal.behind, *talk)
        to, pointer = self._destination(manner.preferences, substance=bool(said.moves))
        if moves:
            greets = any(move.kind is MoveKind.GREET for move in moves)
            greeting = () if greets else tuple(self._greeting(heard))
            moves = (*greeting, *self._disclosure(to, (*greeting, *moves)), *moves)
        handoffs = [move for move in said.moves if move.kind is MoveKind.HANDOFF]
        handoff = "; ".join(filter(None, (handoff, *(move.why for move in handoffs))))
        return Plan(
            moves=moves,
            to=to if moves else None,
            pointer=pointer if moves else None,
            preferences=manner.preferences,
            name=name,
            language=language,
            changes=kept,
            handoff=handoff,
            confirms_stop=any(move.topic == "forgotten_here" for move in moves),
            unsolicited=not (self.snapshot.tried or any(map(shows_token, self.messages)))
            and all(message.answers is None for message in self.messages),
            asks=asks,
            team=said.rule.team if said.rule else "",
            priority=said.rule.priority if said.rule else "",
            case=self._case(said, play, meant, handed_off=bool(handoff)),
            level=manner.level,
            zone=world.zone,
            why=_reason(heard, moves),
        )

    def _world(self) -> World:
        assert self.written_on is not None
        zone = zone_of(self.snapshot, self.company.zone)
        return World(self.snapshot, self.reading, self.recollection, self.messages, self.written_on, zone)

    def _heard(self, pressed: Sequence[TurnMessage]) -> Heard:
        """What is said; START is an order to the server and opens a conversation, HELP is a word of the network."""
        spoken = [
            without_codes(self._as_first_asked(m), self.snapshot.tried)
            for m in pressed
            if not ({_FLAG_START, _FLAG_HELP} & {*m.flags} or m.own_number)
        ]
        heard = listen(spoken, self.company.knowledge, self.reading.language.value, self._said_before())
        if any(_FLAG_START in message.flags for message in self.messages):
            heard.talk.append(Talk.HELLO)
        if talk := self._no_matter(heard):
            heard.talk.append(talk)
            heard.asides += heard.unanswered
            heard.unanswered = []
        return heard

    def _no_matter(self, heard: Heard) -> Talk | None:
        """What a few words say that no form has and that nobody need answer: that they like it, or that it works."""
        if heard.answered or not heard.unanswered or self.reading.questions.value:
            return None
        words = sum(len(text.split()) for text in heard.unanswered)
        if any(text.rstrip().endswith("?") for text in heard.unanswered):
            return None
        intent, case = self.reading.intent, self.recollection.case
        wanted = intent.value if intent.known else ""
        another = wanted not in ("", OUT_OF_SCOPE, case.intent if case else "")
        if self.recollection.solved and words <= _FEW_WORDS and not another:
            return Talk.SOLVED
        playbook = self.company.playbooks.of(wanted) if wanted else None
        praises = playbook is not None and playbook.case == "none" and not playbook.decides
        return Talk.PRAISE if praises and words <= _PRAISE and self._mood() >= 0 else None

    def _as_first_asked(self, message: TurnMessage) -> TurnMessage:
        """Who says which of two was meant asks again what they asked before we did not know it."""
        if not message.pressed.startswith(INTENT_CHOICE):
            return message
        known = _address(self.snapshot, message.address)
        there = [one for one in reversed(self.recollection.recent) if known and one.address == known.address]
        offer = next((place for place, one in enumerate(there) if one.direction is Direction.OUT and one.choices), None)
        before = there[offer + 1 :] if offer is not None else []
        asked_first = list(takewhile(lambda one: one.direction is Direction.IN, before))
        text = "\n".join(one.text for one in reversed(asked_first))
        return replace(message, pressed="", text=text or message.text)

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
            if wish.wish is Wish.SHOWN:
                moves += self._noted(self._language(self.snapshot.preferences, heard))
                continue
            if wish.wish is Wish.RESET:
                moves.append(Move(kind=MoveKind.CONFIRM, topic="preferences_reset", why="asked to forget their wishes"))
                changes |= self._forgotten(wish)
                continue
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
            case Wish.QUIET | Wish.ZONE if not said.value:
                why = "named no time of day, or a zone that nobody knows"
                return Move(kind=MoveKind.CONFIRM, topic=f"{said.wish}_unclear", why=why)
            case _:
                value = "" if said.value == _NONE else said.value
                return Move(
                    kind=MoveKind.CONFIRM,
                    topic=_TOPICS.get((said.wish, said.value))
                    or _TOPICS.get((said.wish, ""))
                    or f"{said.wish}_{value}",
                    facts={"value": value, **_parts(said)},
                    why=f"asked for {said.wish} {said.value}",
                )

    def _forgotten(self, wish: WishSaid) -> dict[str, Change]:
        """What takes back all that was stated, and what was learned of how they write."""
        keys = [f"preference.{name}" for name in _VALUES if getattr(self.snapshot.preferences, name) is not None]
        return {key: Change(key=key, value="", source=wish.source) for key in (*keys, "habits")}

    def _noted(self, language: str) -> Iterator[Move]:
        """How they like to be answered: what they said, and what it seems."""
        preferences, stated = self.snapshot.preferences, self.snapshot.stated
        told: list[str] = []
        learned: list[str] = []
        for name in _VALUES:
            value = getattr(preferences, name)
            if value is None or not (text := noted(language, name, _as_told(value))):
                continue
            (told if name in stated or not self.snapshot.habits else learned).append(text)
        why = "asked what was noted of how they like to be answered"
        for topic, items in (("noted", told), ("noted_learned", learned)):
            if items:
                yield Move(kind=MoveKind.CONFIRM, topic=topic, facts={"items": tuple(items)}, why=why)
        if not (told or learned):
            yield Move(kind=MoveKind.CONFIRM, topic="noted_nothing", why=why)

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

    # --- how it is answered ---

    def _manner(self, preferences: Preferences, language: str, world: World) -> _Manner:
        """In which words and how personal: as they said, then as they seem to like it, then as they write."""
        level = min(self.company.level, preferences.level or Level.EMOTION)
        if self._is_shared():
            level = Level.NAME
        if level < Level.PREFERENCES and self.snapshot.habits:
            preferences = _stated(preferences, self.snapshot)
        if preferences.complexity is None and (complexity := self._complexity(world)):
            preferences = replace(preferences, complexity=complexity)
        register = preferences.register or self.company.registers.get(language, Register.CASUAL)
        return _Manner(preferences, level, language, register)

    def _complexity(self, world: World) -> Complexity | None:
        """No jargon for who is new here, and no detours for who knows what things are made of."""
        expertise = self.reading.expertise
        if expertise.known and expertise.value is Expertise.EXPERT:
            return Complexity.TECHNICAL
        if _is_beginner(self.reading) or signed_up(self.snapshot, world.now):
            return Complexity.PLAIN
        return None

    # --- what is answered ---

    def _play(self, heard: Heard, meant: str, manner: _Manner, world: World) -> Play | None:
        """The playbook to go by, if one says what to do: that of what is wanted, or of the matter they go on about."""
        if Alarm.SERIOUS in heard.alarms:
            return None
        intent, case = self.reading.intent, self.recollection.case
        wanted = ""
        if meant:
            wanted = meant
        elif intent.known and intent.value != OUT_OF_SCOPE:
            beside = bool(heard.asides) and not _CLOSING.intersection(heard.talk)  # "My name is Kate. I forgot …"
            wanted = intent.value if heard.matters or heard.person or beside else ""
        elif case is not None and not heard.answered and not self.recollection.is_contact:
            # What people have taken over is not begun anew by whatever else they write.
            wanted = case.intent if heard.unanswered and case.state is not CaseState.HANDED_OFF else ""
        if not wanted and case is not None and self._did_not_help(heard):
            wanted = case.intent
        playbook = self.company.playbooks.of(wanted) if wanted else None
        if playbook is None or not playbook.decides:
            return None
        return Play(playbook, world, self.company, manner.language, manner.register)

    def _did_not_help(self, heard: Heard) -> bool:
        return Talk.NOT_HELPED in heard.talk or self.recollection.solved is False

    def _substance(
        self,
        heard: Heard,
        changes: Sequence[Change],
        manner: _Manner,
        play: Play | None,
        world: World,
        *,
        confirmed: bool,
    ) -> _Said:
        """What the reply is about: what is answered or asked back, and who takes over."""
        followed = self._followed(play) if play else _Followed()
        answers, repeated = self._answers(heard, changes, manner.language, followed)
        question = followed.question
        if question is None and play is None and heard.unanswered and not answers:
            question = which(self.reading, self.company, manner.language, manner.register, self.recollection)
        handoffs = tuple(
            self._handoffs(heard, answers, repeated, followed, asks=question is not None, confirmed=confirmed)
        )
        rule = followed.rule or (play.otherwise() if play and handoffs else None)
        moves: tuple[Move, ...]
        if handoffs:
            handoffs = tuple(self._addressed(move, rule, manner, play) for move in handoffs)
            promised = promise(rule, self.company, manner.language, world) if rule else None
            people = (*handoffs, promised) if promised else handoffs
            people_first = any(move.topic in _PEOPLE_FIRST for move in handoffs)
            moves = (*people, *answers) if people_first else (*answers, *people)
            return _Said(moves, rule, followed, None)
        moves = (*answers, question) if question else answers
        return _Said(moves, None, followed, question)

    def _followed(self, play: Play) -> _Followed:
        """What a playbook comes to: people take over, or something is asked, or an article answers."""
        if found := play.handoff():
            return _Followed(rule=found[0], why=found[1], sources=found[2])
        if question := play.question():
            return _Followed(question=question)
        told = () if self._is_shared() else self._just_told()
        chosen, failed = play.answer(lambda article: _tells(told, article) or self._is_with_people(article))
        if chosen is None and failed:
            rule = play.otherwise() or next(iter(play.playbook.handoffs), None)
            titles = ", ".join(article.id for article in failed)
            was_told = any(_tells(told, article) for article in failed)
            return _Followed(rule=rule, failed=failed, why=f"was told {titles}, which did not help", was_told=was_told)
        return _Followed(chosen=chosen)

    def _is_with_people(self, article: Article) -> bool:
        """Whether people have taken a matter over in which an article was told: it is not told there again."""
        case = self.recollection.case
        if case is None or case.state is not CaseState.HANDED_OFF or self._is_shared():
            return False
        return any(attempt.what == f"article:{article.id}" for attempt in case.attempts)

    def _answers(
        self, heard: Heard, changes: Sequence[Change], language: str, followed: _Followed
    ) -> tuple[tuple[Move, ...], tuple[Article, ...]]:
        """The answers, and those articles that were told just before and did not help."""
        if Alarm.SERIOUS in heard.alarms:
            return (), ()
        if followed.speaks:
            return tuple(self._by_playbook(heard, language, followed)), ()
        told = self._just_told()
        asked_before = () if self._is_shared() else told  # by somebody else, perhaps
        repeated = tuple(a.article for a in heard.answered if _tells(asked_before, a.article))
        fresh = [a for a in heard.answered if a.article not in repeated]
        if not heard.answered and not heard.unanswered and any(map(self._asks_again, changes)):
            fresh = [Answered(a, "told again as just wished") for a in self._told_before(told)]
        return tuple(move for answered in fresh for move in self._answer(answered, language)), repeated

    def _by_playbook(self, heard: Heard, language: str, followed: _Followed) -> Iterator[Move]:
        """The article of a playbook, then what else was asked for in the same breath, or by a button."""
        if followed.rule is not None:
            return
        chosen = followed.chosen
        if chosen is not None:
            to_be_done = any(answered.to_be_done for answered in heard.answered)
            answered = Answered(chosen.article, chosen.why, to_be_done)
            yield from self._answer(answered, language, chosen.left_out, chosen.sources)
        several = len(heard.answered) > 1
        for answered in heard.answered:
            is_another = chosen is None or answered.article.id != chosen.article.id
            if is_another and (several or answered.why == BY_BUTTON):
                yield from self._answer(answered, language)

    def _answer(
        self,
        answered: Answered,
        language: str,
        left_out: Collection[int] = (),
        sources: tuple[str, ...] = (),
    ) -> Iterator[Move]:
        article = self.company.knowledge.article(answered.article.id, language) or answered.article
        facts = {
            "title": article.title,
            "language": article.language,
            "short": article.short,
            "detailed": article.detailed,
        }
        if article.technical:
            facts["technical"] = article.technical
        if steps := [step for place, step in enumerate(article.steps) if place not in left_out]:
            facts["steps"] = "\n".join(steps)
        for number, link in enumerate(article.links, 1):
            facts |= {f"link.{number}.label": link.label, f"link.{number}.url": link.url}
        for number, file in enumerate(article.files, 1):
            facts |= {f"file.{number}.{key}": str(getattr(file, key)) for key in _OF_A_FILE}
        if answered.to_be_done and article.steps:
            yield Move(kind=MoveKind.CONFIRM, topic="not_myself", why="asked us to do what only they can")
        sources = sources or (f"article:{article.id}",)
        yield Move(kind=MoveKind.ANSWER, topic=article.id, facts=facts, sources=sources, why=answered.why)

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

    def _handoffs(
        self,
        heard: Heard,
        answers: Sequence[Move],
        repeated: Sequence[Article],
        followed: _Followed,
        *,
        asks: bool,
        confirmed: bool,
    ) -> Iterator[Move]:
        """At most one hand-off: its topic is the reason that matters most to the customer."""
        reasons = []
        if Alarm.SERIOUS in heard.alarms:
            reasons.append(("serious", "spoke of fraud or the law"))
        if heard.person:
            reasons.append(("person", "asked for a person"))
        if followed.why:
            reasons.append((self._passed_on(heard, followed), followed.why))
        if self._is(Urgency.CRITICAL):
            reasons.append(("urgent", f"critical: {', '.join(map(str, self.reading.urgency.evidence))}"))
        elif self._is(Urgency.HIGH) and heard.matters:
            reasons.append(("urgent", f"urgent: {', '.join(map(str, self.reading.urgency.evidence))}"))
        if Alarm.UPSET in heard.alarms:
            reasons.append(("upset", "upset by their words"))
        elif heard.matters and self._mood() <= (_VERY_UPSET if answers else _UPSET):
            reasons.append(("upset", f"upset: {', '.join(map(str, self.reading.sentiment.evidence))}"))
        elif self._is_fed_up(heard):
            reasons.append(("upset", f"frustrated, and here for the same thing {self.recollection.contacts} times"))
        if any(message.attachments for message in self.messages):
            refused = any(_FLAG_FILE_REFUSED in message.flags for message in self.messages)
            reasons.append(("attachment", "sent a file that was refused" if refused else "sent a file"))
        if repeated:
            titles = ", ".join(article.id for article in repeated)
            reasons.append(
                ("unknown" if _asks_further(heard) else "repeat", f"was told {titles} just before and asks again")
            )
        elif Talk.NOT_HELPED in heard.talk and not followed.speaks:
            reasons.append(("repeat" if self._just_told() else "unknown", "what they were told did not help"))
        if _is_left(heard, covered=followed.speaks or asks):
            reasons.append(("rest" if answers or followed.speaks else "unknown", "no approved answer"))
        nothing = not (reasons or answers or asks or confirmed or heard.understood or followed.speaks)
        if nothing:
            reasons.append(("unclear", "nothing in it could be understood"))
        if reasons:
            why = "; ".join(why for _, why in reasons)
            yield Move(kind=MoveKind.HANDOFF, topic=reasons[0][0], sources=followed.sources, why=why)

    def _is_fed_up(self, heard: Heard) -> bool:
        frustration = self.reading.emotions.frustration
        often = self.recollection.contacts >= _OFTEN and heard.matters
        return often and frustration.known and frustration.value >= _FELT

    def _passed_on(self, heard: Heard, followed: _Followed) -> str:
        """Whether something was told in vain, or tried before, or is a matter for people from the beginning."""
        if followed.was_told:
            return "team" if _asks_further(heard) else "repeat"
        case = self.recollection.case
        again = self.recollection.contacts > 1 or followed.failed or (case is not None and case.attempts)
        return "escalated" if again else "team"

    def _addressed(self, move: Move, rule: Handoff | None, manner: _Manner, play: Play | None) -> Move:
        """A hand-off with the team that it goes to."""
        facts: dict[str, Value] = {}
        if rule and (team := self.company.teams.get(rule.team)):
            facts["team"] = team.name(manner.language)
        if play and move.topic in _BY_PLAYBOOK:
            facts |= spoken_of(play.playbook, manner.language, manner.register)
        move = replace(move, facts=facts) if facts else move
        return play.words(rule, move) if play and rule and move.topic in _BY_PLAYBOOK else move

    def _is(self, level: Urgency) -> bool:
        return self.reading.urgency.known and self.reading.urgency.value is level

    def _mood(self) -> float:
        return self.reading.sentiment.value if self.reading.sentiment.known else 0.0

    # --- what shows that they are known ---

    def _personal(
        self, said: _Said, talk: Sequence[Move], manner: _Manner, play: Play | None, world: World
    ) -> _Personal:
        """What stands before and behind what the reply is about, as much as helps and as they let us."""
        is_new = signed_up(self.snapshot, world.now) is not None
        if manner.level is Level.NAME or not (said.moves or talk) or (play is None and not is_new):
            return _Personal((), tuple(self._resources(said, manner, is_new=is_new)))
        playbook = play.playbook if play else None
        personal = Personal(world, self.company, playbook, manner.language, manner.register)
        before = list(personal.welcome())
        topics = {move.topic for move in said.moves if move.kind is MoveKind.HANDOFF}
        cause = play.cause() if play and not topics else None
        if play and said.moves:
            if not topics & _SAYS_SORRY:
                unfit = {"glad"} if topics else {"sorry"} if cause else set()  # of what they did nobody is sorry
                before += (move for move in personal.mood() if move.topic not in unfit)
            before += personal.history()
        behind: list[Move] = []
        if play and not topics:
            before += filter(None, [cause])
            behind += filter(None, [play.next() if said.followed.chosen else None])
        brief = manner.preferences.length is Length.SHORT and not topics  # whoever takes over, what was tried is told
        kept = fewer([*before, *behind], manner.level, brief=brief)
        return _Personal(
            tuple(move for move in kept if move.kind is not MoveKind.NEXT),
            (*(move for move in kept if move.kind is MoveKind.NEXT), *self._resources(said, manner, is_new=is_new)),
        )

    def _resources(self, said: _Said, manner: _Manner, *, is_new: bool) -> Iterator[Move]:
        """Where to read on, for who begins; two of them, since more are none."""
        if not (is_new or _is_beginner(self.reading)) or manner.preferences.length is Length.SHORT:
            return
        answered = [move.topic for move in said.moves if move.kind is MoveKind.ANSWER]
        article = self.company.knowledge.article(answered[0], manner.language) if answered else None
        if article is None:
            return
        told = {link.url for link in article.links}
        links = [link for link in article.resources if link.url not in told][:_MOST_RESOURCES]
        if not links:
            return
        facts: dict[str, Value] = {}
        for number, link in enumerate(links, 1):
            facts |= {f"link.{number}.label": link.label, f"link.{number}.url": link.url}
        facts["count"] = len(links)
        yield Move(
            kind=MoveKind.RESOURCES,
            topic="links",
            facts=facts,
            sources=(f"article:{article.id}",),
            why="begins with it",
        )

    def _disclosure(self, to: KnownAddress | None, moves: Sequence[Move]) -> Iterator[Move]:
        """That a machine speaks, on each channel once: where never anything was said, the greeting says it."""
        if to is None or any(move.kind is MoveKind.GREET and move.topic == "first" for move in moves):
            return
        channel = to.address.channel
        for one in reversed(self.snapshot.timeline or self.recollection.recent):
            if one.direction is Direction.OUT and not one.by and one.address.channel == channel:
                return
        yield Move(kind=MoveKind.DISCLOSE, topic="machine", why=f"the first that we say on {channel}")

    # --- what becomes of the matter ---

    def _case(self, said: _Said, play: Play | None, meant: str, *, handed_off: bool) -> CaseChange | None:
        """That people have it, that it waits for an answer to our question, or which it is; all else is memory's."""
        case, question = self.recollection.case, said.question
        if not handed_off and question is None and not (meant and play):
            return None
        intent = play.playbook.intent if play else self._intent()
        offered = case is not None and bool(meant) and any(meant in which_of(key) for key in case.asked)
        if case is not None and intent not in ("", case.intent) and play is not None and not offered:
            case = None  # another matter than it seemed
        intent = intent or (case.intent if case else "")
        if not intent:
            return None
        label = self.company.playbooks.topics.get(intent, "")
        topic = next((entity.value for entity in self.reading.entities if entity.label == label), "")
        told = [move.topic for move in said.moves if move.kind is MoveKind.ANSWER]
        now, asked_already = self.messages[-1].at, case.asked if case else ()
        source = f"message:{self.messages[-1].id}"
        return CaseChange(
            id=case.id if case else None,
            intent=intent,
            topic=(case.topic if case else "") or topic,
            state=CaseState.HANDED_OFF if handed_off else CaseState.WAITING,
            contact=self.recollection.is_contact,
            concern=_clipped(" ".join(message.text for message in self.messages if message.text)),
            asked=(*asked_already, which_key(question)) if question else asked_already,
            attempts=tuple(Attempt(what=f"article:{id_}", by="bot", at=now, source=source) for id_ in told),
            why="people take over" if handed_off else "waits for them: it was asked or answered",
        )

    def _intent(self) -> str:
        intent = self.reading.intent
        return intent.value if intent.value != OUT_OF_SCOPE and (intent.known or not self.recollection.case) else ""

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


@dataclass(slots=True)
class _Manner:
    """How one reply is put."""

    preferences: Preferences
    level: Level
    language: str
    register: Register


@dataclass(slots=True)
class _Followed:
    """What a playbook comes to in one turn."""

    chosen: Chosen | None = None
    question: Move | None = None
    rule: Handoff | None = None  # by which people take over
    failed: tuple[Article, ...] = ()  # told before, and no help
    was_told: bool = False  # one of them just now
    why: str = ""  # people take over
    sources: tuple[str, ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether it has something to say to what was asked."""
        return bool(self.chosen or self.question or self.why)


@dataclass(slots=True)
class _Said:
    """What a reply is about."""

    moves: tuple[Move, ...]
    rule: Handoff | None
    followed: _Followed
    question: Move | None


@dataclass(slots=True)
class _Personal:
    """What stands around it."""

    before: tuple[Move, ...] = ()
    behind: tuple[Move, ...] = ()


_BY_WEIGHT = (
    Talk.WHO_ARE_YOU,
    Talk.WHAT_CAN_YOU_DO,
    Talk.HOW_ARE_YOU,
    Talk.LIGHT,
    Talk.SOLVED,
    Talk.PRAISE,
    Talk.THANKS,
    Talk.GOODBYE,
    Talk.HELLO,
    Talk.NOTED,
)
_CLOSING = {Talk.SOLVED, Talk.PRAISE, Talk.THANKS, Talk.GOODBYE}


def _changed(preferences: Preferences, changes: Sequence[Change]) -> Preferences:
    """As they are with what was wished just now; an empty value takes one back."""
    wished = {change.key.removeprefix("preference."): change.value for change in changes}
    values = {name: read(wished[name]) for name, read in _VALUES.items() if name in wished}
    return replace(preferences, **values) if values else preferences  # type: ignore[arg-type]


_VALUES: Mapping[str, Callable[[str], object]] = {
    "channel": lambda value: value or None,
    "register": lambda value: Register(value) if value else None,
    "length": lambda value: Length(value) if value else None,
    "language": lambda value: value or None,
    "manner": lambda value: Manner(value) if value else None,
    "detail": lambda value: Detail(value) if value else None,
    "complexity": lambda value: Complexity(value) if value else None,
    "emoji": lambda value: value == "yes" if value else None,
    "zone": lambda value: value or None,
    "quiet": lambda value: value or None,
    "level": lambda value: Level(int(value)) if value else None,
}


def _stated(preferences: Preferences, snapshot: Snapshot) -> Preferences:
    """Those alone that they told us."""
    kept = {name: getattr(preferences, name) for name in _VALUES if name in snapshot.stated}
    wished = {
        name: getattr(preferences, name)
        for name in _VALUES
        if getattr(preferences, name) != getattr(snapshot.preferences, name)
    }
    return Preferences(**kept | wished)


_NONE = "none"  # the value of a wish that takes one back
_TOPICS = {
    (Wish.LANGUAGE, ""): "language_set",
    (Wish.EMOJI, "yes"): "emoji_on",
    (Wish.EMOJI, "no"): "emoji_off",
    (Wish.LEVEL, "1"): "level_low",
    (Wish.LEVEL, "5"): "level_full",
    (Wish.QUIET, _NONE): "quiet_none",
    (Wish.QUIET, ""): "quiet_set",
    (Wish.ZONE, ""): "zone_set",
}


def _parts(said: WishSaid) -> dict[str, Value]:
    """What the confirmation of a wish names besides its value."""
    if said.wish is Wish.QUIET and said.value != _NONE:
        begins, _, ends = said.value.partition("-")
        return {"begins": begins, "ends": ends}
    return {"place": place_of(said.value)} if said.wish is Wish.ZONE else {}


def _as_told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value.value) if isinstance(value, Enum) else str(value)


def _is_beginner(reading: Reading) -> bool:
    return reading.expertise.known and reading.expertise.value is Expertise.NOVICE


def _meant(messages: Sequence[TurnMessage]) -> str:
    """The intent that a choice says was meant, the last one."""
    chosen_ = (m.pressed.removeprefix(INTENT_CHOICE) for m in reversed(messages) if m.pressed.startswith(INTENT_CHOICE))
    return next(chosen_, "")


def _is_left(heard: Heard, *, covered: bool) -> bool:
    """Whether something was asked that nothing answers: a playbook covers the one thing that is wanted, no second."""
    if heard.left:
        return True
    if not covered:
        return bool(heard.unanswered)
    return sum(text.rstrip().endswith("?") for text in heard.unanswered) > 1


def _asks_further(heard: Heard) -> bool:
    """Whether they are content with what they were told, and want to know more."""
    return Talk.THANKS in heard.talk and Talk.NOT_HELPED not in heard.talk


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_CONCERN else f"{text[: _LONGEST_CONCERN - 1]}…"


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
