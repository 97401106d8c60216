"""One person over several addresses: identifiers, merges, reviews, requests for proof, and the log of it all."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from uuid import uuid4
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("omnibot", "0002_message_path")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Identifier",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("address_id", fields.BigIntField(db_index=True)),
                ("kind", fields.CharField(max_length=16)),
                ("hash", fields.UUIDField()),
                ("value_sealed", fields.BinaryField()),
                ("evidence", fields.CharField(max_length=64)),
                ("proven_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "identifiers",
                "app": "omnibot",
                "pk_attr": "id",
                "table_description": "What an address brings that names one person wherever they write: a phone, an e-mail address, a user id.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdentityAct",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("act", fields.CharField(max_length=16)),
                ("address_id", fields.BigIntField()),
                ("other_id", fields.BigIntField(null=True)),
                ("evidence", fields.TextField(unique=False)),
                ("by", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("attempts", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "identity_acts",
                "app": "omnibot",
                "pk_attr": "id",
                "table_description": "What was proven and is still to be done to customers: it takes the lanes of all whom it concerns.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdentityLog",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("act", fields.CharField(max_length=16)),
                ("address_id", fields.BigIntField(null=True, db_index=True)),
                ("customer_id", fields.BigIntField(db_index=True)),
                ("other_id", fields.BigIntField(null=True, db_index=True)),
                ("merge_id", fields.BigIntField(null=True)),
                ("proof", fields.CharField(max_length=16)),
                ("evidence", fields.TextField(unique=False)),
                ("by", fields.CharField(max_length=64)),
                ("reason", fields.TextField(unique=False)),
            ],
            options={
                "table": "identity_log",
                "app": "omnibot",
                "pk_attr": "id",
                "table_description": "Everything that was ever linked, proven, merged or undone, with its evidence. Append-only; replays to the rest.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LinkCode",
            fields=[
                ("key", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("identifiers_sealed", fields.BinaryField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "link_codes",
                "app": "omnibot",
                "pk_attr": "key",
                "table_description": "What a token said, or the company's own hand, until somebody brings the code that stands for it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Merge",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("left_id", fields.BigIntField()),
                ("right_id", fields.BigIntField()),
                ("rule", fields.CharField(max_length=64)),
                ("identifier_hash", fields.UUIDField(null=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("undone_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("undone_by", fields.CharField(null=True, max_length=64)),
                ("apart", fields.BooleanField(default=False)),
            ],
            options={
                "table": "merges",
                "app": "omnibot",
                "pk_attr": "id",
                "table_description": "Two customers that are one person, until it is undone. They are named as they were before any merge.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProofRequest",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("address_id", fields.BigIntField()),
                ("target_id", fields.BigIntField()),
                ("purpose", fields.CharField(max_length=16)),
                ("about_id", fields.BigIntField(null=True)),
                ("source_id", fields.BigIntField()),
                ("message_id", fields.BigIntField(null=True)),
                ("code_hash", fields.BinaryField()),
                ("tries", fields.SmallIntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("settled", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "proof_requests",
                "app": "omnibot",
                "pk_attr": "id",
                "table_description": "A code that was sent to one address (`target_id`) and is typed at another (`address_id`), or at the same.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Review",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("left_id", fields.BigIntField()),
                ("right_id", fields.BigIntField()),
                ("reason", fields.TextField(unique=False)),
                ("evidence", fields.TextField(unique=False)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("resolved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("resolution", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "reviews",
                "app": "omnibot",
                "pk_attr": "id",
                "table_description": "Two customers of whom the evidence does not agree whether they are one: a person decides.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SpentToken",
            fields=[
                ("key", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "spent_tokens",
                "app": "omnibot",
                "pk_attr": "key",
                "table_description": "A signed token that was used: it is good for once.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Address",
            name="shared_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(model_name="Link", name="home_id", field=fields.BigIntField(null=True)),
        ops.AddField(
            model_name="Link",
            name="proven_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunSQL(
            [
                "UPDATE links SET home_id = customer_id, proven_at = CASE WHEN proof = 'proven' THEN since END",
                "ALTER TABLE links ALTER home_id SET NOT NULL",
                "CREATE INDEX links_home ON links (home_id)",
                "INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)"
                " SELECT at, act, address_id, customer_id, proof, evidence,"
                " CASE evidence WHEN 'import' THEN 'import' ELSE 'rule' END, '' FROM link_log ORDER BY id",
                "CREATE UNIQUE INDEX identifiers_current ON identifiers (address_id, hash) WHERE revoked_at IS NULL",
                "CREATE INDEX identifiers_held ON identifiers (hash) WHERE revoked_at IS NULL",
                "CREATE INDEX merges_resting ON merges (identifier_hash) WHERE undone_at IS NULL",
                "CREATE INDEX merges_left ON merges (left_id)",
                "CREATE INDEX merges_right ON merges (right_id)",
                "CREATE UNIQUE INDEX merges_standing ON merges (least(left_id, right_id), greatest(left_id, right_id))"
                " WHERE undone_at IS NULL",
                "CREATE UNIQUE INDEX reviews_open ON reviews (least(left_id, right_id), greatest(left_id, right_id))"
                " WHERE resolved_at IS NULL",
                "ALTER TABLE identity_acts ALTER attempts SET DEFAULT 0",
                "CREATE INDEX proof_requests_asked ON proof_requests (address_id, created_at)",
                "CREATE INDEX proof_requests_message ON proof_requests (message_id)",
                "CREATE INDEX proof_requests_lately ON proof_requests (created_at)",
                "CREATE INDEX proof_requests_target ON proof_requests (target_id, created_at)",
            ],
            reverse_sql=[],
        ),
        ops.DeleteModel(name="LinkLog"),
    ]
