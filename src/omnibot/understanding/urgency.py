"""By when somebody needs us: what is at stake, and not how loudly it is said.

What is critical, high, normal and low is told in training/labelled/README.md.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from itertools import product
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from omnibot.model import Emotions, Evidence, NamedTime, Sentiment, Signal, Situation, TimeKind, Urgency
from omnibot.understanding.cues import Cue, Cues
from omnibot.understanding.features import Features
from omnibot.understanding.judge import Judge, counted, likelihoods
from omnibot.understanding.utterance import Utterance

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

__all__ = ["Stakes", "UrgencyReader", "UrgencyWords"]

_SURE = 0.6
_SURELY_URGENT = 0.7  # how likely high or critical must be, whichever of the two it is
_CLAIMED = 0.6  # how sure we are of an urgency that is claimed, with nothing that shows it
_TOLD = 0.85  # how sure we are of what is certain by one phrase
_SHORT, _LONG = 4, 40  # words
_LETTERS = 8  # letters of which most are capitals

# What raises the log-odds of critical and high beyond what the words say.
_DEADLINES = ((timedelta(hours=3), 1.0, 1.0), (timedelta(hours=36), 0.0, 1.0), (timedelta(days=8), 0.0, 0.5))
_CONTACT, _MOST_CONTACTS = 0.4, 3  # each further contact on the topic
_UNANSWERED, _MOST_UNANSWERED = 0.3, 3
_FRUSTRATED = 0.3
_CARRIED, _CARRIED_FOR = 1.5, timedelta(hours=12)  # "hello??" is as urgent as what it follows

_URGENT = (Urgency.CRITICAL, Urgency.HIGH)
_CALM = frozenset({"calm", "tag", "greeting", "thanks", "praise"})
_HARM = frozenset(  # without one of these it is a topic, and not urgent
    {
        "blocked", "danger", "despair", "draining", "exposed", "fault", "health", "legal", "livelihood", "lost_data",
        "medicine", "outage", "owed", "repeat", "seized", "takeover", "trapped",
    }
)  # fmt: skip
_CERTAIN = frozenset({"despair", "seized"})  # critical by themselves, where they are meant
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
        raised = list(_raised(utterance, times, emotions))
        scores = self.judge.scores(counts, features)
        for reason in raised:
            scores[self._critical] += reason.critical
            scores[self._high] += reason.high
        chances = likelihoods(scores)
        confidence = max(chances)
        level = self._levels[chances.index(confidence)]
        names = {cue.name for cue in cues}
        is_earnest = _LIGHT.isdisjoint(names)
        if is_earnest and not _CERTAIN.isdisjoint(names):
            level, confidence = Urgency.CRITICAL, max(chances[self._critical], _TOLD)
        claims = [cue for cue in cues if cue.name == "claim"] if is_earnest else []
        if level in _URGENT:
            evidence = self.judge.evidence(_URGENT, cues, utterance)
            evidence += tuple(reason.evidence for reason in raised if reason.critical or level is Urgency.HIGH)
            is_sure = max(chances[self._critical] + chances[self._high], confidence) >= _SURELY_URGENT
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
        return Signal(level, round(confidence, 3), evidence, known=known and bool(evidence))


def _quoted(name: str, cues: Iterable[Cue], utterance: Utterance) -> tuple[Evidence, ...]:
    return tuple(utterance.quote(cue.start, cue.end) for cue in cues if cue.name == name)


class Stakes:
    """What in a text tells how urgent it is."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._cues = Cues("urgency", languages)
        self.knows = self._cues.knows

    def find(self, utterance: Utterance) -> tuple[list[Cue], dict[str, float]]:
        """The cues of a text, and the counts that it is weighed by."""
        cues = self._cues.find(utterance)
        return cues, counted(cues) | dict.fromkeys(_surface(utterance), 1.0)


class _Reason(NamedTuple):
    """Why something is more urgent than its words say, and by what the log-odds rise."""

    evidence: Evidence
    critical: float
    high: float


def _surface(utterance: Utterance) -> Iterator[str]:
    """What is seen of a text at a glance."""
    text = utterance.text
    words = len(utterance.spans)
    if words >= _LONG:
        yield "~long"
    if "?" in text:
        yield "~asks"
    if text.count("!") > 1:
        yield "~exclaims"
    if not text.islower() and _is_loud(text):
        yield "~loud"


