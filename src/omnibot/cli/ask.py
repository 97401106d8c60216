"""omnibot ask: what would be answered, and why, with nothing written or sent."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption
from omnibot.cli.printing import fail, say, show_fields
from omnibot.cli.running import configure_logs, execute, settings_of

if TYPE_CHECKING:
    from omnibot.asking import Answer
    from omnibot.model import Address
    from omnibot.settings import Settings
    from omnibot.store.work import Reply

app = typer.Typer()

_QUOTED = 120  # characters of what was said before
_LATEST = 8  # events that are shown
_PURPOSES = {"pointer": "says where the answer is", "confirmation": "confirms a STOP", "code": "brings a code"}


@app.command()
def ask(
    text: Annotated[str | None, typer.Argument(help="What they write; else it is read from stdin.")] = None,
    as_: Annotated[str, typer.Option("--as", help="Who writes: channel:value; who is not known is new.")] = "",
    at: Annotated[str, typer.Option(help="When it is written, ISO 8601; else now.")] = "",
    channel: Annotated[str, typer.Option(help="They write from the address that they have on this channel.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what would be read, remembered, planned and answered; nothing is written, taken or sent."""
    if not as_:
        raise typer.BadParameter("name who writes, such as email:sarah@example.org", param_hint="--as")
    settings = settings_of(config)
    configure_logs(settings)
    written = sys.stdin.read().strip() if text is None else text
    fields = answer_fields(execute(_ask(settings, as_, written, at, channel)))
    if as_json:
        show_fields(fields, as_json)
        return
    _show(written, fields)
    if not _is_learned(settings):
        typer.echo("what customers want was not learned from these playbooks yet: `omnibot train intents`", err=True)


def _is_learned(settings: Settings) -> bool:
    """Whether what the playbooks' examples say is known; a server learns it by itself."""
    from omnibot.learning import Lessons, playbooks_of

    lessons = Lessons.of(playbooks_of(settings), settings.data_folder)
    return not lessons.examples or lessons.place.exists()


async def _ask(settings: Settings, who: str, text: str, at: str, channel: str) -> Answer:
    from zoneinfo import ZoneInfo

    from omnibot.app import look_into, steps_of
    from omnibot.asking import AskError
    from omnibot.asking import ask as take
    from omnibot.cli.lines import moment
    from omnibot.events import EventReader

    settings = _with_secret(settings)
    async with _with_channels(settings, who, channel) as settings:
        reader = EventReader(settings)
        try:
            address = _address(reader.address(f"email:{who}" if "@" in who and ":" not in who else who))
            moment_ = moment(at, ZoneInfo(settings.bot.zone)) if at else None
        except ValueError as error:
            fail(str(error))
        steps = steps_of(settings)
        async with look_into(settings) as store:
            try:
                return await take(
                    store, steps, address, text, account=reader.accounts.get(address.channel, ""),
                    language=settings.bot.languages[0], at=moment_, channel=channel,
                )  # fmt: skip
            except AskError as error:
                fail(str(error))


def _address(address: Address) -> Address:
    from omnibot.model import USER

    if address.channel == USER:
        fail(f"nobody writes from {address}, which is an id in your own systems: name an address, or add --channel")
    return address


def _with_secret(settings: Settings) -> Settings:
    """Where there is none yet, one for this look alone: nothing is made."""
    from pydantic import SecretStr

    if settings.has_secret():
        return settings
    return settings.model_copy(update={"secret": SecretStr(secrets.token_urlsafe(48))})


@asynccontextmanager
async def _with_channels(settings: Settings, who: str, wanted: str) -> AsyncIterator[Settings]:
    """With the sandbox's accounts for channels that are not configured, so that it can be tried without any."""
    written = {wanted or ("email" if "@" in who and ":" not in who else who.partition(":")[0].strip())}
    if written <= settings.channels.keys():
        yield settings
        return
    from omnibot.sandbox.providers import Ports, emulated
    from omnibot.sandbox.server import HOST, free_port

    async with emulated(Ports(lmtp=free_port()), bot_url=f"http://{HOST}") as providers:
        accounts = providers.accounts(telegram_mode="polling", slack_mode="socket")
        yield settings.model_copy(update={"channels": {**accounts, **settings.channels}})


