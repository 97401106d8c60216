"""Nothing personal reaches a log, whoever logs it."""

import ast
import io
import json
import logging
import sys
from pathlib import Path

import asyncpg
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from tortoise.exceptions import IntegrityError

from omnibot.logs import Indiscreet, configure, in_known_words, pseudonym, request_scope
from omnibot.settings import Log
from tests.conftest import log_plainly

ROOT = Path(__file__).parents[1]
NAME = "Sarah Example"
MAIL = "sarah@example.org"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def configured():
    """Configure logging into memory; everything as it was afterwards."""
    root, hook = logging.getLogger(), sys.excepthook
    before = root.level, list(root.handlers)

    def configure_with(stream=None, strict=False, to_stderr=False, **log):
        out = None if to_stderr else stream or io.StringIO()
        return out, configure(Log(**log), strict=strict, stream=out)

    yield configure_with
    log_plainly()
    structlog.contextvars.clear_contextvars()
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    sys.excepthook = hook


def lines(out):
    return [json.loads(line) for line in out.getvalue().splitlines()]


def the_line(out):
    (line,) = lines(out)
    return line


def test_what_is_on_the_list_is_said(configured):
    out, discretion = configured()
    structlog.get_logger().warning(
        "turn.parked", customer=4, channel="telegram", reason="failed too often", seconds=0.5
    )
    line = the_line(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "turn.parked",
        "level": "warning",
        "customer": 4,
        "channel": "telegram",
        "reason": "failed too often",
        "seconds": 0.5,
    }
    assert discretion.withheld == 0


@pytest.mark.parametrize(
    "said",
    [
        {"text": NAME},
        {"name": NAME},
        {"token": "x"},
        {"channel": NAME},  # no constant has a space
        {"account": MAIL},
        {"customer": MAIL},  # an id of ours is a number
        {"address": "telegram:4711"},
        {"count": [NAME]},
        {"reason": [NAME]},
        {NAME: 1},
    ],
)
def test_what_is_not_on_the_list_is_withheld_and_counted(configured, said):
    out, discretion = configured()
    structlog.get_logger().info("intake.stored", **said)
    assert NAME not in out.getvalue()
    assert MAIL not in out.getvalue()
    assert "4711" not in out.getvalue()
    assert discretion.withheld == 1
    assert the_line(out)["event"] == "intake.stored"


def test_what_was_withheld_is_named_by_its_key(configured):
    out, _ = configured()
    structlog.get_logger().info("intake.stored", text=NAME, customer=NAME)
    assert the_line(out)["withheld"] == ["customer", "text"]


def test_an_event_is_a_constant(configured):
    out, _ = configured()
    structlog.get_logger().info(f"stored a message of {NAME}")
    assert the_line(out)["event"] == "withheld"
    assert NAME not in out.getvalue()


def test_in_development_it_is_refused(configured):
    configured(strict=True)
    with pytest.raises(Indiscreet, match=r"must not log text"):
        structlog.get_logger().info("intake.stored", text=NAME)


def test_the_request_comes_from_the_context(configured):
    out, _ = configured()
    with structlog.contextvars.bound_contextvars(request="abc"):
        structlog.get_logger().info("intake.stored")
    assert the_line(out)["request"] == "abc"


async def test_all_lines_of_a_request_have_its_id_and_others_have_another(configured):
    out, _ = configured()

    async def handle(request):
        structlog.get_logger().info("intake.stored", count=1)
        structlog.get_logger().info("intake.stored", count=2)
        return web.Response()

    app = web.Application(middlewares=[request_scope])
    app.add_routes([web.get("/", handle)])
    async with TestClient(TestServer(app)) as client:
        await client.get("/", headers={"X-Request-ID": MAIL})
        await client.get("/")
    first, second, third, fourth = (line["request"] for line in lines(out) if line["event"] == "intake.stored")
    assert first == second != third == fourth


