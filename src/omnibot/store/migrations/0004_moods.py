"""What later turns need of a reading, found with a customer's addresses."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("omnibot", "0003_identity")]

    initial = False

    operations = [
        ops.AddField(model_name="Turn", name="mood_sealed", field=fields.BinaryField(null=True)),
        ops.AlterField(model_name="Turn", name="address_id", field=fields.BigIntField()),
        ops.AddIndex(model_name="Turn", index=Index(fields=["address_id", "id"])),
    ]
