"""A day of one customer over all five channels."""

from omnibot.model import Address
from omnibot.sandbox.stories.story import Expect, Step, Story

_WHATSAPP = Address("whatsapp", "+491701234567")
_SMS = Address("sms", "+491701234567")
_TELEGRAM = Address("telegram", "4711")
_SLACK = Address("slack", "T0SANDBOX1/U0SARAH")
_EMAIL = Address("email", "sarah.lind@example.org")

DAY = Story(
    title="A day of Sarah, on WhatsApp, SMS, Telegram and Slack, and by email",
    customers=(
        "name,whatsapp,sms,telegram,slack,email,register,length\n"
        "Sarah Lind,+49 170 1234567,+49 170 1234567,4711,T0SANDBOX1/U0SARAH,sarah.lind@example.org,casual,detailed\n"
        "Mike Okafor,,,4712,,mike@example.net,,short\n"
    ),
    names=dict.fromkeys((_WHATSAPP, _SMS, _TELEGRAM, _SLACK, _EMAIL), "Sarah Lind"),
    steps=(
        Step(
            sender=_WHATSAPP,
            text="Good morning!",
            expects=(Expect(_WHATSAPP, ("Sarah",)),),
        ),
        Step(
            sender=_WHATSAPP,
            text="Why is my bill higher this month?",
            expects=(Expect(_WHATSAPP, ("plan",)),),
        ),
        Step(
            sender=_SMS,
            text="On the train now. I forgot my password, what do I do?",
            expects=(Expect(_SMS, ("password",), never=("Good morning",)),),
        ),
        Step(
            sender=_TELEGRAM,
            text="Thanks, that helps. Please answer me by email from now on.",
            expects=(Expect(_TELEGRAM, ("email",)),),
        ),
        Step(
            sender=_SLACK,
            text="How can I export my data?",
            expects=(Expect(_EMAIL, ("export",)), Expect(_SLACK, ("email",), never=("Settings",))),
        ),
        Step(
            sender=_EMAIL,
            text="Got it, thank you. And how do I invite a colleague? Shorter please :)",
            answers=True,
            expects=(Expect(_EMAIL, ("invite",)),),
        ),
        Step(
            sender=_EMAIL,
            subject="Our contract",
            text="I would like to talk to a person about our contract, please.",
            answers=True,
            expects=(Expect(_EMAIL, ("colleague",)),),
        ),
    ),
)
