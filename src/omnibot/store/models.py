"""The tables, as Tortoise sees them. Rows never leave this room: they become values of `omnibot.model` at once.

Columns named `…_sealed` hold bytes that went through the codec; `…_hash` columns are keyed hashes (16 bytes, hence
the uuid type) to find a value by.
No foreign keys between the large tables: they carry the address in their keys, so that they can be partitioned.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Meta(Model):
    """Facts about the database itself, such as the fingerprint of the secret that it was made with."""

    key = fields.CharField(64, primary_key=True)
    value = fields.TextField()

    class Meta:
        table = "meta"


class Customer(Model):
    """A person. Everything that is known about them hangs on their addresses."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "customers"


class Address(Model):
    """A place to write to, and whether it may be written to: the row that STOP and a claim of the outbox both lock."""

    id = fields.BigIntField(primary_key=True)
    channel = fields.CharField(32)
    hash = fields.UUIDField(unique=True)
    value_sealed = fields.BinaryField()
    account = fields.CharField(64)
    context_sealed = fields.BinaryField(null=True)
    stopped_at = fields.DatetimeField(null=True)
    unreachable_at = fields.DatetimeField(null=True)
    unreachable_reason = fields.TextField(null=True)
    shared_at = fields.DatetimeField(null=True)  # several people write from there: it never links
    created_at = fields.DatetimeField()

    class Meta:
        table = "addresses"


class Link(Model):
    """Which customer an address belongs to: by itself (`home_id`), and now, with all who are merged (`customer_id`).

    A merge or a split changes `customer_id` alone, which follows from `home_id` and the merges that stand.
    """

    address_id = fields.BigIntField(primary_key=True, generated=False)
    customer_id = fields.BigIntField(db_index=True)
    home_id = fields.BigIntField(db_index=True)
    proof = fields.CharField(16)
    evidence = fields.CharField(64)
    proven_at = fields.DatetimeField(null=True)  # proof ages from here
    since = fields.DatetimeField()

    class Meta:
        table = "links"


class Identifier(Model):
    """What an address brings that names one person wherever they write: a phone, an e-mail address, a user id."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField(db_index=True)
    kind = fields.CharField(16)
    hash = fields.UUIDField()
    value_sealed = fields.BinaryField()
    evidence = fields.CharField(64)
    proven_at = fields.DatetimeField(null=True)  # none: only said
    at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "identifiers"


class Merge(Model):
    """Two customers that are one person, until it is undone. They are named as they were before any merge."""

    id = fields.BigIntField(primary_key=True)
    left_id = fields.BigIntField()
    right_id = fields.BigIntField()
    rule = fields.CharField(64)  # what it rests on: phone, email, user_id, code, staff, …
    identifier_hash = fields.UUIDField(null=True)  # which one, where a rule found it
    at = fields.DatetimeField()
    undone_at = fields.DatetimeField(null=True)
    undone_by = fields.CharField(64, null=True)
    apart = fields.BooleanField(default=False)  # undone for good: no rule may merge them again

    class Meta:
        table = "merges"


class IdentityLog(Model):
    """All that was ever linked, proven, merged or undone, with its evidence. Append-only; the rest follows from it."""

    id = fields.BigIntField(primary_key=True)
    at = fields.DatetimeField()
    act = fields.CharField(16)  # link, unlink, prove, merge, split, apart, share, unshare, forget, review, resolve
    address_id = fields.BigIntField(null=True, db_index=True)
    customer_id = fields.BigIntField(db_index=True)
    other_id = fields.BigIntField(null=True, db_index=True)
    merge_id = fields.BigIntField(null=True)
    proof = fields.CharField(16)
    evidence = fields.TextField()
    by = fields.CharField(64)  # rule, customer, import, or the name of the member of staff
    reason = fields.TextField()

    class Meta:
        table = "identity_log"


class Review(Model):
    """Two customers of whom the evidence does not agree whether they are one: a person decides."""

    id = fields.BigIntField(primary_key=True)
    left_id = fields.BigIntField()
    right_id = fields.BigIntField()
    reason = fields.TextField()
    evidence = fields.TextField()
    at = fields.DatetimeField()
    resolved_at = fields.DatetimeField(null=True)
    resolution = fields.TextField(null=True)

    class Meta:
        table = "reviews"


class ProofRequest(Model):
    """A code that was sent to one address (`target_id`) and is typed at another (`address_id`), or at the same."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    target_id = fields.BigIntField()
    purpose = fields.CharField(16)  # link, unlink, forget
    about_id = fields.BigIntField(null=True)  # the address that is to be unlinked or forgotten
    source_id = fields.BigIntField()  # the message that asked
    message_id = fields.BigIntField(null=True)  # ours, with the code; none: beyond the limits, and nothing was sent
    code_hash = fields.BinaryField()
    tries = fields.SmallIntField(default=0)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    settled_at = fields.DatetimeField(null=True)
    settled = fields.CharField(16, null=True)  # proven, void, replaced

    class Meta:
        table = "proof_requests"


