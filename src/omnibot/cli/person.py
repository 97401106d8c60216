"""A customer on paper: who they are, how that is known, and what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from omnibot.cli.printing import merge_name, print_table
from omnibot.transcript import readable

if TYPE_CHECKING:
    from omnibot.memory import Learned
    from omnibot.model import AddressId, Case, CaseSide, Event, Usage
    from omnibot.store.identity import HeldAddress, OpenReview, Person
    from omnibot.store.profiles import OpenRequest, Promised, RememberedFact

_STEPS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that `omnibot customer show` shows."""

    person: Person
    facts: Sequence[RememberedFact]
    cases: Sequence[CaseSide]  # with the sides that are somebody else's now
    events: Sequence[Event]
    usage: Sequence[Usage]
    habits: Mapping[AddressId, Mapping[str, float]]
    requests: Sequence[OpenRequest]
    handoffs: Sequence[Promised]
    reviews: Sequence[OpenReview]
    proof_days: Mapping[str, int]


def ago(at: datetime) -> str:
    """How long that is from now, in one unit."""
    seconds = (datetime.now(UTC) - at).total_seconds()
    for unit, length in _STEPS:
        if abs(seconds) >= length:
            count = int(abs(seconds) // length)
            told = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{told} ago" if seconds > 0 else f"in {told}"
    return "just now" if seconds > 0 else "in a moment"


# --- for programs ---------------------------------------------------------------------------------------------------


def person_fields(person: Person) -> dict[str, Any]:
    """A customer in one line."""
    return {
        "customer": person.customer,
        "name": person.name,
        "since": person.since,
        "addresses": [str(held.address) for held in person.addresses],
    }


def profile_fields(profile: Profile) -> dict[str, Any]:
    """All of a customer as one document."""
    person = profile.person
    return {
        "customer": person.customer,
        "name": person.name,
        "since": person.since,
        "addresses": [_address_fields(held, profile.proof_days) for held in person.addresses],
        "merges": [
            {"merge": merge.id, "left": merge.left, "right": merge.right, "rule": merge.rule, "at": merge.at}
            for merge in person.merges
        ],
        "facts": [fact_fields(fact) for fact in profile.facts],
        "learned": [
            {"key": one.key, "value": one.value, "messages": one.messages, "why": one.why, "counts": counts}
            for one, counts in _learned(profile)
        ],
        "cases": [_case_fields(case, profile) for case in _cases(profile)],
        "events": [
            {"id": event.id, "name": event.name, "at": event.at, "properties": dict(event.properties)}
            for event in profile.events
        ],
        "usage": [
            {"name": used.name, "count": used.count, "first_at": used.first_at, "last_at": used.last_at}
            for used in profile.usage
        ],
        "requests": [
            {"purpose": request.purpose.value, "asked": str(request.asked), "sent_to": str(request.sent_to),
             "about": str(request.about) if request.about else None, "wrong": request.wrong, "at": request.at,
             "until": request.until}
            for request in profile.requests
        ],
        "handoffs": [
            {"id": handoff.id, "address": str(handoff.address), "reason": handoff.reason, "since": handoff.at}
            for handoff in profile.handoffs
        ],
        "reviews": [review_fields(review) for review in profile.reviews],
    }  # fmt: skip


def fact_fields(fact: RememberedFact) -> dict[str, Any]:
    """A fact with its source, and when it held."""
    return {
        "key": fact.key,
        "value": fact.value,
        "address": str(fact.address),
        "source": fact.source,
        "message": fact.message,
        "event": fact.event,
        "confidence": fact.confidence,
        "since": fact.since,
        "until": fact.until,
        "held": fact.held,
    }


def _learned(profile: Profile) -> list[tuple[Learned, bool]]:
    """What was learned of preferences, and whether it counts: what somebody has said themselves wins."""
    from omnibot.memory import learned
    from omnibot.model import KnownAddress, Proof, Snapshot

    held = [one for one in profile.person.addresses if not one.shared]
    snapshot = Snapshot(
        customer=profile.person.customer,
        addresses=tuple(
            KnownAddress(
                id=one.id,
                address=one.address,
                proof=one.proof,
                account="",
                stopped=one.stopped,
                unreachable=one.unreachable,
            )
            for one in held
        ),
        trusted=frozenset(one.id for one in held if one.proof is Proof.PROVEN and not _aged(one, profile.proof_days)),
        habits=profile.habits,
    )
    stated = {fact.key.removeprefix("preference.") for fact in profile.facts if fact.key.startswith("preference.")}
    return [(one, one.key not in stated) for one in learned(snapshot)]


def _told_value(value: str | bool) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def _cases(profile: Profile) -> list[Case]:
    """Each as a whole, the one that was touched last first: what staff may see ends at no proof."""
    from omnibot.identity.cases import cases_of

    channels = {held.id: held.address.channel for held in profile.person.addresses}
    for side in profile.cases:
        channels.setdefault(side.address, "elsewhere")
    return list(reversed(cases_of(profile.cases, channels.keys(), channels)))


def _case_fields(case: Case, profile: Profile) -> dict[str, Any]:
    addresses = {held.id: str(held.address) for held in profile.person.addresses}
    return {
        "case": case.id,
        "intent": case.intent,
        "topic": case.topic,
        "state": case.state.value,
        "opened_at": case.opened_at,
        "touched_at": case.touched_at,
        "resolved_at": case.resolved_at,
        "contacts": case.contacts,
        "reopened": case.reopened,
        "channels": list(case.channels),
        "concern": case.concern,
        "asked": list(case.asked),
        "attempts": [
            {"what": one.what, "by": one.by, "at": one.at, "result": one.result.value, "source": one.source}
            for one in case.attempts
        ],
        "addresses": [addresses[id_] for id_ in case.addresses if id_ in addresses],
        "elsewhere": sum(id_ not in addresses for id_ in case.addresses),
    }


def review_fields(review: OpenReview) -> dict[str, Any]:
    """A review with both whom it is about."""
    return {
        "id": review.id,
        "left": person_fields(review.left) if review.left else None,
        "right": person_fields(review.right) if review.right else None,
        "reason": review.reason,
        "evidence": review.evidence,
        "at": review.at,
    }


def _address_fields(held: HeldAddress, proof_days: Mapping[str, int]) -> dict[str, Any]:
    return {
        "address": str(held.address),
        "home": held.home,
        "proof": held.proof.value,
        "evidence": held.evidence,
        "proven_at": held.proven_at,
        "aged": _aged(held, proof_days),
        "since": held.since,
        "shared": held.shared,
        "stopped": held.stopped,
        "unreachable": held.unreachable,
        "identifiers": [
            {"identifier": str(one.identifier), "evidence": one.evidence, "proven_at": one.proven_at, "at": one.at}
            for one in held.identifiers
        ],
    }


# --- for people -----------------------------------------------------------------------------------------------------


def print_profile(console: Console, profile: Profile) -> None:
    """One page; a part without anything in it is left out."""
    person = profile.person
    console.print(Text(f"{called(person)}, customer {person.customer}, known since {person.since:%Y-%m-%d}", "bold"))
    _part(console, "Addresses", ("address", "proof", ""), (_address_cells(held, profile) for held in person.addresses))
    _part(
        console,
        "Identifiers",
        ("identifier", "from", "proof"),
        (
            (str(one.identifier), str(held.address), _proof_of(one.proven_at, one.evidence))
            for held in person.addresses
            for one in held.identifiers
        ),
    )
    _part(console, "Facts and preferences", ("fact", "value", "source"), _fact_cells(profile.facts))
    _part(
        console,
        "Learned of how they write",
        ("preference", "value", "because"),
        (
            (one.key, _told_value(one.value), one.why + ("" if counts else "; what they said counts"))
            for one, counts in _learned(profile)
        ),
    )
    _lines(console, "Cases", (_told_case(case, profile) for case in _cases(profile)))
    _part(
        console,
        "Latest events",
        ("event", "when", "what"),
        (
            (event.name, f"{event.at:%Y-%m-%d}", ", ".join(f"{k}={v}" for k, v in event.properties.items()))
            for event in profile.events
        ),
    )
    _part(
        console,
        "Used",
        ("what", "how often", "first", "last"),
        (
            (used.name, str(used.count), f"{used.first_at:%Y-%m-%d}", f"{used.last_at:%Y-%m-%d}")
            for used in profile.usage
        ),
    )
    _part(
        console,
        "Merged of",
        ("merge", "customers", "because of", "since"),
        (
            (merge_name(merge.id), f"{merge.left} and {merge.right}", merge.rule, f"{merge.at:%Y-%m-%d}")
            for merge in person.merges
        ),
    )
    _lines(console, "Codes under way", map(_told_request, profile.requests))
    _lines(
        console,
        "Waits for people",
        (
            *(f"hand-off {one.id}, {ago(one.at)}: {one.reason}" for one in profile.handoffs),
            *(f"review {one.id}, {ago(one.at)}: {_told_review(one, person)}" for one in profile.reviews),
        ),
    )


def print_history(console: Console, facts: Sequence[RememberedFact]) -> None:
    """By key and time, each with when it held and where it is from."""
    print_table(
        ("fact", "value", "held", "source"),
        [tuple(map(readable, (fact.key, fact.value, _held(fact), _source(fact)))) for fact in facts],
    )


def print_review(console: Console, review: OpenReview) -> None:
    """What has to be decided, and of whom."""
    console.print(Text(f"review {review.id}, {ago(review.at)}: {_reason(review)}", "bold"))
    for person in (review.left, review.right):
        console.print(Padding(Text(described(person)), (0, 0, 0, 4)))


def called(person: Person) -> str:
    """Their name, as far as it is known."""
    return readable(person.name) or "Somebody without a name"


def described(person: Person | None) -> str:
    """Who that is, in a few words."""
    if person is None:
        return "nobody any more"
    first, more = person.addresses[0].address, len(person.addresses) - 1
    return f"customer {person.customer} ({called(person)}, {first}{f' and {more} more' if more else ''})"


def _told_review(review: OpenReview, seen_from: Person) -> str:
    others = (one for one in (review.left, review.right) if one is not None and one.customer != seen_from.customer)
    return ", ".join([_reason(review), *map(described, others)])


def _reason(review: OpenReview) -> str:
    return readable(f"{review.reason} ({review.evidence})" if review.evidence else review.reason)


def _address_cells(held: HeldAddress, profile: Profile) -> tuple[str, str, str]:
    remarks = [word for word in ("shared", "stopped", "unreachable") if getattr(held, word)]
    if held.home != profile.person.customer:
        remarks.append(f"of customer {held.home}")
    return str(held.address), _address_proof(held, profile.proof_days), ", ".join(remarks)


def _address_proof(held: HeldAddress, proof_days: Mapping[str, int]) -> str:
    if held.proof == "proven" and held.proven_at is not None:
        told = f"proven {ago(held.proven_at)}"
        return f"{told}, too long: counts as seen" if _aged(held, proof_days) else f"{told} ({held.evidence})"
    return f"{held.proof.value} ({held.evidence})"


def _aged(held: HeldAddress, proof_days: Mapping[str, int]) -> bool:
    days = proof_days.get(held.address.channel, 0)
    return bool(days and held.proven_at and datetime.now(UTC) - held.proven_at >= timedelta(days=days))


def _proof_of(proven_at: datetime | None, evidence: str) -> str:
    return f"proven {ago(proven_at)} ({evidence})" if proven_at else f"claimed ({evidence})"


def _fact_cells(facts: Sequence[RememberedFact]) -> list[tuple[str, str, str]]:
    """By key; one that another outweighs is marked."""
    holds = {fact.key: fact for fact in facts}
    return [
        (
            fact.key,
            fact.value,
            f"{_source(fact)}, {fact.since:%Y-%m-%d}" + ("" if holds[fact.key] is fact else "; another counts"),
        )
        for fact in facts
    ]


def _source(fact: RememberedFact) -> str:
    told_by = fact.event or fact.source
    sure = "" if fact.confidence == 1 else f" ({fact.confidence:.0%} sure)"
    return f"{told_by}{sure}, {fact.address}"


def _held(fact: RememberedFact) -> str:
    if not fact.held:
        return f"contradicts what was surer, {fact.since:%Y-%m-%d}"
    if fact.until is None:
        return f"since {fact.since:%Y-%m-%d}"
    return f"{fact.since:%Y-%m-%d} to {fact.until:%Y-%m-%d}"


def _told_case(case: Case, profile: Profile) -> str:
    """In one line; a case that is somebody else's in part says so."""
    addresses = {held.id for held in profile.person.addresses}
    others = sum(id_ not in addresses for id_ in case.addresses)
    told = [
        f"{case.state.value.replace('_', ' ')}, {ago(case.touched_at)}",
        f"{_counted(case.contacts, 'contact')} ({', '.join(dict.fromkeys(case.channels))})",
    ]
    if case.concern:
        told.append(f"open: {case.concern}")
    if case.attempts:
        told.append("tried " + ", ".join(f"{one.what} ({one.result.value}, {one.by})" for one in case.attempts))
    if others:
        told.append(f"in part with {_counted(others, 'address')} of somebody else now")
    return f"case {case.id}, {f'{case.intent} {case.topic}'.strip()}: {'; '.join(told)}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}{'es' if word.endswith('s') else 's'}"


def _told_request(request: OpenRequest) -> str:
    about = f" {request.about}" if request.about else ""
    wrong = f", {request.wrong} wrong tries" if request.wrong else ""
    return (
        f"{request.purpose}{about}: sent to {request.sent_to}, to be typed at {request.asked},"
        f" ends {ago(request.until)}{wrong}"
    )


def _lines(console: Console, title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if not lines:
        return
    console.print()
    console.print(Text(title, "bold"))
    for line in lines:
        console.print(Text(readable(line)))


def _part(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    rows = list(rows)
    if not rows:
        return
    console.print()
    console.print(Text(title, "bold"))
    print_table(columns, [[readable(cell) for cell in row] for row in rows])
