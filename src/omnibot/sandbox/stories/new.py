"""Emma, who signed up yesterday, and asks how something is done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from omnibot.model import Address
from omnibot.sandbox.stories.returning import told_day
from omnibot.sandbox.stories.story import Element, Expect, Scene, Step, Story, leaves_out, says, word

__all__ = ["New", "new"]

_NEW_DAYS = 7  # after they have signed up in which somebody is welcomed
_MOST_LINKS, _RESOURCES = 4, 2
_LINK = re.compile(r"https?://\S+")
# What only those say to each other who make such things, in any of the languages.
_JARGON = (r"\bAPI\b", "endpoint", "header", "cursor", "payload", "webhook", "SSO", "SCIM", "OAuth", "JSON", "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Who begins, and when they signed up."""

    name: str
    language: str
    zone: str
    address: Address
    plan: str
    signed_up: datetime | None  # None: the company has not told

    @classmethod
    def emma(cls, now: datetime) -> New:
        """As the demo tells it: since yesterday."""
        return cls(
            name="Emma Clarke",
            language="en",
            zone="Europe/London",
            address=Address("email", "emma.clarke@example.com"),
            plan="Starter",
            signed_up=now - timedelta(days=1),
        )


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said in one language, and how what is expected can be put in it (regular expressions)."""

    subject: str
    asks: str
    welcome: str
    yesterday: str
    steps: str
    condescending: tuple[str, ...]


_WORDS: Mapping[str, _Words] = {
    "en": _Words(
        subject="A question",
        asks="Hello,\n\nI'm not quite sure how this works. How do I invite a colleague to my team, please?\n\n"
        "Thank you\n{name}",
        welcome=r"welcome|good to have you",
        yesterday="yesterday",
        steps=r"click|open|choose",
        condescending=(r"\bsimply\b", r"\bjust (click|open|do)", "obviously", r"\beasy\b", "as everybody knows"),
    ),
    "es": _Words(
        subject="Una pregunta",
        asks="Hola:\n\nNo estoy segura de cómo funciona esto. ¿Cómo invito a una compañera a mi equipo, por favor?\n\n"
        "Gracias\n{name}",
        welcome=r"bienvenida|qué bien tenerte|un gusto tenerle",
        yesterday="ayer",
        steps=r"pulsar?|abrir?|elegir?|pulsa|abre|elige",
        condescending=("simplemente", "obviamente", "es muy fácil", "como todo el mundo sabe"),
    ),
    "de": _Words(
        subject="Eine Frage",
        asks="Hallo,\n\nich bin nicht ganz sicher, wie das geht. Wie lade ich eine Kollegin in mein Team ein?\n\n"
        "Danke\n{name}",
        welcome=r"willkommen|schön, dass",
        yesterday="gestern",
        steps=r"öffnen|klicken|wählen",
        condescending=("ganz einfach", "offensichtlich", "kinderleicht", "wie jeder weiß"),
    ),
    "fr": _Words(
        subject="Une question",
        asks="Bonjour,\n\nJe ne suis pas sûre de savoir faire. Comment inviter une collègue dans mon équipe ?\n\n"
        "Merci\n{name}",
        welcome=r"bienvenue|plaisir de (t'avoir|vous)",
        yesterday="hier",
        steps=r"ouvrir|ouvrez|cliquer|cliquez|choisir|choisissez",
        condescending=("il suffit de", "évidemment", "c'est très facile", "comme chacun sait"),
    ),
}


def new(who: New, now: datetime) -> Story:
    """The story as it must go for whoever it is told of, at whatever time."""
    words = _WORDS[who.language]
    return Story(
        title=f"{who.name}, who is new: asks a first question by {who.address.channel}",
        names={who.address: who.name},
        past=tuple(_past(who)),
        steps=(
            Step(
                sender=who.address,
                subject=words.subject,
                text=words.asks.format(name=who.name.split()[0]),
                expects=(Expect(who.address),),
                elements=tuple(_answer(who, words, now)),
            ),
        ),
    )


def _past(who: New) -> Iterator[dict[str, object]]:
    told = {"name": who.name, who.address.channel: who.address.value, "language": who.language, "zone": who.zone}
    yield {"kind": "customer", **told}
    if who.signed_up:
        event = {"name": "signed_up", "of": str(who.address), "properties": {"plan": who.plan, "name": who.name}}
        yield {"kind": "event", "id": f"new-{who.address.value}", "at": who.signed_up.isoformat(), **event}


# --- what must be there ---------------------------------------------------------------------------------------------


def _answer(who: New, words: _Words, now: datetime) -> Iterator[Element]:
    there = who.address
    yield says("greets by name", there, rf"\A.{{0,30}}{word(who.name.split()[0])}")
    yield from _welcome(who, words, now)
    yield says("answers step by step", there, rf"^1\. .*({words.steps})", r"^2\. \S")
    yield leaves_out("without jargon", there, *_JARGON)
    if _days(who, now) is not None:
        yield Element("adds two resources", lambda scene: _reads_on(scene, who))
    yield leaves_out("never condescending", there, *words.condescending)
    if there.channel == "email":
        yield Element("in the thread of her mail", lambda scene: _in_thread(scene, who, words))


def _days(who: New, now: datetime) -> int | None:
    """By the calendar, since they signed up, if they are new."""
    if who.signed_up is None:
        return None
    zone = ZoneInfo(who.zone)
    days = (now.astimezone(zone).date() - who.signed_up.astimezone(zone).date()).days
    return days if days <= _NEW_DAYS else None


def _welcome(who: New, words: _Words, now: datetime) -> Iterator[Element]:
    days = _days(who, now)
    if days is None or who.signed_up is None:
        yield leaves_out("welcomes nobody who is not new", who.address, words.welcome, word(words.yesterday))
        return
    yield says("welcomes her", who.address, words.welcome)
    day = words.yesterday if days == 1 else told_day(who.signed_up, now, who.language, who.zone)
    yield says("mentions yesterday" if days == 1 else f"mentions {day}", who.address, word(day))


def _reads_on(scene: Scene, who: New) -> bool:
    links = set(_LINK.findall(scene.told(who.address)))
    return _RESOURCES <= len(links) <= _MOST_LINKS


def _in_thread(scene: Scene, who: New, words: _Words) -> bool:
    letter = scene.letters.get(who.address)
    return letter is not None and letter.answers and words.subject in letter.subject