# --- reasons -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("no answer within 20 s", "no answer within 20 s"),
        ("Telegram does not know the bot's token", "Telegram does not know the bot's token"),
        ("Forbidden: bot was blocked by the user", "Forbidden: bot was blocked by the user"),
        ("the channel failed: KeyError", "the channel failed: KeyError"),
        ("TelegramRetryAfter", "TelegramRetryAfter"),
        ("given up after 8 attempts: 550 5.1.1 User unknown", "given up after 8 attempts: 550 5.1.1 User unknown"),
        (f"550 5.1.1 <{MAIL}> user unknown", "550 5.1.1 … user unknown"),
        ("550-5.7.26 DMARC", "550-5.7.26 DMARC"),
        ("550 User Ann Smith not found", "550 User … not found"),
        ("Mailbox full for ann.smith at example.org", "Mailbox full for … at …"),
        ("554 message rejected: my PIN is 4711", "554 message rejected: … is …"),
        ("my PIN is 550", "… is …"),
        ("they have opted out (Twilio 21610)", "they have opted out (Twilio 21610)"),
        ("Twilio told 50123 that 12345 s", "Twilio … that 12345 s"),
        ("Forbidden: bot was blocked by the user Ann", "Forbidden: bot was blocked by the user …"),
        ("chat 4711471147 not found", "chat … not found"),
        ("+49 170 1234567 is no mobile", "… is no mobile"),
        (f"unfinished '{NAME}", "…"),
        ("several\nlists\tof it", "several lists of it"),
        ("", ""),
    ],
)
def test_a_reason_keeps_the_words_of_reasons_and_loses_all_others(reason, said):
    assert in_known_words(reason) == said


@given(st.text(), st.text())
def test_no_address_survives_in_a_reason(before, after):
    assert MAIL not in in_known_words(f"{before}{MAIL}{after}")


@given(st.lists(st.sampled_from(["Ann", "Smith", "4711", "Bonn", "50123", "IBAN", "geheim", "Müller"]), min_size=1))
def test_nothing_personal_survives_between_known_words(words):
    told = in_known_words(" the user ".join(words))
    assert not {*words} & {*told.split()}


def test_a_reason_is_short_however_long_it_was():
    assert len(in_known_words("no " * 10_000)) <= 200


RAISED = {
    "BadToken",
    "ConnectionFailed",
    "Malformed",
    "NotAccepted",
    "Refused",
    "StoreUnavailable",
    "TryLater",
    "Unsure",
}


