"""Which playbook a turn goes by, and what it comes to: people take over, something is asked, or an article answers."""

from __future__ import annotations

from dataclasses import dataclass

from omnibot.dialogue.articles import Article
from omnibot.dialogue.heard import Heard
from omnibot.dialogue.manner import Manner
from omnibot.dialogue.phrases import CLOSING, Alarm, Talk
from omnibot.dialogue.playing import Chosen, Play
from omnibot.dialogue.told import just_told, tells
from omnibot.dialogue.turn import Turn
from omnibot.model import OUT_OF_SCOPE, CaseState, Move
from omnibot.playbooks import Handoff

__all__ = ["Followed", "follow", "play_of"]


@dataclass(slots=True)
class Followed:
    """What a playbook comes to in one turn."""

    chosen: Chosen | None = None
    question: Move | None = None
    rule: Handoff | None = None  # by which people take over
    failed: tuple[Article, ...] = ()  # told before, and no help
    was_told: bool = False  # one of them just now
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


def follow(turn: Turn, play: Play) -> Followed:
    """What it comes to; nothing where none of its answers holds."""
    if found := play.handoff():
        rule, why, sources = found
        return Followed(rule=rule, why=why, told=play.told(rule), sources=sources)
    if question := play.question():
        return Followed(question=question)
    told = () if turn.is_shared else just_told(turn)
    chosen, failed = play.answer(lambda article: tells(told, article) or _is_with_people(turn, article))
    if chosen is not None or not failed:
        return Followed(chosen=chosen)
    return Followed(
        rule=play.otherwise() or next(iter(play.playbook.handoffs), None),
        failed=failed,
        why=f"was told {', '.join(article.id for article in failed)}, which did not help",
        told=f"was told {', '.join(f'“{article.title}”' for article in failed)}, which did not help",
        was_told=any(tells(told, article) for article in failed),
    )


def _is_with_people(turn: Turn, article: Article) -> bool:
    """Whether people have taken a matter over in which an article was told: it is not told there again."""
    case = turn.recollection.case
    if case is None or case.state is not CaseState.HANDED_OFF or turn.is_shared:
        return False
    return any(attempt.what == f"article:{article.id}" for attempt in case.attempts)
