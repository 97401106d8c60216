"""By when somebody needs us, as far as words and phrases tell."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from omnibot.model import Evidence, Signal, Urgency

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

__all__ = ["UrgencyWords"]

_SEEN = 0.9
_EVIDENCE = 5
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
                return Signal(level, _SEEN, tuple(map(Evidence, dict.fromkeys(found[level])))[:_EVIDENCE])
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
