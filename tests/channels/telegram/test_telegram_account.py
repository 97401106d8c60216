"""How an account is configured, and what is found wrong with it."""

import time
from dataclasses import replace

import pytest
from pydantic import ValidationError
from telegram_house import House, house

from omnibot.sandbox import ServerError
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox
from omnibot_telegram import Telegram, TelegramSettings
from omnibot_telegram.health import not_called


def settings(**given) -> TelegramSettings:
    return TelegramSettings.model_validate({"token": TOKEN, **given})


@pytest.mark.parametrize("written", ["@sarah", "+4711", "047", "-1001", "4711 4712", "\u0664\u0667", ""])
def test_only_a_numeric_id_is_an_address(written):
    with pytest.raises(ValueError, match=r"numeric id, such as 4711, no @name"):
        Telegram.address(written)


def test_a_token_is_enough():
    assert (settings().mode, settings().api) == ("polling", "https://api.telegram.org")


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"token": "not a token"}, "@BotFather"),
        ({"token": ""}, "@BotFather"),
        ({"mode": "webhook"}, "webhook_secret is missing"),
        ({"mode": "webhook", "webhook_secret": ""}, "openssl rand -hex 32"),
        ({"webhook_secret": "with spaces"}, "A-Z a-z 0-9"),
        ({"webhook_secret": "x" * 257}, "1 to 256"),
        ({"mode": "carrier pigeon"}, "webhook"),
        ({"api_url": "api.telegram.org"}, "URL"),
        ({"tokn": TOKEN}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_says_what_to_do(given, advice):
    with pytest.raises(ValidationError, match=advice):
        settings(**given)


def test_secrets_are_in_no_error_and_no_picture_of_the_settings():
    with pytest.raises(ValidationError) as error:
        settings(mode="webhook", webhook_secret="my secret words")
    assert "my secret words" not in str(error.value)
    assert TOKEN not in repr(settings())


@pytest.mark.parametrize(("given", "limit"), [(30, 30), (0, None)])
def test_the_pace_is_the_accounts(given, limit, polling: House):
    assert Telegram(polling.channel.site, settings(per_second=given)).limits.per_second == limit


async def test_by_polling_there_are_no_routes(polling: House):
    assert polling.channel.routes(polling.inbox) == ()


# --- findings --------------------------------------------------------------------------------------------------


async def findings(opened: House) -> list[str]:
    found = await opened.channel.health()
    assert all(finding.action for finding in found)
    return [finding.what for finding in found]


async def test_a_healthy_account_has_no_findings(webhook: House, polling: House):
    assert await findings(webhook) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://bot.example.com/channels/telegram/main", ""),
        ("https://bot.example.com:8443/channels/telegram/main", ""),
        ("", ""),
        ("http://bot.example.com/channels/telegram/main", "only https"),
        ("https://bot.example.com:8080/channels/telegram/main", "443, 80, 88, 8443, and server.public_url has 8080"),
    ],
)
def test_a_url_that_telegram_does_not_call_is_found(url, why):
    assert why in not_called(url)
    assert bool(why) == bool(not_called(url))


async def test_it_is_found_before_telegram_is_asked(webhook: House):
    channel = Telegram(
        replace(webhook.channel.site, public_url="http://b.example"), settings(mode="webhook", webhook_secret="s")
    )
    [finding] = await channel.health()
    assert finding.fatal
    assert "https" in finding.what


async def test_another_server_that_takes_our_updates_is_found(webhook: House):
    webhook.sandbox.main.webhook.url = "https://example.org/elsewhere"
    assert await findings(webhook) == ["Telegram calls another server, not this one"]


async def test_a_webhook_in_the_way_of_polling_is_found(polling: House):
    polling.sandbox.main.webhook.url = "https://example.org/elsewhere"
    (what,) = await findings(polling)
    assert what == "another server takes this bot's updates by a webhook"


async def test_a_missing_public_url_is_found(sandbox: TelegramSandbox):
    async with house(sandbox, public=False, mode="webhook") as opened:
        assert await findings(opened) == ['mode = "webhook", but no public URL is configured']


async def test_what_telegram_could_not_deliver_is_found_as_long_as_it_matters(webhook: House):
    webhook.sandbox.main.webhook.failed("Connection refused")
    assert await findings(webhook) == ["Telegram could not deliver updates: Connection refused"]
    webhook.sandbox.main.webhook.last_error_date = int(time.time()) - 7200
    assert await findings(webhook) == []


async def test_updates_that_wait_are_found(webhook: House):
    webhook.inbox.refusing = True
    for number in range(150):
        webhook.sandbox.user(4711).write(f"number {number}")
    assert "150 updates wait at Telegram" in await findings(webhook)
    webhook.inbox.refusing = False


async def test_an_api_that_does_not_answer_is_found_and_not_fatal(polling: House):
    polling.sandbox.faults.add(ServerError(), method="getMe")
    (finding,) = await polling.channel.health()
    assert polling.sandbox.url in finding.what
    assert not finding.fatal


async def test_an_api_that_is_not_there_is_told_in_words(sandbox: TelegramSandbox):
    async with house(sandbox, api_url="http://127.0.0.1:9") as opened:
        assert await findings(opened) == ["http://127.0.0.1:9 cannot be reached"]


async def test_a_wrong_token_is_fatal_and_tells_whom_to_ask(sandbox: TelegramSandbox):
    async with house(sandbox, token="4242:of_somebody_else") as opened:
        (finding,) = await opened.channel.health()
    assert finding.fatal
    assert "@BotFather" in finding.action
