"""Playbooks: what customers want of the company, and how it wants that handled; a YAML file an intent.

A playbook is `intent`, `description` and `examples`, which are phrasings by language:

    intent: refund
    description: Somebody wants money back that they have paid.
    examples:
      en:
        - I want my money back
        - can you refund the last invoice?

and what is to be done, all of it optional: docs/playbooks.md. The intent `oos` is what the company has no playbook for.
Its examples, where there are some, say what looks as if.
"""

from omnibot.playbooks.expressions import (
    FUNCTIONS,
    MISSING,
    ROOTS,
    Expression,
    ExpressionError,
    Looked,
    Record,
    Scope,
)
from omnibot.playbooks.reading import PlaybookError, Playbooks
from omnibot.playbooks.values import (
    KNOWN_PLACES,
    Answer,
    Cause,
    Handoff,
    Next,
    Playbook,
    Question,
    Said,
    Texts,
    Within,
)

__all__ = [
    "FUNCTIONS",
    "KNOWN_PLACES",
    "MISSING",
    "ROOTS",
    "Answer",
    "Cause",
    "Expression",
    "ExpressionError",
    "Handoff",
    "Looked",
    "Next",
    "Playbook",
    "PlaybookError",
    "Playbooks",
    "Question",
    "Record",
    "Said",
    "Scope",
    "Texts",
    "Within",
]
