"""The hot path in SQL: inbox, turn, outbox. Every statement takes a batch; none runs in a loop.

The way of a message, each step a module, and for a message like most a single statement that commits by itself:

    accept    dedupe, address → customer, message, inbox, lane              then the provider is told yes
    claim     lanes that are due, each with a fencing token, and …
    load      … what waits there, addresses, facts, latest messages         alone only where it changed meanwhile
    renew     … of turns that wait for somebody outside                     keeps them, and tells what came meanwhile
    commit    those whose token still holds: turn, messages, outbox, facts; inbox rows gone
    start     … and replies that nothing keeps back, as `sending`           then their calls start
    dispatch  heads of the addresses' queues, past the gate, as `sending`   then the calls start
    finish    what the channels answered

Only accept, dispatch and start wait for the disk, since after them somebody outside knows. What is synced is all that
was written before, so nothing that has left stands on something that could be lost. When the database crashes, a lost
claim costs a lease, a lost turn is taken again, and a lost result is an `unknown`.

Providers tell times in seconds. So do we: what was said within one second stands in the order in which it came.

Locks are taken in one order (identifier, link, lane, outbox row, address) and within a batch by ascending key, so that
batches never deadlock; where the order cannot hold, rows that are locked are skipped and come again.

A batch comes in as `unnest((SELECT $1::…), …)`, and what belongs to its rows is looked up laterally: PostgreSQL then
expects some rows whatever their number, keeps one plan for all batches instead of making a new one for each (which
costs more than running it), and reads by index even before it has statistics.
"""

from __future__ import annotations

from omnibot.store.message_path.accept import Accepting
from omnibot.store.message_path.claim import Claiming
from omnibot.store.message_path.commit import Committing
from omnibot.store.message_path.dispatch import Dispatching
from omnibot.store.message_path.renew import Renewing

__all__ = ["MessagePath"]


class MessagePath(Accepting, Claiming, Renewing, Committing, Dispatching):
    """Inbox, turns and outbox of one database. All methods raise StoreUnavailable when it cannot be reached."""
