"""Logs that hold nothing personal: what may be said is listed, everything else is withheld.

A line has an event (a constant of the code), a reason in known words, ids, counts and durations. What other libraries
log is reduced to who logged where, and the wording of theirs without its values; of exceptions there are types and
places. Texts, names, addresses, numbers and tokens have no key to be logged under.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog
from aiohttp import web
from structlog.typing import EventDict, Processor

from omnibot.settings import Log

# Constants of the code and of the configuration, and keyed hashes.
_WORDS = frozenset(
    {
        *("account", "action", "body", "channel", "constraint", "error", "event", "kind", "level", "method"),
        *("platform", "request", "role", "state", "step", "story", "version"),
    }
)
# Of this installation or of this run: nothing that a provider or a customer gave out.
_NUMBERS = frozenset(
    {
        *("accounts", "address", "after", "again_in", "attachment", "attempts", "bytes", "connections", "count"),
        *("customer", "dropped", "handoff", "message", "milliseconds", "outbox", "port", "seconds", "size", "status"),
        *("stretch", "turn", "workers"),
    }
)
_PLACES = frozenset({"file", "folder", "library", "place", "template"})  # of the code and of this machine

_WORD = re.compile(r"[\w.:+/-]{1,100}")
# A reason may be a provider's own words, in which anything can stand: a name, what somebody wrote. So it is told in
# these words alone: those of our own reasons, then those in which providers usually say what is wrong.
_REASON_WORDING = """
a accepted access account after again already an and another answer any are as ascii at attachment attempts attachments
be been before being beyond bot bot's broken but by bytes call came cannot cap channel come commit committed compressed
configured confirmed connect connection cut data database day days delivery did do does each email encoded end
ended enter failed fetch file folder for from given hand has have hours in integer intake interrupted is it its
json know larger lease lists login long lost lower mail malformed many message minutes more most much name no not
now number object of omnibot on often once or other out oversized ran reached read refused result runs s seconds
secret sending server several short spend step stopped stopping stored string sweep take taken takes telegram than the
this throttled throttles through time to token too took turn turns unreadable up upper version waits was what while
within without worker written year budget busy doubt garbage model packs resting throttled timeout

change expired forged incomplete key malformed people same spent valid yet

address addresses callback_query chat date edit_date edited_message latitude longitude message_id update update_id

abuse authentication auth bad banned belong blacklisted blocked bounce button busy can can't certificate changed
chats conflict content contain could deactivated deferred deleted delivered denied description disabled dkim dmarc
does doesn't domain empty enough entities entity error exceeded exceeds exist exists expired forbidden format found
full gateway getupdates greylisted greylisting group gone header headers hidden host identifier inactive incorrect
initiate conversation insufficient internal invalid kicked large later limit limited limits line local locked
mailbox mailboxes maximum member members method missing must network none number only open over parse peer
permanent permission permissions permitted phone policy private quota rate recipient recipients rejected relay
relaying reply reputation request requests required resource retry rights sender service session size spam spf
ssl status storage such supergroup supported suspected suspended syntax system temporarily temporary terminated
that them there they timed timeout tls transaction transport try unable unauthenticated unauthorized unavailable
undeliverable unexpected unknown unreachable unrouteable unsupported upgraded url user users valid verification
verify via webhook with wrong you your

access_denied accesslimited account_inactive app_missing_action cannot_dm_bot cannot_reply_to_message
cant_delete_message channel_is_archived channel_not_found closed ekm_access_denied enterprise_is_restricted fatal_error
file_deleted file_not_found internal_error invalid_arguments invalid_auth invalid_blocks invalid_thread_ts is_archived
is_inactive link_disabled message_limit_exceeded message_not_found messages_tab_disabled metadata_too_large
missing_scope msg_too_long no_permission no_such_subteam no_text not_allowed_token_type not_authed not_in_channel
org_login_required rate_limited ratelimited refresh_requested request_timeout restricted_action
restricted_action_non_threadable_channel restricted_action_read_only_channel restricted_action_thread_locked
restricted_action_thread_only_channel service_unavailable team_access_not_granted team_added_to_org thread_not_found
token_expired token_revoked too_many_websockets two_factor_setup_required upload_in_progress user_disabled
user_not_found user_not_visible users_not_found warning