class IdentityAct(Model):
    """What was proven and is still to be done to customers: it takes the lanes of all whom it concerns."""

    id = fields.BigIntField(primary_key=True)
    act = fields.CharField(16)  # link, unlink, forget, match
    address_id = fields.BigIntField()
    other_id = fields.BigIntField(null=True)  # the other address
    evidence = fields.TextField()
    by = fields.CharField(64)
    at = fields.DatetimeField()
    due_at = fields.DatetimeField(null=True)  # not before; none: at once
    attempts = fields.SmallIntField(default=0)

    class Meta:
        table = "identity_acts"


class SpentToken(Model):
    """A signed token that was used: it is good for once."""

    key = fields.UUIDField(primary_key=True)
    at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "spent_tokens"


class LinkCode(Model):
    """What a token said, or the company's own hand, until somebody brings the code that stands for it."""

    key = fields.UUIDField(primary_key=True)
    identifiers_sealed = fields.BinaryField()
    at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "link_codes"


class Arrival(Model):
    """Which deliveries of providers were committed. Outlives every redelivery; narrow on purpose."""

    key = fields.UUIDField(primary_key=True)
    at = fields.DatetimeField()

    class Meta:
        table = "arrivals"


class Message(Model):
    """One entry of a timeline, in or out; never changed. The primary key is (address_id, id)."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    direction = fields.CharField(3)
    account = fields.CharField(64)
    provider_hash = fields.UUIDField(null=True)
    at = fields.DatetimeField()
    received_at = fields.DatetimeField()
    body_sealed = fields.BinaryField()
    answers = fields.BigIntField(null=True)
    automatic = fields.TextField(null=True)
    flags = fields.TextField(null=True)
    attachments = fields.SmallIntField(default=0)

    class Meta:
        table = "messages"
        indexes = (Index(fields=("address_id", "at")), Index(fields=("address_id", "provider_hash")))


class Revision(Model):
    """What a message was changed to, and when."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    message_id = fields.BigIntField()
    at = fields.DatetimeField()
    body_sealed = fields.BinaryField()

    class Meta:
        table = "revisions"
        indexes = (Index(fields=("address_id", "message_id")),)


class Attachment(Model):
    """A file of a message: stored under `file_key`, or still to be fetched by the channel's reference."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    message_id = fields.BigIntField()
    channel = fields.CharField(32)
    account = fields.CharField(64)
    state = fields.CharField(16)
    reason = fields.TextField(null=True)
    name_sealed = fields.BinaryField()
    ref_sealed = fields.BinaryField(null=True)
    media_type = fields.TextField()
    size = fields.BigIntField(null=True)
    file_key = fields.TextField(null=True)
    attempts = fields.SmallIntField(default=0)
    due_at = fields.DatetimeField()

    class Meta:
        table = "attachments"
        indexes = (Index(fields=("address_id", "message_id")),)


class Fact(Model):
    """Something remembered: holds from–to; a new value closes the old one.

    One that never held, since what holds is surer, ends when it begins.
    """

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    key = fields.CharField(64)
    value_sealed = fields.BinaryField()
    confidence = fields.FloatField()
    source = fields.CharField(32)
    source_message_id = fields.BigIntField(null=True)
    source_event_key = fields.UUIDField(null=True)
    valid_from = fields.DatetimeField()
    valid_to = fields.DatetimeField(null=True)

    class Meta:
        table = "facts"


class Event(Model):
    """Something that happened in the company's product or books. The primary key is (address_id, key).

    `key` is a keyed hash of the id that whoever told it gave it. Mere use is counted in `usage` and not `told_of`.
    """

    key = fields.UUIDField(primary_key=True)
    address_id = fields.BigIntField()
    name = fields.CharField(64)
    at = fields.DatetimeField()
    properties_sealed = fields.BinaryField()  # with the id
    told_of = fields.BooleanField()  # whether a turn should see it
    told_at = fields.DatetimeField()

    class Meta:
        table = "events"


class Usage(Model):
    """How often something was done. The primary key is (address_id, name)."""

    address_id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.CharField(160)
    count = fields.BigIntField()
    first_at = fields.DatetimeField()
    last_at = fields.DatetimeField()

    class Meta:
        table = "usage"


class Case(Model):
    """What happened of a case at one address: `matter_id` joins its sides. The primary key is (address_id, matter_id).

    So a merge and a split rewrite nothing: a case is what its sides are that belong to one customer now. The matter is
    named after the message that opened it.
    """

    matter_id = fields.BigIntField(primary_key=True, generated=False)
    address_id = fields.BigIntField()
    intent = fields.CharField(128)
    state = fields.CharField(16)
    body_sealed = fields.BinaryField()  # topic, concern, questions that were asked, attempts, times of contacts
    opened_at = fields.DatetimeField()
    touched_at = fields.DatetimeField()
    resolved_at = fields.DatetimeField(null=True)
    contacts = fields.IntField()
    reopened = fields.IntField()

    class Meta:
        table = "cases"


class Habit(Model):
    """What was seen of how somebody writes from an address."""

    address_id = fields.BigIntField(primary_key=True, generated=False)
    body_sealed = fields.BinaryField()
    changed_at = fields.DatetimeField()

    class Meta:
        table = "habits"


class Turn(Model):
    """What was read, planned and why: the answer to "why did you say that"."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    at = fields.DatetimeField()
    record_sealed = fields.BinaryField()
    mood_sealed = fields.BinaryField(null=True)  # what later turns need of the reading
    matter_id = fields.BigIntField(null=True)  # the case that it was about

    class Meta:
        table = "turns"
        indexes = (Index(fields=("address_id", "id")),)


