"""What messages are found by long after: its rows are written and read by SQL alone, so Tortoise knows no model of it."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("omnibot", "0005_memory")]

    initial = False

    operations = [
        ops.RunSQL(
            [
                "CREATE TABLE recall (address_id bigint NOT NULL, place int NOT NULL, message_id bigint NOT NULL,"
                " stems bigint[] NOT NULL, mark_sealed bytea NOT NULL, PRIMARY KEY (address_id, place))",
                "COMMENT ON TABLE recall IS 'What the nth message of an address is found by: stems under the address''s"
                " key, and what memory keeps of it.'",
                # Vectors do not get smaller.
                "ALTER TABLE recall ALTER COLUMN mark_sealed SET STORAGE MAIN",
                "CREATE INDEX recall_stems ON recall USING gin (stems)",
                # Messages are written in the order of their numbers: those that are not indexed yet lie together.
                "CREATE INDEX messages_written ON messages USING brin (id) WITH (pages_per_range = 16, autosummarize)",
            ],
            reverse_sql=["DROP INDEX messages_written", "DROP TABLE recall"],
        )
    ]
