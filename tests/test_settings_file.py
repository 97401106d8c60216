"""config/omnibot.toml shows every setting with its default, and nothing else."""

import itertools
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter

from omnibot.settings import Settings, Team, TokenKey, load
from omnibot_email.settings import EmailSettings
from omnibot_slack.settings import SlackSettings
from omnibot_telegram.settings import TelegramSettings
from omnibot_twilio.settings import SmsSettings, WhatsAppSettings

FILE = Path(__file__).parents[1] / "config" / "omnibot.toml"
SHOWN = {
    ("identity", "tokens", "keys", "main"): TokenKey,
    ("desk", "teams", "senior"): Team,
    ("channels", "telegram", "main"): TelegramSettings,
    ("channels", "slack", "main"): SlackSettings,
    ("channels", "sms", "main"): SmsSettings,
    ("channels", "whatsapp", "main"): WhatsAppSettings,
    ("channels", "email", "support"): EmailSettings,
}


def uncommented() -> str:
    return re.sub(r"^#(?=[a-z\[])", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def documented() -> dict[tuple[str, ...], object]:
    return dict(_leaves(tomllib.loads(uncommented()), ()))


def _leaves(table, steps):
    for key, value in table.items():
        if isinstance(value, dict) and (*steps, key) not in ALL:
            yield from _leaves(value, (*steps, key))
        else:
            yield (*steps, key), value


def settings_of(model: type[BaseModel], steps=()):
    """(steps, field) of every setting that is not a table."""
    for name, field in model.model_fields.items():
        if get_args(field.annotation)[1:] in ((TokenKey,), (Team,)):
            continue  # tables of any name: SHOWN has one
        table = next(
            (
                k
                for k in (field.annotation, *get_args(field.annotation))
                if isinstance(k, type) and issubclass(k, BaseModel)
            ),
            None,
        )
        if table is not None:
            yield from settings_of(table, (*steps, name))
        elif (*steps, name) != ("channels",):
            yield (*steps, name), field


ALL = dict(settings_of(Settings)) | {
    steps: field for start, model in SHOWN.items() for steps, field in settings_of(model, start)
}


@pytest.mark.parametrize("steps", ALL, ids=".".join)
def test_a_setting_is_shown_with_its_default(steps):
    field, shown = ALL[steps], documented()
    assert steps in shown, f"add #{steps[-1]} to config/omnibot.toml"
    if field.is_required() or field.default is None:
        return
    default = field.get_default(call_default_factory=True)
    said = TypeAdapter(field.annotation).validate_python(shown[steps])
    if isinstance(default, SecretStr):
        assert default.get_secret_value() == said.get_secret_value() == ""
    else:
        assert said == TypeAdapter(field.annotation).validate_python(default)


def test_nothing_is_shown_that_is_no_setting():
    assert documented().keys() - ALL.keys() == set()


def test_every_setting_is_explained():
    lines = FILE.read_text(encoding="utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        setting = re.match(r"#([a-z_]+) = ", line)
        # Ports and hosts of a table that is explained as a whole go without.
        assert not setting or before.startswith("# ") or setting[1] in ("host", "port"), line


def test_as_it_is_it_changes_nothing():
    assert load(FILE, {}) == Settings()


def test_a_required_setting_is_called_so():
    text = FILE.read_text(encoding="utf-8")
    for steps, field in ALL.items():
        if field.is_required():
            comment = re.search(
                rf"((?:^# .*\n)+)#{steps[-1]} = ", text[text.index(f"#[{'.'.join(steps[:-1])}]") :], re.MULTILINE
            )
            assert comment
            assert "Required" in comment[1], steps
