"""Tomás, who moves between channels: two strangers, one person by a code, and two timelines again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omnibot.model import Address, Direction
from omnibot.sandbox.stories.story import Element, Expect, Scene, Step, Story, leaves_out, says

__all__ = ["Moving", "moves"]

_CODE = re.compile(r"\b\d{3} ?\d{4}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """Who moves, from a number to a mail address that nobody knows."""

    name: str
    language: str
    number: Address
    mail: Address

    @classmethod
    def tomas(cls) -> Moving:
        """As the demo tells it."""
        return cls(
            name="Tomás Ruiz",
            language="es",
            number=Address("sms", "+4915112345678"),
            mail=Address("email", "tomas.ruiz@example.net"),
        )


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said in one language, and how what is expected can be put in it (regular expressions)."""

    first: str
    subject: str
    second: str
    names_mail: str
    tells_code: str
    goes_on: str
    forgets: str
    password: str
    export: str
    machine: str
    code: str
    cancel: str
    forgotten: str


_WORDS: Mapping[str, _Words] = {
    "es": _Words(
        first="Hola, olvidé mi contraseña, ¿qué hago?",
        subject="Mis datos",
        second="Buenos días, ¿cómo puedo exportar mis datos?",
        names_mail="Mi correo es {mail}",
        tells_code="El código es {{code}}",
        goes_on="Gracias. Prefiero respuestas cortas. ¿Y cómo cancelo?",
        forgets="Olvida mi correo",
        password="contraseña",
        export="export",
        machine="automátic",
        code="código",
        cancel="cancel",
        forgotten="olvidado",
    ),
    "en": _Words(
        first="Hi, I forgot my password, what do I do?",
        subject="My data",
        second="Good morning, how can I export my data?",
        names_mail="My email is {mail}",
        tells_code="The code is {{code}}",
        goes_on="Thanks. Shorter answers please. And how do I cancel my plan?",
        forgets="Forget my email",
        password="password",
        export="export",
        machine="automatic",
        code="code",
        cancel="cancel",
        forgotten="forgotten",
    ),
    "de": _Words(
        first="Hallo, ich habe mein Passwort vergessen, was kann ich tun?",
        subject="Meine Daten",
        second="Guten Tag, wie kann ich meine Daten exportieren?",
        names_mail="Meine E-Mail ist {mail}",
        tells_code="Der Code ist {{code}}",
        goes_on="Danke. Bitte kürzere Antworten. Und wie kündige ich?",
        forgets="Vergiss meine E-Mail",
        password="passwor[td]",
        export="export",
        machine="automatisch",
        code="code",
        cancel="cancel|kündig",
        forgotten="vergessen|nicht mehr mit",
    ),
    "fr": _Words(
        first="Bonjour, j'ai oublié mon mot de passe, que faire ?",
        subject="Mes données",
        second="Bonjour, comment exporter mes données ?",
        names_mail="Mon e-mail est {mail}",
        tells_code="Le code est {{code}}",
        goes_on="Merci. Des réponses plus courtes, s'il vous plaît. Et comment résilier ?",
        forgets="Oublie mon e-mail",
        password="password|mot de passe",
        export="export",
        machine="automatique",
        code="code",
        cancel="cancel|résili",
        forgotten="oubli|plus liée",
    ),
}


def moves(who: Moving) -> Story:
    """The story as it must go for whoever it is told of."""
    words = _WORDS[who.language]
    return Story(
        title=f"{who.name}, who moves between channels: first by SMS, later from an e-mail address that nobody knows",
        names={who.number: who.name.split()[0], who.mail: who.name},
        steps=(*_apart(who, words), *_linked(who, words), *_apart_again(who, words)),
    )


def _apart(who: Moving, words: _Words) -> Iterator[Step]:
    yield Step(
        sender=who.number,
        text=words.first,
        expects=(Expect(who.number),),
        elements=(
            says("answered in the language of the message", who.number, words.password),
            says("told once that a machine writes", who.number, words.machine),
        ),
    )
    yield Step(
        sender=who.mail,
        subject=words.subject,
        text=words.second,
        expects=(Expect(who.mail),),
        elements=(
            says("answered by mail, too", who.mail, words.export),
            says("told there as well that a machine writes", who.mail, words.machine),
            Element("and not known to be the same", lambda scene: _stays_on(scene, who.mail)),
        ),
        people=2,
    )


def _linked(who: Moving, words: _Words) -> Iterator[Step]:
    yield Step(
        sender=who.number,
        text=words.names_mail.format(mail=who.mail.value),
        expects=(Expect(who.number), Expect(who.mail)),
        elements=(
            says("told where the code went", who.number, re.escape(who.mail.value), words.code),
            Element("the code is in the mail alone", lambda scene: _code_is_at(scene, who.mail, who.number)),
            leaves_out("the mail does not tell who asked", who.mail, re.escape(who.number.value[:7])),
        ),
        people=2,
    )
    yield Step(
        sender=who.number,
        text=words.tells_code.format(),
        code_from=who.mail,
        expects=(Expect(who.number),),
        elements=(says("linked by the code that was typed", who.number, re.escape(who.mail.value)),),
    )
    yield Step(
        sender=who.mail,
        text=words.goes_on,
        answers=True,
        expects=(Expect(who.mail),),
        elements=(
            says("answered on what is one timeline now", who.mail, words.cancel),
            leaves_out("without being told again that a machine writes", who.mail, words.machine),
            Element("one timeline over both", lambda scene: _is_over(scene, who.number, who.mail)),
        ),
    )


def _apart_again(who: Moving, words: _Words) -> Iterator[Step]:
    yield Step(
        sender=who.number,
        text=words.forgets,
        expects=(Expect(who.number),),
        elements=(Element("asked for a code before all is forgotten", lambda scene: _code_is_at(scene, who.number)),),
    )
    yield Step(
        sender=who.number,
        text="{code}",
        code_from=who.number,
        expects=(Expect(who.number),),
        elements=(
            says("told that it is forgotten", who.number, words.forgotten),
            Element("the timeline splits cleanly", lambda scene: _stays_on(scene, who.number)),
        ),
        people=2,
    )


def _stays_on(scene: Scene, address: Address) -> bool:
    return {one.address for one in scene.timeline} == {address}


def _is_over(scene: Scene, *addresses: Address) -> bool:
    wrote = {one.address for one in scene.timeline if one.direction is Direction.IN}
    return wrote == {*addresses}


def _code_is_at(scene: Scene, there: Address, *nowhere_else: Address) -> bool:
    return bool(_CODE.search(scene.text(there))) and not any(_CODE.search(scene.text(other)) for other in nowhere_else)