def _is_loud(text: str) -> bool:
    """Whether most letters are capitals; of ASCII's alone, which is enough and costs a tenth."""
    signs = text.encode("ascii", "ignore")
    others = signs.translate(None, ascii_lowercase.encode())
    capitals = len(others) - len(others.translate(None, ascii_uppercase.encode()))
    letters = len(signs) - len(others) + capitals
    return letters >= _LETTERS and capitals > 0.6 * letters


def _raised(utterance: Utterance, times: Sequence[NamedTime], emotions: Emotions | None) -> Iterator[_Reason]:
    situation = utterance.situation
    yield from _by_deadline(times, situation)
    if situation.contacts > 1:
        by = _CONTACT * min(situation.contacts - 1, _MOST_CONTACTS)
        yield _Reason(Evidence(f"contact number {situation.contacts} on it"), 0.0, by)
    if situation.unanswered:
        by = _UNANSWERED * min(situation.unanswered, _MOST_UNANSWERED)
        yield _Reason(Evidence(f"{situation.unanswered} turns before it were not answered"), 0.0, by)
    if emotions and emotions.frustration.known and emotions.frustration.value >= 0.5:
        yield _Reason(Evidence("frustrated"), 0.0, _FRUSTRATED)
    if situation.earlier and len(utterance.spans) <= _SHORT:
        before = situation.earlier[-1]
        if situation.now - before.at <= _CARRIED_FOR:
            if before.urgency is Urgency.CRITICAL:
                yield _Reason(Evidence("what was said before is critical"), _CARRIED, _CARRIED)
            elif before.urgency is Urgency.HIGH:
                yield _Reason(Evidence("what was said before is urgent"), 0.0, _CARRIED)


def _by_deadline(times: Sequence[NamedTime], situation: Situation) -> Iterator[_Reason]:
    """The nearest deadline that has not passed."""
    ahead = [
        (time.at - situation.now, time)
        for time in times
        if time.kind is TimeKind.DEADLINE and time.at is not None and time.at >= situation.now
    ]
    if not ahead:
        return
    left, time = min(ahead, key=lambda pair: pair[0])
    for within, critical, high in _DEADLINES:
        if left <= within:
            yield _Reason(Evidence(time.text, time.start, time.end), critical, high)
            return


# --- what the reader above takes the place of -------------------------------------------------------------------------

_SEEN = 0.9
_MOST_EVIDENCE = 5
_NOW_KEY = "now"
_SEVERITY = (Urgency.CRITICAL, Urgency.HIGH, Urgency.LOW)

# One phrase a line; `a/b` is either word, `(a)` may be absent. Where phrases overlap the longest holds, so that
# "not urgent" is not urgent. Accents may be missing.
_PHRASES: Mapping[str, Mapping[Urgency, str]] = {
    "en": {
        Urgency.CRITICAL: """
            outage
            emergency
            hacked
            ransomware
            data/security breach
            data loss
            account (was/is/has) (been) compromised
            lost/lose/losing all (of) (our/my/the) data
            losing money/customers/sales/orders
            site/website/server/service/system/api/app/platform/shop is/went/was (completely/totally/still) down
            production/prod/everything/servers/we is/are/went (completely/totally/still/all) down
            site/website/server/service/system/api/production/everything down
            this/it is/it's (absolutely/really/very) critical
        """,
        Urgency.HIGH: """
            urgent
            urgently
            asap
            as soon/quickly/fast as possible/you can
            as soon/quickly/fast as you can
            immediately
            immediate attention/help/assistance
            right/straight away
            time sensitive
            time-sensitive
            high/top priority
            deadline
            by today/tonight/tomorrow/eod/noon
            by the end of the/this day/week
            by end of day/today/week
            end of (the) day
            within the/an hour
            need it/this today/now/tonight
            cannot/can't work
            can not work
            blocked
            blocker
            hurry
        """,
        Urgency.LOW: """
            not (that/very/so/really/super) urgent
            isn't (that/very/so/really/super) urgent
            nothing urgent
            no rush/hurry/urgency
            not in a rush/hurry
            not a blocker
            whenever you can/like/want
            whenever/when you have time/a/some (moment/minute/time)
            whenever/when you get a chance/moment/minute
            whenever it suits (you)
            take your time
            low priority
            just curious/wondering
            at your convenience
        """,
    },
    "es": {
        Urgency.CRITICAL: """
            emergencia
            hackeado/hackeada/hackearon/hackeó
            ransomware
            brecha de seguridad
            fuga/pérdida de datos
            perdido/perdimos/perdí todos (mis/los/nuestros) datos
            perdiendo dinero/clientes/ventas/pedidos
            está/sigue/están (todo/completamente/totalmente) caído/caída/caídos/caídas
            se cayó/cayeron (todo)
            no funciona nada
        """,
        Urgency.HIGH: """
            urgente
            urgentemente
            urge
            con urgencia
            cuanto antes
            lo antes posible
            lo más rápido/pronto posible
            ahora mismo
            inmediatamente
            de inmediato
            hoy mismo
            antes de hoy/mañana/esta noche
            para hoy/mañana
            no puedo/podemos trabajar
            bloqueado/bloqueada/bloqueados
            fecha límite
        """,
        Urgency.LOW: """
            no es (muy/tan) urgente
            nada urgente
            no corre prisa
            no hay/tengo prisa
            sin prisa/prisas
            cuando puedas/pueda/puedan/quieras
            cuando tengas/tenga/tengan tiempo
            cuando tengas/tenga/tengan un momento/rato/minuto
            tómate/tómese tu/su tiempo
            solo/sólo (por) curiosidad
        """,
    },
}


