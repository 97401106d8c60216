"""Memory: events, what was used and how often, cases by their sides, habits; and facts that know their event."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# Rows that are written again and again: leave room on their pages.
_REWRITTEN = "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05"


class Migration(migrations.Migration):
    dependencies = [("omnibot", "0004_moods")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Event",
            fields=[
                ("key", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("address_id", fields.BigIntField()),
                ("name", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("properties_sealed", fields.BinaryField()),
                ("told_of", fields.BooleanField()),
                ("told_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "events", "app": "omnibot", "pk_attr": "key"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Usage",
            fields=[
                ("address_id", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=160)),
                ("count", fields.BigIntField()),
                ("first_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "usage", "app": "omnibot", "pk_attr": "address_id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Case",
            fields=[
                ("matter_id", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("address_id", fields.BigIntField()),
                ("intent", fields.CharField(max_length=128)),
                ("state", fields.CharField(max_length=16)),
                ("body_sealed", fields.BinaryField()),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("touched_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("resolved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("contacts", fields.IntField()),
                ("reopened", fields.IntField()),
            ],
            options={"table": "cases", "app": "omnibot", "pk_attr": "matter_id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Habit",
            fields=[
                ("address_id", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("body_sealed", fields.BinaryField()),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "habits", "app": "omnibot", "pk_attr": "address_id"},
            bases=["Model"],
        ),
        ops.AddField(model_name="Fact", name="source_event_key", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Turn", name="matter_id", field=fields.BigIntField(null=True)),
        ops.RunSQL(
            [
                # The address leads the keys, so that the tables can be distributed by it or partitioned later.
                "ALTER TABLE events DROP CONSTRAINT events_pkey, ADD PRIMARY KEY (address_id, key)",
                "ALTER TABLE usage DROP CONSTRAINT usage_pkey, ADD PRIMARY KEY (address_id, name)",
                "ALTER TABLE cases DROP CONSTRAINT cases_pkey, ADD PRIMARY KEY (address_id, matter_id)",
                "CREATE INDEX events_told ON events (address_id, at DESC) WHERE told_of",
                "CREATE INDEX cases_latest ON cases (address_id, (state <> 'resolved') DESC, touched_at DESC)",
                "CREATE INDEX cases_matter ON cases (matter_id)",
                "CREATE INDEX facts_history ON facts (address_id, key, valid_from)",
                f"ALTER TABLE usage SET ({_REWRITTEN})",
                f"ALTER TABLE cases SET ({_REWRITTEN})",
                f"ALTER TABLE habits SET ({_REWRITTEN})",
            ],
            reverse_sql=[],
        ),
    ]
