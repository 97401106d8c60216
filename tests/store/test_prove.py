"""Requests for proof in the database: what is written, what is counted, what leaves, and what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from omnibot.model import (
    Address,
    Ask,
    DeliveryReport,
    DeliveryState,
    IncomingMessage,
    MessageId,
    Paragraph,
    Proof,
    ProofPurpose,
    Sender,
    Tried,
)
from omnibot.store import Store
from omnibot.store.work import (
    Arrived,
    Asked,
    CodeLimits,
    Dispatch,
    Outcome,
    Quota,
    Reported,
    Result,
    Work,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOMAS = Address("telegram", "4713")
MIKE = Address("telegram", "4712")
MAIL = Address("email", "tomas@example.org")
OTHER = Address("email", "other@example.org")
LIMITS = CodeLimits(seconds=600, per_address=5, per_requester=10, overall=1000)
MAIL_QUOTA = Quota(
    channel="email",
    account="support",
    free=10,
    replies=100,
    replies_seconds=60,
    unsolicited=100,
    unsolicited_seconds=3600,
)


class House:
    """A store in which people ask for codes and type them."""

    def __init__(self, store: Store, connection: asyncpg.Connection) -> None:
        self.store, self.sql = store, connection
        self._number = 0

    async def writes(self, sender: Address = TOMAS, text: str = "hello", account: str = "main") -> Work:
        """Somebody writes, and their turn is claimed."""
        self._number += 1
        id_ = f"{sender}-{self._number}"
        item = IncomingMessage(id=id_, at=NOON, sender=Sender(sender), message_id=id_, text=text)
        await self.store.path.accept([Arrived(channel=sender.channel, account=account, item=item)])
        [work] = await self.store.path.load(await self.store.path.claim(10, lease=30))
        assert isinstance(work, Work)
        return work

    async def commits(self, work: Work, asked: Sequence[Asked] = (), tried: Sequence[Tried] = ()) -> bool:
        outcome = Outcome(work=work, address=work.items[0].address, record={}, asked=tuple(asked), tried=tuple(tried))
        return work.lease.customer in await self.store.path.commit([outcome])

    async def asks(self, target: Address = MAIL, sender: Address = TOMAS, limits: CodeLimits = LIMITS) -> Work:
        work = await self.writes(sender)
        await self.commits(work, [asked(work, target, limits)])
        return work

    async def types(self, *, right: bool, left: int = 4, sender: Address = TOMAS) -> None:
        work = await self.writes(sender)
        message = work.items[0].message
        assert message is not None
        await self.commits(work, tried=[Tried(work.requests[-1], message.id, right=right, left=left)])

    async def leaves(self, quota: Quota = MAIL_QUOTA) -> list[Dispatch]:
        return list((await self.store.path.dispatch([quota], lease=30, unknown_wait=60)).starting)

    async def ends(self, dispatch: Dispatch, state: DeliveryState = DeliveryState.SENT, **fields: object) -> None:
        result = Result(
            id=dispatch.outbound.id,
            address=dispatch.address,
            attempts=dispatch.outbound.attempts,
            state=state,
            **fields,  # type: ignore[arg-type]
        )
        await self.store.path.finish([result])

    async def codes(self) -> list[tuple[str, str, bool]]:
        """Each message with a code: its state, why, and whether its payload is still there."""
        rows = await self.sql.fetch(
            "SELECT state, reason, payload_sealed FROM outbox WHERE purpose = 'code' ORDER BY id"
        )
        return [(row["state"], row["reason"] or "", bool(row["payload_sealed"])) for row in rows]

    async def requests(self) -> list[tuple[str, int]]:
        rows = await self.sql.fetch("SELECT settled, tries FROM proof_requests ORDER BY id")
        return [(row["settled"] or "", row["tries"]) for row in rows]

    async def acts(self) -> list[tuple[str, int, int | None, str, str]]:
        rows = await self.sql.fetch("SELECT act, address_id, other_id, evidence, by FROM identity_acts ORDER BY id")
        return [tuple(row) for row in rows]

    async def id_of(self, address: Address) -> int:
        look = "SELECT id FROM addresses WHERE channel = $1 AND substr(value_sealed, 2) = $2"
        id_: int = await self.sql.fetchval(look, address.channel, address.value.encode())
        return id_


def asked(work: Work, target: Address = MAIL, limits: CodeLimits = LIMITS, **fields: object) -> Asked:
    by = work.items[0].address
    message = work.items[0].message
    assert message is not None
    ask = Ask(purpose=ProofPurpose.LINK, by=by, target=target, source=message.id)
    return Asked(
        ask=replace(ask, **fields),  # type: ignore[arg-type]
        code_hash=b"the hash",
        account="support",
        parts=(Paragraph("481 5162 is your code"),),
        kept=(Paragraph("••• is your code"),),
        limits=limits,
        subject="Your code",
    )


@pytest_asyncio.fixture
async def house(store: Store, dsn: str) -> AsyncIterator[House]:
    connection = await asyncpg.connect(dsn)
    try:
        yield House(store, connection)
    finally:
        await connection.close()


# --- asking ---


async def test_an_unknown_address_is_met_as_somebody_of_its_own_by_claim_alone(house: House) -> None:
    await house.asks()
    customer = await house.store.records.customer_of(MAIL)
    assert customer is not None
    assert customer != await house.store.records.customer_of(TOMAS)
    row = await house.sql.fetchrow("SELECT l.* FROM links l WHERE address_id = $1", await house.id_of(MAIL))
    assert (row["proof"], row["home_id"]) == (Proof.CLAIMED, row["customer_id"])
    [log] = await house.sql.fetch("SELECT * FROM identity_log WHERE address_id = $1", row["address_id"])
    assert (log["act"], log["proof"], log["evidence"], log["by"]) == ("link", "claimed", "named", "customer")


async def test_the_code_leaves_once_and_the_timeline_keeps_it_without_the_code(house: House) -> None:
    await house.asks()
    [dispatch] = await house.leaves()
    assert dispatch.outbound.to == MAIL
    assert "481 5162" in dispatch.outbound.text
    assert dispatch.outbound.subject == "Your code"
    customer = await house.store.records.customer_of(MAIL)
    assert customer is not None
    [kept] = await house.store.records.timeline(customer)
    assert kept.text == "••• is your code"
    assert await house.leaves() == []


async def test_known_and_unknown_addresses_take_the_same_statements(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad input 75: as many round trips, whoever is named."""
    await house.commits(await house.writes(MAIL, account="support"))

    async def trips(target: Address, sender: Address) -> list[str]:
        work = await house.writes(sender)
        with counted(monkeypatch) as statements:
            await house.commits(work, [asked(work, target)])
        return statements

    known, unknown = await trips(MAIL, TOMAS), await trips(OTHER, MIKE)
    assert known == unknown
    assert len(known) > 4


