"""Everybody who writes to a bot on the emulated Telegram."""

from __future__ import annotations

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.telegram.people import Bot, User

_FICTITIOUS = "+888"  # Telegram's own, of nobody's telephone


class TelegramCustomers:
    """The people of one bot; a value is the numeric id of somebody."""

    channel = "telegram"

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._names: dict[str, str] = {}

    def check(self, value: str) -> None:
        if not (value.isascii() and value.isdecimal() and int(value)):
            raise ValueError(f"{value!r} is no Telegram id: give a number, such as 4711")

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
        """A text, or files of which the first has the text below it."""
        user = self._user(value, name)
        for number, file in enumerate(files):
            caption = text if number == 0 else ""
            if file.media_type.startswith("image/"):
                user.send_photo(file.content, caption)
            else:
                user.send_document(file.name, file.content, file.media_type, caption)
        if not files:
            user.write(text, reply_to=self._last(value) if answer else 0)

    def press(self, value: str, label: str, *, number: str = "") -> None:
        """The button under the latest message that has it, or the key that asks for their number."""
        user = self._user(value, "")
        try:
            user.share_number(label, number or f"{_FICTITIOUS}{value:0>7}")
        except LookupError:
            user.press(label)

    def _user(self, value: str, name: str) -> User:
        self.check(value)
        known = self._names.get(value, "Sandra Box")
        self._names[value] = name or known
        return self._bot.user(int(value), name or known)

    def _last(self, value: str) -> int:
        chat = self._bot.chats.get(int(value))
        ours = [number for number, message in chat.messages.items() if message["from"]["is_bot"]] if chat else []
        return max(ours, default=0)
