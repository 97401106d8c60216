"""Accept: arrivals become rows of the inbox, each once for ever; only then is the provider told yes.

One statement does it while people write as they did before. Whatever changes more than the inbox (somebody new,
STOP, another account or group, who cannot be believed) takes a transaction of several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from omnibot.model import AddressId, IncomingMessage
from omnibot.store.codec import Codec
from omnibot.store.identity.guards import Guards
from omnibot.store.message_path.acquaint import Acquainting
from omnibot.store.message_path.connections import columns, composed
from omnibot.store.message_path.inbox import ARRIVED, QUEUED, queueing
from omnibot.store.message_path.known import Known, KnownAddresses, by_hand
from omnibot.store.message_path.recognise import Shown, vouched
from omnibot.store.work import Arrived, StoreUnavailable, ToldAct, ToldEvent

# Nothing is written unless everybody is answered as we know them to be: bodies are sealed for their addresses, and
# what has changed must be written, too. Links are locked so that whoever moves one waits and then finds what we wrote,
# or we wait for them and write to the customer whose it is then.
_TAKE_IN = """, expected AS MATERIALIZED (
    SELECT * FROM unnest((SELECT $+1::bigint[]), $+2::text[], $+3::bytea[], $+4::bytea[], $+5::boolean[])
        AS e(address_id, account, context_sealed, value_sealed, by_hand)
    ORDER BY address_id
), linked AS MATERIALIZED (
    SELECT e.address_id, l.customer_id FROM expected e
    CROSS JOIN LATERAL (
        SELECT FROM addresses a WHERE a.id = e.address_id AND a.account = e.account
            AND a.context_sealed IS NOT DISTINCT FROM e.context_sealed AND a.value_sealed = e.value_sealed
            AND (a.unreachable_at IS NULL OR NOT e.by_hand)
        OFFSET 0) AS a
    CROSS JOIN LATERAL (SELECT customer_id FROM links WHERE address_id = e.address_id FOR SHARE) AS l
), unchanged AS MATERIALIZED (
    SELECT (SELECT count(*) FROM linked) = (SELECT count(*) FROM expected) AS holds
), seen AS (
    INSERT INTO arrivals (key, at) SELECT key, now() FROM arrived WHERE (SELECT holds FROM unchanged) ORDER BY key
    ON CONFLICT DO NOTHING RETURNING key
), fresh AS MATERIALIZED (
    SELECT CASE WHEN i.body IS NOT NULL THEN nextval('messages_id_seq') END AS id, i.*, l.customer_id,
        answered.id AS answers
    FROM arrived i JOIN seen USING (key) JOIN linked l USING (address_id) LEFT JOIN answered USING (ord)
    ORDER BY i.ord
)"""
_TAKEN_IN = """
SELECT holds AS unchanged, ARRAY(SELECT key FROM seen) AS unseen FROM unchanged
"""


class Accepting(Acquainting):
    """The first step of the message path."""

    def __init__(self, pool: asyncpg.Pool, codec: Codec, guards: Guards | None = None) -> None:
        super().__init__(pool, codec, guards or Guards())
        self._known = KnownAddresses()

    async def accept(self, batch: Sequence[Arrived], pause: float = 0.0) -> list[bool]:
        """Commit arrivals, each once for ever; tells for each whether it was new.

        `pause` seconds pass before a turn begins, so that a burst becomes one turn.
        """
        keys = list(map(self._key, batch))
        once: dict[UUID, Arrived] = {}
        for key, arrived in zip(keys, batch, strict=True):
            once.setdefault(key, arrived)  # the same delivery may come twice in one batch
        unseen = await self._commit_once(once, pause)
        new = []
        for key in keys:
            new.append(key in unseen)
            unseen.discard(key)
        return new

    def _key(self, arrived: Arrived) -> UUID:
        """By what a delivery is known again; an event by its id alone, whoever tells it and whomever it is about."""
        if isinstance(arrived.item, ToldEvent):
            return self._codec.event_hash(arrived.item.id)
        if isinstance(arrived.item, ToldAct):  # what an agent did may have been somebody's message, too
            return self._codec.act_hash(arrived.channel, arrived.account, arrived.item.id)
        return self._codec.arrival_hash(arrived.channel, arrived.account, arrived.item.id)

    async def _commit_once(self, once: Mapping[UUID, Arrived], pause: float) -> set[UUID]:
        """Again where a merge or a turn held what this needed, and the other way round: nothing was written then."""
        for last in (False, False, True):
            try:
                unseen = await self._take_in(once, pause)
                if unseen is None:
                    unseen, known = await self._acquaint(once, pause)
                    self._known.remember(known)
                return unseen
            except StoreUnavailable as error:
                if last or not isinstance(error.__cause__, asyncpg.TransactionRollbackError):
                    raise
        raise AssertionError("unreachable")

    async def _take_in(self, once: Mapping[UUID, Arrived], pause: float) -> set[UUID] | None:
        """In one statement; None, and nothing is written, where that is not enough."""
        if any(_changes_more(arrived) for arrived in once.values()):
            return None
        hashes = [self._codec.address_hash(a.item.sender.address) for a in once.values()]
        known = await self._recall(hashes)
        queue = []
        expected: dict[AddressId, tuple[Known, bool]] = {}
        for (key, arrived), hash_ in zip(once.items(), hashes, strict=True):
            sender = known.get(hash_)
            if sender is None or sender.way.after(arrived) != sender.way or self._shows_more(arrived, sender):
                return None
            queue.append((key, arrived, sender.address, False))
            _, hand = expected.get(sender.address, (sender, False))
            expected[sender.address] = sender, hand or by_hand(arrived.item)
        rows = [(k.address, k.way.account, k.context_sealed, k.value_sealed, hand) for k, hand in expected.values()]
        inbox = queueing(self._codec, queue, pause)
        statement = composed((ARRIVED, inbox.answered, _TAKE_IN, QUEUED, inbox.filed, _TAKEN_IN))
        async with self._connection() as connection:
            taken = await connection.fetchrow(
                statement, *inbox.shared, *inbox.questions, *columns(rows, 5), *inbox.files
            )
        return set(taken["unseen"]) if taken["unchanged"] else None

    def _shows_more(self, arrived: Arrived, known: Known) -> bool:
        """Whether it proves something of who writes that was not known, or was known too long ago."""
        told = isinstance(arrived.item, ToldEvent)
        shown = Shown(arrived, vouched(self._codec, arrived), by_hand(arrived.item), told=told)
        return shown.is_news_of(known, self._guards)

    async def _recall(self, hashes: Sequence[UUID]) -> Mapping[UUID, Known]:
        """What is known of these addresses; whoever has not written to this process lately is looked up."""
        known = {hash_: one for hash_ in hashes if (one := self._known.get(hash_))}
        if missing := [hash_ for hash_ in hashes if hash_ not in known]:
            found = await self._look_up(missing)
            self._known.remember(found)
            known |= found
        return known


def _changes_more(arrived: Arrived) -> bool:
    item = arrived.item
    return (
        arrived.stop is not None or bool(arrived.token) or (isinstance(item, IncomingMessage) and bool(item.quarantine))
    )
