"""A bot of the emulated Telegram, the people who write to it, and how their updates reach it."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import ClientError, ClientSession

from omnibot.sandbox.faults import ARRIVAL, Delay, Duplicate, Faults
from omnibot.sandbox.telegram.html import utf16_length
from omnibot.sandbox.telegram.parameters import ApiError, Json, to_json

PROVIDER = "telegram"
_WEBHOOK_IS_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
KEPT_MESSAGES = 10_000  # a chat; older ones cannot be edited or deleted any more
RETRY_FIRST, RETRY_LAST = 0.1, 5.0  # seconds between two tries of a webhook

_ENTITY = re.compile(r"(?<!\w)(?:@(?P<mention>[A-Za-z]\w{3,31})|(?P<bot_command>/[a-z0-9_]{1,32}))")


@dataclass(slots=True)
class Chat:
    """A conversation with a bot: private, or a group."""

    id: int
    description: Json
    messages: dict[int, Json] = field(default_factory=dict)
    blocked: bool = False
    migrated_to: int = 0
    keyboard: Json | None = None  # the message whose keyboard stands where people write

    def keep(self, message: Json) -> None:
        """Remember a message, and forget the oldest of too many."""
        self.messages[message["message_id"]] = message
        if len(self.messages) > KEPT_MESSAGES:
            del self.messages[next(iter(self.messages))]
        markup = message.get("reply_markup", {})
        if "keyboard" in markup:
            self.keyboard = message
        elif "remove_keyboard" in markup:
            self.keyboard = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on Telegram's servers."""

    id: str
    path: str
    content: bytes = field(repr=False)
    name: str = ""  # as whoever sent it called it

    @property
    def description(self) -> Json:
        """The file as Telegram describes it."""
        return {"file_id": self.id, "file_unique_id": f"U{self.id}", "file_size": len(self.content)}


@dataclass(slots=True)
class Webhook:
    """Where a bot wants its updates, and how that goes."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error_date: int = 0
    last_error_message: str = ""

    def failed(self, why: str) -> None:
        """Remember for getWebhookInfo why an update did not get through."""
        self.last_error_date, self.last_error_message = int(time.time()), why


@dataclass(slots=True)
class Update:
    """Something that happened to a bot; `body` as it is delivered, to the byte."""

    id: int
    kind: str
    chat: str
    body: bytes = field(repr=False)
    value: Json = field(repr=False)


class Surroundings(Protocol):
    """What a bot needs of the sandbox it lives in."""

    faults: Faults
    client: ClientSession

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside everything else until done, or until the sandbox closes."""
        ...


