"""Everybody on SMS and everybody on WhatsApp, as demo, journeys, bench and `omnibot chat` write as them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.twilio.phones import USER
from omnibot.sandbox.twilio.sending import is_number

if TYPE_CHECKING:
    from omnibot.sandbox.twilio.account import Account
    from omnibot.sandbox.twilio.phones import Phone


class SmsCustomers:
    """Everybody who has a number; `value` is it, in E.164."""

    channel = "sms"

    def __init__(self, account: Account) -> None:
        self._account = account

    def check(self, value: str) -> None:
        if not is_number(value):
            raise ValueError(f"{value!r} is no number with its country code: write it like +12025550123")

    def write(
        self,
        value: str,
        text: str,
        *,
        name: str = "",
        subject: str = "",
        answer: bool = False,
        files: tuple[SentFile, ...] = (),
    ) -> None:
        """Somebody sends a text; an SMS has neither name, subject nor quotes."""
        self._account.phone(value).text(text, files)

    def press(self, value: str, label: str, *, number: str = "") -> None:
        """Somebody answers with the number that a choice has in the latest message; LookupError where none has it."""
        phone = self._account.phone(value)
        phone.text(_number_of(phone, "sms", label))


class WhatsAppCustomers:
    """Everybody on WhatsApp; `value` is their number in E.164, or their business-scoped user id."""

    channel = "whatsapp"

    def __init__(self, account: Account) -> None:
        self._account = account

    def check(self, value: str) -> None:
        if not (is_number(value) or USER.fullmatch(value)):
            raise ValueError(
                f"{value!r} is neither a number with its country code, such as +12025550123, nor a WhatsApp user id"
            )

    def write(
        self,
        value: str,
        text: str,
        *,
        name: str = "",
        subject: str = "",
        answer: bool = False,
        files: tuple[SentFile, ...] = (),
    ) -> None:
        """Somebody writes; `answer` quotes the last that they got."""
        phone = self._account.phone(value)
        quoted = next((seen.sid for seen in reversed(phone.messages) if seen.channel == "whatsapp"), "")
        phone.whatsapp(text, files, profile_name=name, replies_to=quoted if answer else "")

    def press(self, value: str, label: str, *, number: str = "") -> None:
        """Somebody presses a quick reply, or answers with the number that it has in the latest message."""
        phone = self._account.phone(value)
        try:
            phone.press(label)
        except LookupError:
            phone.whatsapp(_number_of(phone, "whatsapp", label))


def _number_of(phone: Phone, channel: str, label: str) -> str:
    choice = re.compile(rf"^(\d+)[.)] {re.escape(label)}$", re.MULTILINE)
    for seen in reversed(phone.messages):
        if seen.channel == channel and (found := choice.search(seen.text)):
            return found[1]
    raise LookupError(f"no message offers {label!r}")
