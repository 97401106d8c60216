"""Sarah, who has been a customer for years, and asks on one channel what she would rather read on another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from omnibot.model import Address, Direction
from omnibot.sandbox.stories.story import Element, Expect, Scene, Step, Story, leaves_out, says, word

__all__ = ["Returning", "returning"]

_LATELY = timedelta(days=62)  # a change of plan is a likely cause for so long
_YEAR = timedelta(days=365)
_SHORT = 120  # characters of a pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """Who returns, and what the company knows of them before they do."""

    name: str
    language: str
    formal: bool = False
    zone: str
    writes: Address
    reads: Address
    user: str  # by which the company's own systems know them
    joined: datetime
    plan: str
    upgraded: datetime | None  # None: never
    billing: datetime | None = None  # when they last asked about their bill; None: never
    export: datetime | None = None  # when they last asked about something else

    @classmethod
    def sarah(cls, now: datetime) -> Returning:
        """As the demo tells it: three years a customer, on Pro since last month."""
        last_month = now.replace(day=1) - timedelta(days=12)
        return cls(
            name="Sarah Moreau",
            language="en",
            zone="Europe/London",
            writes=Address("telegram", "4731"),
            reads=Address("email", "sarah.moreau@example.org"),
            user="u-4731",
            plan="Pro",
            joined=now - 3 * _YEAR - timedelta(days=20),
            upgraded=last_month.replace(hour=9, minute=30),
            billing=now - timedelta(days=600),
            export=now - timedelta(days=200),
        )

    @property
    def called(self) -> str:
        """How they are greeted at least: some languages use the whole name in a formal letter, others do not."""
        return self.name.split()[0]


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said in one language, and how what is expected can be put in it (regular expressions)."""

    asks: str
    asks_further: str
    past_question: str
    first_of_kind: str
    likely: str
    next: str
    stiff: tuple[str, ...]
    pointer: str  # to a mail
    in_vain: str  # that the answer before was no help


_WORDS: Mapping[str, _Words] = {
    "en": _Words(
        asks="Hi! Why is my {month} bill higher than usual?",
        asks_further="Thanks, that makes sense! So will my next bill be as high again?",
        past_question="Hi, how do I change the VAT number on my invoices?",
        first_of_kind=r"over (a|\d+) years?\b",
        likely=r"likely (reason|cause)",
        next=r"if you tell me which line",
        stiff=("dear (customer|sir|madam)", "hereby", "we regret", "enquir", "kindly", "do not hesitate"),
        pointer=r"e?-?mail",
        in_vain=r"didn't (help|settle)|wasn't (what|enough)|not (seem to )?have helped|not resolved",
    ),
    "es": _Words(
        asks="¡Hola! ¿Por qué mi factura de {month} es más alta de lo normal?",
        asks_further="¡Gracias, ahora lo entiendo! ¿Y mi próxima factura también será tan alta?",
        past_question="Hola, ¿cómo cambio el NIF de mis facturas?",
        first_of_kind=r"más de (un|\d+) años?\b",
        likely=r"lo más probable",
        next=r"si me dices? qué línea",
        stiff=("estimad[oa] (client|señor)", "por la presente", "lamentamos", "rogamos"),
        pointer=r"correo",
        in_vain=r"no (te |le )?(ha )?(ayud|serv|bast|resuel)|no era lo que",
    ),
    "de": _Words(
        asks="Hallo! Warum ist meine Rechnung für {month} höher als sonst?",
        asks_further="Danke, jetzt verstehe ich es! Und wird meine nächste Rechnung wieder so hoch?",
        past_question="Hallo, wie ändere ich die USt-IdNr. auf meinen Rechnungen?",
        first_of_kind=r"seit über (einem|\d+) Jahr",
        likely=r"wahrscheinlich liegt es",
        next=r"welche Zeile|um welche Zeile",
        stiff=("sehr geehrte", "hiermit", "wir bedauern", "bezüglich"),
        pointer=r"e-?mail",
        in_vain=r"nicht (weiter)?geholfen|nicht gereicht|nicht das, was",
    ),
    "fr": _Words(
        asks="Bonjour ! Pourquoi ma facture de {month} est-elle plus élevée que d'habitude ?",
        asks_further="Merci, je comprends ! Et ma prochaine facture sera-t-elle encore aussi élevée ?",
        past_question="Bonjour, comment changer le numéro de TVA sur mes factures ?",
        first_of_kind=r"plus (d'un|de \d+) ans?\b",
        likely=r"la raison la plus probable",
        next=r"quelle ligne",
        stiff=("cher client", "par la présente", "nous regrettons", "veuillez agréer"),
        pointer=r"mail|courriel",
        in_vain=r"n'a (donc )?pas (suffi|aidé)|pas ce qu'il|n'était pas",
    ),
}


def returning(who: Returning, now: datetime) -> Story:
    """The story as it must go for whoever it is told of, at whatever time."""
    words = _WORDS[who.language]
    month = format_date(now.astimezone(ZoneInfo(who.zone)), "MMMM", locale=who.language)
    asked = words.asks.format(month=month)
    return Story(
        title=f"{who.name}, who returns: asks on {who.writes.channel}, and is answered where she reads",
        names={who.writes: who.name, who.reads: who.name},
        past=tuple(_past(who, words)),
        steps=(
            Step(
                sender=who.writes,
                text=asked,
                expects=(Expect(who.reads), Expect(who.writes)),
                elements=tuple(_answer(who, words, now)),
            ),
            Step(
                sender=who.reads,
                text=words.asks_further,
                answers=True,
                expects=(Expect(who.reads),),
                elements=tuple(_going_on(who, words, asked)),
            ),
        ),
    )


