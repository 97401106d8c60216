"""What the message path needs beyond Tortoise's own operations: composite keys, partial indexes, eager vacuum."""

from tortoise import migrations
from tortoise.migrations import operations as ops

# Queue rows are updated and deleted all the time: leave room on their pages and vacuum long before a fifth is dead.
_QUEUE = (
    "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,"
    " autovacuum_vacuum_cost_delay = 0"
)
_OPEN = "('queued', 'held', 'sending', 'unknown')"


class Migration(migrations.Migration):
    dependencies = [("omnibot", "0001_whole_way")]

    operations = [
        ops.RunSQL(
            [
                # The address leads the key, so that the table can be distributed by it or partitioned later.
                "ALTER TABLE messages DROP CONSTRAINT messages_pkey, ADD PRIMARY KEY (address_id, id)",
                "ALTER TABLE inbox ALTER COLUMN payload_sealed SET STORAGE MAIN",
                f"ALTER TABLE inbox SET ({_QUEUE})",
                f"ALTER TABLE lanes SET ({_QUEUE})",
                f"ALTER TABLE outbox SET ({_QUEUE})",
                "CREATE INDEX lanes_due ON lanes (priority, due_at) WHERE due_at < 'infinity'",
                "CREATE INDEX inbox_parked ON inbox (parked_at) WHERE parked_at IS NOT NULL",
                "CREATE INDEX outbox_ready ON outbox (channel, account, due_at, id) WHERE state IN ('queued', 'held')",
                f"CREATE INDEX outbox_open ON outbox (address_id, id) WHERE state IN {_OPEN}",
                "CREATE INDEX outbox_sending ON outbox (leased_until) WHERE state = 'sending'",
                "CREATE INDEX outbox_unknown ON outbox (channel, account) WHERE state = 'unknown'",
                "CREATE INDEX outbox_sent ON outbox (address_id, sent_at) WHERE sent_at IS NOT NULL",
                "CREATE INDEX outbox_after ON outbox (after_id) WHERE after_id IS NOT NULL AND state = 'queued'",
                "CREATE INDEX outbox_overspent ON outbox (channel, account)"
                " WHERE state = 'held' AND reason = 'spend cap'",
                "CREATE UNIQUE INDEX spent_hour ON spent (channel, account, hour)",
                "CREATE UNIQUE INDEX facts_current ON facts (address_id, key) WHERE valid_to IS NULL",
                "CREATE INDEX handoffs_open ON handoffs (at) WHERE resolved_at IS NULL",
                "CREATE UNIQUE INDEX handoffs_fault ON handoffs (address_id, reason)"
                " WHERE resolved_at IS NULL AND turn_id IS NULL",
                "CREATE INDEX attachments_file ON attachments (file_key) WHERE file_key IS NOT NULL",
                "CREATE INDEX attachments_pending ON attachments (due_at) WHERE state = 'pending'",
            ],
            reverse_sql=[],
        )
    ]
