"""The sandbox by HTTP: write as a customer, order misbehaviour, read the ledger. For people who develop bots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from omnibot.sandbox.faults import Blocked, Cut, Delay, Duplicate, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Entry, Ledger
from omnibot.sandbox.mail import MailSandbox
from omnibot.sandbox.telegram import TelegramSandbox

_KINDS: Mapping[str, type[Fault]] = {
    "throttle": Throttle,
    "error": ServerError,
    "blocked": Blocked,
    "hang": Hang,
    "cut": Cut,
    "duplicate": Duplicate,
    "delay": Delay,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TelegramText(_Body):
    """Somebody writes on Telegram."""

    user: Annotated[int, Field(gt=0)]
    text: Annotated[str, Field(min_length=1)]
    name: str = "Sandra Box"
    language: str = "en"


class TelegramPress(_Body):
    """Somebody presses a button under the latest message that has it."""

    user: Annotated[int, Field(gt=0)]
    label: str


class MailText(_Body):
    """Somebody writes a mail, or answers the last one they got."""

    address: str
    text: str
    subject: str = ""
    name: str = ""
    answer: bool = False


class Order(_Body):
    """What a provider shall do wrong, for whom and how often; see `Faults.add`."""

    fault: Literal["throttle", "error", "blocked", "hang", "cut", "duplicate", "delay"]
    with_: Annotated[dict[str, float | bool], Field(alias="with")] = {}
    provider: Literal["", "telegram", "mail"] = ""
    method: str = ""
    address: str = ""
    count: Annotated[int, Field(ge=1)] | None = 1
    every: Annotated[int, Field(ge=1)] = 1


Body = TypeVar("Body", bound=_Body)


class Control:
    """The routes; every mistake is answered with what to send instead."""

    def __init__(self, telegram: TelegramSandbox, mail: MailSandbox, ledger: Ledger, faults: Faults) -> None:
        self._telegram = telegram
        self._mail = mail
        self._ledger = ledger
        self._faults = faults

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/telegram/write", self._telegram_write),
                web.post("/telegram/press", self._telegram_press),
                web.post("/mail/write", self._mail_write),
                web.post("/faults", self._order),
                web.delete("/faults", self._behave),
                web.get("/ledger", self._read_ledger),
            ]
        )
        return app

    async def _telegram_write(self, request: web.Request) -> web.Response:
        body = await _read(request, TelegramText)
        message = self._telegram.main.user(body.user, body.name, body.language).write(body.text)
        return _json({"message_id": message})

    async def _telegram_press(self, request: web.Request) -> web.Response:
        body = await _read(request, TelegramPress)
        try:
            self._telegram.main.user(body.user).press(body.label)
        except LookupError as error:
            raise _refused(str(error)) from None
        return _json({"pressed": body.label})

    async def _mail_write(self, request: web.Request) -> web.Response:
        body = await _read(request, MailText)
        mailbox = self._mail.mailbox(body.address, body.name)
        if body.answer and not mailbox.mails:
            raise _refused(f"{body.address} has got no mail yet that it could answer")
        if body.answer:
            mailbox.reply(mailbox.mails[-1], body.text)
        else:
            mailbox.write(body.subject, body.text)
        return _json({"sent": True})

    async def _order(self, request: web.Request) -> web.Response:
        body = await _read(request, Order)
        kind = _KINDS[body.fault]
        try:
            fault = TypeAdapter(kind).validate_python(dict(body.with_))
        except ValidationError as error:
            raise _refused(f"{body.fault}: {_told(error)}") from None
        self._faults.add(
            fault,
            provider=body.provider,
            method=body.method,
            address=body.address,
            count=body.count,
            every=body.every,
        )
        return _json({"ordered": body.fault})

    async def _behave(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return _json({"ordered": "nothing"})

    async def _read_ledger(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            raise _refused("after: give the number of the last entry that you have seen")
        return _json([_entry(entry) for entry in self._ledger if entry.number > int(after)])


async def _read(request: web.Request, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        raise _refused(_told(error)) from None


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _refused(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=orjson.dumps({"error": text}).decode(), content_type="application/json")


def _entry(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"payload": {key: value for key, value in entry.payload.items() if key != "raw"}}


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value, default=str), content_type="application/json")
