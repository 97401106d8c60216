"""Link, unlink, prove, share: what is said of one address.

An address without a history of its own is simply linked; one with a history is somebody already, who is merged.
Unlinking undoes what there is: the merge where the address came by one, and else it gets a customer of its own.
"""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from omnibot.identifiers import implied, spelled
from omnibot.model import Address, AddressId, CustomerId, Identifier, Proof
from omnibot.store.identity.merge import Ground, Merging
from omnibot.store.identity.move import Noted
from omnibot.store.identity.standing import Changed, End, Linked, Standing, answerable
from omnibot.store.identity.values import (
    RULE,
    AlreadyShared,
    AlreadyTheirs,
    OnItsOwn,
    Parted,
    Ruling,
    UnknownAddress,
    Verdict,
    Who,
)
from omnibot.store.locks import lock_identifiers
from omnibot.store.message_path.pointers import KEEP_BACK_POINTERS

# What somebody wrote or the company knows. What we wrote to an address (a code) is nobody's history.
_HAS_HISTORY = """
SELECT EXISTS (SELECT FROM messages WHERE address_id = $1 AND direction = 'in')
    OR EXISTS (SELECT FROM facts WHERE address_id = $1 AND valid_to IS NULL)
"""

_MEET = """
WITH met AS (
    INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at) VALUES ($1, $2, $3, $4, $5, now())
    ON CONFLICT (hash) DO NOTHING RETURNING id
)
INSERT INTO links (address_id, customer_id, home_id, proof, evidence, proven_at, since)
SELECT id, $6, $7, $8::text, $9, CASE WHEN $8::text = 'proven' THEN now() END, now() FROM met RETURNING address_id
"""

_PROVE = """
WITH proven AS (
    UPDATE links SET proof = 'proven', evidence = $2, proven_at = now() WHERE address_id = $1
    RETURNING address_id, home_id
)
INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)
SELECT now(), 'prove', address_id, home_id, 'proven', $2, $3, $4 FROM proven
"""

_IDENTIFY = """
INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at)
VALUES ($1, $2, $3, $4, $5, now(), now())
ON CONFLICT (address_id, hash) WHERE revoked_at IS NULL
    DO UPDATE SET evidence = EXCLUDED.evidence, proven_at = EXCLUDED.proven_at
"""

_EVIDENCE = "UPDATE links SET evidence = $2 WHERE address_id = $1 RETURNING proof"

_VALUE = "SELECT channel, value_sealed FROM addresses WHERE id = $1"

_STRANGER = "INSERT INTO customers (id, created_at) VALUES (nextval('customers_id_seq'), now()) RETURNING id"

# That they were one is kept as a merge that is undone for good: no rule links again what somebody has unlinked.
_PART = """
INSERT INTO merges (left_id, right_id, rule, at, undone_at, undone_by, apart)
VALUES ($1, $2, 'unlink', now(), now(), $3, true) RETURNING id
"""

_STOP = "UPDATE addresses SET stopped_at = coalesce(stopped_at, now()) WHERE id = $1"

# What a dispatch has locked is judged by it once more, when it comes to the address. A code that does not leave is
# scrubbed.
_SUPPRESS = """
UPDATE outbox SET state = 'suppressed', reason = 'forgotten', changed_at = now(),
    payload_sealed = CASE WHEN purpose = 'code' THEN '' ELSE payload_sealed END
WHERE id IN (
    SELECT id FROM outbox WHERE address_id = $1 AND state IN ('queued', 'held') ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING id
"""

_SHARE = """
UPDATE addresses SET shared_at = CASE WHEN $2 THEN now() END
WHERE id = $1 AND (shared_at IS NOT NULL) <> $2 RETURNING id
"""

_RESTING = """
SELECT m.id, m.left_id, m.right_id FROM identifiers i
CROSS JOIN LATERAL (SELECT * FROM merges WHERE identifier_hash = i.hash AND undone_at IS NULL OFFSET 0) AS m
WHERE i.address_id = $1 AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL ORDER BY m.id
"""

