"""The Telegram Bot API on this machine.

Written after core.telegram.org/bots/api (version 9). Laxer than Telegram in two points: a webhook may be plain HTTP,
and nothing is throttled unless told to be (`Faults`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypedDict

import orjson
from aiohttp import web

from omnibot.model import Address
from omnibot.sandbox.faults import Blocked, Cut, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.server import CallingSandbox
from omnibot.sandbox.telegram.customers import TelegramCustomers
from omnibot.sandbox.telegram.html import links_of
from omnibot.sandbox.telegram.parameters import (
    ACTIONS,
    CAPTION,
    SECRET,
    TEXT,
    ApiError,
    Json,
    bad,
    check_markup,
    read,
    shown,
    to_json,
)
from omnibot.sandbox.telegram.people import PROVIDER, Bot, Chat, StoredFile, User, Webhook

TOKEN = "4242:AAE_the_sandbox_gives_this_token_away_00"  # of the bot that every sandbox has
DOWNLOAD = 20 * 1024 * 1024  # bytes that getFile hands out
UPLOAD = 50 * 1024 * 1024
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"GIF8", b"BM")  # how those begin that sendPhoto takes
WEBHOOK_TIMEOUT = 60.0
QUESTIONS = frozenset({"getMe", "getUpdates", "getWebhookInfo", "getFile"})  # they change nothing: not in the ledger
SHOWN = frozenset({"sendMessage", "sendPhoto", "sendDocument"})  # they give a customer something to read

Method = Callable[[Bot, Json], Awaitable[Any]]


class _Seen(TypedDict):
    """What a customer sees of a call, for the ledger."""

    to: str
    text: str
    choices: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


class TelegramSandbox(CallingSandbox):
    """Telegram on loopback: `url` goes where https://api.telegram.org stands else. It has one bot from the start."""

    provider = PROVIDER

    def __init__(
        self, ledger: Ledger | None = None, faults: Faults | None = None, *, port: int = 0, token: str = TOKEN
    ) -> None:
        super().__init__(ledger, faults, port=port, timeout=WEBHOOK_TIMEOUT)
        self.bots: dict[str, Bot] = {}
        self.main = self.bot(token)
        self.customers = TelegramCustomers(self.main)
        self._methods: dict[str, Method] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "sendMessage": self._send_message,
            "sendPhoto": self._send_photo,
            "sendDocument": self._send_document,
            "sendChatAction": self._send_chat_action,
            "editMessageText": self._edit_message_text,
            "deleteMessage": self._delete_message,
            "answerCallbackQuery": self._answer_callback_query,
            "getFile": self._get_file,
        }

    def bot(self, token: str, username: str = "sandbox_bot") -> Bot:
        """One more bot."""
        return self.bots.setdefault(token, Bot(self, token, username))

    def user(self, id: int, name: str = "Sandra Box", language: str = "en") -> User:
        """A person who knows the first bot."""
        return self.main.user(id, name, language)

    def application(self) -> web.Application:
        """Methods under /bot<token>/<method>, files under /file/bot<token>/<path>."""
        app = web.Application(client_max_size=UPLOAD)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        return app

    # --- calls ---------------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        bot = self.bots.get(request.match_info["token"])
        if bot is None:
            return _error(ApiError(401, "Unauthorized"))
        if method not in self._methods:
            return _error(ApiError(404, "Not Found"))
        try:
            parameters = read(method, await _raw_parameters(request))
        except ApiError as error:
            return self._refuse(bot, method, {}, error)
        fault = self.faults.take(PROVIDER, method, str(parameters.get("chat_id", "")))
        if fault is None:
            return await self._do(bot, method, parameters, Outcome.ACCEPTED)
        if isinstance(fault, Hang | Cut):
            return await self._lose(request, fault, bot, method, parameters)
        return self._refuse(bot, method, parameters, _ordered(fault))

    async def _do(self, bot: Bot, method: str, parameters: Json, outcome: Outcome) -> web.Response:
        try:
            result = await self._methods[method](bot, parameters)
        except ApiError as error:
            return self._refuse(bot, method, parameters, error)
        if method not in QUESTIONS:
            self.ledger.append(PROVIDER, str(bot.id), method, parameters, outcome, **_seen(method, parameters, result))
        return _json(200, {"ok": True, "result": result})

    def _refuse(self, bot: Bot, method: str, parameters: Json, error: ApiError) -> web.Response:
        reason = f"{error.code} {error.description}"
        self.ledger.append(PROVIDER, str(bot.id), method, parameters, Outcome.REFUSED, reason)
        return _error(error)

    async def _lose(
        self, request: web.Request, fault: Hang | Cut, bot: Bot, method: str, parameters: Json
    ) -> web.Response:
        """Answer never, or by hanging up, having done what was asked or not."""
        if fault.accepted:
            await self._do(bot, method, parameters, Outcome.UNANSWERED)
        if isinstance(fault, Hang):
            await self.hang()
        return self.cut(request)

    async def _download(self, request: web.Request) -> web.Response:
        bot = self.bots.get(request.match_info["token"])
        if bot is None:
            return _error(ApiError(401, "Unauthorized"))
        for file in bot.files.values():
            if file.path == request.match_info["path"]:
                return web.Response(body=file.content, content_type="application/octet-stream")
        return _error(ApiError(404, "Not Found"))

    # --- methods -------------------------------------------------------------------------------------------

    async def _get_me(self, bot: Bot, parameters: Json) -> Json:
        return bot.me

    async def _get_updates(self, bot: Bot, parameters: Json) -> list[Json]:
        bot.allow(parameters.get("allowed_updates"))
        limit = min(max(parameters.get("limit", 100), 1), 100)
        return await bot.poll(parameters.get("offset", 0), limit, min(parameters.get("timeout", 0), 50))

    async def _set_webhook(self, bot: Bot, parameters: Json) -> bool:
        _require(parameters, "url")
        url = parameters["url"]
        if url and not url.startswith(("https://", "http://")):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        secret = parameters.get("secret_token", "")
        if secret and not SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        webhook = Webhook(url, secret, min(max(parameters.get("max_connections", 40), 1), 100))
        bot.set_webhook(webhook, parameters.get("allowed_updates"), parameters.get("drop_pending_updates", False))
        return True

    async def _delete_webhook(self, bot: Bot, parameters: Json) -> bool:
        bot.set_webhook(Webhook(), None, parameters.get("drop_pending_updates", False))
        return True

    async def _get_webhook_info(self, bot: Bot, parameters: Json) -> Json:
        info: Json = {
            "url": bot.webhook.url,
            "has_custom_certificate": False,
            "pending_update_count": bot.pending,
            "max_connections": bot.webhook.max_connections,
        }
        if bot.webhook.last_error_date:
            info["last_error_date"] = bot.webhook.last_error_date
            info["last_error_message"] = bot.webhook.last_error_message
        return info

    async def _send_message(self, bot: Bot, parameters: Json) -> Json:
        chat = _chat(bot, parameters)
        text, entities = _text(parameters)
        parameters["text"] = text  # the ledger holds what the customer sees
        return _sent(bot, chat, parameters, {"text": text} | ({"entities": entities} if entities else {}))

    async def _send_photo(self, bot: Bot, parameters: Json) -> Json:
        chat = _chat(bot, parameters)
        file = _given_file(bot, parameters, "photo")
        if not file.content.startswith(PICTURES):
            raise bad("IMAGE_PROCESS_FAILED")
        return _sent(
            bot,
            chat,
            parameters,
            {"photo": [{**file.description, "width": 1280, "height": 960}], **_caption(parameters)},
        )

    async def _send_document(self, bot: Bot, parameters: Json) -> Json:
        chat = _chat(bot, parameters)
        file = _given_file(bot, parameters, "document")
        document = {**file.description, "file_name": file.name}
        return _sent(bot, chat, parameters, {"document": document, **_caption(parameters)})

    async def _send_chat_action(self, bot: Bot, parameters: Json) -> bool:
        _chat(bot, parameters)
        if parameters.get("action") not in ACTIONS:
            raise bad("wrong parameter action in request")
        return True

    async def _edit_message_text(self, bot: Bot, parameters: Json) -> Json:
        chat = _chat(bot, parameters)
        old = chat.messages.get(parameters.get("message_id", 0))
        if old is None:
            raise bad("message to edit not found")
        if old["from"]["id"] != bot.id:
            raise bad("message can't be edited")
        text, entities = _text(parameters)
        new = {name: value for name, value in old.items() if name not in ("entities", "reply_markup")}
        new |= {"text": text} | ({"entities": entities} if entities else {}) | _markup(parameters)
        if new == old:
            raise bad(
                "message is not modified: specified new message content and reply markup are exactly the same "
                "as a current content and reply markup of the message"
            )
        parameters["text"] = text
        chat.keep(new)
        return new

    async def _delete_message(self, bot: Bot, parameters: Json) -> bool:
        chat = _chat(bot, parameters)
        if chat.messages.pop(parameters.get("message_id", 0), None) is None:
            raise bad("message to delete not found")
        return True

    async def _answer_callback_query(self, bot: Bot, parameters: Json) -> bool:
        _require(parameters, "callback_query_id")
        query = parameters["callback_query_id"]
        if query not in bot.queries:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        bot.queries.discard(query)
        return True

    async def _get_file(self, bot: Bot, parameters: Json) -> Json:
        _require(parameters, "file_id")
        file = bot.files.get(parameters["file_id"])
        if file is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        if len(file.content) > DOWNLOAD:
            raise bad("file is too big")
        return {**file.description, "file_path": file.path}