async def test_a_turn_that_asks_nothing_takes_the_one_statement_that_it_always_took(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = await house.writes()
    with counted(monkeypatch) as statements:
        await house.commits(work)
    assert len(statements) == 1


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that go to the database meanwhile, on whichever connection."""
    statements: list[str] = []
    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        method = getattr(asyncpg.Connection, name)

        async def noted(self, query, *arguments, _method=method, **more):
            statements.append(query)
            return await _method(self, query, *arguments, **more)

        monkeypatch.setattr(asyncpg.Connection, name, noted)
    yield statements
    monkeypatch.undo()


async def test_nobody_is_asked_for_twice_at_once(house: House) -> None:
    """Of the same code one is good: the last."""
    await house.asks()
    await house.asks()
    assert await house.requests() == [("replaced", 0), ("", 0)]
    assert await house.leaves() == []  # the first is kept back, and the next look finds the second
    [dispatch] = await house.leaves()
    assert [state for state, _, _ in await house.codes()] == ["suppressed", "sending"]
    assert dispatch.outbound.to == MAIL


async def test_who_named_an_address_first_keeps_no_code_from_whoever_spells_it_right(house: House) -> None:
    """Nobody has written from there: what bounced was another spelling of the same mailbox."""
    await house.asks(target=Address("email", "tomas+bogus@example.org"), sender=MIKE)
    [bogus] = await house.leaves()
    assert bogus.outbound.to == Address("email", "tomas+bogus@example.org")
    await house.ends(bogus, DeliveryState.REFUSED, reason="no such mailbox", unreachable=True)
    await house.asks()
    [dispatch] = await house.leaves()
    assert dispatch.outbound.to == MAIL


async def test_where_somebody_has_written_from_their_own_spelling_stays(house: House) -> None:
    own = Address("email", "tomas+shop@example.org")
    await house.commits(await house.writes(own, account="support"))
    await house.asks()
    [dispatch] = await house.leaves()
    assert dispatch.outbound.to == own


async def test_a_stale_turn_asks_nothing(house: House) -> None:
    work = await house.writes()
    stale = replace(work, lease=replace(work.lease, fence=work.lease.fence - 1))
    assert not await house.commits(stale, [asked(stale)])
    assert await house.requests() == []
    assert await house.codes() == []


# --- limits ---


@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        (replace(LIMITS, per_address=2), 2),
        (replace(LIMITS, per_requester=3), 3),
        (replace(LIMITS, overall=1), 1),
    ],
)
async def test_what_is_beyond_a_limit_is_written_down_and_not_sent(house: House, limits: CodeLimits, sent: int) -> None:
    for _ in range(5):
        await house.asks(limits=limits)
    assert len(await house.codes()) == sent
    assert len(await house.requests()) == 5


async def test_an_address_gets_no_more_than_its_limit_from_many_at_the_same_moment(house: House) -> None:
    works = [await house.writes(Address("telegram", str(number))) for number in range(100, 112)]
    limits = replace(LIMITS, per_address=3)
    await asyncio.gather(*(house.commits(work, [asked(work, limits=limits)]) for work in works))
    assert len(await house.codes()) == 3
    assert len(await house.requests()) == 12


async def test_the_limits_hold_within_one_batch(house: House) -> None:
    works = [await house.writes(Address("telegram", str(number))) for number in range(100, 104)]
    limits = replace(LIMITS, per_address=3)
    outcomes = [
        Outcome(work=work, address=work.items[0].address, record={}, asked=(asked(work, limits=limits),))
        for work in works
    ]
    await house.store.path.commit(outcomes)
    assert len(await house.codes()) == 3


async def test_a_request_that_is_beyond_the_limits_counts_tries_like_any_other(house: House) -> None:
    await house.asks(limits=replace(LIMITS, overall=1))
    await house.asks(limits=replace(LIMITS, overall=1))
    await house.types(right=False)
    assert await house.requests() == [("", 0), ("", 1)]


async def test_who_asks_beyond_the_limits_gets_no_more_tries_and_keeps_the_code_that_was_sent(house: House) -> None:
    """Else each request that is not sent would be worth five guesses."""
    for _ in range(3):
        await house.asks(limits=replace(LIMITS, per_address=1))
    work = await house.writes()
    assert [request.code_hash for request in work.requests] == [b"the hash", b"", b""]
    assert await house.requests() == [("", 0)] * 3


async def test_of_requests_without_end_a_turn_takes_a_few_and_those_that_were_sent(house: House) -> None:
    await house.asks(limits=replace(LIMITS, per_requester=1))
    await house.sql.execute(
        "INSERT INTO proof_requests"
        " (address_id, target_id, purpose, source_id, code_hash, tries, created_at, expires_at)"
        " SELECT address_id, target_id, purpose, source_id, '', 0, created_at, expires_at"
        " FROM proof_requests, generate_series(1, 200)"
    )
    work = await house.writes()
    assert len(work.requests) == 50
    assert work.requests[0].code_hash == b"the hash"
    assert [request.id for request in work.requests] == sorted(request.id for request in work.requests)


async def test_who_asks_without_end_locks_nobody_out(house: House) -> None:
    """What is not sent counts for nobody's limit."""
    limits = replace(LIMITS, per_requester=1, overall=2)
    for _ in range(5):
        await house.asks(limits=limits)
    await house.asks(target=OTHER, sender=MIKE, limits=limits)
    assert len(await house.codes()) == 2


async def test_codes_that_others_ask_for_keep_nobody_from_undoing_what_is_theirs(house: House) -> None:
    limits = replace(LIMITS, per_address=1)
    await house.asks(target=TOMAS, sender=MIKE, limits=limits)
    work = await house.writes(TOMAS)
    undo = asked(work, TOMAS, limits, purpose=ProofPurpose.UNLINK)
    await house.commits(work, [undo])
    work = await house.writes(TOMAS)
    await house.commits(work, [asked(work, TOMAS, limits, purpose=ProofPurpose.FORGET)])
    assert len(await house.codes()) == 3


async def test_after_an_hour_one_may_ask_again(house: House) -> None:
    for _ in range(2):
        await house.asks(limits=replace(LIMITS, per_address=1))
    await house.sql.execute("UPDATE proof_requests SET created_at = created_at - interval '61 min'")
    await house.asks(limits=replace(LIMITS, per_address=1))
    assert len(await house.codes()) == 2


# --- what leaves, and what is left ---


async def test_a_code_that_is_too_late_does_not_leave_and_bothers_nobody(house: House) -> None:
    await house.asks()
    await house.sql.execute("UPDATE proof_requests SET expires_at = now()")
    assert await house.leaves() == []
    assert await house.codes() == [("suppressed", "too late", False)]
    assert await house.store.records.handoffs() == []


@pytest.mark.parametrize("column", ["stopped_at", "unreachable_at"])
async def test_no_code_goes_where_nothing_may_go_and_staff_are_not_called(house: House, column: str) -> None:
    await house.asks()
    await house.sql.execute(f"UPDATE addresses SET {column} = now() WHERE channel = 'email'")
    assert await house.leaves() == []
    assert (await house.codes())[0][0] == "suppressed"
    assert await house.store.records.handoffs() == []


async def test_a_code_counts_against_the_cap_of_its_address(house: House) -> None:
    await house.asks()
    await house.asks(sender=MIKE)
    narrow = replace(MAIL_QUOTA, replies=1)
    [dispatch] = await house.leaves(narrow)
    await house.ends(dispatch)
    assert await house.leaves(narrow) == []
    assert [reason for _, reason, _ in await house.codes()] == ["", "reply cap"]
    assert await house.store.records.handoffs() == []


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.DEAD])
async def test_what_brought_a_code_is_scrubbed_once_it_is_done(house: House, state: DeliveryState) -> None:
    await house.asks()
    [dispatch] = await house.leaves()
    assert (await house.codes())[0][2]
    await house.ends(dispatch, state, reason="whatever")
    assert await house.codes() == [(state.value, "whatever", False)]
    assert await house.store.records.handoffs() == []


