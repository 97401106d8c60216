"""How calls to the Bot API travel: one pool of connections, JSON bodies, and answers validated no further than needed.

aiogram's own session builds a multipart form for every call and a whole `Message` of every answer: three times the
CPU of ours for one text sent. Sessions are aiogram's own point of extension.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any, ClassVar, cast

import certifi
import orjson
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramNetworkError
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import (
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    FormData,
    TCPConnector,
)
from pydantic import BaseModel, ValidationError

from omnibot_telegram.files import Upload
from omnibot_telegram.parse import loads

CONNECT = 10.0  # seconds to reach Telegram
CHUNK = 64 * 1024
_JSON = {"Content-Type": "application/json"}
# asyncio.timeout bounds the whole of a call; this one tells what was never sent from what may have been accepted
_TIMEOUT = ClientTimeout(total=None, sock_connect=CONNECT)


class NotConnected(TelegramNetworkError):
    """Telegram was not reached: it cannot have accepted anything."""


class Sent(BaseModel):
    """What we need to know of a message that was sent."""

    message_id: int


Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove


class SendText(TelegramMethod[Sent]):
    """sendMessage, with the fields that we use, and of whose answer only the id is read."""

    __returning__ = Sent
    __api_method__ = "sendMessage"

    chat_id: int
    text: str
    parse_mode: str
    link_preview_options: LinkPreviewOptions
    message_thread_id: int | None = None
    reply_parameters: ReplyParameters | None = None
    reply_markup: Keyboard | None = None


class SendFile(TelegramMethod[Sent]):
    """What sendDocument and sendPhoto have in common; `file` names the field of the file itself."""

    __returning__ = Sent
    __api_method__ = ""
    file: ClassVar[str]

    chat_id: int
    upload: Upload
    caption: str | None = None
    parse_mode: str | None = None
    message_thread_id: int | None = None
    reply_parameters: ReplyParameters | None = None
    reply_markup: Keyboard | None = None


class SendDocument(SendFile):
    """sendDocument, with the fields that we use."""

    __api_method__ = "sendDocument"
    file: ClassVar[str] = "document"


class SendPhoto(SendFile):
    """sendPhoto, with the fields that we use."""

    __api_method__ = "sendPhoto"
    file: ClassVar[str] = "photo"


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates, whose answer we read ourselves: one odd update must not lose the others."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    allowed_updates: tuple[str, ...]


_ANSWER = Response[Sent]


def _sent(content: bytes) -> Sent | None:
    """What nearly every answer says, read at a sixth of the cost; None for any other, which aiogram judges."""
    try:
        answer = _ANSWER.model_validate_json(content)
    except ValidationError:
        return None
    return answer.result if answer.ok else None


def _json(method: TelegramMethod[Any]) -> bytes:
    return orjson.dumps(method.model_dump(exclude_unset=True, warnings=False))


def _form(bot: Bot, method: SendFile) -> FormData:
    """A file travels in a form; unquoted, since Telegram shows its name as it comes."""
    form = FormData(quote_fields=False)
    for name, value in method.model_dump(exclude_unset=True, exclude={"upload"}, warnings=False).items():
        form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    upload = method.upload
    form.add_field(method.file, upload.read(bot), filename=upload.filename, content_type=upload.media_type)
    return form


class Session(BaseSession):
    """The connections of one account to a Bot API server, opened and closed with the account."""

    def __init__(self, api_url: str, *, limit: int, timeout: float) -> None:
        super().__init__(api=TelegramAPIServer.from_base(api_url), json_loads=loads, timeout=timeout)
        self._limit = limit
        self._client: ClientSession | None = None

    async def open(self) -> None:
        """Make the pool; inside the loop that will use it."""
        secure = self.api.base.startswith("https:")
        trusted = ssl.create_default_context(cafile=certifi.where()) if secure else False
        self._client = ClientSession(connector=TCPConnector(limit=self._limit, ttl_dns_cache=300, ssl=trusted))

    async def close(self) -> None:
        """Close the pool; no call is possible from now on."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    @property
    def _opened(self) -> ClientSession:
        if self._client is None:
            raise RuntimeError("the Telegram account is not open: use it inside its context")
        return self._client

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        """Call a method within `timeout` seconds, or the account's own.

        Raises aiogram's errors; NotConnected where Telegram was not reached, RuntimeError when not open.
        """
        client = self._opened
        body, headers = (_form(bot, method), None) if isinstance(method, SendFile) else (_json(method), _JSON)
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        try:
            async with (
                asyncio.timeout(timeout or self.timeout),
                client.post(url, data=body, headers=headers, timeout=_TIMEOUT) as answer,
            ):
                content = await answer.read()
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise NotConnected(method=method, message=type(error).__name__) from error
        except (TimeoutError, ClientError) as error:
            raise TelegramNetworkError(method=method, message=type(error).__name__) from error
        return self._result(bot, method, answer.status, content)

    def _result(self, bot: Bot, method: TelegramMethod[TelegramType], status: int, content: bytes) -> TelegramType:
        if method.__returning__ is Sent and status == HTTPStatus.OK and (sent := _sent(content)):
            return cast(TelegramType, sent)
        text = content.decode(errors="replace")
        response: Response[TelegramType] = self.check_response(bot, method, status, text)
        if response.result is None:
            raise ClientDecodeError("Neither a result nor an error", ValueError(), text)
        return response.result

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = CHUNK,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        """The body behind a URL in chunks; raises aiohttp's ClientError."""
        async with self._opened.get(
            url, headers=headers, timeout=ClientTimeout(total=timeout), raise_for_status=raise_for_status
        ) as answer:
            async for chunk in answer.content.iter_chunked(chunk_size):
                yield chunk