# --- what methods share ------------------------------------------------------------------------------------


async def _raw_parameters(request: web.Request) -> Json:
    """The query, and the body in any of the forms that Telegram takes."""
    given: Json = dict(request.query) if request.query_string else {}
    if request.content_type == "application/json":
        given |= _json_body(await request.read())
    elif request.can_read_body:
        for name, value in (await request.post()).items():
            given[name] = (value.filename, value.file.read()) if isinstance(value, web.FileField) else value
    return given


def _json_body(body: bytes) -> Json:
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad("can't parse JSON object") from None
    if not isinstance(value, dict):
        raise bad("JSON object expected")
    return value


def _require(parameters: Json, name: str) -> None:
    if name not in parameters:
        raise bad(f'parameter "{name}" is required')


def _chat(bot: Bot, parameters: Json) -> Chat:
    if "chat_id" not in parameters:
        raise bad("chat_id is empty")
    chat = bot.chats.get(parameters["chat_id"])
    if chat is None:
        raise bad("chat not found")
    if chat.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if chat.migrated_to:
        raise ApiError(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.migrated_to,
        )
    return chat


def _text(parameters: Json) -> tuple[str, list[Json]]:
    text, entities = shown(parameters.get("text", ""), parameters)
    if not text.strip():
        raise bad("message text is empty")
    if len(text) > TEXT:
        raise bad("message is too long")
    return text, entities


