"""The codes that a turn asks for."""

from __future__ import annotations

from collections.abc import Iterator

from omnibot.identity.codes import shown
from omnibot.model import Ask, Plan
from omnibot.store.work import Asked
from omnibot.turns.steps import Steps
from omnibot.voice import Letter, compose_code

_DOTS = "••• ••••"  # for a code, where it is not to be read


def codes_asked(plan: Plan, steps: Steps, variant: int) -> Iterator[Asked]:
    """The codes that the plan asks for, each with the message that brings it."""
    for ask in plan.asks:
        assert steps.proofs is not None  # without them nothing asks
        code_hash = steps.proofs.codes.hash(ask)
        link = steps.proofs.link(ask.source, code_hash)
        letter = _code_letter(shown(steps.proofs.codes.code(ask)), ask, plan, steps, variant, link)
        kept = _code_letter(_DOTS, ask, plan, steps, variant)
        yield Asked(
            ask=ask,
            code_hash=code_hash,
            account=steps.proofs.accounts[ask.target.channel],
            parts=letter.parts,
            kept=kept.parts,
            limits=steps.proofs.limits,
            subject=letter.subject,
        )


def _code_letter(code: str, ask: Ask, plan: Plan, steps: Steps, variant: int, link: str = "") -> Letter:
    assert steps.proofs is not None
    limits, minutes = steps.limits[ask.target.channel], steps.company.linking.minutes
    return compose_code(code, ask, plan, limits, steps.speaker, minutes=minutes, variant=variant, link=link)
