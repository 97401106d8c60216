"""What tests of the outbox share."""

from __future__ import annotations

from omnibot.store.work import Quota


def quota(free: int = 10, replies: int = 100, unsolicited: int = 100) -> Quota:
    """Of the one account of these tests; caps of one address."""
    return Quota(
        channel="telegram",
        account="main",
        free=free,
        replies=replies,
        replies_seconds=60,
        unsolicited=unsolicited,
        unsolicited_seconds=3600,
    )
