"""The providers emulated on this machine: as strict as they are, misbehaving on command (docs/sandbox.md)."""

from omnibot.sandbox.faults import Blocked, Cut, Delay, Duplicate, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Entry, Ledger, Outcome

__all__ = [
    "Blocked",
    "Cut",
    "Delay",
    "Duplicate",
    "Entry",
    "Fault",
    "Faults",
    "Hang",
    "Ledger",
    "Outcome",
    "ServerError",
    "Throttle",
]
