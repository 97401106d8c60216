"""Stretches as they are stored: what is sealed of them, and how a row becomes a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omnibot.model import AddressId, Agent, CaseId, Stretch, StretchId, StretchState
from omnibot.store.codec import Codec

# Of a table `s`; what `stretch_of` reads, by name.
STRETCH = """
    s.id, s.address_id, s.matter_id, s.team, s.priority, s.state, s.body_sealed, s.opened_at, s.answered_at,
    s.snoozed_until, s.ended_at, s.asked_at"""


# A refresh of a card that waits does for another; one that is under way may have read the card already, and is shown
# once more. Of rows of `desk_entries`.
ONE_REFRESH = """
ON CONFLICT (stretch_id) WHERE kind = 'refresh' AND state = 'queued'
DO UPDATE SET marked = 'again' WHERE desk_entries.leased_until IS NOT NULL
"""


def stretch_body(stretch: Stretch) -> dict[str, Any]:
    """What is sealed of a stretch, without what is absent."""
    owner = [stretch.owner.id, stretch.owner.name] if stretch.owner else None
    told = {"why": stretch.why, "outcome": stretch.outcome, "owner": owner, "reopened": stretch.reopened_at}
    return {key: value for key, value in told.items() if value}


def stretch_of(codec: Codec, row: Mapping[str, Any]) -> Stretch:
    """A stretch of the columns `STRETCH`. Raises ValueError for a state that only a newer version knows."""
    body = codec.open(row["address_id"], row["body_sealed"])
    return Stretch(
        id=StretchId(row["id"]),
        address=AddressId(row["address_id"]),
        matter=None if row["matter_id"] is None else CaseId(row["matter_id"]),
        team=row["team"],
        priority=row["priority"],
        state=StretchState(row["state"]),
        owner=Agent(*body["owner"]) if "owner" in body else None,
        why=body.get("why", ""),
        opened_at=row["opened_at"],
        answered_at=row["answered_at"],
        snoozed_until=row["snoozed_until"],
        ended_at=row["ended_at"],
        reopened_at=datetime.fromisoformat(body["reopened"]) if "reopened" in body else None,
        outcome=body.get("outcome", ""),
        asked_at=row["asked_at"],
    )
