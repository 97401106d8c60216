"""customer link, unlink, merge, split, share, log, reviews: who is one person, on staff's word, and its undoing."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption, LimitOption
from omnibot.cli.printing import fail, merge_name, say, show, show_fields
from omnibot.cli.running import settings_of, with_store
from omnibot.cli.who import (
    AddressArgument,
    ByOption,
    CustomerArgument,
    ReasonOption,
    YesOption,
    one_address,
    one_person,
    one_who,
    sought,
)

if TYPE_CHECKING:
    from pathlib import Path

    from omnibot.model import Address
    from omnibot.store import Store
    from omnibot.store.identity import Entry, Parted, Person, Ruling, StandingMerge, Who

app = typer.Typer()

_STAFF = "staff"  # what a link or a merge rests on when people make it
_MERGE = re.compile(r"m([0-9]{1,18})")

SplitArgument = Annotated[
    str,
    typer.Argument(
        help="A merge, as `show` and `log` write it (m12), or a customer or address that one merge alone has joined.",
        metavar="MERGE|CUSTOMER",
    ),
]
ForGoodOption = Annotated[bool, typer.Option("--for-good", help="No rule may merge them again.")]
SharedTooOption = Annotated[
    bool, typer.Option("--shared-too", help="Although several people write from one of the addresses.")
]
LoggedArgument = Annotated[str | None, typer.Argument(help="A customer's id, or an address.", metavar="CUSTOMER")]
ReplayOption = Annotated[
    bool, typer.Option("--replay", help="Follow the whole log, and compare what it gives with what is.")
]


# --- one address ----------------------------------------------------------------------------------------------------


@app.command("link")
def customer_link(
    address: AddressArgument,
    customer: CustomerArgument,
    reason: ReasonOption,
    by: ByOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say that an address is a customer's; whoever has written from there becomes one person with them."""

    async def work(store: Store) -> None:
        from omnibot.cli.person import described
        from omnibot.model import Proof

        which, whose = await one_address(store, address, config), await one_who(store, customer, config)
        person = await store.identity.show(whose)
        _ask(f"Link {which} to {described(person)}?", yes or as_json)
        ruling = await store.identity.link(
            which, whose, proof=Proof.PROVEN, evidence=_STAFF, by=by, reason=reason, account=_account(which, config)
        )
        _tell_ruling(ruling, f"{which} is theirs", as_json)

    with_store(config, work)


def _account(address: Address, config: Path | None) -> str:
    """The first account of its channel: through it an address is reached that has never written."""
    return next(iter(settings_of(config).channels.get(address.channel, {})), "")


