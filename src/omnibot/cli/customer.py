"""customer find, show, timeline, why, files: who somebody is, what they said, and why they were answered so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption
from omnibot.cli.printing import fail, print_table, say, show, show_fields
from omnibot.cli.running import settings_of, with_store
from omnibot.cli.who import WhoArgument, one_person, sought

if TYPE_CHECKING:
    from omnibot.model import TimelineMessage
    from omnibot.settings import Settings
    from omnibot.store import Store

app = typer.Typer()

FoundOption = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]
FactsOption = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the latest.")]
PageSizeOption = Annotated[int, typer.Option(min=1, max=10_000, help="Messages of one page.")]
PageOption = Annotated[int, typer.Option(min=1, max=100_000, help="1 has the latest, 2 those before them, …")]
TurnsOption = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the latest.")]


@app.command("find")
def customer_find(
    who: WhoArgument, limit: FoundOption = 20, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Look for customers; exits 1 when there are none."""

    async def work(store: Store) -> None:
        from omnibot.cli.person import called, person_fields

        people = await sought(store, who, config, limit)
        if not people:
            fail(f"nobody is known by {who}")
        if as_json:
            show([person_fields(person) for person in people], as_json)
            return
        rows = [
            (str(one.customer), called(one), "\n".join(str(held.address) for held in one.addresses), f"{one.since:%F}")
            for one in people
        ]
        print_table(("customer", "name", "addresses", "since"), rows)

    with_store(config, work)


@app.command("show")
def customer_show(who: WhoArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show who somebody is: addresses with their proof, facts with their source, merges, and what is open."""
    settings = settings_of(config)

    async def work(store: Store) -> None:
        from rich.console import Console

        from omnibot.cli.person import Profile, print_profile, profile_fields

        person = await one_person(store, who, config)
        ids = [held.id for held in person.addresses]
        profile = Profile(
            person=person,
            facts=await store.profiles.facts(ids),
            cases=await store.profiles.sides(ids),
            events=await store.profiles.events(ids),
            usage=await store.profiles.usage(ids),
            habits=await store.profiles.habits(ids),
            requests=await store.profiles.requests(ids),
            handoffs=await store.profiles.handoffs(ids),
            reviews=[
                review
                for review in await store.identity.reviews()
                if person.customer in {one.customer for one in (review.left, review.right) if one}
            ],
            proof_days=settings.identity.proof_days,
        )
        if as_json:
            show_fields(profile_fields(profile), as_json)
        else:
            print_profile(Console(highlight=False), profile)

    with_store(config, work)


@app.command("facts")
def customer_facts(
    who: WhoArgument, limit: FactsOption = 200, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show all that was ever remembered of somebody: what holds, what held before, and what contradicts it."""

    async def work(store: Store) -> None:
        from rich.console import Console

        from omnibot.cli.person import fact_fields, print_history

        person = await one_person(store, who, config)
        facts = await store.profiles.history([held.id for held in person.addresses], limit)
        if as_json:
            show([fact_fields(fact) for fact in facts], as_json)
        elif facts:
            print_history(Console(highlight=False), facts)
        else:
            say("nothing is remembered")

    with_store(config, work)


@app.command("timeline")
def customer_timeline(
    who: WhoArgument,
    limit: PageSizeOption = 100,
    page: PageOption = 1,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the latest messages of one customer over all their addresses, the oldest of them first."""

    async def work(store: Store) -> None:
        person = await one_person(store, who, config)
        messages = await store.records.timeline(person.customer, limit, limit * (page - 1))
        if as_json:
            show([_timeline_row(message) for message in messages], as_json)
            return
        from rich.console import Console

        from omnibot.transcript import print_message

        for message in messages:
            print_message(Console(highlight=False), message, person.name or "Customer", day=True)
        if not messages:
            say("nothing was written" if page == 1 else f"there is no page {page}")
        elif len(messages) == limit:
            say(f"what was before: --page {page + 1}")

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
        "flags": list(message.flags),
    }


@app.command("why")
def customer_why(
    who: WhoArgument, limit: TurnsOption = 5, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show what was read, planned and why in the latest turns of an address or a customer, the latest first."""

    async def work(store: Store) -> None:
        from rich.console import Console

        from omnibot.cli.turns import print_turn

        person = await one_person(store, who, config)
        named = [held.id for held in person.addresses if str(held.address) == who.strip()]
        turns = await store.profiles.turns(named or [held.id for held in person.addresses], limit)
        addresses = {int(held.id): held.address for held in person.addresses}
        for turn in turns:
            if as_json:
                show_fields({"at": turn.at, "address": str(turn.address)} | dict(turn.record), as_json)
            else:
                print_turn(Console(highlight=False), turn, addresses)
        if not (turns or as_json):
            say("there was no turn yet")

    with_store(config, work)


@app.command("reset-learned")
def customer_reset_learned(who: WhoArgument, config: ConfigOption = None) -> None:
    """Forget what was learned of how somebody writes, and with it the preferences that follow; what they said stays."""

    async def work(store: Store) -> None:
        from omnibot.cli.person import described

        person = await one_person(store, who, config)
        count = await store.records.forget_habits(person.customer)
        if count:
            say(f"forgotten how {described(person)} writes, at {count} address{'es' if count > 1 else ''}")
        else:
            say(f"nothing was learned of how {described(person)} writes")

    with_store(config, work)


@app.command("files")
def customer_files(who: WhoArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show the files that a customer has sent, with links that work for files.link_seconds."""
    settings = settings_of(config)

    async def work(store: Store) -> None:
        import time

        from omnibot.intake.files import download_path, link_key

        person = await one_person(store, who, config)
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
            for file in await store.attachments.of({held.id: held.address for held in person.addresses})
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
