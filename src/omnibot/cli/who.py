"""Whom a command is about: what people write for a customer or an address, and who acts."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omnibot.cli.printing import fail
from omnibot.cli.running import settings_of

if TYPE_CHECKING:
    from omnibot.model import Address
    from omnibot.store import Store
    from omnibot.store.identity import Person, Who

_PHONE = re.compile(r"\+[\d\s().\-/]+")
_NUMBER = re.compile(r"[0-9]{8,15}")  # what may be a phone without its +
_BY_NUMBER = ("sms", "whatsapp")
_LONGEST_NAME = 64  # characters of the log's column
_NAMED = 5  # of several who may be meant


# --- what is written ------------------------------------------------------------------------------------------------


def read_address(text: str, config: Path | None) -> Address:
    """An address as its channel spells it, where that is configured; else as it is written."""
    from omnibot.channels import judge_accounts
    from omnibot.model import Address

    try:
        written = Address.parse(text)
        tables = settings_of(config).channels.get(written.channel, {})
        accounts, _ = judge_accounts({written.channel: tables} if tables else {})
        return accounts[0].channel_class.address(written.value) if accounts else written
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ADDRESS") from error


async def sought(store: Store, text: str, config: Path | None, limit: int = 20) -> list[Person]:
    """All who may be meant: by an address, a number, a mail address, a customer's id, or part of a name."""
    people = [person for way in _ways(text.strip(), config) for person in await store.identity.find(way, limit)]
    return list({person.customer: person for person in people}.values())[:limit]


async def one_person(store: Store, text: str, config: Path | None) -> Person:
    """The one who is meant; ends the command when there is none, or more than one."""
    people = await sought(store, text, config)
    if not people:
        fail(f"nobody is known by {text}")
    if len(people) > 1:
        fail(f"{text} may be {_listed(people)}: name one by their id or an address")
    return people[0]


async def one_who(store: Store, text: str, config: Path | None) -> Who:
    """Whose identity is to be changed: never by a name, which others have, too."""
    if text.strip().isdecimal():
        return int(text)
    return await one_address(store, text, config)


async def one_address(store: Store, text: str, config: Path | None) -> Address:
    """The address that is meant: of a bare number the one that is known, a text message's or WhatsApp's."""
    from omnibot.model import Address

    text = text.strip()
    if "@" in text and ":" not in text:
        return read_address(f"email:{text}", config)
    if not _PHONE.fullmatch(text):
        return read_address(text, config)
    possible = [read_address(str(Address(channel, text)), config) for channel in _BY_NUMBER]
    known = [address for address in possible if await store.records.customer_of(address) is not None]
    if len(known) != 1:
        told = " and ".join(map(str, known or possible))
        fail(f"{text} may be {told}: write which")
    return known[0]


def _ways(text: str, config: Path | None) -> list[str]:
    """What the store is asked for: what is written, in all that it may mean."""
    if text.isdecimal():
        return [text, f"telegram:{text}", *(_ways(f"+{text}", config) if _NUMBER.fullmatch(text) else ())]
    if _PHONE.fullmatch(text):
        return [f"phone:{text}", *(f"{channel}:{text}" for channel in _BY_NUMBER)]
    if "@" in text and not re.search(r"[:\s]", text):
        return [f"email:{text}"]
    if re.match(r"[a-z][a-z0-9_]*:\S", text):
        return [str(read_address(text, config))]
    return [text]


def _listed(people: Sequence[Person]) -> str:
    told = [f"customer {person.customer} ({person.name or person.addresses[0].address})" for person in people[:_NAMED]]
    return " or ".join(told) + (", or another" if len(people) > _NAMED else "")


# --- who acts -------------------------------------------------------------------------------------------------------


def _acting(name: str) -> str:
    """A name that tells people from the bot's own doing, for the log."""
    from omnibot.store.identity import CUSTOMER, IMPORT, RULE

    if name.strip().lower() in (RULE, CUSTOMER, IMPORT):
        raise typer.BadParameter(f"{name}: that is how the log calls what no person has done; give your own name")
    if len(name) > _LONGEST_NAME:
        raise typer.BadParameter(f"give a name of at most {_LONGEST_NAME} characters")
    return _written(name)


def _written(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise typer.BadParameter("write a few words in one line: whoever reads the log later must understand them")
    return text.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return ""


WhoArgument = Annotated[
    str, typer.Argument(help="An address, a number, a customer's id, or part of a name.", metavar="WHO")
]
CustomerArgument = Annotated[str, typer.Argument(help="A customer's id, or an address of theirs.", metavar="CUSTOMER")]
AddressArgument = Annotated[str, typer.Argument(help="channel:value, such as telegram:4711.", metavar="ADDRESS")]
ByOption = Annotated[
    str,
    typer.Option(help="Who says so, for the log; else the login name.", default_factory=_login, callback=_acting),
]
ReasonOption = Annotated[str, typer.Option(help="Why, for the log.", callback=_written)]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
