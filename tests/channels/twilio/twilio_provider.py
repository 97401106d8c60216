"""The sandbox's Twilio, driven by the contract suite."""

from collections.abc import Mapping, Sequence

from twilio_house import CUSTOMER, settings_of

from omnibot.contract import Channel, Site
from omnibot.model import Address
from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.sandbox.twilio.webhooks import Call
from omnibot.testing import Ability, Taken
from omnibot_twilio import Sms
from omnibot_twilio.webhooks import OVERRIDES


class TwilioProvider:
    lacks: Mapping[Ability, str] = {}

    def __init__(self, sandbox: TwilioSandbox, kind: type[Channel]) -> None:
        self.sandbox = sandbox
        self.kind = kind
        self.account = sandbox.main
        self.phone = self.account.phone(CUSTOMER)
        self.quick_replies: tuple[str, ...] = ()
        if kind is Sms:
            self.lacks = {Ability.BUTTONS: "a text message has none"}
        else:
            self.quick_replies = tuple(
                self.account.template(
                    "{{1}}",
                    quick_replies=tuple((f"{{{{{2 * n}}}}}", f"{{{{{2 * n + 1}}}}}") for n in range(1, count + 1)),
                ).sid
                for count in (1, 2, 3)
            )

    def settings(self):
        more = {"quick_replies": self.quick_replies} if self.quick_replies else {}
        return settings_of(self.sandbox, self.kind, **more)

    def wrong_settings(self):
        return settings_of(self.sandbox, self.kind, auth_token="nobody was ever given this one")

    async def attach(self, site: Site) -> None:
        url = f"{site.public_url}/webhook{OVERRIDES}"
        self.account.deliver_to(**{self.kind.name: url})
        self.url = url

    @property
    def customer(self) -> Address:
        return Address(self.kind.name, CUSTOMER)

    async def deliver(self, text: str) -> None:
        if self.kind is Sms:
            self.phone.text(text)
        else:
            self.phone.whatsapp(text)

    async def redeliver(self) -> None:
        self.account.again()

    def acknowledged(self) -> int:
        return self.account.acknowledged

    async def forge(self, text: str) -> bool:
        return await self.account.forge(text, Call(self.url, {"AccountSid": self.account.sid, "Body": text})) == 403

    async def block(self) -> None:
        self.phone.refuse_with(21610)

    async def throttle(self, after: float) -> None:
        self.sandbox.faults.add(Throttle(after), method="messages.create")

    async def cut_off(self) -> None:
        self.sandbox.faults.add(Cut(accepted=True), method="messages.create")

    async def press(self, label: str) -> None:
        self.phone.press(label)

    def accepted(self) -> Sequence[Taken]:
        entries = self.sandbox.ledger.entries("twilio", "messages.create")
        return [Taken(entry.to.partition(":")[2], entry.text, tuple(entry.choices)) for entry in entries]