# Urgent only beside a request: "I'm in Peru right now" is none. A single word counts only in capitals.
_NOW = {"en": ("right now", "now"), "es": ("ahora", "ya")}
_LOUD = frozenset({"NOW", "AHORA", "YA"})
_REQUESTS = (
    "need want must help please pls call answer reply fix send give cannot can't"
    " necesito necesitamos quiero queremos ayuda favor exijo llame llámame conteste"
)
_BESIDE = 6  # words


class UrgencyWords:
    """A spaCy PhraseMatcher over the urgency phrases of the company's languages.

    A Matcher would take the phrases as they are written above, but tries each at each word: 450 µs a message
    instead of 10.
    """

    def __init__(self, pipeline: Language, languages: Sequence[str]) -> None:
        from spacy.matcher import PhraseMatcher

        self._matcher = PhraseMatcher(pipeline.vocab, attr="LOWER")
        spoken = [_PHRASES[language] for language in dict.fromkeys(languages) if language in _PHRASES]
        for level in _SEVERITY:
            phrases = [phrase for levels in spoken for phrase in _spelled_out(levels[level])]
            self._matcher.add(level.value, list(map(pipeline.make_doc, phrases)))
        now = [phrase for language in dict.fromkeys(languages) for phrase in _NOW.get(language, ())]
        self._matcher.add(_NOW_KEY, list(map(pipeline.make_doc, now)))
        self._levels = {pipeline.vocab.strings[level.value]: level for level in _SEVERITY}

    def read(self, doc: Doc) -> Signal[Urgency]:
        """The most urgent phrase that is not part of a longer one; without any, normal and unknown."""
        matches = sorted(self._matcher(doc), key=lambda match: match[1] - match[2])
        demands = _Demands(doc)
        taken: set[int] = set()
        found: dict[Urgency, list[str]] = {}
        for key, start, end in matches:
            if not taken.isdisjoint(range(start, end)):
                continue
            taken.update(range(start, end))
            level = self._levels.get(key) or (Urgency.HIGH if demands.beside(start, end) else None)
            if level:
                found.setdefault(level, []).append(doc[start:end].text)
        for level in _SEVERITY:
            if level in found:
                return Signal(level, _SEEN, tuple(map(Evidence, dict.fromkeys(found[level])))[:_MOST_EVIDENCE])
        return Signal(Urgency.NORMAL, 0.0, known=False)


class _Demands:
    """Where a text asks for something; looked for only when a "now" stands in it."""

    def __init__(self, doc: Doc) -> None:
        self._doc = doc

    @cached_property
    def _requests(self) -> frozenset[int]:
        requests = frozenset(_REQUESTS.split())
        return frozenset(place for place, token in enumerate(self._doc) if token.text.lower() in requests)

    def beside(self, start: int, end: int) -> bool:
        """Whether a "right now" or a loud "NOW" stands beside a request."""
        if end - start == 1 and self._doc[start].text not in _LOUD:
            return False
        return not self._requests.isdisjoint(range(start - _BESIDE, end + _BESIDE))


def _spelled_out(phrases: str) -> Iterator[str]:
    """Every way to say the phrases, with and without accents."""
    for phrase in phrases.strip().splitlines():
        for words in product(*map(_alternatives, phrase.split())):
            said = " ".join(word for word in words if word)
            yield said
            if (plain := _without_accents(said)) != said:
                yield plain


def _alternatives(part: str) -> list[str]:
    words = part.strip("()").split("/")
    return [*words, ""] if part.startswith("(") else words


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
