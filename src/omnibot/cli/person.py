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
    from omnibot.store.identity import HeldAddress, OpenReview, Person
    from omnibot.store.profiles import OpenRequest, Promised, RememberedFact

_STEPS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that `omnibot customer show` shows."""

    person: Person
    facts: Sequence[RememberedFact]
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
        "facts": [
            {"key": fact.key, "value": fact.value, "address": str(fact.address), "source": fact.source,
             "message": fact.message, "confidence": fact.confidence, "since": fact.since}
            for fact in profile.facts
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
            f"{fact.source}, {fact.address}, {fact.since:%Y-%m-%d}"
            + ("" if holds[fact.key] is fact else "; another counts"),
        )
        for fact in facts
    ]


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