10dlc a2p account's accountsid active against allow api_url allowed answered asked available barred business cap chose
code congested cost country credentials daily deliver downloaded earn expected fast files form fraud geo go here holds
https id into joined landline language leads lets log loop may messages messagesid messaging mobile networks nobody
nothing nowhere numbers off offers one one-time opted others our own parameters part paused premium-rate provider's
reach reason redirected registered reports restricted sandbox say see send senders sends sent served server.public_url
settings sid signature silent slack spend starttls switched team_id telephone template text times toll-free trial ts
twilio twilio's type under upload us variables verified wants way whatsapp whatsapp's which who workspace would yet

act agent agents back believed customers desk desks letter letters look meanwhile needs room somebody team teams thread
threads written
"""
_REASON_WORDS = frozenset(_REASON_WORDING.split())
_STATUS = re.compile(r"[245]\d\d(-?[245]\.\d{1,3}\.\d{1,3})?|[245]\.\d{1,3}\.\d{1,3}")  # RFC 5321, RFC 3463, HTTP
_PROVIDER_CODE = re.compile(r"[1-9]\d{4}")  # of an error, behind the name of who numbers them
_COUNT = re.compile(r"\d{1,9}(\.\d{1,3})?")
_COUNTED = frozenset({"s", "seconds", "minutes", "hours", "days", "attempts", "bytes"})
_TYPE = re.compile(  # of an exception
    r"(?:[A-Z][A-Za-z0-9]*)?(?:Error|Exception|Unavailable|NotConnected|NotAccepted|Cancelled|Disconnected)"
    r"|(?:Telegram|SMTP|Client|Server)[A-Z][A-Za-z]*"
)
_SIGNS = ".,:;!?()[]\"'`"
_REASON_LENGTH = 200

# They log what they handle: addresses, parameters, whole updates.
_TALKATIVE = ("aiogram", "aiohttp.access", "aiosmtpd", "asyncpg", "dkimpy", "mail.debug", "mail.log", "tortoise",
              "tortoise.db_client")  # fmt: skip
_FRAMES = 30  # of one exception, the innermost


class Indiscreet(Exception):
    """Something was to be logged that is not on the list; raised in development and tests only."""


def configure(settings: Log, *, strict: bool | None = None, stream: TextIO | None = None) -> Discretion:
    """Route structlog, stdlib logging and uncaught exceptions to one stream of discreet lines (stderr).

    `strict` raises Indiscreet instead of withholding; unless given it is so in Python's development mode (-X dev).
    """
    out = stream or sys.stderr
    as_json = settings.format == "json" or (settings.format == "auto" and not out.isatty())
    discretion = Discretion(strict=sys.flags.dev_mode if strict is None else strict)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_words,
            discretion,
            *(_as_json() if as_json else _for_people(out)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        # Looked up for each line: whoever redirects stderr for a while must not leave us with a closed one.
        logger_factory=lambda *_: structlog.WriteLogger(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    _route_stdlib(settings.level)
    sys.excepthook = _log_uncaught
    return discretion


def pseudonym(key: bytes) -> Callable[[object], str]:
    """A function that gives an id the same 16 hex digits each time; who lacks the key cannot try ids out."""
    keyed = hashlib.blake2b(key=hashlib.sha256(b"log pseudonyms" + key).digest(), digest_size=8)

    def hashed(value: object) -> str:
        one = keyed.copy()
        one.update(str(value).encode("utf-8", "surrogatepass"))
        return one.hexdigest()

    return hashed


@web.middleware
async def request_scope(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give all lines that one HTTP request causes the same `request` id; made here, as a caller's could be anything."""
    bound = structlog.contextvars.bind_contextvars(request=secrets.token_hex(6))
    try:
        return await handler(request)
    finally:
        structlog.contextvars.reset_contextvars(**bound)


# --- what may be said -------------------------------------------------------------------------------------------------


