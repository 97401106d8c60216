"""`[cases]`, `[turns]`, `[delivery]`, `[files]`: how what comes in is worked off, and what goes out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from omnibot.settings.section import Count, Seconds, Section


class Cases(Section):
    """Which messages are about one matter."""

    reopen_days: Annotated[int, Field(ge=0, le=3650)] = 14
    """For so long what was answered or solved is the same matter when somebody comes again with it; then a new one."""


class Turns(Section):
    """How what came in is worked off."""

    workers: Count = 2
    """Turns in progress at once in one process, each a batch of customers."""
    batch: Count = 32
    """Customers that one worker claims at a time."""
    pause_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """How long to wait for more of a burst before answering."""
    lease_seconds: Seconds = 30
    """After so long without a sign of life a worker's customers go to another."""
    attempts: Count = 5
    """Failures of one turn after which it is parked for a person."""
    poll_seconds: Seconds = 1
    """How often to look for work that no notification told of."""


class Delivery(Section):
    """How what goes out is handed to the providers."""

    call_seconds: Seconds = 20
    """The longest that one call of a provider may take."""
    attempts: Count = 8
    """Tries after which a message is given up and shown."""
    backoff_seconds: Seconds = 2
    """Before the second try; doubled with each further one."""
    unknown_wait_seconds: Seconds = 60
    """How long later messages wait behind one of which the provider did not say whether it took it."""
    poll_seconds: Seconds = 1
    """How often to look for messages that no notification told of."""


class Files(Section):
    """Attachments."""

    max_bytes: Count = 20_000_000
    """Larger ones are not kept."""
    link_seconds: Seconds = 3600
    """How long a download link works."""
