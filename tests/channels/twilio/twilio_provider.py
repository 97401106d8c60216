"""The sandbox's Twilio, driven by the contract suite."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from twilio_house import CUSTOMER, settings_of

from omnibot.contract import Channel, Site
from omnibot.model import Address, DeliveryState, Identifier, IdentifierKind
from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.sandbox.twilio.webhooks import Call
from omnibot.testing import Ability, Taken
from omnibot_twilio import Sms
from omnibot_twilio.webhooks import OVERRIDES


class TwilioProvider:
    lacks: Mapping[Ability, str] = {Ability.EDIT: "what was written on a telephone stays as it is"}

    def __init__(self, sandbox: TwilioSandbox, kind: type[Channel], **more: object) -> None:
        self.sandbox = sandbox
        self.more = more
        self.kind = kind
        self.account = sandbox.main
        self.phone = self.account.phone(CUSTOMER)
        self.quick_replies: tuple[str, ...] = ()
        if kind is Sms:
            self.lacks = {**self.lacks, Ability.BUTTONS: "a text message has none"}
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
        return settings_of(self.sandbox, self.kind, **more, **self.more)

    def wrong_settings(self):
        return settings_of(self.sandbox, self.kind, auth_token="nobody was ever given this one")

    async def attach(self, site: Site) -> None:
        url = f"{site.public_url}/webhook{OVERRIDES}"
        self.account.deliver_to(**{self.kind.name: url})
        self.url = url

    @property
    def customer(self) -> Address:
        return Address(self.kind.name, CUSTOMER)

    @property
    def vouched(self) -> tuple[Identifier, ...]:
        return (Identifier(IdentifierKind.PHONE, CUSTOMER),)

    async def deliver(self, text: str) -> None:
        if self.kind is Sms:
            self.phone.text(text)
        else:
            self.phone.whatsapp(text)

    async def deliver_file(self, text: str, name: str, media_type: str, content: bytes) -> None:
        write = self.phone.text if self.kind is Sms else self.phone.whatsapp
        write(text, [SentFile(name, media_type, content)])

    async def report(self) -> DeliveryState:
        return DeliveryState.DELIVERED  # the sandbox delivers by itself, and says so

    async def lapse(self) -> None:
        self.sandbox.now = lambda: datetime.now(UTC) + timedelta(hours=25)

    def withdrawn(self) -> bool:
        return self._entries()[-1].payload["Sid"] not in self.account.messages

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
        return [
            Taken(entry.to.partition(":")[2], entry.text, tuple(entry.choices), self._files(entry))
            for entry in self._entries()
        ]

    def _entries(self) -> list[Entry]:
        return self.sandbox.ledger.entries("twilio", "messages.create")

    def _files(self, entry: Entry) -> tuple[bytes, ...]:
        """Twilio fetches them after it took the message."""
        message = self.account.messages.get(entry.payload["Sid"])
        return tuple(media.content for media in message.media) if message else ()