# --- what is told ---------------------------------------------------------------------------------------------------


def answer_fields(answer: Answer) -> dict[str, Any]:
    """All that a turn would know and do, as JSON has it."""
    import orjson

    outcome, snapshot = answer.outcome, answer.snapshot
    record = dict(outcome.record or {})
    addresses = {known.id: str(known.address) for known in outcome.work.addresses}
    recollection = dict(record.get("recollection") or {})
    fields = {
        "as": addresses.get(outcome.address, ""),
        "customer": outcome.work.lease.customer or None,
        "new": answer.new,
        "reading": record.get("reading"),
        "recollection": {
            **recollection,
            "name": snapshot.name,
            "since": snapshot.since,
            "facts": dict(snapshot.facts),
            "preferences": {
                key: value for key in _PREFERENCES if (value := getattr(snapshot.preferences, key)) is not None
            },
            "stated": sorted(snapshot.stated),
            "events": snapshot.events[-_LATEST:],
            "usage": snapshot.usage,
            "case": next((case for case in snapshot.cases if case.id == recollection.get("case")), None),
            "recalled": [
                {"id": one.message.id, "at": one.message.at, "address": str(one.message.address),
                 "text": one.message.text, "score": round(one.score, 3)}
                for one in answer.recalled
            ],
        },
        "plan": {
            **{key: record.get(key) for key in ("moves", "used", "level", "team", "handoff", "asks", "why")},
            "to": addresses.get(record["to"]) if record.get("to") is not None else None,
            "pointer": addresses.get(record["pointer"]) if record.get("pointer") is not None else None,
            "case": outcome.case,
            "changes": outcome.changes,
        },
        "drafts": [_draft(reply) for reply in outcome.replies],
    }  # fmt: skip
    told: dict[str, Any] = orjson.loads(orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS))
    return told


_PREFERENCES = (
    "channel", "register", "length", "language", "manner", "detail", "complexity", "emoji", "zone", "quiet", "level",
)  # fmt: skip


def _draft(reply: Reply) -> dict[str, Any]:
    from omnibot.model import plain

    draft = reply.draft
    return {
        "to": str(draft.to.address),
        "channel": draft.to.address.channel,
        "purpose": reply.purpose.value,
        "subject": draft.subject,
        "text": plain(draft.parts),
        "choices": [choice.label for choice in draft.choices],
    }