# Linked by a rule when they first wrote, by an identifier that this address holds, too.
_RESTING_LINKS = """
SELECT DISTINCT o.address_id, l.home_id FROM identifiers i
CROSS JOIN LATERAL (SELECT address_id FROM identifiers WHERE hash = i.hash AND kind = i.kind
    AND proven_at IS NOT NULL AND revoked_at IS NULL OFFSET 0) AS o
JOIN links l ON l.address_id = o.address_id
WHERE i.address_id = $1 AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL AND l.evidence = i.kind
ORDER BY o.address_id
"""

_BROUGHT = "SELECT hash FROM identifiers WHERE address_id = $1 AND proven_at IS NOT NULL AND revoked_at IS NULL"

_MATCH_LATER = """
INSERT INTO identity_acts (act, address_id, evidence, by, at, attempts) VALUES ('match', $1, $2, $3, now(), 0)
"""


class Linking(Merging):
    """What is said of one address."""

    async def link(
        self,
        address: Address,
        customer: Who,
        *,
        proof: Proof,
        evidence: str,
        by: str,
        reason: str = "",
        account: str = "",
    ) -> Ruling:
        """Make an address a customer's; whoever has a history there is merged with them, within the guards.

        An address that nobody knows is met where `account` says which of ours writes to it. Raises UnknownAddress,
        UnknownCustomer, AlreadyTheirs, ReasonNeeded.
        """
        answerable(by, reason)
        ground = Ground(rule=evidence, by=by, reason=reason)

        async def work(connection: asyncpg.Connection) -> Ruling:
            to = await self._end(connection, customer)
            try:
                end = await self._end(connection, address)
            except UnknownAddress:
                if not account:
                    raise
                return await self._meet(connection, address, account, to, proof, ground)
            standing = await self._hold_ends(connection, to, end)
            side = standing.side(to.home)
            if end.home in side.homes:
                raise AlreadyTheirs(address, side.customer)
            ruling = await self._link(connection, standing, end, to, ground)
            if proof is Proof.PROVEN and ruling.verdict in (Verdict.LINKED, Verdict.MERGED):
                await self._prove(connection, end, evidence, by, reason)
            return ruling

        return await self._atomically(work)

    async def unlink(self, address: Address, *, by: str, reason: str = "") -> Parted:
        """Make an address a customer of its own again; no rule links it to these again.

        Raises UnknownAddress, OnItsOwn, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> Parted:
            end = await self._end(connection, address)
            return await self._unlink(connection, end, by, reason)

        return await self._atomically(work)

    async def forget(self, address: Address, *, by: str, reason: str = "") -> None:
        """Unlink an address, and send nothing there until it says START. Raises UnknownAddress, ReasonNeeded."""
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> None:
            await self._forget(connection, await self._end(connection, address), by, reason)

        await self._atomically(work)

    async def prove(self, address: Address, *, evidence: str, by: str, reason: str = "") -> None:
        """Somebody has shown that the address is theirs: its proof is fresh, and it may be matched by what it says.

        Raises UnknownAddress, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> None:
            end = await self._end(connection, address)
            assert end.address is not None
            await self._hold_ends(connection, end)
            await self._prove(connection, end, evidence, by, reason)
            await self._match_later(connection, end.address, evidence)

        await self._atomically(work)

    async def share(self, address: Address, *, by: str, reason: str) -> tuple[Parted, ...]:
        """Several people write from there: it never links, and what was merged or linked by its number is undone.

        What a code, a token or staff has merged stays: it does not rest on the number. Raises UnknownAddress,
        AlreadyShared, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> tuple[Parted, ...]:
            end = await self._end(connection, address)
            return await self._share(connection, end, by, reason)

        return await self._atomically(work)

    async def unshare(self, address: Address, *, by: str, reason: str) -> None:
        """One person writes from there after all; the rules are applied to it anew.

        Raises UnknownAddress, AlreadyShared, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> None:
            end = await self._end(connection, address)
            assert end.address is not None
            await self._hold_ends(connection, end)
            await self._mark_shared(connection, end, False, by, reason)
            await self._match_later(connection, end.address, "unshare")

        await self._atomically(work)

    async def identify(
        self, address: Address, identifier: Identifier, *, evidence: str, by: str, reason: str = ""
    ) -> None:
        """An address has brought a proven identifier (a token with a user id); the rules are applied to it soon.

        What names nobody in particular by its spelling is passed over. Raises UnknownAddress, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> None:
            end = await self._end(connection, address)
            assert end.address is not None
            if await self._bring(connection, end.address, spelled(identifier), evidence):
                note = Noted(
                    act="prove", address=end.address, customer=end.home, evidence=evidence, by=by, reason=reason
                )
                await self._log(connection, note)
                await self._match_later(connection, end.address, evidence)

        await self._atomically(work)

    # --- linking ---

    async def _link(
        self, connection: asyncpg.Connection, standing: Standing, end: End, to: End, ground: Ground
    ) -> Ruling:
        """Whoever calls it holds both."""
        mine = standing.side(end.home)
        if to.home in mine.homes:
            return Ruling(verdict=Verdict.ALREADY, customer=mine.customer)
        alone = len(mine.links) == 1 and not mine.edges
        if not alone or await connection.fetchval(_HAS_HISTORY, end.address):
            return await self._merge(connection, standing, to, end, ground)
        theirs = standing.side(to.home)
        verdict, why = self._judge(standing, theirs, mine, to, end, ground)
        if verdict is Verdict.PARKED:
            review = await self._park(connection, to.home, end.home, why, ground.rule, ground.by)
            return Ruling(verdict=verdict, customer=theirs.customer, why=why, review=review)
        if verdict is not Verdict.MERGED:
            return Ruling(verdict=verdict, customer=theirs.customer, why=why)
        [link] = mine.links
        await self._rehome(connection, link, to.home, theirs.customer, ground)
        return Ruling(verdict=Verdict.LINKED, customer=theirs.customer)

    async def _rehome(
        self, connection: asyncpg.Connection, link: Linked, home: int, customer: int, ground: Ground
    ) -> None:
        await self._move(connection, [link], [(home, customer)])
        proof = await connection.fetchval(_EVIDENCE, link.address, ground.rule)
        await self._log(
            connection,
            Noted(
                act="link", address=link.address, customer=home, other=link.home, proof=proof, evidence=ground.rule,
                by=ground.by, reason=ground.reason,
            ),
        )  # fmt: skip

    async def _meet(
        self, connection: asyncpg.Connection, address: Address, account: str, to: End, proof: Proof, ground: Ground
    ) -> Ruling:
        """An address that nobody has written from, on the company's word."""
        standing = await self._hold_ends(connection, to)
        customer = standing.side(to.home).customer
        id_ = await connection.fetchval("SELECT nextval('addresses_id_seq')")
        hash_, value = self._codec.address_hash(address), self._codec.seal(id_, address.value)
        met = await connection.fetchval(
            _MEET, id_, address.channel, hash_, value, account, customer, to.home, proof, ground.rule
        )
        if met is None:
            raise Changed
        await self._log(
            connection,
            Noted(
                act="link", address=id_, customer=to.home, proof=proof, evidence=ground.rule, by=ground.by,
                reason=ground.reason,
            ),
        )  # fmt: skip
        if proof is Proof.PROVEN:
            await self._identify(connection, id_, ground.rule)
            await self._match_later(connection, id_, ground.rule)
        return Ruling(verdict=Verdict.LINKED, customer=customer)

    # --- proving ---

    async def _prove(self, connection: asyncpg.Connection, end: End, evidence: str, by: str, reason: str) -> None:
        """The address is theirs, and so is what it says of them: its phone, its e-mail address."""
        assert end.address is not None
        await connection.execute(_PROVE, end.address, evidence, by, reason)
        await self._identify(connection, end.address, evidence)

    async def _identify(self, connection: asyncpg.Connection, address: AddressId, evidence: str) -> None:
        await self._bring(connection, address, await self._implied(connection, address), evidence)

    async def _names_nobody(self, connection: asyncpg.Connection, end: End) -> bool:
        """Whether an address is itself an identifier that is blocked: a switchboard, a mailbox of many."""
        assert end.address is not None
        identifier = await self._implied(connection, end.address)
        return identifier is not None and self._codec.identifier_hash(identifier) in self._blocked

    async def _implied(self, connection: asyncpg.Connection, address: AddressId) -> Identifier | None:
        row = await connection.fetchrow(_VALUE, address)
        return implied(Address(row["channel"], self._codec.open_text(address, row["value_sealed"])))

    async def _bring(
        self, connection: asyncpg.Connection, address: AddressId, identifier: Identifier | None, evidence: str
    ) -> bool:
        if identifier is None:
            return False
        hash_ = self._codec.identifier_hash(identifier)
        sealed = self._codec.seal(address, identifier.value)
        await connection.execute(_IDENTIFY, address, identifier.kind, hash_, sealed, evidence)
        return True

    async def _match_later(self, connection: asyncpg.Connection, address: AddressId, evidence: str) -> None:
        """In a transaction that sees who brings the same identifier at this very moment; see match.py."""
        await connection.execute(_MATCH_LATER, address, evidence, RULE)

    # --- unlinking ---

    async def _unlink(self, connection: asyncpg.Connection, end: End, by: str, reason: str) -> Parted:
        standing = await self._hold_ends(connection, end)
        side = standing.side(end.home)
        if len(side.links) == 1:
            raise OnItsOwn(end.name)
        around = [edge for edge in side.edges if end.home in (edge.left, edge.right)]
        alone = sum(link.home == end.home for link in side.links) == 1
        if alone and len(around) == 1:
            return await self._split(connection, standing, around[0], end.home, by, reason, True)
        [link] = [link for link in side.links if link.address == end.address]
        return await self._leave(connection, standing, link, by, reason)

    async def _leave(
        self, connection: asyncpg.Connection, standing: Standing, link: Linked, by: str, reason: str
    ) -> Parted:
        """The address leaves its home for a customer of its own; the others stay one person."""
        new = await connection.fetchval(_STRANGER)
        merge = await connection.fetchval(_PART, link.home, new, by)
        await self._move(connection, [link], [(new, new)])
        await self._log(
            connection,
            Noted(act="unlink", address=link.address, customer=link.home, other=new, merge=merge, by=by, reason=reason),
        )
        return Parted(stays=standing.side(link.home).customer, leaves=CustomerId(new))

    async def _forget(self, connection: asyncpg.Connection, end: End, by: str, reason: str) -> None:
        assert end.address is not None
        with suppress(OnItsOwn):  # whoever is nobody else's has nothing to leave
            await self._unlink(connection, end, by, reason)
        now = await self._end_at(connection, end.address)
        await connection.execute(_STOP, end.address)
        suppressed = await connection.fetch(_SUPPRESS, end.address)
        await connection.fetch(KEEP_BACK_POINTERS, [row["id"] for row in suppressed])
        await self._log(connection, Noted(act="forget", address=end.address, customer=now.home, by=by, reason=reason))

    # --- sharing ---

    async def _share(self, connection: asyncpg.Connection, end: End, by: str, reason: str) -> tuple[Parted, ...]:
        # Whoever brings the same at this moment has been linked before, or finds it shared.
        await lock_identifiers(connection, [row["hash"] for row in await connection.fetch(_BROUGHT, end.address)])
        merges = await connection.fetch(_RESTING, end.address)
        links = await connection.fetch(_RESTING_LINKS, end.address)
        homes = {end.home} | {row["home_id"] for row in links}
        homes |= {home for row in merges for home in (row["left_id"], row["right_id"])}
        standing = await self._hold(connection, homes)
        parted = []
        for row in merges:
            edge = next((edge for edge in standing.edges if edge.id == row["id"]), None)
            if edge is None:
                raise Changed
            parted.append(await self._split(connection, standing, edge, edge.right, by, reason, False))
            standing = await self._look_at(connection, homes)
        for row in links:
            link = next((link for link in standing.links if link.address == row["address_id"]), None)
            if link is None:
                raise Changed
            if sum(other.home == link.home for other in standing.links) > 1:
                parted.append(await self._leave(connection, standing, link, by, reason))
                standing = await self._look_at(connection, homes)
        await self._mark_shared(connection, end, True, by, reason)  # lanes come before addresses, as everywhere
        return tuple(parted)

    async def _mark_shared(self, connection: asyncpg.Connection, end: End, shared: bool, by: str, reason: str) -> None:
        if await connection.fetchval(_SHARE, end.address, shared) is None:
            raise AlreadyShared(end.name, shared)
        act = "share" if shared else "unshare"
        await self._log(connection, Noted(act=act, address=end.address, customer=end.home, by=by, reason=reason))
