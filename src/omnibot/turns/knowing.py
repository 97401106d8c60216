"""Whom the turn is with: no more of them than the address that wrote may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from omnibot.identity import Remembered, identify
from omnibot.identity.prove import prove
from omnibot.model import AddressId, Snapshot, TurnMessage
from omnibot.store.work import Work
from omnibot.turns.steps import Steps


def identified(work: Work, wrote: AddressId, steps: Steps) -> Snapshot:
    """The customer as they may be known at the address that wrote."""
    return identify(
        work.lease.customer,
        work.addresses,
        work.facts,
        work.timeline,
        wrote=wrote,
        at=work.at,
        disclosure=steps.disclosure,
        earlier=work.earlier,
        remembered=Remembered(events=work.events, usage=work.usage, cases=work.cases, habits=work.habits),
    )


def with_codes(snapshot: Snapshot, work: Work, messages: Sequence[TurnMessage], steps: Steps) -> Snapshot:
    """And with the codes that they typed, judged."""
    if not (work.requests and steps.proofs):
        return snapshot
    return replace(snapshot, tried=prove(work.requests, messages, steps.proofs.codes))
