"""customer token: a code by which somebody whom the company knows becomes known here, by the company's own hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from omnibot.cli.options import ConfigOption, JsonOption
from omnibot.cli.printing import fail, show_fields
from omnibot.cli.running import settings_of, with_store

if TYPE_CHECKING:
    from omnibot.model import Identifier
    from omnibot.settings import Settings
    from omnibot.store import Store

app = typer.Typer()

MinutesOption = Annotated[int, typer.Option(min=1, max=7 * 24 * 60, help="How long it works.")]


@app.command("token")
def customer_token(
    user_id: Annotated[str, typer.Argument(help="Of the user in your own systems.", metavar="USER_ID")],
    minutes: MinutesOption = 15,
    email: Annotated[str, typer.Option(help="An e-mail address that you know to be theirs.")] = "",
    phone: Annotated[str, typer.Option(help="A phone number that you know to be theirs, as +14155550123.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make a code that links whoever sends it with a user of yours; it works once. Give it to nobody else."""
    settings = settings_of(config)
    identifiers = _identifiers(user_id, email, phone)

    async def work(store: Store) -> None:
        from omnibot.tokens import new_code

        code = new_code()
        links = await _links(settings, code)
        await store.identity.issue(identifiers, code, minutes * 60)
        show_fields({"code": code, "message": f"/link {code}", "minutes": minutes} | links, as_json)

    with_store(config, work)


def _identifiers(user_id: str, email: str, phone: str) -> list[Identifier]:
    from omnibot.identifiers import spelled
    from omnibot.model import Identifier, IdentifierKind

    written = {IdentifierKind.USER_ID: user_id, IdentifierKind.EMAIL: email, IdentifierKind.PHONE: phone}
    told = []
    for kind, value in written.items():
        if not value and kind is not IdentifierKind.USER_ID:
            continue
        known = spelled(Identifier(kind, value)) if value.isprintable() else None
        if known is None:
            fail(f"{value!r} is no {_CALLED[kind]}")
        told.append(known)
    return told


_CALLED = {
    "user_id": "user id: name one of your own systems' users",
    "email": "e-mail address: write it like sarah@example.org",
    "phone": "phone number: write it with its country code, like +14155550123",
}


async def _links(settings: Settings, code: str) -> dict[str, str]:
    """The addresses that open a conversation with the code in it, by channel; none of a provider that is away."""
    from omnibot.app import first_accounts, open_channels
    from omnibot.channels import load
    from omnibot.pages import invitations

    async with open_channels(load(settings), settings) as channels:
        return await invitations(first_accounts(channels), code)
