"""Settings that cannot work are refused with what to do."""

import pytest

from omnibot.settings import judge_table
from omnibot_slack import SlackSettings

STEPS = ("channels", "slack", "main")
GOOD = {"token": "xoxb-1-2-abc", "app_token": "xapp-1-A0-1-abc"}


def told(**settings) -> str:
    _, faults = judge_table(SlackSettings, GOOD | settings, STEPS)
    return "\n".join(map(str, faults))


def test_what_is_needed_is_enough():
    assert told() == ""
    assert told(mode="events", signing_secret="8f742231b10e8888abcd99yyyzzz85a5", app_token=None) == ""


# row 20: the signing secret
@pytest.mark.parametrize("secret", [None, "", "  "])
def test_without_its_secret_the_channel_does_not_start(secret):
    assert "signing_secret is missing" in told(mode="events", signing_secret=secret)


def test_without_its_token_socket_mode_does_not_start():
    assert "app_token is missing" in told(app_token=None)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "xoxp-a-persons"}, "is no bot token (xoxb-…)"),
        ({"token": ""}, "is no bot token (xoxb-…)"),
        ({"app_token": "xoxb-1-2-abc"}, "is no app-level token (xapp-…)"),
        ({"team": "example"}, "must be a workspace's id, T…"),
        ({"staff": ["@ada"]}, "must be member ids"),
        ({"staff_group": "@support"}, "must be a user group's id"),
        ({"staff_channels": ["#team"]}, "must be channel ids"),
        ({"mode": "rtm"}, "mode"),
    ],
    ids=str,
)
def test_what_cannot_be_right_is_said(settings, words):
    assert words in told(**settings)
    assert "abc" not in told(**settings)


def test_lists_come_from_the_environment_too(monkeypatch):
    from omnibot.channels import judge_accounts
    from omnibot.settings import channels_of, read

    environ = {f"OMNIBOT_CHANNELS__SLACK__MAIN__{name.upper()}": value for name, value in GOOD.items()}
    environ["OMNIBOT_CHANNELS__SLACK__MAIN__STAFF"] = "U0BEN,T0PARTNER/U0EVA"
    [account], faults = judge_accounts(channels_of(read(None, environ)))
    assert faults == []
    assert isinstance(account.settings, SlackSettings)
    assert account.settings.staff == ("U0BEN", "T0PARTNER/U0EVA")


@pytest.mark.parametrize(
    ("api_url", "hosts"),
    [
        ("https://slack.com/api/", ("files.slack.com",)),
        ("https://slack-gov.com/api", ("files.slack-gov.com",)),
        ("http://127.0.0.1:8003/api/", ("http://127.0.0.1:8003",)),
    ],
)
def test_files_come_from_slacks_own_host(api_url, hosts):
    settings = SlackSettings.model_validate(GOOD | {"api_url": api_url})
    assert settings.file_hosts == hosts
    assert settings.api.endswith("/api/")