async def test_of_what_nobody_knows_the_code_is_scrubbed_when_it_is_settled(house: House) -> None:
    await house.asks()
    [dispatch] = await house.leaves()
    await house.ends(dispatch, DeliveryState.UNKNOWN)
    assert (await house.codes())[0][2]
    await house.types(right=True)
    assert not (await house.codes())[0][2]


async def test_a_code_that_a_stop_keeps_back_is_scrubbed(house: House) -> None:
    await house.asks()
    stop = IncomingMessage(id="stop", at=NOON, sender=Sender(MAIL), message_id="stop", text="stop")
    await house.store.path.accept([Arrived(channel="email", account="support", item=stop, stop=True)])
    assert await house.codes() == [("suppressed", "stopped", False)]


async def test_a_code_to_what_is_forgotten_is_scrubbed(house: House) -> None:
    await house.asks()
    await house.store.identity.forget(MAIL, by="customer")
    assert await house.codes() == [("suppressed", "forgotten", False)]


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.REFUSED])
async def test_a_code_of_which_its_provider_tells_the_end_later_is_scrubbed(house: House, state: DeliveryState) -> None:
    await house.asks()
    [dispatch] = await house.leaves()
    await house.ends(dispatch, DeliveryState.UNKNOWN, provider_id="mail-1")
    report = DeliveryReport(id="report", at=NOON, sender=Sender(MAIL), provider_id="mail-1", state=state, reason="so")
    await house.store.path.accept([Arrived(channel="email", account="support", item=report)])
    [work] = await house.store.path.load(await house.store.path.claim(10, lease=30))
    assert isinstance(work, Work)
    told = Reported(
        address=dispatch.address, provider_id="mail-1", state=state, reason="so", unreachable=False, attempts=0
    )
    await house.store.path.commit([Outcome(work=work, address=dispatch.address, reported=(told,))])
    assert await house.codes() == [(state.value, "so", False)]