@app.command("unlink")
def customer_unlink(
    address: AddressArgument,
    reason: ReasonOption,
    by: ByOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make an address a customer of its own, with what was written there; no rule links it to these again."""

    async def work(store: Store) -> None:
        from omnibot.cli.person import described

        which = await one_address(store, address, config)
        person = await store.identity.show(which)
        _ask(f"Take {which} from {described(person)}?", yes or as_json)
        _tell_parted([await store.identity.unlink(which, by=by, reason=reason)], as_json)

    with_store(config, work)


@app.command("share")
def customer_share(
    address: AddressArgument,
    reason: ReasonOption,
    by: ByOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Mark an address from which several people write: it links nobody, and is told nothing personal."""

    async def work(store: Store) -> None:
        which = await one_address(store, address, config)
        _ask(f"Mark {which} as shared, and part whom its number has made one?", yes or as_json)
        parted = await store.identity.share(which, by=by, reason=reason)
        if as_json:
            show_fields(
                {"address": str(which), "shared": True, "parted": [_parted_row(one) for one in parted]}, as_json
            )
            return
        say(f"{which} is marked as shared")
        _tell_parted(parted, as_json)

    with_store(config, work)


@app.command("unshare")
def customer_unshare(
    address: AddressArgument,
    reason: ReasonOption,
    by: ByOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say that one person alone writes from an address after all; a running server then looks for who that is."""

    async def work(store: Store) -> None:
        which = await one_address(store, address, config)
        _ask(f"Take the mark from {which}, so that its number may link again?", yes or as_json)
        await store.identity.unshare(which, by=by, reason=reason)
        await store.notify()
        if as_json:
            show_fields({"address": str(which), "shared": False, "parted": []}, as_json)
        else:
            say(f"{which} is not marked as shared any more")

    with_store(config, work)


# --- two customers --------------------------------------------------------------------------------------------------


@app.command("merge")
def customer_merge(
    customer: CustomerArgument,
    other: Annotated[str, typer.Argument(help="Who is the same person.", metavar="OTHER")],
    reason: ReasonOption,
    by: ByOption,
    shared_too: SharedTooOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make one person of two customers; nothing is moved, and `split` gives both back as they were."""

    async def work(store: Store) -> None:
        from omnibot.cli.person import described

        ends = await one_who(store, customer, config), await one_who(store, other, config)
        left, right = [await store.identity.show(end) for end in ends]
        if left.customer != right.customer:
            _ask(f"Make one person of {described(left)} and {described(right)}?", yes or as_json)
        ruling = await store.identity.merge(*ends, rule=_STAFF, by=by, reason=reason, shared_too=shared_too)
        _tell_ruling(ruling, "they are one", as_json)

    with_store(config, work)


@app.command("split")
def customer_split(
    what: SplitArgument,
    reason: ReasonOption,
    by: ByOption,
    for_good: ForGoodOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Undo a merge: each address is whose it would be without it, with all that was written there."""

    async def work(store: Store) -> None:
        if written := _MERGE.fullmatch(what.strip()):
            merge = int(written[1])
        else:
            merge = await _only_merge(store, await one_who(store, what, config))
        _ask(f"Undo merge {merge_name(merge)}{' for good' if for_good else ''}?", yes or as_json)
        _tell_parted([await store.identity.split(merge, by=by, reason=reason, for_good=for_good)], as_json)

    with_store(config, work)


async def _only_merge(store: Store, who: Who) -> int:
    """The one merge that has joined whoever that is to others; ends the command when there is none, or a choice."""
    person = await store.identity.show(who)
    merges = _merges_of(person, who)
    if not merges:
        fail(f"no merge has joined {who} to anybody: `unlink` an address, and it gets a customer of its own")
    if len(merges) > 1:
        listed = ", ".join(f"{merge_name(merge.id)} ({merge.left} and {merge.right}, {merge.rule})" for merge in merges)
        fail(f"{who} is joined to others by the merges {listed}: write the one that is to be undone")
    return merges[0].id


def _merges_of(person: Person, who: Who) -> Sequence[StandingMerge]:
    """Of an address, or of somebody who is merged in, those next to them; of the customer as they are now, all."""
    home = who if isinstance(who, int) else next(held.home for held in person.addresses if held.address == who)
    near = [merge for merge in person.merges if home in (merge.left, merge.right)]
    return near if near and who != person.customer else person.merges


# --- what was done --------------------------------------------------------------------------------------------------


@app.command("log")
def customer_log(
    customer: LoggedArgument = None,
    replay: ReplayOption = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show all that was ever linked, proven, merged or undone of a customer, newest first.

    With --replay: whether the log gives the links and merges as they are; exits 1 when it does not.
    """
    if customer is None and not replay:
        raise typer.BadParameter("name a customer, or follow the whole log with --replay", param_hint="CUSTOMER")

    async def work(store: Store) -> None:
        if customer is not None:
            _show_entries(await store.identity.log(await _logged(store, customer, config), limit), as_json)
        if replay:
            _tell_audit(await store.identity.audit(), as_json)

    with_store(config, work)


def _show_entries(entries: Sequence[Entry], as_json: bool) -> None:
    from omnibot.cli.entries import entry_fields, print_entry

    if as_json:
        show([entry_fields(entry) for entry in entries], as_json)
        return
    from rich.console import Console

    for entry in entries:
        print_entry(Console(highlight=False), entry)
    if not entries:
        say("nothing")


async def _logged(store: Store, text: str, config: Path | None) -> Who:
    """The log knows customers to whom nothing belongs any more, too."""
    if text.strip().isdecimal() and not await sought(store, text, config):
        return int(text)
    return (await one_person(store, text, config)).customer


def _tell_audit(differences: Sequence[str], as_json: bool) -> None:
    if as_json:
        show_fields({"agrees": not differences, "differences": list(differences)}, as_json)
    elif differences:
        say("the log does not give the links and merges as they are: somebody has changed the tables by hand, or")
        say("restored a part of them; keep a copy, and tell whoever looks after the database")
        for difference in differences:
            say(f"✗ {difference}")
    else:
        say("the log gives the links and merges as they are")
    if differences:
        raise typer.Exit(1)


# --- reviews --------------------------------------------------------------------------------------------------------


@app.command("reviews")
def customer_reviews(
    by: ByOption,
    resolve: Annotated[int | None, typer.Option(help="Decide this one.", metavar="ID")] = None,
    merge: Annotated[bool, typer.Option("--merge", help="They are one person.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="They are two: no rule asks again.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the log; with --resolve.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, oldest first.")] = 100,
    yes: YesOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show of whom the evidence does not agree whether they are one person, oldest first; or decide it."""
    if resolve is None:
        if merge or dismiss:
            raise typer.BadParameter("say which: --resolve ID --merge, or --resolve ID --dismiss")
        with_store(config, lambda store: _list_reviews(store, limit, as_json))
        return
    if merge == dismiss:
        raise typer.BadParameter("say how: --resolve ID --merge (one person), or --resolve ID --dismiss (two)")

    async def work(store: Store) -> None:
        from omnibot.store.identity import Resolution

        resolution = Resolution.MERGE if merge else Resolution.DISMISS
        _ask(f"{'Make one person of those' if merge else 'Keep those apart'} of review {resolve}?", yes or as_json)
        ruling = await store.identity.resolve_review(resolve, resolution, by=by, reason=reason)
        if dismiss:
            _tell_dismissed(resolve, as_json)
        else:
            _tell_ruling(ruling, "they are one", as_json)

    with_store(config, work)


async def _list_reviews(store: Store, limit: int, as_json: bool) -> None:
    from rich.console import Console

    from omnibot.cli.person import print_review, review_fields

    reviews = await store.identity.reviews(limit)
    if as_json:
        show([review_fields(review) for review in reviews], as_json)
        return
    for review in reviews:
        print_review(Console(highlight=False), review)
    if not reviews:
        say("nothing")


def _tell_dismissed(review: int, as_json: bool) -> None:
    if as_json:
        show_fields({"verdict": "dismissed", "review": review}, as_json)
    else:
        say(f"review {review} is dismissed: they are two")


# --- asking and telling ---------------------------------------------------------------------------------------------


def _ask(question: str, answered: bool) -> None:
    """Before something is changed, whoever sits at a terminal is asked."""
    if answered or not sys.stdin.isatty():
        return
    if not typer.confirm(question):
        fail("nothing was changed")


def _tell_ruling(ruling: Ruling, done: str, as_json: bool) -> None:
    from omnibot.store.identity import Verdict

    if as_json:
        show_fields({"verdict": ruling.verdict.value, "customer": ruling.customer, "merge": ruling.merge,
                     "review": ruling.review, "why": ruling.why}, as_json)  # fmt: skip
    match ruling.verdict:
        case Verdict.MERGED | Verdict.LINKED if not as_json:
            undo = f"; `omnibot customer split {merge_name(ruling.merge)}` undoes it" if ruling.merge else ""
            say(f"{done}: customer {ruling.customer}{undo}")
        case Verdict.ALREADY if not as_json:
            say(f"they were one already: customer {ruling.customer}")
        case Verdict.PARKED | Verdict.REFUSED | Verdict.NOBODY:
            _refuse(ruling, as_json)


def _refuse(ruling: Ruling, as_json: bool) -> None:
    if not as_json:
        todo = f"; decide it: omnibot customer reviews --resolve {ruling.review}" if ruling.review else ""
        typer.echo(f"nothing was changed: {ruling.why or ruling.verdict.value}{todo}", err=True)
    raise typer.Exit(1)


def _tell_parted(parted: Collection[Parted], as_json: bool) -> None:
    for one in parted:
        if as_json:
            show_fields(_parted_row(one), as_json)
        else:
            say(f"they are two: customer {one.stays} and customer {one.leaves}")


def _parted_row(parted: Parted) -> dict[str, Any]:
    return {"stays": parted.stays, "leaves": parted.leaves, "merge": parted.merge}
