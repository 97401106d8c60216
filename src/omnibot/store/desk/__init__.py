"""What people take care of: stretches, their threads, and what agents did.

    adopt     hand-offs find their stretches
    mirror    what customers and the bot say becomes lines of the threads
    threads   where a stretch is shown, and by when something must be done
    show      the next line of each thread, and what became of it
    find      for those who look

What agents do goes through the customer's lane instead: see message_path/acts.py and message_path/done.py.
"""

from __future__ import annotations

from omnibot.store.desk.mirror import Mirroring
from omnibot.store.desk.values import (
    ActRecord,
    Adopted,
    Attended,
    Figures,
    Kept,
    LineRecord,
    Mark,
    NewEntry,
    Refresh,
    ToShow,
    Understood,
)

__all__ = [
    "ActRecord",
    "Adopted",
    "Attended",
    "DeskStore",
    "Figures",
    "Kept",
    "LineRecord",
    "Mark",
    "NewEntry",
    "Refresh",
    "ToShow",
    "Understood",
]


class DeskStore(Mirroring):
    """The stretches of one database. All methods raise StoreUnavailable when it cannot be reached."""
