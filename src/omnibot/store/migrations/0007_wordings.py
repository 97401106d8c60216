"""How many replies a language model wrote on a day, and what that cost: written and read by SQL alone."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("omnibot", "0006_recall")]

    initial = False

    operations = [
        ops.RunSQL(
            [
                "CREATE TABLE wordings (day date NOT NULL, by text NOT NULL, count bigint NOT NULL,"
                " PRIMARY KEY (day, by))",
                "COMMENT ON TABLE wordings IS 'Replies of a day (UTC) that a language model wrote, or why it did not;"
                " and under tokens_in and tokens_out what it was billed for.'",
            ],
            reverse_sql=["DROP TABLE wordings"],
        )
    ]