@pytest.mark.parametrize("state", ["unknown", "held", "queued"])
async def test_a_code_that_has_run_out_is_scrubbed_wherever_it_is(house: House, state: str) -> None:
    await house.asks()
    await house.sql.execute("UPDATE outbox SET state = $1, due_at = 'infinity'", state)
    await house.store.identity.expire()
    assert await house.codes() == [(state, "", True)]
    await house.sql.execute("UPDATE proof_requests SET expires_at = now()")
    await house.store.identity.expire()
    assert await house.codes() == [("unknown", "", False) if state == "unknown" else ("suppressed", "too late", False)]


async def test_a_code_that_bounces_calls_nobody(house: House) -> None:
    await house.asks()
    [dispatch] = await house.leaves()
    await house.ends(dispatch, provider_id="mail-1")
    sender = Sender(MAIL)
    report = DeliveryReport(
        id="bounce", at=NOON, sender=sender, provider_id="mail-1", state=DeliveryState.REFUSED, reason="no such user"
    )
    await house.store.path.accept([Arrived(channel="email", account="support", item=report)])
    [work] = await house.store.path.load(await house.store.path.claim(10, lease=30))
    assert isinstance(work, Work)
    reported = Reported(
        address=work.items[0].address,
        provider_id="mail-1",
        state=DeliveryState.REFUSED,
        reason="no such user",
        unreachable=True,
    )
    await house.store.path.commit([Outcome(work=work, address=reported.address, reported=(reported,))])
    assert (await house.codes())[0][0] == "refused"
    assert await house.store.records.handoffs() == []


