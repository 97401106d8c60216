"""Why people take over, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from omnibot.dialogue.articles import Article
from omnibot.dialogue.following import Followed
from omnibot.dialogue.heard import Heard, is_asked, sentences
from omnibot.dialogue.manner import Manner
from omnibot.dialogue.orders import START
from omnibot.dialogue.personal import spoken_of
from omnibot.dialogue.phrases import Alarm, Talk, goes_on
from omnibot.dialogue.playing import Play
from omnibot.dialogue.told import just_told
from omnibot.dialogue.turn import Turn
from omnibot.dialogue.words import Passage
from omnibot.model import Move, MoveKind, Signal, Urgency, Value
from omnibot.model.values import replaced
from omnibot.playbooks import Handoff

__all__ = ["SAYS_SORRY", "WAITING", "addressed", "comes_first", "handoff"]

SAYS_SORRY = frozenset({"upset", "serious"})  # topics in whose words a feeling is seen
_FIRST = frozenset({"serious", "urgent", "upset"})  # that stand before what may help meanwhile
_BY_PLAYBOOK = frozenset({"escalated", "team"})  # that a playbook wants
WAITING = "waiting"  # for what people have already
_FILE_REFUSED = "file_refused"  # flag of a message
_UPSET = -0.4  # compound
_VERY_UPSET = -0.5  # from which an answer alone will not do: "error" and "problem" are said calmly, too
_OFTEN, _FELT = 3, 0.5  # contacts on one matter, and how much frustration, that call for a person

_ASKS_AFTER = frozenset({Talk.HELLO, Talk.THERE})

_Reason = tuple[str, str]  # a topic, and why


def handoff(
    turn: Turn,
    heard: Heard,
    answers: Sequence[Move],
    repeated: Sequence[Article],
    followed: Followed,
    *,
    asks: bool,
    confirmed: bool,
) -> Move | None:
    """A hand-off, where people are to take over: its topic is the reason that matters most to the customer.

    `repeated` were told just before. `asks` and `confirmed` tell whether the reply asks or confirms something.
    """
    reasons: list[_Reason] = []
    if heard.alarms or heard.person:
        reasons += _by_their_words(heard)
    if followed.why:
        topic = WAITING if followed.waits else _passed_on(turn, heard, followed)
        reasons.append((topic, followed.why))
    reasons += _by_feeling(turn, heard, answers)
    if any([message.attachments for message in turn.messages]):
        reasons.append(("attachment", "sent a file that was refused" if _FILE_REFUSED in turn.flags else "sent a file"))
    if repeated or Talk.NOT_HELPED in heard.talk:
        reasons += _for_want_of_help(turn, heard, repeated, followed)
    if _is_left(heard, followed, asks=asks):
        reasons.append(("rest" if answers or followed.speaks else "unknown", "no approved answer"))
    if not (reasons or answers or asks or confirmed or followed.speaks):
        reasons += _by_talk(turn, heard)
    if not reasons:
        return None
    whys = [why for _, why in reasons]
    told = [followed.told if why == followed.why else why for why in whys] if followed.told else whys
    return Move(
        kind=MoveKind.HANDOFF,
        topic=reasons[0][0],
        sources=followed.sources,
        why="; ".join(whys),
        told="; ".join(dict.fromkeys(told)),
    )


def comes_first(move: Move) -> bool:
    """Whether a hand-off is told before what may help meanwhile."""
    return move.topic in _FIRST


def addressed(turn: Turn, move: Move, rule: Handoff | None, manner: Manner, play: Play | None) -> Move:
    """A hand-off with the team that it goes to."""
    facts: dict[str, Value] = {}
    if move.topic == WAITING and (case := turn.with_people):
        facts |= spoken_of(turn.company.playbooks.of(case.intent), manner.language, manner.register)
    if rule and (team := turn.company.teams.get(rule.team)):
        facts["team"] = team.name(manner.language)
    if play and move.topic in _BY_PLAYBOOK:
        facts |= spoken_of(play.playbook, manner.language, manner.register)
    move = replaced(move, facts=facts) if facts else move
    return play.words(rule, move) if play and rule and move.topic in _BY_PLAYBOOK else move


# --- reasons, the weightiest first ---


def _by_their_words(heard: Heard) -> Iterator[_Reason]:
    if Alarm.SERIOUS in heard.alarms:
        yield "serious", "spoke of fraud or the law"
    if heard.person:
        yield "person", "asked for a person"


def _passed_on(turn: Turn, heard: Heard, followed: Followed) -> str:
    """Whether something was told in vain, or tried before, or is a matter for people from the beginning."""
    if followed.was_told:
        return "team" if _asks_further(turn, heard) else "repeat"
    if followed.asked_back:
        return "team"
    case = turn.recollection.case
    again = turn.recollection.contacts > 1 or followed.failed or (case is not None and case.attempts)
    return "escalated" if again else "team"


def _by_feeling(turn: Turn, heard: Heard, answers: Sequence[Move]) -> Sequence[_Reason]:
    found: list[_Reason] = []
    urgency, matters = turn.urgency, heard.matters
    if urgency is Urgency.CRITICAL:
        found.append(("urgent", f"critical: {_evidence(turn.reading.urgency)}"))
    elif urgency is Urgency.HIGH and matters:
        found.append(("urgent", f"urgent: {_evidence(turn.reading.urgency)}"))
    if Alarm.UPSET in heard.alarms:
        found.append(("upset", "upset by their words"))
    elif matters and turn.mood <= (_VERY_UPSET if answers else _UPSET):
        found.append(("upset", f"upset: {_evidence(turn.reading.sentiment)}"))
    elif matters and _is_fed_up(turn):
        found.append(("upset", f"frustrated, and here for the same thing {turn.recollection.contacts} times"))
    return found


def _evidence(signal: Signal[Any]) -> str:
    return ", ".join(map(str, signal.evidence))


def _is_fed_up(turn: Turn) -> bool:
    if turn.recollection.contacts < _OFTEN:
        return False
    frustration = turn.reading.emotions.frustration
    return frustration.known and frustration.value >= _FELT


def _for_want_of_help(turn: Turn, heard: Heard, repeated: Sequence[Article], followed: Followed) -> Iterator[_Reason]:
    if repeated:
        titles = ", ".join(f"“{article.title}”" for article in repeated)
        yield "unknown" if _asks_further(turn, heard) else "repeat", f"was told {titles} just before and asks again"
    elif Talk.NOT_HELPED in heard.talk and not followed.speaks:
        yield "repeat" if just_told(turn) else "unknown", "what they were told did not help"


def _by_talk(turn: Turn, heard: Heard) -> Iterator[_Reason]:
    """Of who says nothing that an answer could be about."""
    if _asks_after(turn, heard) and turn.with_people:
        yield WAITING, "asks whether anybody is there, and people have it"
    elif not heard.understood:
        yield "unclear", "nothing in it could be understood"


def _asks_after(turn: Turn, heard: Heard) -> bool:
    """Whether they say no more than "hello??" or "???", or greet again while it is spoken of."""
    if START in turn.flags or heard.matters or not _ASKS_AFTER.issuperset(heard.talk):
        return False
    if Talk.THERE in heard.talk or any("?" in message.text for message in turn.messages):
        return True
    return bool(heard.talk) and turn.recollection.case is not None


def _is_left(heard: Heard, followed: Followed, *, asks: bool) -> bool:
    """Whether something was asked that nothing answers.

    A playbook covers the one thing that is wanted, no second: where its article is what was found for another question,
    it covers none of those that nothing was found for.
    """
    if heard.left:
        return True
    if not (followed.speaks or asks):
        return bool(heard.unanswered)
    chosen = followed.chosen
    covers = chosen is None or all(answered.article.id != chosen.article.id for answered in heard.answered)
    return sum(map(is_asked, heard.unanswered)) > covers


def _asks_further(turn: Turn, heard: Heard) -> bool:
    """Whether they are content with what they were told, or find no fault with it, and want to know more."""
    if Talk.NOT_HELPED in heard.talk:
        return False
    asked = (sentence for message in turn.messages for sentence in sentences(message.text))
    return Talk.THANKS in heard.talk or any(goes_on(Passage(sentence)) for sentence in asked)
