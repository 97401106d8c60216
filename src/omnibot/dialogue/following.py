"""Which playbook a turn goes by, and what it comes to: people take over, something is asked, or an article answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from omnibot.dialogue.articles import Article
from omnibot.dialogue.heard import Heard, is_asked
from omnibot.dialogue.manner import Manner
from omnibot.dialogue.phrases import CLOSING, Alarm, Talk, goes_on
from omnibot.dialogue.playing import Chosen, Play
from omnibot.dialogue.told import just_told, tells
from omnibot.dialogue.turn import Turn
from omnibot.dialogue.words import Passage
from omnibot.model import OUT_OF_SCOPE, CaseState, Move, MoveKind
from omnibot.playbooks import Handoff

__all__ = ["Followed", "follow", "play_of"]

_FEW = 6  # words, of which it is asked back what they mean; who writes more is passed on
_BAD, _FELT = -0.3, 0.5  # a mood, and how much frustration, that find fault without saying with what
_UNCLEAR, _UNCLEAR_PART = "unclear", "unclear_part"  # what is asked back, of a remark and of a question
_ASKED_BACK = frozenset({_UNCLEAR, _UNCLEAR_PART})


@dataclass(slots=True)
class Followed:
    """What a playbook comes to in one turn."""

    chosen: Chosen | None = None
    question: Move | None = None
    rule: Handoff | None = None  # by which people take over
    failed: tuple[Article, ...] = ()  # told before, and no help
    was_told: bool = False  # one of them just now
    asked_back: bool = False  # what they mean, and it is still not known
    waits: bool = False  # they ask after what people have already
    why: str = ""  # people take over
    told: str = ""  # the same, as they are told
    sources: tuple[str, ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether it has something to say to what was asked."""
        return bool(self.chosen or self.question or self.why)


def play_of(turn: Turn, heard: Heard, manner: Manner) -> Play | None:
    """The playbook to go by, if one says what to do: that of what is wanted, or of the matter they go on about."""
    if Alarm.SERIOUS in heard.alarms:
        return None
    case = turn.recollection.case
    wanted = _wanted(turn, heard)
    if not wanted and case is not None and (Talk.NOT_HELPED in heard.talk or turn.recollection.solved is False):
        wanted = case.intent
    playbook = turn.company.playbooks.of(wanted) if wanted else None
    if playbook is None or not playbook.decides:
        return None
    return Play(playbook, turn.world, turn.company, manner.language, manner.register)


def _wanted(turn: Turn, heard: Heard) -> str:
    if heard.meant:
        return heard.meant
    intent, case = turn.reading.intent, turn.recollection.case
    if intent.known and intent.value != OUT_OF_SCOPE:
        # "My name is Kate. I forgot …"; "???" alone wants nothing, whatever it was read as.
        beside = bool(heard.asides) and heard.understood and CLOSING.isdisjoint(heard.talk)
        return intent.value if heard.matters or heard.person or beside else ""
    if case is None or heard.answered or turn.recollection.is_contact:
        return ""
    # What people have taken over is not begun anew by whatever else they write.
    return case.intent if heard.unanswered and case.state is not CaseState.HANDED_OFF else ""


def follow(turn: Turn, heard: Heard, play: Play) -> Followed:
    """What it comes to; nothing where none of its answers holds."""
    if found := play.handoff():
        rule, why, sources = found
        waits = play.playbook.case == "earlier" and turn.with_people is not None
        return Followed(rule=rule, why=why, told=play.told(rule), waits=waits, sources=sources)
    if question := play.question():
        return Followed(question=question)
    told = () if turn.is_shared else just_told(turn)
    chosen, failed = play.answer(lambda article: tells(told, article) or _is_with_people(turn, article))
    was_told = bool(failed) and any(tells(told, article) for article in failed)
    in_vain = not was_told or _finds_fault(turn, heard)
    if _is_assumed(turn, heard, play) and not _finds_fault(turn, heard):
        if chosen is not None and _was_asked_back(turn):
            why = "was asked what they mean, and it is still not clear"
            return Followed(rule=play.otherwise(), why=why, told=why, asked_back=True)
        if chosen is None and was_told and (question := _asked_back(turn, heard, play)):
            return Followed(question=question)
    if chosen is not None or not failed:
        return Followed(chosen=chosen)
    how = "which did not help" if in_vain else "and writes of it again"
    return Followed(
        rule=play.otherwise() or _first_or_mildest(play, in_vain=in_vain),
        failed=failed,
        why=f"was told {', '.join(article.id for article in failed)}, {how}",
        told=f"was told {', '.join(f'“{article.title}”' for article in failed)}, {how}",
        was_told=was_told,
    )


def _first_or_mildest(play: Play, *, in_vain: bool) -> Handoff | None:
    """The first rule for who was told something in vain; else the last, and nobody hurries: no condition was met."""
    rules = play.playbook.handoffs
    if in_vain or not rules:
        return next(iter(rules), None)
    return replace(rules[-1], priority="")


def _is_assumed(turn: Turn, heard: Heard, play: Play) -> bool:
    """Whether nothing that they write now is known to be about it, only what was written before."""
    intent = turn.reading.intent
    return not (heard.meant or heard.person or (intent.known and intent.value == play.playbook.intent))


def _finds_fault(turn: Turn, heard: Heard) -> bool:
    """Whether anything in what they write says that what they were told is no help."""
    if heard.alarms or Talk.NOT_HELPED in heard.talk or turn.recollection.solved is False:
        return True
    frustration = turn.reading.emotions.frustration
    return turn.mood <= _BAD or (frustration.known and frustration.value >= _FELT)


def _asked_back(turn: Turn, heard: Heard, play: Play) -> Move | None:
    """What they mean by a few words behind an answer: "lol", "what does that mean?"; None where that is clear.

    Few words behind an offer or a question of ours answer it, and what is asked on from an answer is clear enough.
    """
    texts = [message.text for message in turn.messages]
    offered = play.playbook.next is not None or any(told.rstrip().endswith("?") for told in just_told(turn)[:1])
    further = any(goes_on(Passage(text)) for text in texts)
    if offered or further or sum(len(text.split()) for text in texts) > _FEW:
        return None
    topic = _UNCLEAR_PART if any(map(is_asked, heard.unanswered)) else _UNCLEAR
    return Move(kind=MoveKind.ASK, topic=topic, why="it is not clear what they mean by it")


def _was_asked_back(turn: Turn) -> bool:
    """Whether our last words in the matter asked what they mean."""
    case = turn.recollection.case
    return case is not None and not turn.recollection.is_contact and not _ASKED_BACK.isdisjoint(case.asked[-1:])


def _is_with_people(turn: Turn, article: Article) -> bool:
    """Whether people have taken a matter over in which an article was told: it is not told there again."""
    case = turn.recollection.case
    if case is None or case.state is not CaseState.HANDED_OFF or turn.is_shared:
        return False
    return any(attempt.what == f"article:{article.id}" for attempt in case.attempts)
