"""Lists as the REST API hands them out: filtered, and page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from omnibot.sandbox.twilio.errors import Json, TwilioError
from omnibot.sandbox.twilio.messages import Message

PAGE, LARGEST = 50, 1000  # entries

Item = TypeVar("Item")
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for; `token` is "PA" and the sid of the last entry of the page before."""

    size: int
    number: int
    token: str

    @classmethod
    def of(cls, query: Query) -> Page:
        """Read it from the query; raises TwilioError."""
        number = _whole(query, "Page", 0)
        if number and not query.get("PageToken"):
            raise TwilioError(20006, "Page must be 0 without a PageToken: follow next_page_uri")
        return cls(min(max(_whole(query, "PageSize", PAGE), 1), LARGEST), number, query.get("PageToken", ""))


def _whole(query: Query, name: str, otherwise: int) -> int:
    value = query.get(name)
    if value is None:
        return otherwise
    if not value.isdecimal():
        raise TwilioError(20006, f"{name} must be a whole number")
    return int(value)


def wanted(query: Query) -> Callable[[Message], bool]:
    """The filter of messages.list; raises TwilioError for a date that is none."""
    to, sender = query.get("To"), query.get("From")
    earliest, latest = _bounds(query)

    def matches(message: Message) -> bool:
        at = message.sent or message.created
        return (
            to in (None, message.to)
            and sender in (None, message.sender)
            and (earliest is None or at >= earliest)
            and (latest is None or at <= latest)
        )

    return matches


def _bounds(query: Query) -> tuple[datetime | None, datetime | None]:
    """The range of DateSent, both ends in it."""
    earliest = _moment(query.get("DateSent>"))
    latest = _moment(query.get("DateSent<"))
    on = _moment(query.get("DateSent"))
    if on is None:
        return earliest, latest
    return on, on + timedelta(days=1, microseconds=-1) if len(query["DateSent"]) == 10 else on


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise TwilioError(20001, f"{text} is not a date: use YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def listed(
    key: str,
    path: str,
    query: Query,
    items: Iterable[Item],
    sid: Callable[[Item], str],
    described: Callable[[Item], Json],
) -> Json:
    """One page of a list under `key`."""
    page = Page.of(query)
    found, more = _part(page, items, sid)
    start = page.number * page.size
    shown = [described(item) for item in found]
    following = _uri(path, query, page.size, page.number + 1, f"PA{sid(found[-1])}") if more else None
    before = _uri(path, query, page.size, page.number - 1, page.token) if page.number else None
    return {
        key: shown,
        "page": page.number,
        "page_size": page.size,
        "start": start,
        "end": start + max(len(shown) - 1, 0),
        "uri": _uri(path, query, page.size, page.number, page.token),
        "first_page_uri": _uri(path, query, page.size, 0, ""),
        "next_page_uri": following,
        "previous_page_uri": before,
    }


def listed_with_meta(
    key: str,
    url: str,
    query: Query,
    items: Iterable[Item],
    sid: Callable[[Item], str],
    described: Callable[[Item], Json],
) -> Json:
    """One page of a list of the younger APIs, which tell of pages under `meta` and by whole URLs."""
    page = Page.of(query)
    found, more = _part(page, items, sid)
    following = _uri(url, query, page.size, page.number + 1, f"PA{sid(found[-1])}") if more else None
    return {
        key: [described(item) for item in found],
        "meta": {
            "key": key,
            "page": page.number,
            "page_size": page.size,
            "url": _uri(url, query, page.size, page.number, page.token),
            "first_page_url": _uri(url, query, page.size, 0, ""),
            "next_page_url": following,
            "previous_page_url": None,
        },
    }


def _part(page: Page, items: Iterable[Item], sid: Callable[[Item], str]) -> tuple[Sequence[Item], bool]:
    rest = iter(items)
    if page.token:
        for item in rest:
            if f"PA{sid(item)}" == page.token:
                break
    found: list[Item] = []
    for item in rest:
        if len(found) == page.size:
            return found, True
        found.append(item)
    return found, False


def _uri(path: str, query: Query, size: int, number: int, token: str) -> str:
    kept = {name: value for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")}
    asked = {**kept, "PageSize": size, "Page": number} | ({"PageToken": token} if token else {})
    return f"{path}?{urlencode(asked)}"
