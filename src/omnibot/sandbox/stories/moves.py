"""Somebody who moves between channels: two strangers, one person by a code, and two timelines again."""

from omnibot.model import Address
from omnibot.sandbox.stories.story import Expect, Step, Story

_SMS = Address("sms", "+4915112345678")
_EMAIL = Address("email", "tomas.ruiz@example.net")

MOVES = Story(
    title="Tomás, who moves between channels: first by SMS, later from an e-mail address that nobody knows",
    names={_SMS: "Tomás", _EMAIL: "Tomás Ruiz"},
    steps=(
        Step(
            sender=_SMS,
            text="Hola, olvidé mi contraseña, ¿qué hago?",
            expects=(Expect(_SMS, ("contraseña",)),),
            people=1,
        ),
        Step(
            sender=_EMAIL,
            subject="Mis datos",
            text="Buenos días, ¿cómo puedo exportar mis datos?",
            expects=(Expect(_EMAIL, ("export", "automático")),),
            people=2,
        ),
        Step(
            sender=_SMS,
            text="Mi correo es tomas.ruiz@example.net",
            expects=(
                Expect(_SMS, ("tomas.ruiz@example.net", "código"), never=("Tomás Ruiz",)),
                Expect(_EMAIL, ("código",), never=("+49151",)),
            ),
            people=2,
        ),
        Step(
            sender=_SMS,
            text="El código es {code}",
            code_from=_EMAIL,
            expects=(Expect(_SMS, ("tomas.ruiz@example.net",)),),
            people=1,
        ),
        Step(
            sender=_EMAIL,
            text="Gracias. Prefiero respuestas cortas. ¿Y cómo cancelo?",
            answers=True,
            expects=(Expect(_EMAIL, ("cancel",), never=("automático",)),),
            people=1,
        ),
        Step(
            sender=_SMS,
            text="Olvida mi correo",
            expects=(Expect(_SMS, ("olvid",)),),
            people=1,
        ),
        Step(
            sender=_SMS,
            text="{code}",
            code_from=_SMS,
            expects=(Expect(_SMS, ("olvidado",)),),
            people=2,
        ),
    ),
)