# --- typing ---


async def test_a_request_is_known_to_whoever_asked_and_to_nobody_else(house: House) -> None:
    asking = await house.asks()
    work = await house.writes()
    [request] = work.requests
    assert (request.by, request.to, request.purpose, request.over) == (
        asking.items[0].address, MAIL, ProofPurpose.LINK, "",
    )  # fmt: skip
    assert request.code_hash == b"the hash"
    await house.commits(work)
    assert (await house.writes(MIKE)).requests == ()


async def test_the_right_code_settles_and_has_both_linked(house: House) -> None:
    asking = await house.asks()
    await house.types(right=True)
    assert await house.requests() == [("proven", 0)]
    assert await house.acts() == [("link", await house.id_of(MAIL), asking.items[0].address, "code", "customer")]
    assert (await house.writes()).requests == ()


async def test_wrong_codes_are_counted_until_it_is_void(house: House) -> None:
    await house.asks()
    await house.types(right=False, left=1)
    assert await house.requests() == [("", 1)]
    await house.types(right=False, left=0)
    assert await house.requests() == [("void", 2)]
    assert await house.acts() == []
    assert [request.over for request in (await house.writes()).requests] == ["void"]


async def test_what_was_tried_on_a_page_while_a_turn_was_under_way_counts_on(house: House) -> None:
    asking = await house.asks()
    typing = await house.writes()
    assert asking.items[0].message is not None
    for _ in range(3):
        await house.store.identity.confirm(asking.items[0].message.id, lambda kept: False, tries=5)
    await house.commits(typing, tried=[Tried(typing.requests[-1], MessageId(1), right=False, left=4)])
    assert await house.requests() == [("", 4)]


