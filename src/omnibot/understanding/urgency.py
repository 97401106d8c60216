"""By when somebody needs us: what is at stake, and not how loudly it is said.

What is critical, high, normal and low is told in training/labelled/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from string import ascii_lowercase
from typing import NamedTuple

from omnibot.model import Emotions, Evidence, NamedTime, Sentiment, Signal, Situation, TimeKind, Urgency
from omnibot.understanding.cues import Cue, Cues
from omnibot.understanding.features import Features
from omnibot.understanding.judge import Judge, counted, likelihoods, rounded
from omnibot.understanding.utterance import Utterance

__all__ = ["Stakes", "UrgencyReader"]

_SURE = 0.6
_SURELY_URGENT = 0.7  # how likely high or critical must be, whichever of the two it is
_CLAIMED = 0.6  # how sure we are of an urgency that is claimed, with nothing that shows it
_TOLD = 0.85  # how sure we are of what is certain by one phrase
_SHORT, _LONG = 4, 40  # words
_LETTERS, _MOSTLY = 8, 0.6  # letters, and more than this share of them capitals

# What raises the log-odds of critical and high beyond what the words say.
_DEADLINES = ((timedelta(hours=3), 1.0, 1.0), (timedelta(hours=36), 0.0, 1.0), (timedelta(days=8), 0.0, 0.5))
_CONTACT, _MOST_CONTACTS = 0.4, 3  # each further contact on the topic
_UNANSWERED, _MOST_UNANSWERED = 0.3, 3
_FRUSTRATED = 0.3
_REMINDED = timedelta(hours=12)  # how long "hello??" is as urgent as what was not answered

_URGENT = (Urgency.CRITICAL, Urgency.HIGH)
_CALM = frozenset({"calm", "tag", "greeting", "thanks", "praise"})
_HARM = frozenset(  # without one of these it is a topic, and not urgent
    {
        "blackout", "blocked", "danger", "despair", "draining", "exposed", "fault", "health", "legal", "livelihood",
        "lost_data", "medicine", "outage", "owed", "repeat", "seized", "takeover", "trapped",
    }
)  # fmt: skip
_ALL_DOWN = "blackout"  # said in two words as often as in many, and two words leave more doubt
_CERTAIN = frozenset({"despair", "seized"})  # critical by themselves, where they are meant
_REMINDING = frozenset({"greeting", "tag", "cry", "repeat", "how_to", "fault"})
_LIGHT = frozenset({"joke", "praise", "idea", "curious", "over", "no_reply", "unreal", "figure"})
_UNREAD = Signal(Urgency.NORMAL, 0.0, known=False)


class UrgencyReader:
    """Cues in the company's languages, weighed by what was learnt from labelled messages (artefact "urgency").

    Times, contacts and frustration raise what the words say; that somebody calls it urgent counts where nothing is
    shown, and only up to `high`.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        self._stakes = Stakes(languages)
        self.judge = Judge("urgency")
        self._levels = tuple(map(Urgency, self.judge.labels))
        self._critical, self._high, self._low = map(self._levels.index, (*_URGENT, Urgency.LOW))

    def read(
        self,
        utterance: Utterance,
        features: Features,
        times: Sequence[NamedTime] = (),
        emotions: Emotions | None = None,
        sentiment: Sentiment | None = None,
    ) -> Signal[Urgency]:
        """How urgent it is; the words and circumstances that speak for it as evidence.

        Unknown in languages without cues, where no cue tells, and where two levels are about as likely.
        """
        if not utterance.spans or not self._stakes.knows(utterance.language):
            return _UNREAD
        cues, counts = self._stakes.find(utterance)
        raised = _raised(utterance, times, emotions)
        scores = self.judge.scores(counts, features)
        for reason in raised:
            scores[self._critical] += reason.critical
            scores[self._high] += reason.high
        chances = likelihoods(scores)
        confidence = max(chances)
        level = self._levels[chances.index(confidence)]
        names = {name for name, _, _ in cues}
        is_earnest = _LIGHT.isdisjoint(names)
        if is_earnest and not _CERTAIN.isdisjoint(names):
            level, confidence = Urgency.CRITICAL, max(chances[self._critical], _TOLD)
        claims = is_earnest and "claim" in names
        if (before := _reminds_of(utterance, names)) in _URGENT:
            return Signal(before, _TOLD, (Evidence(f"reminds us of what is {before.value}"),))
        if level in _URGENT:
            evidence = self.judge.evidence(_URGENT, cues, utterance)
            evidence += tuple(reason.evidence for reason in raised if reason.critical or level is Urgency.HIGH)
            enough = _SURE if _ALL_DOWN in names else _SURELY_URGENT
            is_sure = max(chances[self._critical] + chances[self._high], confidence) >= enough
            known = bool(claims or (is_sure and (raised or not _HARM.isdisjoint(names))))
        elif claims:
            level, confidence, known = Urgency.HIGH, _CLAIMED, True
            evidence = _quoted("claim", cues, utterance)
        elif "calm" in names and names <= _CALM:  # all that is said is that there is no hurry
            level, confidence, known = Urgency.LOW, max(chances[self._low], _SURE), True
            evidence = _quoted("calm", cues, utterance)
        else:
            evidence = self.judge.evidence((level,), cues, utterance)
            known = confidence >= _SURE
        return Signal(level, rounded(confidence), evidence, known=known and bool(evidence))