class Discretion:
    """Withholds what is not on the list, and counts it."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.withheld = 0

    def __call__(self, logger: object, method: str, event: EventDict) -> EventDict:
        """A processor of structlog."""
        said = {key: value for key, value in event.items() if _may_be_said(key, value)}
        if "reason" in said:
            said["reason"] = in_known_words(str(said["reason"]))
        if kept_back := sorted(event.keys() - said.keys()):
            if self._strict:
                raise Indiscreet(f"{event.get('event')!r} must not log {', '.join(kept_back)} (see omnibot.logs)")
            self.withheld += len(kept_back)
            said["withheld"] = [key for key in kept_back if _WORD.fullmatch(key)]
        return {"event": "withheld"} | said


def _may_be_said(key: str, value: object) -> bool:
    if key in ("timestamp", "exception"):
        return True
    if value is None or isinstance(value, bool):
        return key in _WORDS or key in _NUMBERS
    if key in _NUMBERS:
        return isinstance(value, int | float)
    if key in _WORDS:
        return isinstance(value, str) and _WORD.fullmatch(value) is not None
    return (key in _PLACES or key == "reason") and isinstance(value, str)


def in_known_words(reason: str) -> str:
    """A reason without all that is no ordinary word of a reason, status or type of an exception: that becomes "…".

    On one line, at most 200 characters.
    """
    words = reason[: _REASON_LENGTH * 4].split()
    told: list[str] = []
    for place, word in enumerate(words):
        if _is_known(words, place):
            told.append(word)
        elif told[-1:] != ["…"]:
            told.append("…")
    return " ".join(told)[:_REASON_LENGTH]


def _is_known(words: Sequence[str], place: int) -> bool:
    word = words[place].strip(_SIGNS)
    if word.lower() in _REASON_WORDS or not word or _TYPE.fullmatch(word):
        return True
    if _STATUS.fullmatch(word):
        return place == 0 or words[place - 1].endswith(":") or bool(_STATUS.fullmatch(words[place - 1]))
    if _PROVIDER_CODE.fullmatch(word) and place and words[place - 1].strip(_SIGNS) == "Twilio":
        return True
    following = words[place + 1].strip(_SIGNS) if place + 1 < len(words) else ""
    return following in _COUNTED and _COUNT.fullmatch(word) is not None


# --- exceptions --------------------------------------------------------------------------------------------------


def _exception_without_words(logger: object, method: str, event: EventDict) -> EventDict:
    """Types and places: messages quote values, and those of a database quote keys."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = list(_chain(error))
    return event


def _chain(error: BaseException | None) -> Iterator[dict[str, Any]]:
    """An exception, then what it was raised from or during, then those of its group."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield {"type": _type_name(error)} | _details(error) | {"frames": _frames(error.__traceback__)}
        waiting.append(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
        if isinstance(error, BaseExceptionGroup):
            waiting.extend(error.exceptions)


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _details(error: BaseException) -> dict[str, str]:
    """What is constant about it: the system's own word for a fault, and which rule of the database was broken."""
    details = {"error": error.strerror} if isinstance(error, OSError) and error.errno and error.strerror else {}
    for holder in (error, *error.args[:1]):  # Tortoise keeps asyncpg's exception as its argument
        for name in ("sqlstate", "constraint_name"):
            value = getattr(holder, name, None)
            if isinstance(value, str) and _WORD.fullmatch(value):
                details[name] = value
    return details


def _frames(trace: TracebackType | None) -> list[str]:
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)]
    return [f"{_short(code.co_filename)}:{line} {code.co_qualname}" for code, line in frames[-_FRAMES:]]


def _short(file: str) -> str:
    """The last three parts tell which file it is, without this machine's folders."""
    return "/".join(PurePath(file).parts[-3:])


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    structlog.get_logger().critical("process.failed", exc_info=error)


# --- other libraries -------------------------------------------------------------------------------------------------


def _route_stdlib(level: str) -> None:
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Foreign)]:
        root.removeHandler(old)
    root.addHandler(_Foreign())
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Foreign(logging.Handler):
    """Tells who logged where, and the wording when its values are apart from it."""

    def emit(self, record: logging.LogRecord) -> None:
        said = {"library": record.name, "place": f"{_short(record.pathname)}:{record.lineno}"}
        if record.args and isinstance(record.msg, str):
            said["template"] = record.msg
        structlog.get_logger().log(record.levelno, "library.message", exc_info=record.exc_info or None, **said)


# --- writing -----------------------------------------------------------------------------------------------------


def _as_json() -> tuple[Processor, ...]:
    return (structlog.processors.JSONRenderer(serializer=_dumped),)


def _dumped(event: Mapping[str, Any], **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


def _for_people(out: TextIO) -> tuple[Processor, ...]:
    return _exception_in_lines, structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0)


def _exception_in_lines(logger: object, method: str, event: EventDict) -> EventDict:
    if told := event.pop("exception", None):
        event["exception"] = "\n".join(
            "\n    ".join([" ".join(v for k, v in one.items() if k != "frames"), *one["frames"]]) for one in told
        )
    return event
