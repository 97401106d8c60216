"""People who are one, and who are two again: rules, guards, proof, and what staff do by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from omnibot.model import Address, AddressId, Identifier, IdentifierKind, Proof
from omnibot.settings import Identity as Settings
from omnibot.store import Store
from omnibot.store.codec import Codec
from omnibot.store.identity import (
    CUSTOMER,
    RULE,
    Act,
    AlreadyShared,
    AlreadyTheirs,
    Guards,
    Identity,
    ManyMerges,
    NewAct,
    NothingToSplit,
    NotTheirs,
    OnItsOwn,
    ReasonNeeded,
    Resolution,
    Ruling,
    UnknownAddress,
    UnknownCustomer,
    UnknownMerge,
    UnknownReview,
    Verdict,
)
from tests.conftest import SECRET
from tests.store.statements import execute
from tests.store.test_message_path import arrived, claim, dispatch, message, outcome, states

TELEGRAM = Address("telegram", "4711")
SMS = Address("sms", "+491701234567")
WHATSAPP = Address("whatsapp", "+491701234567")
MAIL = Address("email", "sarah@example.org")
WORK = Address("email", "sarah@example.com")
NOBODY = Address("sms", "+491709999999")
PHONE = Identifier(IdentifierKind.PHONE, "+491701234567")
EMAIL = Identifier(IdentifierKind.EMAIL, "sarah@example.org")
ANN = {"by": "ann", "reason": "they told me on the phone"}

_numbers = count()


async def write(store: Store, *senders: Address, text: str = "hello") -> None:
    for sender in senders:
        await store.path.accept([arrived(message(f"{sender}-{next(_numbers)}", text, sender=sender))])


async def customer(store: Store, address: Address) -> int:
    found = await store.records.customer_of(address)
    assert found is not None
    return found


async def together(store: Store, *addresses: Address) -> bool:
    return len({await customer(store, address) for address in addresses}) == 1


async def brings(store: Store, address: Address, *identifiers: Identifier, proven: bool = True) -> None:
    """What a provider vouches for, or somebody only says."""
    codec = Codec(SECRET)
    async with store._pool.acquire() as connection:
        for one in identifiers:
            await connection.execute(
                "INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at) SELECT id, $2,"
                " $3, $4, 'provider', CASE WHEN $5::boolean THEN now() END, now() FROM addresses WHERE hash = $1",
                codec.address_hash(address),
                one.kind,
                codec.identifier_hash(one),
                codec.seal(0, one.value),
                proven,
            )


async def id_of(store: Store, address: Address) -> AddressId:
    row = await store._pool.fetchrow("SELECT id FROM addresses WHERE hash = $1", Codec(SECRET).address_hash(address))
    return AddressId(row["id"])


def guarded(store: Store, **guards) -> Identity:
    return Identity(store._pool, Codec(SECRET), Guards(**guards))


async def merge(store: Store, left: Address | int, right: Address | int, **fields) -> Ruling:
    return await store.identity.merge(left, right, **({"rule": "staff"} | ANN | fields))


@pytest.fixture
async def people(store: Store) -> Store:
    """Somebody who writes on Telegram, by text message, on WhatsApp and by mail: four customers as yet."""
    await write(store, TELEGRAM, SMS, WHATSAPP, MAIL)
    return store


class TestMerging:
    async def test_two_who_are_merged_have_one_timeline_and_one_lane(self, people: Store) -> None:
        ruling = await merge(people, SMS, TELEGRAM)
        assert (ruling.verdict, ruling.customer) == (Verdict.MERGED, await customer(people, TELEGRAM))
        assert await together(people, TELEGRAM, SMS)
        assert len(await people.records.timeline(ruling.customer)) == 2
        [work] = [work for work in await claim(people) if work.lease.customer == ruling.customer]
        assert {address.address for address in work.addresses} == {TELEGRAM, SMS}
        assert len(work.items) == 2

    async def test_whoever_writes_later_comes_into_that_lane(self, people: Store) -> None:
        await merge(people, TELEGRAM, SMS)
        for work in await claim(people):
            await people.path.commit([outcome(work)])
        await write(people, SMS)
        [work] = await claim(people)
        assert work.lease.customer == await customer(people, TELEGRAM)

    async def test_who_is_one_already_is_told_so(self, people: Store) -> None:
        await merge(people, TELEGRAM, SMS)
        await merge(people, SMS, MAIL)
        assert (await merge(people, MAIL, TELEGRAM)).verdict is Verdict.ALREADY
        assert (await merge(people, MAIL, MAIL)).verdict is Verdict.ALREADY

    async def test_customers_are_named_by_any_id_that_was_theirs(self, people: Store) -> None:
        telegram, sms, mail = [await customer(people, a) for a in (TELEGRAM, SMS, MAIL)]
        await merge(people, telegram, sms)
        await merge(people, sms, mail)
        assert await together(people, TELEGRAM, SMS, MAIL)

    async def test_a_turn_that_was_under_way_drops_out_and_is_taken_again(self, people: Store) -> None:
        works = await claim(people)
        await merge(people, TELEGRAM, SMS)
        held = await people.path.commit([outcome(work, "hi") for work in works])
        assert set(held) == {await customer(people, WHATSAPP), await customer(people, MAIL)}
        [work] = await claim(people)
        assert len(work.items) == 2

    async def test_what_cannot_be_done_says_why(self, people: Store) -> None:
        with pytest.raises(UnknownAddress, match=r"sms:\+491709999999 is not known"):
            await merge(people, TELEGRAM, NOBODY)
        with pytest.raises(UnknownCustomer, match="nothing belongs to customer 999"):
            await merge(people, TELEGRAM, 999)
        with pytest.raises(ReasonNeeded):
            await merge(people, TELEGRAM, SMS, reason=" ")
        assert not await together(people, TELEGRAM, SMS)


class TestSplitting:
    async def test_each_is_who_they_were(self, people: Store) -> None:
        before = {a: await customer(people, a) for a in (TELEGRAM, SMS)}
        ruling = await merge(people, TELEGRAM, SMS)
        await write(people, SMS)
        assert ruling.merge is not None
        parted = await people.identity.split(ruling.merge, **ANN)
        assert (parted.stays, parted.leaves) == (before[TELEGRAM], before[SMS])
        assert {a: await customer(people, a) for a in (TELEGRAM, SMS)} == before
        assert len(await people.records.timeline(before[SMS])) == 2  # what came meanwhile follows its address

    async def test_what_is_on_its_way_follows_its_address(self, people: Store) -> None:
        ruling = await merge(people, TELEGRAM, SMS)
        [work] = [work for work in await claim(people) if len(work.addresses) == 2]
        sms = next(address for address in work.addresses if address.address == SMS)
        answer = outcome(work, "for Telegram")
        reply = replace(answer.replies[0], draft=replace(answer.replies[0].draft, to=sms))
        await people.path.commit([replace(answer, replies=(reply,))])
        assert ruling.merge is not None
        await people.identity.split(ruling.merge, **ANN)
        timeline = await people.records.timeline(await customer(people, SMS))
        assert [message.text for message in timeline] == ["hello", "for Telegram"]

    async def test_the_merge_next_to_the_address_is_undone(self, people: Store) -> None:
        await merge(people, TELEGRAM, SMS)
        second = await merge(people, SMS, MAIL)
        parted = await people.identity.split_off(TELEGRAM, MAIL, **ANN)
        assert parted.merge == second.merge
        assert await together(people, TELEGRAM, SMS)
        assert not await together(people, TELEGRAM, MAIL)

    async def test_what_no_merge_joins_cannot_be_split(self, people: Store) -> None:
        with pytest.raises(NothingToSplit):
            await people.identity.split_off(TELEGRAM, TELEGRAM, **ANN)
        with pytest.raises(NotTheirs):
            await people.identity.split_off(TELEGRAM, SMS, **ANN)
        with pytest.raises(UnknownMerge, match="no merge 77"):
            await people.identity.split(77, **ANN)
        ruling = await merge(people, TELEGRAM, SMS)
        assert ruling.merge is not None
        await people.identity.split(ruling.merge, **ANN)
        with pytest.raises(UnknownMerge, match="undone before"):
            await people.identity.split(ruling.merge, **ANN)

    async def test_several_merges_must_be_named(self, people: Store) -> None:
        merges = [(await merge(people, TELEGRAM, other)).merge for other in (SMS, MAIL)]
        with pytest.raises(ManyMerges, match=f"{merges[0]}, {merges[1]}"):
            await people.identity.split_off(TELEGRAM, TELEGRAM, **ANN)


class TestRules:
    async def test_one_number_on_sms_and_whatsapp_is_one_person(self, people: Store) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        ruling = await people.identity.match(WHATSAPP)
        assert ruling.verdict is Verdict.MERGED
        assert await together(people, SMS, WHATSAPP)
        [entry] = [e for e in await people.identity.log(SMS) if e.act == "merge"]
        assert (entry.by, entry.evidence, entry.address) == (RULE, "phone", WHATSAPP)
        assert (await people.identity.match(SMS)).verdict is Verdict.ALREADY

    async def test_what_is_only_said_links_nobody(self, people: Store) -> None:
        await brings(people, SMS, PHONE)
        await brings(people, TELEGRAM, PHONE, proven=False)
        assert (await people.identity.match(TELEGRAM)).verdict is Verdict.NOBODY
        assert (await people.identity.match(SMS)).verdict is Verdict.NOBODY

    @pytest.mark.parametrize("guards", [{"blocked": frozenset({PHONE})}, {"rules": (IdentifierKind.EMAIL,)}])
    async def test_what_is_blocked_or_no_rule_links_nobody(self, people: Store, guards) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        assert (await guarded(people, **guards).match(SMS)).verdict is Verdict.NOBODY

    async def test_what_was_parted_for_good_no_rule_merges_and_a_code_asks_staff(self, people: Store) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        ruling = await people.identity.match(WHATSAPP)
        assert ruling.merge is not None
        await people.identity.split(ruling.merge, for_good=True, **ANN)
        assert (await people.identity.match(WHATSAPP)).verdict is Verdict.REFUSED
        proven = await merge(people, SMS, WHATSAPP, rule="code", by=CUSTOMER, reason="")
        assert (proven.verdict, proven.why) == (Verdict.PARKED, "staff has parted them for good")
        assert (await merge(people, SMS, WHATSAPP)).verdict is Verdict.MERGED

    async def test_what_was_split_once_a_rule_may_merge_again(self, people: Store) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        ruling = await people.identity.match(WHATSAPP)
        assert ruling.merge is not None
        await people.identity.split(ruling.merge, **ANN)
        assert (await people.identity.match(WHATSAPP)).verdict is Verdict.MERGED

    async def test_two_user_ids_are_two_people_until_staff_says_otherwise(self, people: Store) -> None:
        for address, user in ((SMS, "u1"), (WHATSAPP, "u2")):
            await brings(people, address, PHONE, Identifier(IdentifierKind.USER_ID, user))
        ruling = await people.identity.match(WHATSAPP)
        assert (ruling.verdict, ruling.why) == (Verdict.PARKED, "both have a user id, and they differ")
        again = await people.identity.match(SMS)
        assert again.review == ruling.review
        [review] = await people.identity.reviews()
        assert review.left is not None
        assert review.right is not None
        assert {review.left.addresses[0].address, review.right.addresses[0].address} == {SMS, WHATSAPP}
        assert (await people.identity.resolve_review(review.id, Resolution.MERGE, **ANN)).verdict is Verdict.MERGED
        assert await together(people, SMS, WHATSAPP)
        assert await people.identity.reviews() == []

    async def test_what_staff_dismisses_is_not_asked_again(self, people: Store) -> None:
        for address, user in ((SMS, "u1"), (WHATSAPP, "u2")):
            await brings(people, address, PHONE, Identifier(IdentifierKind.USER_ID, user))
        ruling = await people.identity.match(WHATSAPP)
        assert ruling.review is not None
        await people.identity.resolve_review(ruling.review, Resolution.DISMISS, **ANN)
        with pytest.raises(UnknownReview):
            await people.identity.resolve_review(ruling.review, Resolution.DISMISS, **ANN)
        assert (await people.identity.match(WHATSAPP)).verdict is Verdict.REFUSED
        assert await people.identity.reviews() == []
        assert await people.identity.audit() == []

    async def test_one_address_that_points_to_two_people_waits_for_staff(self, people: Store) -> None:
        await brings(people, SMS, PHONE)
        await brings(people, MAIL, EMAIL)
        await brings(people, TELEGRAM, PHONE, EMAIL)
        ruling = await people.identity.match(TELEGRAM)
        assert ruling.verdict is Verdict.PARKED
        phone, mail = await people.identity.reviews()
        assert not await together(people, TELEGRAM, SMS)
        await people.identity.resolve_review(phone.id, Resolution.DISMISS, **ANN)
        assert (await people.identity.match(TELEGRAM)).review == mail.id
        assert [review.id for review in await people.identity.reviews()] == [mail.id]
        await people.identity.resolve_review(mail.id, Resolution.DISMISS, **ANN)
        assert (await people.identity.match(TELEGRAM)).verdict is Verdict.REFUSED
        assert await people.identity.reviews() == []

    @pytest.mark.parametrize(
        ("guards", "why"),
        [
            ({"most_phones": 1}, "2 phone numbers"),
            ({"most_emails": 1}, "2 e-mail addresses"),
            ({"most_addresses": 1}, "2 addresses"),
            ({"most_merges": 0}, "1 merges"),
        ],
    )
    async def test_more_than_one_person_has_waits_for_staff(self, people: Store, guards, why: str) -> None:
        user = Identifier(IdentifierKind.USER_ID, "u1")
        await brings(people, SMS, user, PHONE, EMAIL)
        other = replace(PHONE, value="+491701111111"), replace(EMAIL, value="b@example.org")
        await brings(people, MAIL, user, *other)
        ruling = await guarded(people, **guards).match(MAIL)
        assert ruling.verdict is Verdict.PARKED
        assert f"one person would have {why}" in ruling.why

    async def test_whoever_writes_links_and_proofs_writes_the_log_as_well(self, store: Store) -> None:
        """A first contact that is vouched for, one that is recognised by it, and a proof that grows."""

        async def comes(sender: Address, *vouched: Identifier) -> None:
            item = message(f"{sender}-{next(_numbers)}", sender=sender)
            await store.path.accept([arrived(replace(item, sender=replace(item.sender, vouched=vouched)))])

        await comes(SMS, PHONE)
        await comes(TELEGRAM)
        await comes(WHATSAPP, PHONE)
        assert await together(store, SMS, WHATSAPP)
        await comes(TELEGRAM, PHONE)
        executed = await store.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "merged"
        assert await store.identity.audit() == []
        parted = await store.identity.share(SMS, **ANN)
        assert len(parted) == 2  # the merge with Telegram, and WhatsApp, which was linked by the number
        assert not await together(store, SMS, WHATSAPP)
        assert await store.identity.audit() == []

    def test_guards_are_read_from_the_settings_in_the_spelling_in_which_they_are_compared(self) -> None:
        guards = Guards.of(Settings(rules=("email",), blocked=("email:Info@Example.com", "user_id:0"), most_phones=2))
        assert guards.rules == (IdentifierKind.EMAIL,)
        assert guards.most_phones == 2
        assert guards.blocked == {
            Identifier(IdentifierKind.EMAIL, "info@example.com"),
            Identifier(IdentifierKind.USER_ID, "0"),
        }

    async def test_what_too_many_hold_names_nobody(self, store: Store) -> None:
        many = [Address("telegram", str(5000 + number)) for number in range(22)]
        await write(store, *many)
        for address in many[:2]:
            await brings(store, address, PHONE)
        assert (await store.identity.match(many[0])).verdict is Verdict.MERGED
        for address in many[2:]:
            await brings(store, address, PHONE)
        assert (await store.identity.match(many[2])).verdict is Verdict.NOBODY


class TestLinking:
    async def test_an_address_without_history_is_simply_added(self, people: Store) -> None:
        ruling = await people.identity.link(WORK, TELEGRAM, proof=Proof.PROVEN, evidence="staff", account="main", **ANN)
        assert ruling.verdict is Verdict.LINKED
        person = await people.identity.show(TELEGRAM)
        assert [(a.address, a.proof, a.home) for a in person.addresses] == [
            (TELEGRAM, Proof.SEEN, person.customer),
            (WORK, Proof.PROVEN, person.customer),
        ]
        assert person.addresses[1].identifiers[0].identifier == Identifier(IdentifierKind.EMAIL, WORK.value)
        assert person.merges == ()

    async def test_one_that_was_only_written_to_is_added_from_its_own_customer(self, people: Store) -> None:
        await people.identity.link(WORK, TELEGRAM, proof=Proof.CLAIMED, evidence="claimed", account="main", **ANN)
        await people.identity.unlink(WORK, **ANN)
        ruling = await people.identity.link(WORK, MAIL, proof=Proof.PROVEN, evidence="staff", **ANN)
        assert ruling.verdict is Verdict.LINKED
        assert await together(people, WORK, MAIL)
        assert await people.identity.audit() == []

    async def test_one_with_a_history_is_somebody_who_is_merged(self, people: Store) -> None:
        ruling = await people.identity.link(MAIL, TELEGRAM, proof=Proof.PROVEN, evidence="staff", **ANN)
        assert ruling.verdict is Verdict.MERGED
        assert (await people.identity.show(MAIL)).merges[0].id == ruling.merge

    async def test_what_is_theirs_or_unknown_is_told(self, people: Store) -> None:
        with pytest.raises(AlreadyTheirs):
            await people.identity.link(MAIL, MAIL, proof=Proof.PROVEN, evidence="staff", **ANN)
        with pytest.raises(UnknownAddress):
            await people.identity.link(NOBODY, MAIL, proof=Proof.PROVEN, evidence="staff", **ANN)

    async def test_the_guards_hold_for_whoever_is_no_staff(self, people: Store) -> None:
        await people.identity.link(WORK, TELEGRAM, proof=Proof.CLAIMED, evidence="claimed", account="main", **ANN)
        await people.identity.unlink(WORK, **ANN)
        by_code = {"proof": Proof.PROVEN, "evidence": "code", "by": CUSTOMER}
        ruling = await guarded(people, most_addresses=1).link(WORK, MAIL, **by_code)
        assert ruling.verdict is Verdict.PARKED
        await people.identity.share(WORK, **ANN)
        assert (await people.identity.link(WORK, MAIL, **by_code)).verdict is Verdict.REFUSED


class TestUnlinking:
    async def test_an_address_that_was_linked_gets_a_customer_of_its_own(self, people: Store) -> None:
        await people.identity.link(WORK, TELEGRAM, proof=Proof.PROVEN, evidence="staff", account="main", **ANN)
        before = await customer(people, TELEGRAM)
        parted = await people.identity.unlink(WORK, **ANN)
        assert (parted.stays, parted.merge) == (before, None)
        assert await customer(people, WORK) == parted.leaves != before

    async def test_one_that_was_merged_is_who_it_was(self, people: Store) -> None:
        before = await customer(people, MAIL)
        ruling = await merge(people, TELEGRAM, MAIL)
        parted = await people.identity.unlink(MAIL, **ANN)
        assert (parted.merge, parted.leaves) == (ruling.merge, before)
        assert await customer(people, MAIL) == before

    async def test_the_others_stay_one_person(self, people: Store) -> None:
        """Also when it was the one by which they found together."""
        await merge(people, TELEGRAM, SMS)
        await merge(people, SMS, MAIL)
        await people.identity.unlink(SMS, **ANN)
        assert await together(people, TELEGRAM, MAIL)
        assert not await together(people, TELEGRAM, SMS)
        person = await people.identity.show(MAIL)
        assert len(person.merges) == 2

    async def test_no_rule_links_again_what_somebody_unlinked_but_a_code_does(self, people: Store) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        await people.identity.match(SMS)
        await people.identity.unlink(SMS, by=CUSTOMER)
        assert (await people.identity.match(SMS)).verdict is Verdict.REFUSED
        ruling = await merge(people, SMS, WHATSAPP, rule="code", by=CUSTOMER, reason="")
        assert ruling.verdict is Verdict.MERGED

    async def test_the_only_address_cannot_be_unlinked(self, people: Store) -> None:
        with pytest.raises(OnItsOwn):
            await people.identity.unlink(MAIL, **ANN)

    async def test_nothing_is_sent_to_what_was_forgotten(self, people: Store) -> None:
        await merge(people, TELEGRAM, MAIL)
        [work] = [work for work in await claim(people) if len(work.addresses) == 2]
        await people.path.commit([outcome(work, "a", "b")])  # to Telegram
        await people.identity.forget(TELEGRAM, **ANN)
        assert await dispatch(people) == []
        assert await states(people) == ["suppressed", "suppressed"]
        person = await people.identity.show(TELEGRAM)
        assert [a.stopped for a in person.addresses] == [True]
        assert not await together(people, TELEGRAM, MAIL)
        await people.identity.forget(SMS, **ANN)  # who is nobody else's
        assert (await people.identity.show(SMS)).addresses[0].stopped


class TestSharing:
    async def test_a_shared_number_parts_whom_it_has_joined_and_joins_nobody(self, people: Store) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        await people.identity.match(SMS)
        await merge(people, SMS, TELEGRAM)  # by staff, who did not look at the number
        [parted] = await people.identity.share(SMS, **ANN)
        assert parted.merge is not None
        assert not await together(people, SMS, WHATSAPP)
        assert await together(people, SMS, TELEGRAM)
        assert (await people.identity.match(WHATSAPP)).verdict is Verdict.NOBODY
        assert (await people.identity.match(SMS)).verdict is Verdict.NOBODY

    async def test_whoever_was_linked_by_it_leaves(self, people: Store, dsn: str) -> None:
        await people.identity.link(WORK, TELEGRAM, proof=Proof.SEEN, evidence="email", account="main", by=RULE)
        work = Identifier(IdentifierKind.EMAIL, WORK.value)
        await brings(people, TELEGRAM, work)
        await brings(people, WORK, work)
        [parted] = await people.identity.share(TELEGRAM, **ANN)
        assert await customer(people, WORK) == parted.leaves
        assert await people.identity.audit() == []

    async def test_only_staff_merges_it_and_only_if_they_mean_it(self, people: Store) -> None:
        await people.identity.share(SMS, **ANN)
        ruling = await merge(people, TELEGRAM, SMS)
        assert ruling.verdict is Verdict.REFUSED
        assert "several people write from sms:+491701234567" in ruling.why
        by_code = await merge(people, TELEGRAM, SMS, by=CUSTOMER, shared_too=True)
        assert by_code.verdict is Verdict.REFUSED
        assert (await merge(people, TELEGRAM, SMS, shared_too=True)).verdict is Verdict.MERGED

    async def test_once_it_is_one_persons_again_the_rules_hold_again(self, people: Store) -> None:
        for address in (SMS, WHATSAPP):
            await brings(people, address, PHONE)
        await people.identity.match(SMS)
        await people.identity.share(SMS, **ANN)
        with pytest.raises(AlreadyShared, match="shared already"):
            await people.identity.share(SMS, **ANN)
        await people.identity.unshare(SMS, **ANN)
        with pytest.raises(AlreadyShared, match="not marked"):
            await people.identity.unshare(SMS, **ANN)
        executed = await people.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "merged"
        assert await together(people, SMS, WHATSAPP)


class TestActs:
    async def test_a_code_that_was_returned_makes_one_of_two(self, people: Store) -> None:
        await write(people, MAIL)
        mail, telegram = await id_of(people, MAIL), await id_of(people, TELEGRAM)
        code = NewAct(act=Act.LINK, address=mail, other=telegram, evidence="code", by=CUSTOMER)
        await people.identity.write_acts([code])
        assert await people.identity.waiting_acts() == 1
        executed = await people.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "merged"
        person = await people.identity.show(TELEGRAM)
        assert [(a.address, a.proof, a.evidence) for a in person.addresses] == [
            (TELEGRAM, Proof.PROVEN, "code"),
            (MAIL, Proof.PROVEN, "code"),
        ]
        assert person.addresses[1].identifiers[0].identifier == EMAIL
        matched = await people.identity.execute_next()  # what was proven may name somebody else
        assert matched is not None
        assert matched.outcome == "nobody"
        assert await people.identity.execute_next() is None
        assert await people.identity.audit() == []

    @pytest.mark.parametrize("aged", [SMS, MAIL])
    async def test_who_has_got_somebodys_old_number_is_not_taken_for_them_by_a_code(
        self, people: Store, aged: Address
    ) -> None:
        """They read what comes there now; whose history it has is another question, whichever end it is."""
        identity = guarded(people, proof_days={"sms": 180, "email": 180})
        mail, sms, old = await id_of(people, MAIL), await id_of(people, SMS), await id_of(people, aged)
        await identity.prove(aged, evidence="code", by=CUSTOMER)
        await identity.execute_next()
        await people._pool.execute("UPDATE links SET proven_at = now() - interval '181 d' WHERE address_id = $1", old)
        await identity.write_acts([NewAct(act=Act.LINK, address=mail, other=sms, evidence="code", by=CUSTOMER)])
        executed = await identity.execute_next()
        assert executed is not None
        assert executed.outcome == "parked"
        assert not await together(people, MAIL, SMS)
        age = "SELECT now() - proven_at > interval '180 d' FROM links WHERE address_id = $1"
        assert await people._pool.fetchval(age, old)
        [review] = await identity.reviews()
        assert "run out" in review.reason
        assert await identity.audit() == []

    @pytest.mark.parametrize(("aged", "outcome", "fresh"), [([SMS], "already", 2), ([SMS, WHATSAPP], "refused", 0)])
    async def test_who_has_got_a_number_does_not_renew_it_by_its_other_channel(
        self, people: Store, aged: list[Address], outcome: str, fresh: int
    ) -> None:
        """A code between two addresses of a person renews a proof where one of them is still theirs for sure."""
        identity = guarded(people, proof_days={"sms": 180, "whatsapp": 180})
        await merge(people, SMS, WHATSAPP)
        sms, whatsapp = await id_of(people, SMS), await id_of(people, WHATSAPP)
        for address in (SMS, WHATSAPP):
            await identity.prove(address, evidence="code", by=CUSTOMER)
        while await identity.execute_next():
            pass
        await people._pool.execute(
            "UPDATE links SET proven_at = now() - interval '181 d' WHERE address_id = ANY($1)",
            [await id_of(people, address) for address in aged],
        )
        code = NewAct(act=Act.LINK, address=whatsapp, other=sms, evidence="code", by=CUSTOMER)
        await identity.write_acts([code])
        executed = await identity.execute_next()
        assert executed is not None
        assert executed.outcome == outcome
        count = "SELECT count(*) FROM links WHERE address_id = ANY($1) AND proven_at > now() - interval '180 d'"
        assert await people._pool.fetchval(count, [sms, whatsapp]) == fresh
        assert await identity.audit() == []

    async def test_a_code_for_what_is_theirs_already_proves_it_anew(self, people: Store) -> None:
        await merge(people, MAIL, TELEGRAM)
        mail, telegram = await id_of(people, MAIL), await id_of(people, TELEGRAM)
        await people.identity.write_acts(
            [NewAct(act=Act.LINK, address=mail, other=telegram, evidence="code", by=CUSTOMER)]
        )
        executed = await people.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "already"
        assert [a.proof for a in (await people.identity.show(MAIL)).addresses] == [Proof.PROVEN, Proof.PROVEN]

    async def test_a_code_links_no_mailbox_that_is_blocked(self, people: Store) -> None:
        mail, telegram = await id_of(people, MAIL), await id_of(people, TELEGRAM)
        for act in ((mail, telegram), (telegram, mail)):
            await people.identity.write_acts(
                [NewAct(act=Act.LINK, address=act[0], other=act[1], evidence="code", by=CUSTOMER)]
            )
            executed = await guarded(people, blocked=frozenset({EMAIL})).execute_next()
            assert executed is not None
            assert executed.outcome == "refused"
        assert not await together(people, MAIL, TELEGRAM)

    async def test_two_spellings_of_one_mailbox_are_linked_and_nothing_is_proven(self, people: Store) -> None:
        mail, telegram = await id_of(people, MAIL), await id_of(people, TELEGRAM)
        await people.identity.write_acts(
            [NewAct(act=Act.LINK, address=mail, other=telegram, evidence="spelling", by=RULE)]
        )
        executed = await people.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "merged"
        assert [a.proof for a in (await people.identity.show(MAIL)).addresses] == [Proof.SEEN, Proof.SEEN]

    async def test_unlink_and_forget_by_code(self, people: Store) -> None:
        await merge(people, MAIL, TELEGRAM)
        await merge(people, MAIL, SMS)
        mail, sms = await id_of(people, MAIL), await id_of(people, SMS)
        await people.identity.write_acts(
            [
                NewAct(act=Act.UNLINK, address=mail, evidence="code", by=CUSTOMER),
                NewAct(act=Act.FORGET, address=sms, evidence="code", by=CUSTOMER),
                NewAct(act=Act.UNLINK, address=mail, evidence="code", by=CUSTOMER),
            ]
        )
        outcomes = [executed.outcome for _ in range(3) if (executed := await people.identity.execute_next())]
        assert outcomes == ["done", "done", "OnItsOwn"]
        assert not await together(people, MAIL, TELEGRAM)
        assert (await people.identity.show(SMS)).addresses[0].stopped

    async def test_what_fails_comes_again_later_and_then_waits_for_staff(self, people: Store, dsn: str) -> None:
        """A link with one address only is a fault of whoever wrote it."""
        mail = await id_of(people, MAIL)
        broken = NewAct(act=Act.LINK, address=mail, evidence="code", by=CUSTOMER)
        behind = NewAct(act=Act.MATCH, address=mail, evidence="code", by=RULE)
        await people.identity.write_acts([broken, behind])
        failed = await people.identity.execute_next(attempts=2, backoff=60)
        assert failed is not None
        assert (failed.failed, failed.parked) == ("ValueError", False)
        assert await people.identity.execute_next(attempts=2) is None  # what is behind it waits
        await execute(dsn, "UPDATE identity_acts SET due_at = now()")
        parked = await people.identity.execute_next(attempts=2)
        assert parked is not None
        assert parked.parked
        [review] = await people.identity.reviews()
        assert review.reason == "link failed 2 times: ValueError"
        assert (await people.identity.resolve_review(review.id, Resolution.DISMISS, **ANN)).verdict is Verdict.REFUSED
        matched = await people.identity.execute_next()
        assert matched is not None
        assert matched.outcome == "nobody"

    async def test_what_is_about_nobody_any_more_is_dropped(self, people: Store) -> None:
        gone = AddressId(99999)
        await people.identity.write_acts([NewAct(act=Act.MATCH, address=gone, evidence="x", by=RULE)])
        executed = await people.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "UnknownAddress"

    async def test_what_has_run_out_is_swept(self, people: Store, dsn: str) -> None:
        await execute(
            dsn,
            "INSERT INTO spent_tokens (key, at, expires_at) SELECT gen_random_uuid(), now(), now() + n * interval '1 h'"
            " FROM generate_series(-1, 1, 2) AS n",
        )
        assert await people.identity.expire() == 1


class TestReading:
    async def test_a_customer_is_found_by_address_id_identifier_or_part_of_a_name(self, people: Store) -> None:
        await brings(people, SMS, PHONE)
        sms = await customer(people, SMS)
        found = {
            text: [person.customer for person in await people.identity.find(text)]
            for text in (str(SMS), str(sms), "phone:+49 170 1234567", "user_id:nobody", "999", "sms:+491", "arA")
        }
        assert found == {
            str(SMS): [sms],
            str(sms): [sms],
            "phone:+49 170 1234567": [sms],
            "user_id:nobody": [],
            "999": [],
            "sms:+491": [],
            "arA": [await customer(people, address) for address in (TELEGRAM, SMS, WHATSAPP, MAIL)],
        }
        assert len(await people.identity.find("sarah", limit=2)) == 2

    async def test_who_was_merged_is_shown_as_who_they_are_now(self, people: Store) -> None:
        telegram, mail = await customer(people, TELEGRAM), await customer(people, MAIL)
        ruling = await merge(people, MAIL, TELEGRAM)
        person = await people.identity.show(mail)
        assert (person.customer, person.name) == (telegram, "Sarah")
        assert [(m.id, m.left, m.right, m.rule) for m in person.merges] == [(ruling.merge, mail, telegram, "staff")]
        assert {address.home for address in person.addresses} == {telegram, mail}
        with pytest.raises(UnknownCustomer):
            await people.identity.show(999)

    async def test_an_id_that_no_database_can_have_is_nobodys(self, people: Store) -> None:
        beyond, identity = 10**20, people.identity
        assert await identity.find(str(beyond)) == []
        for asked in (identity.log(beyond), identity.show(beyond), merge(people, SMS, beyond)):
            with pytest.raises(UnknownCustomer):
                await asked
        with pytest.raises(UnknownMerge):
            await identity.split(beyond, **ANN)
        with pytest.raises(UnknownReview):
            await identity.resolve_review(beyond, Resolution.DISMISS, **ANN)

    async def test_the_log_tells_who_did_what_and_why(self, people: Store) -> None:
        ruling = await merge(people, TELEGRAM, MAIL)
        assert ruling.merge is not None
        await people.identity.split(ruling.merge, for_good=True, **ANN)
        entries = await people.identity.log(MAIL)
        assert [(e.act, e.by, e.reason) for e in entries] == [
            ("apart", "ann", ANN["reason"]),
            ("split", "ann", ANN["reason"]),
            ("merge", "ann", ANN["reason"]),
            ("link", "rule", ""),
        ]

    async def test_a_table_that_says_other_than_the_log_is_found_out(self, people: Store, dsn: str) -> None:
        assert await people.identity.audit() == []
        assert await people.identity.replay() == await people.identity.stand()
        await execute(dsn, "UPDATE links SET home_id = 999 WHERE address_id = 1")
        await execute(dsn, "UPDATE addresses SET shared_at = now() WHERE id = 2")
        faults = await people.identity.audit()
        assert [fault.partition(":")[0] for fault in faults] == ["address 1", "address 2"]

    async def test_what_waits_where_nobody_looks_is_found_out(self, people: Store, dsn: str) -> None:
        await execute(
            dsn, "UPDATE inbox SET customer_id = 2 WHERE id = 1; UPDATE inbox SET parked_at = now() WHERE id = 4"
        )
        await execute(dsn, "UPDATE lanes SET due_at = 'infinity' WHERE customer_id IN (3, 4)")
        assert await people.identity.audit() == [
            "arrival 1: it waits with customer 2, its address is customer 1's",
            "arrival 3: it waits with customer 3, whose lane never comes up",
        ]


async def test_proof_and_identifiers_are_told_of_an_address(people: Store) -> None:
    await people.identity.prove(MAIL, evidence="token", by=RULE)
    user = Identifier(IdentifierKind.USER_ID, "u1")
    for address in (MAIL, TELEGRAM):
        await people.identity.identify(address, user, evidence="token", by=RULE)
    await people.identity.identify(SMS, Identifier(IdentifierKind.PHONE, "nonsense"), evidence="token", by=RULE)
    outcomes = [executed.outcome for _ in range(3) if (executed := await people.identity.execute_next())]
    assert outcomes == ["nobody", "merged", "already"] or outcomes == ["merged", "already", "already"]
    person = await people.identity.show(MAIL)
    assert person.addresses[1].proof is Proof.PROVEN
    assert {held.identifier for held in person.addresses[1].identifiers} == {EMAIL, user}
    assert await people.identity.audit() == []