async def test_one_turn_counts_all_that_were_typed_in_it(house: House) -> None:
    await house.asks()
    work = await house.writes()
    [request] = work.requests
    tries = [Tried(replace(request, tries=number), MessageId(1), right=False, left=4 - number) for number in range(3)]
    await house.commits(work, tried=tries)
    assert await house.requests() == [("", 3)]


async def test_what_has_expired_is_told_of_for_an_hour_and_settles_nothing(house: House) -> None:
    await house.asks()
    await house.sql.execute("UPDATE proof_requests SET expires_at = now()")
    await house.types(right=False, left=0)
    assert await house.requests() == [("", 0)]
    work = await house.writes()
    assert [request.over for request in work.requests] == ["expired"]
    await house.commits(work)
    await house.sql.execute("UPDATE proof_requests SET created_at = created_at - $1::interval", timedelta(minutes=61))
    assert (await house.writes()).requests == ()


@pytest.mark.parametrize("shared", [MAIL, TOMAS])
async def test_an_address_of_several_people_may_get_a_code_and_never_links(house: House, shared: Address) -> None:
    await house.asks()
    await house.sql.execute("UPDATE addresses SET shared_at = now() WHERE id = $1", await house.id_of(shared))
    assert len(await house.leaves()) == 1
    work = await house.writes()
    assert work.requests[0].shared == (shared == MAIL)
    message = work.items[0].message
    assert message is not None
    await house.commits(work, tried=[Tried(work.requests[0], message.id, right=True)])
    assert await house.requests() == [("proven", 0)]
    assert await house.acts() == []


@pytest.mark.parametrize("purpose", [ProofPurpose.UNLINK, ProofPurpose.FORGET])
async def test_undoing_is_done_to_an_address_that_is_theirs_and_to_no_other(
    house: House, purpose: ProofPurpose
) -> None:
    work = await house.writes()
    here = work.items[0].address
    await house.commits(work, [asked(work, TOMAS, purpose=purpose, about=here)])
    await house.types(right=True)
    assert await house.acts() == [(purpose.value, here, None, "code", "customer")]

    stranger = await house.writes(MIKE)
    await house.commits(stranger, [asked(stranger, MIKE, purpose=purpose, about=here)])
    await house.types(right=True, sender=MIKE)
    nobody = await house.writes(MIKE)
    await house.commits(nobody, [asked(nobody, MIKE, purpose=purpose, about=None)])
    await house.types(right=True, sender=MIKE)
    assert len(await house.acts()) == 1


async def test_a_code_to_where_it_is_asked_for_answers_in_the_same_place(house: House) -> None:
    item = IncomingMessage(
        id="g", at=NOON, sender=Sender(TOMAS), message_id="g", text="unlink me", context={"chat": "-5"}
    )
    await house.store.path.accept([Arrived(channel="telegram", account="main", item=item)])
    [work] = await house.store.path.load(await house.store.path.claim(10, lease=30))
    assert isinstance(work, Work)
    await house.commits(work, [asked(work, TOMAS, purpose=ProofPurpose.UNLINK)])
    [dispatch] = await house.leaves(replace(MAIL_QUOTA, channel="telegram", account="main"))
    assert dispatch.outbound.context == {"chat": "-5"}