def _show(text: str, fields: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from omnibot.transcript import readable

    console = Console(highlight=False)
    who = "a new customer" if fields["new"] and not fields["customer"] else f"customer {fields['customer']}"
    console.print(Text(f"{fields['as']} ({who}) writes", "bold cyan"))
    console.print(Padding(Text(readable(text)), (0, 0, 1, 2)))
    for title, told in (
        ("Reading", _reading(fields["reading"] or {})),
        ("Recollection", _recollection(fields["recollection"])),
        ("Plan", _plan(fields["plan"])),
    ):
        console.print(Text(title, "bold"))
        for line in told:
            console.print(Padding(Text(readable(line)), (0, 0, 0, 2)))
        console.print()
    for draft in fields["drafts"]:
        console.print(Text(readable(_headline(draft)), "bold green"))
        console.print(Padding(Text(readable(draft["text"])), (0, 0, 0, 2)))
        if draft["choices"]:
            console.print(Padding(Text(readable("[" + "] [".join(draft["choices"]) + "]"), "green"), (0, 0, 0, 2)))
        console.print()
    if not fields["drafts"]:
        say("nothing would be sent")


def _reading(reading: Mapping[str, Any]) -> Iterator[str]:
    from omnibot.cli import wording

    unknown = []
    for one in wording.signals(reading):
        if one.known:
            quoted = ", ".join(f"“{' '.join(evidence['text'].split())}”" for evidence in one.evidence)
            yield f"{one.name}: {one.said} ({one.confidence:.0%}{'; ' + quoted if quoted else ''})"
        else:
            unknown.append(one.name)
    yield from (f"time: {said}" for said, _ in wording.times(reading))
    if things := ", ".join(said for said, _ in wording.entities(reading)):
        yield f"names: {things}"
    if way := wording.trend(reading):
        yield way
    if unknown:
        yield f"not known: {', '.join(unknown)}"


def _headline(draft: Mapping[str, Any]) -> str:
    """To whom, and for which of all reasons where it is no plain answer."""
    notes = (_PURPOSES.get(draft["purpose"], ""), f"“{draft['subject']}”" if draft["subject"] else "")
    told = ", ".join(filter(None, notes))
    return f"Draft to {draft['to']}" + (f" ({told})" if told else "")


def _recollection(told: Mapping[str, Any]) -> Iterator[str]:
    """What is known of them, or that nothing is."""
    known = list(_remembered(told))
    yield from known or ["nothing: they are new, or nobody has told us anything"]


def _remembered(told: Mapping[str, Any]) -> Iterator[str]:
    if told["name"]:
        yield f"called {told['name']}"
    if told["since"]:
        yield f"known since {told['since'][:10]}"
    stated = set(told["stated"])
    for key, value in told["preferences"].items():
        yield f"prefers {key} {value} ({'stated' if key in stated else 'learned'})"
    for key, value in told["facts"].items():
        if key != "name" and not key.startswith("preference."):
            yield f"fact {key}: {value}"
    for event in told["events"]:
        known = ", ".join(f"{key} {value}" for key, value in event["properties"].items())
        yield f"event {event['name']} on {event['at'][:10]}" + (f" ({known})" if known else "")
    for used in told["usage"]:
        yield f"used {used['name']}, {used['count']} times, last on {used['last_at'][:10]}"
    if case := told["case"]:
        yield f"case {case['id']}: {case['intent']} {case['topic']}".rstrip() + f", {case['state']}"
        yield f"contact {told['contacts']} about it ({', '.join(case['channels'])})"
        for attempt in case["attempts"]:
            yield f"tried {attempt['what']}: {attempt['result']} ({attempt['by']}, {attempt['at'][:10]})"
        if told.get("agents"):
            yield f"helped before: {', '.join(told['agents'])}"
    for one in told["recalled"]:
        said = " ".join(one["text"].split())[:_QUOTED]
        yield f"reminded of {one['at'][:10]}, {one['address']}: “{said}” ({one['score']:.2f})"


def _plan(told: Mapping[str, Any]) -> Iterator[str]:
    from omnibot.model import OUT_OF_SCOPE

    for move in told["moves"] or ():
        sources = f" [{', '.join(move['sources'])}]" if move["sources"] else ""
        yield _move(move) + (f": {move['why']}" if move["why"] else "") + sources
    for one in told["asks"] or ():
        yield f"a code would go out by {one['channel']} ({one['purpose']})"
    if told["to"]:
        yield f"the answer goes to {told['to']}" + (f", and says so at {told['pointer']}" if told["pointer"] else "")
    if told["handoff"]:
        yield f"people take over{' (' + told['team'] + ')' if told['team'] else ''}: {told['handoff']}"
    if case := told["case"]:
        number = f"case {case['id']}" if case["id"] else "a new case"
        matter = "for which there is no playbook" if case["intent"] == OUT_OF_SCOPE else case["intent"]
        state = case["state"].replace("_", " ")
        yield f"{number}, {matter}, would be {state}" + (f": {case['why']}" if case["why"] else "")
    for change in told["changes"]:
        yield f"remembered: {change['key']} {change['value'] or 'taken back'}"
    if told["why"]:
        yield f"why: {told['why']}"


def _move(move: Mapping[str, Any]) -> str:
    """What it does, and what fills its places: not the parts of an article or of a choice, which the draft shows."""
    if move["kind"] == "handoff":
        return "hand over to people"
    facts = [] if move["kind"] == "answer" else [name for name in move["facts"] if "." not in name]
    return f"{move['kind']} {move['topic']}".rstrip() + (f" with {', '.join(facts)}" if facts else "")