class Handoff(Model):
    """Something that people must take care of: a promise that a turn made, or a fault (no turn), one a reason."""

    id = fields.BigIntField(primary_key=True)
    address_id = fields.BigIntField()
    turn_id = fields.BigIntField(null=True)
    reason = fields.TextField()
    at = fields.DatetimeField()
    resolved_at = fields.DatetimeField(null=True)
    stretch_id = fields.BigIntField(null=True)  # in which people take care of it

    class Meta:
        table = "handoffs"


class Quarantined(Model):
    """What somebody who cannot be believed sent: for staff, on no timeline."""

    id = fields.BigIntField(primary_key=True)
    channel = fields.CharField(32)
    account = fields.CharField(64)
    at = fields.DatetimeField()
    reason = fields.TextField()
    body_sealed = fields.BinaryField()

    class Meta:
        table = "quarantine"


class Lane(Model):
    """The lock of a customer: whoever holds the fencing token may commit."""

    customer_id = fields.BigIntField(primary_key=True, generated=False)
    due_at = fields.DatetimeField()
    priority = fields.SmallIntField()
    arrivals = fields.BigIntField()  # counts what came in, so that a finished turn sees what it has missed
    fence = fields.BigIntField()
    leased_until = fields.DatetimeField(null=True)
    lost = fields.SmallIntField()  # leases in a row that ran out: a turn that kills its process

    class Meta:
        table = "lanes"


class Inbox(Model):
    """What a customer's lane has still to take; gone when its turn has committed."""

    id = fields.BigIntField(primary_key=True)
    customer_id = fields.BigIntField(db_index=True)
    address_id = fields.BigIntField()
    kind = fields.CharField(16)
    message_id = fields.BigIntField(null=True)
    priority = fields.SmallIntField()
    due_at = fields.DatetimeField()
    attempts = fields.SmallIntField(default=0)
    payload_sealed = fields.BinaryField(null=True)
    parked_at = fields.DatetimeField(null=True)
    parked_reason = fields.TextField(null=True)

    class Meta:
        table = "inbox"


class Spent(Model):
    """What an account was billed for in an hour; written only where there is a cap."""

    id = fields.BigIntField(primary_key=True)
    channel = fields.CharField(32)
    account = fields.CharField(64)
    hour = fields.DatetimeField()
    units = fields.BigIntField()

    class Meta:
        table = "spent"


class Outbox(Model):
    """One of ours on its way; `id` is its message's."""

    id = fields.BigIntField(primary_key=True, generated=False)
    address_id = fields.BigIntField()
    channel = fields.CharField(32)
    account = fields.CharField(64)
    turn_id = fields.BigIntField(null=True)
    after_id = fields.BigIntField(null=True)  # a pointer leaves after what it points to
    purpose = fields.CharField(16)
    state = fields.CharField(16)
    reason = fields.TextField(null=True)
    due_at = fields.DatetimeField()
    attempts = fields.SmallIntField(default=0)
    leased_until = fields.DatetimeField(null=True)
    provider_hash = fields.UUIDField(null=True)
    provider_sealed = fields.BinaryField(null=True)
    payload_sealed = fields.BinaryField()
    created_at = fields.DatetimeField()
    sent_at = fields.DatetimeField(null=True)
    changed_at = fields.DatetimeField()

    class Meta:
        table = "outbox"
        indexes = (Index(fields=("address_id", "provider_hash")),)