def _caption(parameters: Json) -> Json:
    caption, entities = shown(parameters.get("caption", ""), parameters, "caption_entities")
    if len(caption) > CAPTION:
        raise bad("message caption is too long")
    parameters["caption"] = caption
    return ({"caption": caption} if caption else {}) | ({"caption_entities": entities} if entities else {})


def _markup(parameters: Json) -> Json:
    if "reply_markup" not in parameters:
        return {}
    check_markup(parameters["reply_markup"], private=int(parameters["chat_id"]) > 0)
    return {"reply_markup": parameters["reply_markup"]}


def _given_file(bot: Bot, parameters: Json, name: str) -> StoredFile:
    """A file that was uploaded, or is there already under its id."""
    _require(parameters, name)
    value = parameters[name]
    if isinstance(value, tuple):
        file = bot.store(*value)
    elif value in bot.files:
        file = bot.files[value]
    else:
        raise bad("wrong file identifier/HTTP URL specified")
    parameters[name] = file.id
    return file


def _sent(bot: Bot, chat: Chat, parameters: Json, content: Json) -> Json:
    """Put a message of the bot's into a chat."""
    message: Json = {
        "message_id": 0,
        "from": {"id": bot.id, "is_bot": True, "first_name": bot.me["first_name"], "username": bot.username},
        "chat": chat.description,
        "date": int(time.time()),
        **content,
        **_markup(parameters),
        **_answered(chat, parameters),
    }
    message["message_id"] = parameters["message_id"] = bot.next_message_id()
    chat.keep(message)
    return message


def _answered(chat: Chat, parameters: Json) -> Json:
    reply = parameters.get("reply_parameters")
    if reply is None:
        return {}
    if not isinstance(reply, dict) or not isinstance(reply.get("message_id"), int):
        raise bad('can\'t parse reply parameters: Field "message_id" must be of type Number')
    answered = chat.messages.get(reply["message_id"])
    if answered is not None:
        return {"reply_to_message": {k: v for k, v in answered.items() if k != "reply_to_message"}}
    if reply.get("allow_sending_without_reply"):
        return {}
    raise bad("message to be replied not found")


def _seen(method: str, parameters: Json, message: Json) -> _Seen:
    if method not in SHOWN:
        return {"to": "", "text": "", "choices": (), "links": ()}
    markup = parameters.get("reply_markup") or {}
    rows = [*markup.get("inline_keyboard", ()), *markup.get("keyboard", ())]
    return {
        "to": str(Address("telegram", str(parameters["chat_id"]))),
        "text": parameters.get("text") or parameters.get("caption") or "",
        "choices": tuple(button["text"] for row in rows for button in row if isinstance(button, dict)),
        "links": tuple(links_of(message)),
    }


def _ordered(fault: Fault) -> ApiError:
    """A fault as Telegram words it."""
    match fault:
        case Throttle(after):
            seconds = math.ceil(after)
            return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        case Blocked():
            return ApiError(403, "Forbidden: bot was blocked by the user")
        case ServerError(status):
            return ApiError(status, HTTPStatus(status).phrase)
        case _:
            raise ValueError(f"{fault} is nothing that a call can meet")


def _error(error: ApiError) -> web.Response:
    return _json(error.code, error.body)


def _json(status: int, body: Json) -> web.Response:
    return web.Response(status=status, body=to_json(body), content_type="application/json")