class Bot:
    """One bot of the sandbox: its people, its updates, where they go."""

    def __init__(self, sandbox: Surroundings, token: str, username: str) -> None:
        self.token = token
        self.id = int(token.partition(":")[0])
        self.username = username
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: set[str] = set()
        self.webhook = Webhook()
        self.allowed: frozenset[str] = frozenset()
        self.confirmed = 0  # updates that were acknowledged, repetitions too
        self.posted: list[int] = []  # HTTP status of every try of a webhook; 0: no answer
        self.last: Update | None = None
        self._sandbox = sandbox
        self._pending: deque[Update] = deque()
        self._late: list[Update] = []  # handed out by getUpdates whatever its offset is
        self._posting = 0
        self._delayed: list[tuple[int, Update]] = []
        self._polling: asyncio.Future[str] | None = None
        self._free = asyncio.Semaphore(self.webhook.max_connections)
        # a server remembers for ever which updates it has had: none may come again after a restart of the sandbox
        self._update_id = self._message_id = time.time_ns() // 1000

    @property
    def me(self) -> Json:
        """The bot as getMe describes it."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": "Sandbox",
            "username": self.username,
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_inline_queries": False,
        }

    def user(self, id: int, name: str = "Sandra Box", language: str = "en", username: str = "") -> User:
        """A person; the bot can write to them once they have written."""
        return User(self, id, name, language, username)

    def group(self, id: int, title: str = "A group") -> Chat:
        """A group that the bot is a member of; `id` is negative."""
        return self.chats.setdefault(id, Chat(id, {"id": id, "type": "group", "title": title}))

    def next_message_id(self) -> int:
        """The number of the next message; bots count over all their chats."""
        self._message_id += 1
        return self._message_id

    def store(self, name: str, content: bytes) -> StoredFile:
        """Keep a file, under a path that Telegram makes up: of the name only the ending is in it."""
        number = len(self.files) + 1
        _, dot, ending = name.rpartition(".")
        suffix = f".{ending}" if dot and ending.isalnum() else ""
        file = StoredFile(f"AgAD{self.id}F{number}", f"documents/file_{number}{suffix}", content, name)
        self.files[file.id] = file
        return file

    # --- updates --------------------------------------------------------------------------------------------

    def happened(self, kind: str, chat: int, value: Json) -> Update:
        """Something happened: number it and deliver it, as often and as late as ordered."""
        self._update_id += 1
        body: Json = {"update_id": self._update_id, kind: value}
        update = Update(self._update_id, kind, str(chat), to_json(body), body)
        if self.allowed and kind not in self.allowed:
            return update
        fault = self._sandbox.faults.take(PROVIDER, ARRIVAL, update.chat)
        if isinstance(fault, Delay):
            self._delayed.append((fault.behind, update))
            return update
        self._deliver(update)
        if isinstance(fault, Duplicate):
            for _ in range(fault.times):
                self.again(update)
        if self._delayed:
            self._release()
        return update

    def again(self, update: Update) -> None:
        """Deliver an update once more, or after others that are younger."""
        if self.webhook.url:
            self._deliver(update)
        else:
            self._late.append(update)
            self._wake("")

    def _release(self) -> None:
        waiting, self._delayed = self._delayed, []
        for behind, update in waiting:
            if behind > 1:
                self._delayed.append((behind - 1, update))
            else:
                self.again(update)

    def _deliver(self, update: Update) -> None:
        self.last = update
        if self.webhook.url:
            self._sandbox.spawn(self._post(update))
        else:
            self._pending.append(update)
            self._wake("")

    async def _post(self, update: Update) -> None:
        """Call the webhook until it says yes, as long as there is one."""
        pause = RETRY_FIRST
        self._posting += 1
        try:
            async with self._free:
                while self.webhook.url:
                    status = await self._call(update)
                    self.posted.append(status)
                    if 200 <= status < 300:
                        self.confirmed += 1
                        return
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY_LAST)
        finally:
            self._posting -= 1
        self._pending.append(update)
        self._wake("")

    async def _call(self, update: Update) -> int:
        headers = {"Content-Type": "application/json"}
        if self.webhook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.webhook.secret
        try:
            async with self._sandbox.client.post(self.webhook.url, data=update.body, headers=headers) as answer:
                if answer.status >= 300:
                    phrase = HTTPStatus(answer.status).phrase
                    self.webhook.failed(f"Wrong response from the webhook: {answer.status} {phrase}")
                return answer.status
        except TimeoutError:
            self.webhook.failed("Read timeout expired")
        except (ClientError, OSError):
            self.webhook.failed("Connection refused")
        return 0

    def set_webhook(self, webhook: Webhook, allowed: Sequence[str] | None, drop: bool) -> None:
        """Deliver from now on to a webhook, or with an empty URL to getUpdates."""
        self.webhook = webhook
        self._free = asyncio.Semaphore(webhook.max_connections)
        self.allow(allowed)
        if drop:
            self._pending.clear()
        if webhook.url:
            waiting, self._pending = self._pending, deque()
            self._wake(_WEBHOOK_IS_SET)
            for update in waiting:
                self._sandbox.spawn(self._post(update))

    def allow(self, kinds: Sequence[str] | None) -> None:
        """Tell from now on only of these kinds of updates; an empty list: all; None: as before."""
        if kinds is not None:
            self.allowed = frozenset(kinds)

    @property
    def pending(self) -> int:
        """Updates that nobody has acknowledged."""
        return len(self._pending) + self._posting

    @property
    def polled(self) -> bool:
        """Whether a getUpdates waits now."""
        return self._polling is not None

    async def poll(self, offset: int, limit: int, timeout: int) -> list[Json]:
        """What getUpdates answers: waits up to `timeout` seconds, forgets what is below `offset`."""
        if self.webhook.url:
            raise ApiError(409, f"Conflict: {_WEBHOOK_IS_SET}")
        self._wake("terminated by other getUpdates request; make sure that only one bot instance is running")
        self._confirm(offset)
        if timeout and not (self._pending or self._late):
            await self._wait(timeout)
        late, self._late = self._late, []
        return [update.value for update in [*late, *self._pending][:limit]]

    def _confirm(self, offset: int) -> None:
        while self._pending and self._pending[0].id < offset:
            self._pending.popleft()
            self.confirmed += 1

    async def _wait(self, timeout: int) -> None:
        polling: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._polling = polling
        try:
            async with asyncio.timeout(timeout):
                conflict = await polling
        except TimeoutError:
            return
        finally:
            if self._polling is polling:
                self._polling = None
        if conflict:
            raise ApiError(409, f"Conflict: {conflict}")

    def _wake(self, conflict: str) -> None:
        if self._polling is not None and not self._polling.done():
            self._polling.set_result(conflict)


class User:
    """A person who uses Telegram. Each act becomes an update for the bot; all return as soon as it is on its way."""

    def __init__(self, bot: Bot, id: int, name: str, language: str, username: str = "") -> None:
        self.id = id
        self.bot = bot
        first, _, last = name.partition(" ")
        self._who: Json = {"id": id, "is_bot": False, "first_name": first, "language_code": language}
        self._private: Json = {"id": id, "type": "private", "first_name": first}
        if last:
            self._who["last_name"] = self._private["last_name"] = last
        if username:
            self._who["username"] = self._private["username"] = username

    def write(self, text: str, *, reply_to: int = 0, group: Chat | None = None, **more: object) -> int:
        """Write a text; returns its message_id. `more` are fields of the message as Telegram names them."""
        content: Json = {"text": text, **more}
        if entities := _entities(text):
            content["entities"] = entities
        return self._send(content, reply_to, group)

    def send_photo(self, content: bytes, caption: str = "", *, album: str = "") -> int:
        """Send a picture, which Telegram offers in two sizes; those of one `album` belong together."""
        small, large = self.bot.store("small.jpg", content[:100]), self.bot.store("large.jpg", content)
        sizes = [
            {**small.description, "width": 90, "height": 67},
            {**large.description, "width": 1280, "height": 960},
        ]
        return self._send(_with({"photo": sizes}, caption=caption, media_group_id=album))

    def send_document(self, name: str, content: bytes, media_type: str, caption: str = "") -> int:
        """Send a file."""
        file = self.bot.store(name, content)
        document = {**file.description, "file_name": name, "mime_type": media_type}
        return self._send(_with({"document": document}, caption=caption))

    def send_location(self, latitude: float, longitude: float) -> int:
        """Share a place."""
        return self._send({"location": {"latitude": latitude, "longitude": longitude}})

    def send_contact(self, name: str, phone: str, user_id: int | None = None) -> int:
        """Share a contact card; with the own `user_id` Telegram vouches that it is one's own."""
        contact: Json = {"phone_number": phone, "first_name": name}
        if user_id is not None:
            contact["user_id"] = user_id
        return self._send({"contact": contact})

    def edit(self, message_id: int, text: str) -> None:
        """Change what was written."""
        old = self._chat().messages[message_id]
        new = {**old, "text": text, "edit_date": int(time.time())}
        self._chat().keep(new)
        self.bot.happened("edited_message", self.id, new)

    def share_number(self, label: str, number: str) -> int:
        """Press the button that asks for one's own number; LookupError where none of that label stands there.

        Telegram tells the number without its plus, and that it is theirs; a keyboard for one time is put away.
        """
        asked = self._chat().keyboard
        rows = asked["reply_markup"]["keyboard"] if asked else []
        buttons = [button for row in rows for button in row if isinstance(button, dict)]
        if not any(button["text"] == label and button.get("request_contact") for button in buttons):
            raise LookupError(f"no keyboard asks for a number by {label!r}")
        assert asked is not None
        contact: Json = {"phone_number": number.removeprefix("+"), "first_name": self._who["first_name"]}
        return self._send({"contact": {**contact, "user_id": self.id}}, reply_to=asked["message_id"])

    def press(self, label: str, message_id: int = 0) -> str:
        """Press a button under a message, by default under the latest that has it; returns the query's id."""
        message, button = self._button(label, message_id)
        query = f"{self.id}{len(self.bot.queries) + 1:06}"
        self.bot.queries.add(query)
        self.bot.happened(
            "callback_query",
            self.id,
            {
                "id": query,
                "from": self._who,
                "message": message,
                "chat_instance": str(self.id),
                "data": button["callback_data"],
            },
        )
        return query

    def block(self) -> None:
        """Take nothing from the bot any more."""
        self._chat().blocked = True

    def unblock(self) -> None:
        """Take messages again."""
        self._chat().blocked = False

    def _chat(self) -> Chat:
        return self.bot.chats.setdefault(self.id, Chat(self.id, self._private))

    def _send(self, content: Json, reply_to: int = 0, group: Chat | None = None) -> int:
        chat = self._chat() if group is None else group
        message_id = self.bot.next_message_id()
        message: Json = {
            "message_id": message_id,
            "from": self._who,
            "chat": chat.description,
            "date": int(time.time()),
            **content,
        }
        if reply_to:
            message["reply_to_message"] = chat.messages[reply_to]
        chat.keep(message)
        self.bot.happened("message", chat.id, message)
        return message_id

    def _button(self, label: str, message_id: int) -> tuple[Json, Json]:
        messages = self._chat().messages
        candidates = [messages[message_id]] if message_id else reversed(list(messages.values()))
        for message in candidates:
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["text"] == label:
                        return message, button
        raise LookupError(f"no message offers {label!r}")


def _with(message: Json, **more: str) -> Json:
    return message | {name: value for name, value in more.items() if value}


def _entities(text: str) -> list[Json]:
    if "@" not in text and "/" not in text:
        return []
    return [
        {"type": str(match.lastgroup), "offset": utf16_length(text[: match.start()]), "length": len(match[0])}
        for match in _ENTITY.finditer(text)
    ]
