"""Mike, who knows what he talks about, and writes for the third time about what still does not work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from omnibot.model import ActKind, Address, CaseState, Direction
from omnibot.sandbox.stories.story import Acting, Element, Expect, Scene, Step, Story, leaves_out, says, shows, word

__all__ = ["Contact", "Frustrated", "frustrated"]

_MANY = 3  # contacts, with which more experienced people take over
_LONGEST = 900  # characters of a reply that is short
_WITHIN = timedelta(hours=4)  # working time in which they have answered, and what rounding adds to it
_ROUNDED = timedelta(minutes=31)
_ARTICLE = r"^1\. "  # the numbered steps of an answer


@dataclass(frozen=True, slots=True)
class Contact:
    """That somebody came with it before: where and when, who helped, and what that person told them to do in vain."""

    address: Address
    at: datetime
    agent: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frustrated:
    """Who is fed up, and what was before."""

    name: str
    language: str
    zone: str
    code: str  # of the error
    writes: Address
    before: tuple[Contact, ...]

    @classmethod
    def mike(cls, now: datetime) -> Frustrated:
        """As the demo tells it: first by SMS, then by mail, now on WhatsApp."""
        sms, mail = Address("sms", "+447700900123"), Address("email", "mike.adeyemi@example.net")
        return cls(
            name="Mike Adeyemi",
            language="en",
            zone="Europe/London",
            code="504",
            writes=Address("whatsapp", "+447700900123"),
            before=(
                Contact(sms, now - timedelta(days=9), "Priya", "limit=200 with the cursor"),
                Contact(mail, now - timedelta(days=4), "Ben", "async=true for reports"),
            ),
        )

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Everywhere that they wrote from."""
        return tuple(dict.fromkeys((*(contact.address for contact in self.before), self.writes)))

    @property
    def escalates(self) -> bool:
        """Whether it is for people with more experience now."""
        return len(self.before) + 1 >= _MANY


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said in one language, and how what is expected can be put in it (regular expressions)."""

    first: str
    again: str
    now: str
    ordinals: Mapping[int, str]
    seen: str  # that it is seen how they feel
    grovelling: tuple[str, ...]
    news: str  # what is written while people have it
    senior: str
    days: tuple[str, str]  # today, tomorrow


_WORDS: Mapping[str, _Words] = {
    "en": _Words(
        first="Our calls to the API time out with {code} since the deploy on Monday.",
        again="The API timeout is still there, {code} on every second call. This is getting annoying.",
        now="Seriously? Our API calls still time out with {code}, nothing that you told us has helped. I'm fed up.",
        ordinals={1: r"first|1st", 2: r"\bsecond\b|2nd", 3: r"third|3rd", 4: r"fourth|4th"},
        seen=r"too long|long enough|slog|before now|again\.|longer than",
        grovelling=("apolog", "understand (your|how)", "so sorry", "deeply", "inconvenience"),
        news="Any news? It fails again just now.",
        senior="senior support",
        days=("today", "tomorrow"),
    ),
    "es": _Words(
        first="Nuestras llamadas a la API agotan el tiempo de espera con {code} desde el lunes.",
        again="El timeout de la API sigue ahí, {code} en cada segunda llamada. Ya cansa.",
        now="¿En serio? Las llamadas a la API siguen dando timeout con {code} y nada ha ayudado. Estoy harto.",
        ordinals={1: "primera", 2: r"\bsegunda\b", 3: "tercera", 4: "cuarta"},
        seen=r"demasiado|bastante paciencia|mucha paciencia|resuelto|otra vez|más de lo aceptable",
        grovelling=("mil disculpas", "entiendo (tu|su)", "lamentamos profundamente"),
        news="¿Hay novedades? Acaba de fallar otra vez.",
        senior="soporte especializado",
        days=("hoy", "mañana"),
    ),
    "de": _Words(
        first="Unsere API-Aufrufe laufen seit Montag in einen Timeout mit {code}.",
        again="Der API-Timeout ist immer noch da, {code} bei jedem zweiten Aufruf. Das nervt.",
        now="Im Ernst? Unsere API-Aufrufe laufen weiter in einen Timeout mit {code}, und nichts hilft. Mir reicht's.",
        ordinals={1: "erste", 2: "zweite", 3: "dritte", 4: "vierte"},
        seen=r"zu lange|mühsam|Geduld|längst|noch einmal schreiben|vertretbar",
        grovelling=("tausendmal", "verstehe (deinen|ihren)", "bedauern zutiefst"),
        news="Gibt es etwas Neues? Eben ist es wieder passiert.",
        senior="Team für schwierige Fälle",
        days=("heute", "morgen"),
    ),
    "fr": _Words(
        first="Nos appels à l'API expirent avec {code} depuis lundi.",
        again="Le timeout de l'API est toujours là, {code} un appel sur deux. Ça devient pénible.",
        now="Sérieusement ? Nos appels à l'API expirent encore avec {code}, rien n'a aidé. J'en ai marre.",
        ordinals={1: "première", 2: "deuxième", 3: "troisième", 4: "quatrième"},
        seen=r"trop longtemps|pénible|assez de temps|réglé|encore une fois|acceptable|traitée|patience",
        grovelling=("mille excuses", "comprends (ta|votre)", "sincèrement désolé"),
        news="Des nouvelles ? Ça vient encore d'échouer.",
        senior="équipe d'experts",
        days=("aujourd'hui", "demain"),
    ),
}


def frustrated(who: Frustrated) -> Story:
    """The story as it must go for whoever it is told of."""
    words = _WORDS[who.language]
    return Story(
        title=f"{who.name}, who is fed up: contact {len(who.before) + 1} about the same API timeout",
        names=dict.fromkeys(who.addresses, who.name),
        past=tuple(_past(who, words)),
        steps=(
            Step(
                sender=who.writes,
                text=_said(who, words),
                expects=(Expect(who.writes),),
                at_desk=(re.escape(who.name),) if who.escalates else (),
                elements=(*_answer(who, words), *(_card(who) if who.escalates else ())),
            ),
            *(_people(who, words) if who.escalates else ()),
        ),
    )


# --- what people do about it ----------------------------------------------------------------------------------------

_AGENT = "Zoe Lang"
_REMARK = "He is right: our gateway drops every second call. Nothing of this to him before it is mended."
_REPLY = "I have moved your account to the new gateway: no call has ended with {code} for ten minutes."
_MOOD = r"mood:? .*\b(falling|worse|steady|same)\b"  # by no means rising
_TAKEN = rf"{_AGENT}.{{0,40}}has it|(has it|taken) by {_AGENT}"
_WORKED = "moved the account to the new gateway"


def _people(who: Frustrated, words: _Words) -> Iterator[Step | Acting]:
    there = who.writes
    yield Step(
        sender=there,
        text=words.news,
        at_desk=(re.escape(words.news),),
        elements=(
            Element("the bot is silent while people have it", lambda scene: not scene.text(there)),
            shows("what he writes meanwhile is in the thread", re.escape(words.news)),
        ),
    )
    yield Acting(
        sender=there,
        by=_AGENT,
        does=ActKind.NOTE,
        text=_REMARK,
        at_desk=(re.escape(_REMARK),),
        elements=(
            Element("an internal remark reaches nobody outside", lambda scene: not scene.texts),
            Element("and is on no timeline", lambda scene: all(_REMARK not in one.text for one in scene.timeline)),
        ),
    )
    reply = _REPLY.format(code=who.code)
    yield Acting(
        sender=there,
        by=_AGENT,
        does=ActKind.REPLY,
        text=reply,
        expects=(Expect(there, words=(reply,), never=(_REMARK,)),),
        at_desk=(re.escape(reply), _TAKEN),
        elements=(
            says("the agent's explicit reply reaches him where he writes", there, re.escape(reply)),
            says("signed by who wrote it", there, word(_AGENT.split()[0])),
            shows("and the agent has the matter", _TAKEN),
        ),
    )
    yield Acting(
        sender=there,
        by=_AGENT,
        does=ActKind.RESOLVE,
        value="solved",
        text=_WORKED,
        at_desk=(r"resolved",),
        elements=(
            Element("resolved, with what worked", _is_resolved),
            shows("the card says so", r"Resolved"),
        ),
    )


def _is_resolved(scene: Scene) -> bool:
    return any(
        side.state is CaseState.RESOLVED and any(_WORKED in attempt.what for attempt in side.attempts)
        for side in scene.cases
    )


def _card(who: Frustrated) -> Iterator[Element]:
    yield shows("the desk gets a thread with a card: who", re.escape(who.name), re.escape(who.writes.value))
    yield shows("what was tried, and by whom", *(rf"{word(one.agent)}.*{re.escape(one.step)}" for one in who.before))
    yield shows("how he feels, and that it grows no better", _MOOD)
    yield shows("how urgent it is, and by when they answer", r"urgen|priority (high|urgent)", r"due")
    yield shows("what he has said", re.escape(_said(who, _WORDS[who.language])[:60]))


def _said(who: Frustrated, words: _Words) -> str:
    """As often as they have come, so patient they are."""
    texts = (words.first, words.again, words.now)
    return texts[min(len(who.before), len(texts) - 1)].format(code=who.code)


def _past(who: Frustrated, words: _Words) -> Iterator[dict[str, object]]:
    columns = {address.channel: address.value for address in who.addresses}
    own = {"name": who.name, "language": who.language, "zone": who.zone, "length": "short"}
    begun = min((contact.at for contact in who.before), default=None)
    yield {"kind": "customer", **own, **columns, **({"at": begun.isoformat()} if begun else {})}
    if begun is None:
        return
    case = f"timeout-{who.writes.value}"
    for number, contact in enumerate(who.before):
        text = (words.again if number else words.first).format(code=who.code)
        told = {"kind": "message", "address": str(contact.address), "case": case}
        yield {**told, "id": f"{case}-{number}", "at": contact.at.isoformat(), "direction": "in", "text": text}
        answered = (contact.at + timedelta(hours=1)).isoformat()
        yield {**told, "id": f"{case}-{number}-a", "at": answered, "agent": contact.agent, "text": f"{contact.step}?"}
    attempts = [{"what": one.step, "by": one.agent, "at": one.at.isoformat(), "result": "failed"} for one in who.before]
    contacts = [{"address": str(contact.address), "at": contact.at.isoformat()} for contact in who.before]
    yield {
        "kind": "case",
        "id": case,
        "address": [str(contact.address) for contact in who.before],
        "intent": "api-timeout",
        "topic": who.code,
        "state": "waiting",
        "opened": begun.isoformat(),
        "contacts": contacts,
        "agents": list(dict.fromkeys(contact.agent for contact in who.before)),
        "attempts": attempts,
    }


# --- what must be there ---------------------------------------------------------------------------------------------


def _answer(who: Frustrated, words: _Words) -> Iterator[Element]:
    there, contacts = who.writes, len(who.before) + 1
    yield says("greets by name", there, rf"\A.{{0,30}}{word(who.name.split()[0])}")
    if who.before:
        yield says(f"acknowledges contact {contacts}", there, words.ordinals[contacts])
        yield says("names who helped before", there, *(word(one.agent) for one in who.before))
        yield says("names what was tried", there, *(re.escape(one.step) for one in who.before))
        yield Element("tells no step again that has failed", lambda scene: _repeats_nothing(scene, who))
    else:
        yield leaves_out("makes up no earlier contact", there, *list(words.ordinals.values())[1:])
        yield says("tells what may help", there, r"\b30\b", r"\b504\b")
    yield from _handed_off(who, words) if who.escalates else _not_handed_off(who, words)
    yield says("in technical words", there, r"\bAPI\b", r"=\w|timeout|50\d")
    yield Element("and short", lambda scene: len(scene.text(there)) <= _LONGEST)


def _repeats_nothing(scene: Scene, who: Frustrated) -> bool:
    """What has failed is named once, as what was tried; no list of things to do has it again."""
    text = scene.text(who.writes)
    listed = "\n".join(re.findall(r"^\d\. .*$", text, re.MULTILINE))
    return all(text.count(one.step) == 1 and one.step.split()[0] not in listed for one in who.before)


def _handed_off(who: Frustrated, words: _Words) -> Iterator[Element]:
    yield says("acknowledges how he feels", who.writes, words.seen)
    yield leaves_out("without grovelling", who.writes, *words.grovelling)
    yield says("hands off to senior support", who.writes, words.senior)
    yield Element("says by when", lambda scene: _says_when(scene, who, words))
    yield Element("people have the case", lambda scene: bool(scene.handed_off))
    yield leaves_out("and sends him through nothing meanwhile", who.writes, _ARTICLE)


def _not_handed_off(who: Frustrated, words: _Words) -> Iterator[Element]:
    yield leaves_out("does not call senior support yet", who.writes, words.senior)


def _says_when(scene: Scene, who: Frustrated, words: _Words) -> bool:
    """An hour of the customer's day, and which day it is, within what the playbook allows."""
    wrote = next((one.at for one in reversed(scene.timeline) if one.direction is Direction.IN), scene.began)
    text, zone = scene.text(who.writes), ZoneInfo(who.zone)
    first = wrote.astimezone(zone) + _WITHIN
    quarters = (first + timedelta(minutes=minutes) for minutes in range(int(_ROUNDED.total_seconds() // 60)))
    return any(
        re.search(_hour(at), text) and words.days[(at.date() - wrote.astimezone(zone).date()).days] in text
        for at in quarters
        if at.minute % 15 == 0
    )


def _hour(at: datetime) -> str:
    """12:15 pm, 1 pm, 13:15, 13 h 15, 13 Uhr."""
    minutes = rf"(?::| h ){at.minute:02}" if at.minute else r"(?::00| h(?! \d)| h 00| Uhr| [ap]m)"
    return rf"\b(?:{at.hour}|{at.hour % 12 or 12}){minutes}"