def wording(node):
    """The words of a text as it stands in the code, without what is put into it."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=values):
            for value in values:
                yield from wording(value)


def reasons_of_the_code():
    """All texts that are given as reasons: to the exceptions that carry one, and to the log."""
    sources = [*(ROOT / "src" / "omnibot").rglob("*.py"), *(ROOT / "channels").rglob("*.py")]
    for source in sources:
        if {"sandbox", "testing"} & {*source.parts}:
            continue
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            if getattr(call.func, "id", "") in RAISED and call.args:
                yield from wording(call.args[0])
            for keyword in call.keywords:
                if keyword.arg == "reason":
                    yield from wording(keyword.value)


def test_our_own_reasons_are_told_whole():
    reasons = {reason.strip() for reason in reasons_of_the_code()}
    assert len(reasons) > 20
    assert {reason for reason in reasons if "…" in in_known_words(reason)} == set()


def test_reasons_are_cleaned_on_their_way(configured):
    out, _ = configured()
    structlog.get_logger().info("delivery.not_sent", reason=f"550 unknown <{MAIL}>")
    assert the_line(out)["reason"] == "550 unknown …"


# --- exceptions ----------------------------------------------------------------------------------------------------


def fail(error, cause=None):
    if cause is not None:
        error.__cause__ = cause
    raise error


def logged(configured, error, cause=None, **log):
    out, _ = configured(**log)
    try:
        fail(error, cause)
    except type(error):
        structlog.get_logger().exception("turn.failed")
    return out


def test_an_exception_is_its_type_and_place(configured):
    out = logged(configured, ValueError(f"bad text {NAME}"))
    (told,) = the_line(out)["exception"]
    assert told["type"] == "ValueError"
    assert "fail" in told["frames"][-1]
    assert __file__.rsplit("/", 2)[-1] in told["frames"][-1]
    assert NAME not in out.getvalue()


def test_causes_and_groups_are_told_without_words_too(configured):
    group = ExceptionGroup(NAME, [KeyError(NAME), RuntimeError(NAME)])
    out = logged(configured, TypeError(NAME), group)
    assert [one["type"] for one in the_line(out)["exception"]] == [
        "TypeError",
        "ExceptionGroup",
        "KeyError",
        "RuntimeError",
    ]
    assert NAME not in out.getvalue()


def test_what_an_exception_was_raised_during_is_told(configured):
    out, _ = configured()
    try:
        try:
            fail(KeyError(NAME))
        except KeyError:
            fail(TypeError(NAME))
    except TypeError as error:
        structlog.get_logger().error("turn.failed", exc_info=error)
    assert [one["type"] for one in the_line(out)["exception"]] == ["TypeError", "KeyError"]


def test_exceptions_that_refer_to_each_other_end(configured):
    first, second = ValueError(), TypeError()
    first.__context__, second.__context__ = second, first
    out, _ = configured()
    structlog.get_logger().error("turn.failed", exc_info=(ValueError, first, None))
    assert len(the_line(out)["exception"]) == 2


def test_a_broken_rule_of_the_database_is_named_alone(configured):
    broken = asyncpg.UniqueViolationError(f"Key (value)=({MAIL}) already exists.")
    broken.constraint_name, broken.detail = "address_channel_value_key", MAIL
    out = logged(configured, IntegrityError(broken))
    (told,) = the_line(out)["exception"]
    assert (told["constraint_name"], told["sqlstate"]) == ("address_channel_value_key", "23505")
    assert MAIL not in out.getvalue()


def test_the_systems_own_word_for_a_fault_is_told(configured):
    out = logged(configured, FileNotFoundError(2, "No such file or directory", f"/data/{NAME}"))
    assert the_line(out)["exception"][0]["error"] == "No such file or directory"
    assert NAME not in out.getvalue()


def test_an_uncaught_exception_is_a_line_and_ctrl_c_is_none(configured):
    out, _ = configured()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    sys.excepthook(ValueError, ValueError(NAME), None)
    assert the_line(out)["event"] == "process.failed"
    assert NAME not in out.getvalue()


# --- other libraries -----------------------------------------------------------------------------------------------


def test_a_library_is_told_by_its_wording_without_values(configured):
    out, _ = configured()
    logging.getLogger("aiohttp.server").error("Error from %s", NAME)
    line = the_line(out)
    assert (line["event"], line["library"], line["template"]) == ("library.message", "aiohttp.server", "Error from %s")
    assert "test_logs.py:" in line["place"]
    assert NAME not in out.getvalue()


def test_a_wording_that_may_hold_values_is_not_told(configured):
    out, _ = configured()
    interpolated = f"Task of {NAME} failed"
    logging.getLogger("asyncio").error(interpolated, exc_info=ValueError(NAME))
    line = the_line(out)
    assert "template" not in line
    assert line["exception"][0]["type"] == "ValueError"
    assert NAME not in out.getvalue()


@pytest.mark.parametrize(
    "name", ["aiogram", "aiogram.event", "tortoise.db_client", "asyncpg.pool", "aiosmtpd", "mail.log", "aiohttp.access"]
)
def test_libraries_that_log_contents_are_not_asked_for_them(configured, name):
    out, _ = configured(level="debug")
    logger = logging.getLogger(name)
    logger.info("%s", NAME)
    logger.debug("%s", NAME)
    assert out.getvalue() == ""
    assert not logger.isEnabledFor(logging.INFO)


def test_configuring_again_replaces(configured):
    old, _ = configured()
    new, _ = configured()
    logging.getLogger("x").warning("twice? %s", 1)
    assert old.getvalue() == ""
    assert len(lines(new)) == 1


# --- form ----------------------------------------------------------------------------------------------------------


def test_what_is_below_the_level_is_left_out(configured):
    out, _ = configured(level="warning")
    structlog.get_logger().info("a")
    logging.getLogger("x").info("a")
    structlog.get_logger().warning("b")
    assert [line["event"] for line in lines(out)] == ["b"]


def test_auto_is_for_people_in_a_terminal(configured):
    out, _ = configured(Terminal())
    structlog.get_logger().info("server.started", count=2)
    assert "server.started" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_lines_go_to_the_stderr_of_the_moment(configured, monkeypatch):
    before, after = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", before)
    configured(to_stderr=True, format="json")
    before.close()
    monkeypatch.setattr(sys, "stderr", after)
    structlog.get_logger().info("server.started")
    assert the_line(after)["event"] == "server.started"


def test_people_get_exceptions_without_words_too(configured):
    out = logged(configured, IntegrityError(NAME), format="console")
    assert "tortoise.exceptions.IntegrityError" in out.getvalue()
    assert "test_logs.py" in out.getvalue()
    assert NAME not in out.getvalue()


# --- pseudonyms ----------------------------------------------------------------------------------------------------


def test_the_same_id_has_the_same_pseudonym_under_one_key_alone():
    hashed = pseudonym(b"key")
    assert hashed("telegram:4711") == pseudonym(b"key")("telegram:4711")
    assert len({hashed(1), hashed(2), pseudonym(b"other")(1), pseudonym(b"k" * 100)(1)}) == 4
    assert len(hashed("\ud800")) == 16


def test_a_pseudonym_may_be_said(configured):
    out, _ = configured(strict=True)
    structlog.get_logger().info("intake.stored", request=pseudonym(b"key")(4711))
    assert the_line(out)["request"] == pseudonym(b"key")(4711)