def _past(who: Returning, words: _Words) -> Iterator[dict[str, object]]:
    yield {
        "kind": "customer",
        "name": who.name,
        who.writes.channel: who.writes.value,
        who.reads.channel: who.reads.value,
        "user_id": who.user,
        "prefers": who.reads.channel,
        "length": "detailed",
        "register": "formal" if who.formal else "casual",
        "language": who.language,
        "zone": who.zone,
        "at": who.joined.isoformat(),
    }
    of = f"user:{who.user}"
    joined = {"id": f"{who.user}-1", "name": "signed_up", "of": of, "at": who.joined.isoformat()}
    yield {"kind": "event", **joined, "properties": {"plan": "Starter"}}
    for intent, at in (("billing-details", who.billing), ("data-export", who.export)):
        if at is not None:
            yield from _past_case(who, intent, at, words)
    if who.upgraded:
        changed = {"id": f"{who.user}-2", "name": "plan_changed", "of": of, "at": who.upgraded.isoformat()}
        yield {"kind": "event", **changed, "properties": {"plan": who.plan}}


def _past_case(who: Returning, intent: str, at: datetime, words: _Words) -> Iterator[dict[str, object]]:
    case, address = f"{who.user}-{intent}", str(who.reads)
    yield {
        "kind": "case",
        "id": case,
        "address": address,
        "intent": intent,
        "state": "resolved",
        "opened": at.isoformat(),
        "resolved": (at + timedelta(hours=3)).isoformat(),
        "agents": ["Ana"],
    }
    if intent == "billing-details":
        asked = {"direction": "in", "text": words.past_question, "at": at.isoformat()}
        yield {"kind": "message", "id": f"{case}-1", "address": address, "case": case, **asked}


# --- what must be there ---------------------------------------------------------------------------------------------


def _answer(who: Returning, words: _Words, now: datetime) -> Iterator[Element]:
    there = who.reads
    yield says("greets by name", there, rf"\A.{{0,30}}{word(who.called)}")
    yield _first_of_kind(who, words, now)
    yield from _cause(who, words, now)
    yield says("explains step by step", there, r"^1\. \S", r"^2\. \S", r"^3\. \S")
    yield says("offers the next step", there, words.next)
    yield leaves_out("friendly, not stiff", there, *words.stiff)
    yield Element("to her preferred channel", lambda scene: bool(scene.text(there)))
    yield Element("with a short pointer where she asked", lambda scene: _points(scene, who, words))


def _first_of_kind(who: Returning, words: _Words, now: datetime) -> Element:
    """The first of its kind for over a year, if it is, and the company has told of more than a year."""
    known_since = max(who.joined, min(filter(None, (who.billing, who.export)), default=now))
    since = who.billing or known_since
    if now - since > _YEAR:
        return says("first billing question in over a year", who.reads, words.first_of_kind)
    return leaves_out("does not call it the first question for long", who.reads, words.first_of_kind)


def _cause(who: Returning, words: _Words, now: datetime) -> Iterator[Element]:
    """The change of plan and its date, if there was one lately; else no cause is told."""
    if who.upgraded is None or now - who.upgraded > _LATELY:
        yield leaves_out(
            "tells no cause that there is none for", who.reads, words.likely, rf"\b{re.escape(who.plan)}\b"
        )
        return
    date = told_day(who.upgraded, now, who.language, who.zone)
    yield says(
        f"names the {who.plan} upgrade and its date as likely cause",
        who.reads,
        rf"{words.likely}.*{word(who.plan)}.*{word(date)}",
    )


def told_day(at: datetime, now: datetime, language: str, zone: str) -> str:
    """A day as people write it: with the year only where it is another one."""
    day, today = at.astimezone(ZoneInfo(zone)).date(), now.astimezone(ZoneInfo(zone)).date()
    pattern = {"es": "d 'de' MMMM", "de": "d. MMMM"}.get(language, "d MMMM")
    if day.year != today.year:
        pattern += " 'de' y" if language == "es" else " y"
    return format_date(day, pattern, locale=language)


def _points(scene: Scene, who: Returning, words: _Words) -> bool:
    """A few words on where the answer is, and nothing of what it says."""
    pointer = scene.text(who.writes)
    where = words.pointer if who.reads.channel == "email" else r"\bSMS\b|text message|by text"
    says_where = re.search(where, pointer, re.IGNORECASE) is not None
    return says_where and len(pointer) <= _SHORT and who.plan not in pointer


def _going_on(who: Returning, words: _Words, asked: str) -> Iterator[Element]:
    yield Element("her reply lands on the same timeline", lambda scene: _on_one_timeline(scene, who, words, asked))
    yield Element("in the same case", _in_one_case)
    yield Element("without the quoted text", lambda scene: scene.last_words == words.asks_further)
    if who.reads.channel == "email":
        yield Element("answered in the same thread", lambda scene: _in_thread(scene, who))
    yield leaves_out("is not told the same again", who.reads, r"^2\. ", words.likely, words.first_of_kind)
    yield leaves_out("her thanks are not taken for a complaint", who.reads, words.in_vain)
    yield Element("and people take the question on", lambda scene: bool(scene.handed_off))


def _on_one_timeline(scene: Scene, who: Returning, words: _Words, asked: str) -> bool:
    wrote = {(one.address, one.text) for one in scene.timeline if one.direction is Direction.IN}
    return {(who.writes, asked), (who.reads, words.asks_further)} <= wrote


def _in_one_case(scene: Scene) -> bool:
    matters = [turn.matter for turn in scene.turns[-2:]]
    return len(matters) == 2 and matters[0] is not None and matters[0] == matters[1]


def _in_thread(scene: Scene, who: Returning) -> bool:
    letter = scene.letters.get(who.reads)
    return letter is not None and letter.answers
