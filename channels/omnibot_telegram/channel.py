"""One bot on Telegram as a channel."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Self

from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramMigrateToChat,
)
from aiogram.methods import DeleteMessage, GetFile, SendChatAction
from aiogram.types import LinkPreviewOptions, ReplyParameters
from aiohttp import ClientError, web

from omnibot.contract import Accept, Channel, ChannelSettings, Finding, Limits, Receipt, Refused, Site, TryLater
from omnibot.model import Address, Attachment, File, Outbound
from omnibot_telegram.account import Account
from omnibot_telegram.files import CAPTION, LARGEST, Upload, is_no_picture, is_picture
from omnibot_telegram.health import findings
from omnibot_telegram.markup import to_html, to_keyboard
from omnibot_telegram.outcomes import outcome
from omnibot_telegram.parse import dereference, reference
from omnibot_telegram.receive import Reception, webhook_path
from omnibot_telegram.session import SendDocument, SendFile, SendPhoto, SendText, Sent
from omnibot_telegram.settings import TelegramSettings

_ID = re.compile(r"[1-9][0-9]{0,18}")
TEXT = 4096  # characters of one message, after its markup
IN_FLIGHT = 64
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Telegram(Channel):
    """One bot. An address is a person's numeric id; the context tells the group, where they write in one."""

    name: ClassVar[str] = "telegram"
    Settings: ClassVar[type[ChannelSettings]] = TelegramSettings

    def __init__(self, site: Site, settings: TelegramSettings) -> None:
        super().__init__(site, settings)
        self.settings = settings
        self.limits = Limits(
            text=TEXT,
            choices=10,
            choice_bytes=64,
            own_number=True,
            in_flight=IN_FLIGHT,
            per_second=settings.per_second or None,
            files=1,
            file_bytes=LARGEST,
            caption=CAPTION,
        )
        # a few more than messages at once: polling, files and buttons need some too
        self._account = Account(settings, connections=IN_FLIGHT + 16)

    async def __aenter__(self) -> Self:
        await self._account.session.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._account.session.close()

    # --- in ------------------------------------------------------------------------------------------------

    @classmethod
    def address(cls, text: str) -> Address:
        """The numeric id: a name can be given up and taken by somebody else, and no message tells it reliably."""
        written = text.strip()
        if not _ID.fullmatch(written):
            raise ValueError(f"{written!r} is no Telegram id: write the person's numeric id, such as 4711, no @name")
        return Address(cls.name, written)

    def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
        if self.settings.mode == "polling":
            return ()
        return (web.post(webhook_path(self.site), self._reception(accept).webhook),)

    async def listen(self, accept: Accept) -> None:
        reception = self._reception(accept)
        if self.settings.mode == "polling":
            await reception.poll()
        else:
            await reception.register()

    def _reception(self, accept: Accept) -> Reception:
        return Reception(self.site, self.settings, self._account, accept)

    async def invitation(self, text: str) -> str:
        """core.telegram.org/bots/features#deep-linking: at most 64 of A-Z a-z 0-9 _ -."""
        try:
            me = await self._account.me()
        except (AiogramError, TimeoutError):
            return ""
        return f"https://t.me/{me.username}?start={text}" if me.username else ""

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        most = self.settings.max_file_bytes
        if (attachment.size or 0) > most:
            raise Refused(f"larger than {most} bytes")
        try:
            file = await self._account.call(GetFile(file_id=attachment.ref))
        except (TelegramAPIError, ClientDecodeError) as error:
            raise _of_a_question(error) from error
        if not file.file_path:
            raise Refused("Telegram does not hand this file out")
        url = self._account.session.api.file_url(self.settings.token.get_secret_value(), file.file_path)
        async for chunk in self._capped(url, most):
            yield chunk

    async def _capped(self, url: str, most: int) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in self._account.session.stream_content(url):
                size += len(chunk)
                if size > most:
                    raise Refused(f"larger than {most} bytes")
                yield chunk
        except (TimeoutError, ClientError) as error:
            raise TryLater(f"the file did not come through ({type(error).__name__})") from error

    # --- out -----------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        chat = int(message.context.get("chat", message.to.value))
        try:
            return await self._send(message, chat)
        except TelegramMigrateToChat as error:
            return await self._send_to_successor(message, error.migrate_to_chat_id)
        except (TelegramAPIError, ClientDecodeError) as error:
            raise outcome(error, chat=chat) from error

    async def _send(self, message: Outbound, chat: int) -> Receipt:
        file = next((part for part in message.parts if isinstance(part, File)), None)
        sent = await (self._send_file(message, chat, file) if file else self._account.call(_method(message, chat)))
        return Receipt(reference(chat, sent.message_id))

    async def _send_file(self, message: Outbound, chat: int, file: File) -> Sent:
        """One message with one file, whose words are its caption."""
        if is_picture(file):
            try:
                return await self._account.call(await self._with_file(SendPhoto, message, chat, file))
            except TelegramBadRequest as error:
                if not is_no_picture(error):
                    raise
        return await self._account.call(await self._with_file(SendDocument, message, chat, file))

    async def _with_file(self, kind: type[SendFile], message: Outbound, chat: int, file: File) -> SendFile:
        fields = _where(message, chat) | {"upload": await Upload.opened(file, self.site.files.open(file))}
        if caption := to_html(message.parts):
            fields |= {"caption": caption, "parse_mode": "HTML"}
        return kind.model_validate(fields)

    async def _send_to_successor(self, message: Outbound, chat: int) -> Receipt:
        """The group became a supergroup: once more, and for ever, to that. Old message ids mean nothing there."""
        context = {"chat": str(chat)}
        moved = Outbound(id=message.id, to=message.to, parts=message.parts, context=context)
        try:
            receipt = await self._send(moved, chat)
        except (TelegramAPIError, ClientDecodeError) as error:
            raise outcome(error, chat=chat) from error
        return Receipt(receipt.provider_id, context)

    async def typing(self, to: Address, context: Mapping[str, str]) -> None:
        chat = int(context.get("chat", to.value))
        thread = context.get("thread")
        method = SendChatAction(chat_id=chat, action="typing")
        if thread:
            method = SendChatAction(chat_id=chat, action="typing", message_thread_id=int(thread))
        try:
            await self._account.call(method)
        except AiogramError:
            return  # nobody waits for it, and the message itself will say what is wrong

    async def redact(self, to: Address, receipt: Receipt) -> bool:
        chat, number = dereference(receipt.provider_id, int(to.value))
        try:
            return await self._account.call(DeleteMessage(chat_id=chat, message_id=number))
        except AiogramError:
            return False

    # --- health --------------------------------------------------------------------------------------------

    async def health(self) -> Sequence[Finding]:
        return await findings(self.site, self.settings, self._account)


def _method(message: Outbound, chat: int) -> SendText:
    """What is set here is all that travels: the session leaves out what is not."""
    words = {"text": to_html(message.parts), "parse_mode": "HTML", "link_preview_options": _NO_PREVIEW}
    return SendText.model_validate(_where(message, chat) | words)


def _where(message: Outbound, chat: int) -> dict[str, object]:
    """The place of a message, and what can be pressed below it."""
    fields: dict[str, object] = {"chat_id": chat}
    if (keyboard := to_keyboard(message.parts, private=chat > 0)) is not None:
        fields["reply_markup"] = keyboard
    if "message" in message.context:
        fields["reply_parameters"] = ReplyParameters(
            message_id=int(message.context["message"]), allow_sending_without_reply=True
        )
    if "thread" in message.context:
        fields["message_thread_id"] = int(message.context["thread"])
    return fields


def _of_a_question(error: TelegramAPIError | ClientDecodeError) -> Refused | TryLater:
    """A question that may have arrived can be asked again, unlike a message."""
    meant = outcome(error)
    return meant if isinstance(meant, Refused | TryLater) else TryLater(meant.reason)