def _quoted(name: str, cues: Iterable[Cue], utterance: Utterance) -> tuple[Evidence, ...]:
    return tuple(utterance.quote(cue.start, cue.end) for cue in cues if cue.name == name)


class Stakes:
    """What in a text tells how urgent it is."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._cues = Cues("urgency", languages)
        self.knows = self._cues.knows

    def find(self, utterance: Utterance) -> tuple[list[Cue], dict[str, float]]:
        """The cues of a text, and the counts that it is weighed by."""
        cues = self._cues.find(utterance, few=True)
        counts = counted(cues)
        counts.update(dict.fromkeys(_surface(utterance), 1.0))
        return cues, counts


class _Reason(NamedTuple):
    """Why something is more urgent than its words say, and by what the log-odds rise."""

    evidence: Evidence
    critical: float
    high: float


def _surface(utterance: Utterance) -> list[str]:
    """What is seen of a text at a glance."""
    text, seen = utterance.text, []
    if len(utterance.spans) >= _LONG:
        seen.append("~long")
    if "?" in text:
        seen.append("~asks")
    if text.count("!") > 1:
        seen.append("~exclaims")
    if utterance.capitals > _MOSTLY * _LETTERS and _is_loud(utterance):
        seen.append("~loud")
    return seen


def _is_loud(utterance: Utterance) -> bool:
    """Whether most letters are capitals; of ASCII's alone, which is enough and costs a tenth."""
    signs = utterance.text.encode("ascii", "ignore")
    small = len(signs) - len(signs.translate(None, ascii_lowercase.encode()))
    letters = small + utterance.capitals
    return letters >= _LETTERS and utterance.capitals > _MOSTLY * letters


def _raised(utterance: Utterance, times: Sequence[NamedTime], emotions: Emotions | None) -> list[_Reason]:
    situation = utterance.situation
    raised = _by_deadline(times, situation) if times else []
    if situation.contacts > 1:
        by = _CONTACT * min(situation.contacts - 1, _MOST_CONTACTS)
        raised.append(_Reason(Evidence(f"contact number {situation.contacts} on it"), 0.0, by))
    if situation.unanswered:
        by = _UNANSWERED * min(situation.unanswered, _MOST_UNANSWERED)
        raised.append(_Reason(Evidence(f"{situation.unanswered} turns before it were not answered"), 0.0, by))
    if emotions and emotions.frustration.known and emotions.frustration.value >= 0.5:
        raised.append(_Reason(Evidence("frustrated"), 0.0, _FRUSTRATED))
    return raised


def _reminds_of(utterance: Utterance, names: AbstractSet[str]) -> Urgency | None:
    """How urgent the turn was that a few words without a matter of their own ("hello??") remind us of."""
    situation = utterance.situation
    if not (situation.unanswered and situation.earlier and len(utterance.spans) <= _SHORT and names <= _REMINDING):
        return None
    before = situation.earlier[-1]
    return before.urgency if situation.now - before.at <= _REMINDED else None


def _by_deadline(times: Sequence[NamedTime], situation: Situation) -> list[_Reason]:
    """The nearest deadline that has not passed."""
    ahead = [
        (time.at - situation.now, time)
        for time in times
        if time.kind is TimeKind.DEADLINE and time.at is not None and time.at >= situation.now
    ]
    if not ahead:
        return []
    left, time = min(ahead, key=lambda pair: pair[0])
    for within, critical, high in _DEADLINES:
        if left <= within:
            return [_Reason(Evidence(time.text, time.start, time.end), critical, high)]
    return []
