"""A day of one customer over Telegram and email."""

from omnibot.model import Address
from omnibot.sandbox.stories.story import Expect, Step, Story

_TELEGRAM = Address("telegram", "4711")
_EMAIL = Address("email", "sarah.lind@example.org")

DAY = Story(
    title="A day of Sarah, on Telegram and by email",
    customers=(
        "name,telegram,email,register,length\n"
        "Sarah Lind,4711,sarah.lind@example.org,casual,detailed\n"
        "Mike Okafor,4712,mike@example.net,,short\n"
    ),
    names={_TELEGRAM: "Sarah Lind", _EMAIL: "Sarah Lind"},
    steps=(
        Step(
            sender=_TELEGRAM,
            text="Good morning!",
            expects=(Expect(_TELEGRAM, ("Sarah",)),),
        ),
        Step(
            sender=_TELEGRAM,
            text="Why is my bill higher this month?",
            expects=(Expect(_TELEGRAM, ("plan",)),),
        ),
        Step(
            sender=_TELEGRAM,
            text="Thanks, that helps. Please answer me by email from now on.",
            expects=(Expect(_TELEGRAM, ("email",)),),
        ),
        Step(
            sender=_TELEGRAM,
            text="How can I export my data?",
            expects=(Expect(_EMAIL, ("export",)), Expect(_TELEGRAM, ("email",), never=("Settings",))),
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
