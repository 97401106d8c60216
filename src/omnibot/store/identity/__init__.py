"""One person over several addresses: links, merges and their undoing, each in one transaction and in one log."""

from __future__ import annotations

from omnibot.store.identity.guards import Guards

__all__ = ["Guards"]
