"""The sandbox by HTTP: write as a customer, order misbehaviour, read the ledger. For people who develop bots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from omnibot.model import Address
from omnibot.sandbox.faults import Blocked, Cut, Delay, Duplicate, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Entry, Ledger
from omnibot.sandbox.people import People, Person

_LONGEST_WAIT = 30  # seconds for what has not happened yet
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


class Writing(_Body):
    """Somebody writes; with `answer` quoting the last that they got."""

    as_: Annotated[str, Field(alias="as")]
    text: Annotated[str, Field(min_length=1)]
    subject: str = ""
    answer: bool = False


class Pressing(_Body):
    """Somebody presses a choice under the latest message that has it."""

    as_: Annotated[str, Field(alias="as")]
    label: str


class Knowing(_Body):
    """These addresses are one person's."""

    name: str = ""
    addresses: Annotated[list[str], Field(min_length=1)]


class Order(_Body):
    """What a provider shall do wrong, for whom and how often; see `Faults.add`."""

    fault: Literal["throttle", "error", "blocked", "hang", "cut", "duplicate", "delay"]
    with_: Annotated[dict[str, float | bool], Field(alias="with")] = {}
    provider: Literal["", "telegram", "slack", "twilio", "mail"] = ""
    method: str = ""
    address: str = ""
    count: Annotated[int, Field(ge=1)] | None = 1
    every: Annotated[int, Field(ge=1)] = 1


Body = TypeVar("Body", bound=_Body)


class Control:
    """The routes; every mistake is answered with what to send instead."""

    def __init__(self, people: People, ledger: Ledger, faults: Faults) -> None:
        self._people = people
        self._ledger = ledger
        self._faults = faults

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/write", self._write),
                web.post("/press", self._press),
                web.post("/people", self._know),
                web.get("/people", self._who),
                web.post("/faults", self._order),
                web.delete("/faults", self._behave),
                web.get("/ledger", self._read_ledger),
            ]
        )
        return app

    async def _write(self, request: web.Request) -> web.Response:
        body = await _read(request, Writing)
        address = _address(body.as_)
        with _told_apart():
            self._people.write(address, body.text, subject=body.subject, answer=body.answer)
        return _json(_person(self._people.of(address)))

    async def _press(self, request: web.Request) -> web.Response:
        body = await _read(request, Pressing)
        with _told_apart():
            self._people.press(_address(body.as_), body.label)
        return _json({"pressed": body.label})

    async def _know(self, request: web.Request) -> web.Response:
        body = await _read(request, Knowing)
        addresses = [_address(text) for text in body.addresses]
        with _told_apart():
            person = self._people.know(body.name, addresses)
        return _json(_person(person))

    async def _who(self, request: web.Request) -> web.Response:
        return _json(_person(self._people.of(_address(request.query.get("as", "")))))

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
        """What came after entry `after`, to the addresses `to` if any are named; waits up to `wait` seconds for it.

        Without `after`, `latest` are so many entries at most, counted from the end.
        """
        after, wait = _number(request, "after"), min(_number(request, "wait"), _LONGEST_WAIT)
        if "latest" in request.query:
            after = max(after, self._ledger.last - _number(request, "latest"))
        to = frozenset(request.query.getall("to", ()))

        def wanted(entry: Entry) -> bool:
            return not to or (entry.accepted and entry.to in to)

        if wait and not any(map(wanted, self._ledger.since(after))):
            with suppress(TimeoutError):
                await self._ledger.wait_for(wanted, wait, after=after)
        return _json([_entry(entry) for entry in self._ledger.since(after) if wanted(entry)])


async def _read(request: web.Request, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        raise _refused(_told(error)) from None


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _refused(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=orjson.dumps({"error": text}).decode(), content_type="application/json")


@contextmanager
def _told_apart() -> Iterator[None]:
    """What cannot be done is the caller's mistake, in the words of who cannot do it."""
    try:
        yield
    except (LookupError, ValueError) as error:
        raise _refused(str(error.args[0] if error.args else error)) from None


def _address(text: str) -> Address:
    with _told_apart():
        return Address.parse(text)


def _number(request: web.Request, name: str) -> int:
    value = request.query.get(name, "0")
    if not value.isdecimal():
        raise _refused(f"{name}: {value!r} is no number")
    return int(value)


def _person(person: Person) -> dict[str, Any]:
    return {"name": person.name, "addresses": [str(address) for address in person.addresses]}


def _entry(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"payload": {key: value for key, value in entry.payload.items() if key != "raw"}}


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value, default=str), content_type="application/json")
