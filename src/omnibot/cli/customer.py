"""customer: who somebody is, what they said, and why they were answered so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption, LimitOption
from omnibot.cli.printing import fail, say, show, show_fields
from omnibot.cli.running import settings_of, with_store

if TYPE_CHECKING:
    from omnibot.model import Address, TimelineMessage
    from omnibot.settings import Settings
    from omnibot.store import Store

customer = typer.Typer(help="What is known about a customer.", no_args_is_help=True)

AddressArgument = Annotated[str, typer.Argument(help="channel:value, such as telegram:4711.", metavar="ADDRESS")]


@customer.command("timeline")
def customer_timeline(
    address: AddressArgument, limit: LimitOption = 100, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show one customer's timeline over all channels, oldest first."""

    async def work(store: Store) -> None:
        known = await store.records.customer_of(read_address(address, config))
        if known is None:
            fail(f"nobody is known by {address}")
        messages = await store.records.timeline(known, limit)
        if as_json:
            show([_timeline_row(message) for message in messages], as_json)
            return
        from rich.console import Console

        from omnibot.transcript import print_message

        name = (await store.records.facts_of(read_address(address, config))).get("name", "Customer")
        for message in messages:
            print_message(Console(highlight=False), message, name, day=True)

    with_store(config, work)


def _timeline_row(message: TimelineMessage) -> dict[str, Any]:
    return {
        "at": message.at,
        "channel": message.address.channel,
        "direction": message.direction.value,
        "address": str(message.address),
        "customer": message.customer,
        "text": message.text,
        "state": message.state.value if message.state else "",
        "revisions": message.revisions,
        "attachments": message.attachments,
    }


@customer.command("why")
def customer_why(
    address: AddressArgument, limit: LimitOption = 5, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show what was read, planned and why in the latest turns of an address, newest first."""

    async def work(store: Store) -> None:
        for turn in await store.records.why(read_address(address, config), limit):
            show_fields(turn, as_json)

    with_store(config, work)


@customer.command("files")
def customer_files(address: AddressArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show the files that a customer has sent, with links that work for files.link_seconds."""
    settings = settings_of(config)

    async def work(store: Store) -> None:
        import time

        from omnibot.intake.files import download_path, link_key

        known = await store.records.customer_of(read_address(address, config))
        if known is None:
            fail(f"nobody is known by {address}")
        key, expires = link_key(settings.load_secret()), int(time.time() + settings.files.link_seconds)
        base = settings.server.public_url or _local_url(settings)
        rows = [
            {
                "name": file.name,
                "type": file.media_type,
                "bytes": file.size,
                "state": file.state,
                "reason": file.reason,
                "link": base + download_path(key, file.id, expires) if file.state == "stored" else "",
            }
            for file in await store.attachments.of(await store.records.addresses_of(known))
        ]
        if as_json:
            show(rows, as_json)
            return
        for row in rows:
            show_fields({key: value for key, value in row.items() if value}, as_json)
            say("")

    with_store(config, work)


def _local_url(settings: Settings) -> str:
    """How this machine reaches the server; one that listens everywhere has no address of its own."""
    host = settings.server.host
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.server.port}" if ":" in host else f"http://{host}:{settings.server.port}"


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
