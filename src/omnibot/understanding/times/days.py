"""What day or days some pieces name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from omnibot.model.values import frozen
from omnibot.understanding.times.lexing import Piece
from omnibot.understanding.times.moments import DAY, Moments, easter, month_days
from omnibot.understanding.times.words import Vocabulary

__all__ = ["PARTS", "Days", "days"]

PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "noon": (12, 12)}
_DATES = ("iso", "date", "md", "dec")
_STEPS = {"next": 1, "coming": 1, "qv": 1, "last": -1, "past": -1, "this": 0}
_QUARTERS = {"q1": 1, "q2": 4, "q3": 7, "q4": 10}
_FLOATING = {
    "thanksgiving": (11, 3, 4),
    "labor": (9, 0, 1),
    "memorial": (5, 0, 5),
    "mothers": (5, 6, 2),
}  # month, day, nth


@frozen
class Days:
    """A day, or the first and last of several, and the part of the day if one is named."""

    first: date
    last: date
    part: str | None = None
    closing: bool = False  # what is due by then is due when the company closes
    whole: bool = False  # named by all its figures or words: no other day can be meant
    clock: tuple[int, int] | None = None  # that stands in the date itself


def days(found: Sequence[Piece], moments: Moments, vocabulary: Vocabulary, *, back: bool) -> Days:
    """The days that some pieces name; ValueError or OverflowError where the calendar has none such."""
    kinds = {piece.kind: piece for piece in reversed(found)}
    part = _part(found)
    for name in ("end", "middle", "start"):
        if name in kinds:
            place = found.index(kinds[name])
            return _edge(name, found[place + 1 :], moments, vocabulary, back=back)
    if "edge" in kinds:
        return _named_edge(kinds["edge"].value, moments)
    for kind in _DATES:
        if kind in kinds:
            return _figures(kinds[kind], part, moments, vocabulary, back=back)
    if "month" in kinds:
        return _month(found, kinds, part, moments, back=back)
    if "ord" in kinds or ("num" in kinds and not {"week_number"} & kinds.keys()):
        number = (kinds.get("ord") or kinds["num"]).value
        if {"next", "last"} & kinds.keys():
            month = moments.shifted(moments.today.replace(day=1), "month", _step(kinds))
            return _single(month.replace(day=number), part)
        return _single(moments.day_of_month(number, back=back), part)
    for kind in ("weekday", "short", "dayparts"):
        if kind in kinds:
            return _weekday(kinds[kind], kinds, part, moments, back=back)
    return _period(found, kinds, part, moments, back=back)


def _single(day: date, part: str | None = None, *, whole: bool = False) -> Days:
    return Days(day, day, part, whole=whole)


def _part(found: Sequence[Piece]) -> str | None:
    """The part of the day; `mañana` and `morgen` are one behind something else alone."""
    for place, piece in enumerate(found):
        if piece.kind == "part":
            return str(piece.value)
        if piece.kind == "manana" and place and found[place - 1].kind not in ("det", "end"):
            return "morning"
        if piece.kind == "manana" and place > 1:
            return "morning"
        if piece.kind in ("day", "dayparts") and piece.value and not isinstance(piece.value, str):
            return str(piece.value[1])
        if piece.kind == "day" and piece.value[-1:].isalpha() and piece.value.split()[1] in PARTS:
            return str(piece.value.split()[1])
    return None


def _figures(piece: Piece, part: str | None, moments: Moments, vocabulary: Vocabulary, *, back: bool) -> Days:
    if piece.kind == "iso":
        year, month, day, clock = piece.value
        found = date(year, month, day)
        return Days(found, found, part, whole=True, clock=clock)
    first, second, sign, year = piece.value
    zone = str(getattr(moments.zone, "key", ""))
    month_first = sign in "/-" and zone.startswith(vocabulary.american or ("-",))
    day, month = (second, first) if month_first else (first, second)
    if month > 12 and sign != ".":
        day, month = month, day
    if year is None:
        return _single(moments.day_of_year(month, day, back=back), part)
    return _single(date(year, month, day), part, whole=True)


def _month(found: Sequence[Piece], kinds: dict[str, Piece], part: str | None, moments: Moments, *, back: bool) -> Days:
    month = kinds["month"].value
    numbers = [piece.value for piece in found if piece.kind in ("ord", "num", "nth")]
    year = kinds["year"].value if "year" in kinds else None
    if not numbers:
        return _whole_month(month, year, moments, back=back)
    ahead = [piece for piece in found if piece.kind in ("month", "ord", "num", "nth")]
    second = numbers[1] if len(numbers) > 1 and ahead[0].kind != "month" and ahead[1].kind != "month" else numbers[0]
    if year is not None:
        return Days(date(year, month, numbers[0]), date(year, month, second), part, whole=True)
    first = moments.day_of_year(month, numbers[0], back=back)
    return Days(first, first.replace(day=second) if second > numbers[0] else first, part)


def _whole_month(month: int, year: int | None, moments: Moments, *, back: bool) -> Days:
    if year is None:
        today = moments.today
        year = today.year + (0 if back else 1) if month < today.month else today.year - (1 if back else 0)
        year = today.year if month == today.month else year
        whole = False
    else:
        whole = True
    return Days(date(year, month, 1), date(year, month, month_days(year, month)), whole=whole)


def _weekday(piece: Piece, kinds: dict[str, Piece], part: str | None, moments: Moments, *, back: bool) -> Days:
    weekday = piece.value[0] if piece.kind == "dayparts" else piece.value
    if "this" in kinds:
        day = moments.monday() + DAY * weekday
    elif "next" in kinds:
        day = moments.monday(1) + DAY * weekday
    elif {"last", "past"} & kinds.keys():
        day = moments.weekday(weekday, back=True)
    elif {"coming", "qv"} & kinds.keys():
        day = moments.weekday(weekday, back=False)
    else:
        day = moments.weekday(weekday, back=back)
    if "unit" in kinds and kinds["unit"].value in ("week", "fortnight"):  # Tuesday week
        day = moments.shifted(day, kinds["unit"].value, 1)
    return _single(day, part)


def _step(kinds: dict[str, Piece]) -> int:
    return next((step for kind, step in _STEPS.items() if kind in kinds), 0)


def _period(found: Sequence[Piece], kinds: dict[str, Piece], part: str | None, moments: Moments, *, back: bool) -> Days:
    if "day" in kinds:
        return _near(str(kinds["day"].value), part, moments)
    if "manana" in kinds and "this" not in kinds and part is None:
        return _single(moments.today + DAY)
    if "manana" in kinds and found[0].kind in ("manana", "det"):
        return _single(moments.today + DAY, part)
    if "holiday" in kinds:
        return _single(_holiday(kinds["holiday"].value, moments, back=back))
    if "weekend" in kinds:
        return _weekend(kinds, moments, back=back)
    if "week_number" in kinds:
        return _week(kinds["num"].value, moments, back=back)
    if "year" in kinds:
        year = kinds["year"].value
        return Days(date(year, 1, 1), date(year, 12, 31), whole=True)
    if "unit" in kinds or "quarter" in kinds:
        unit = str(kinds["unit"].value) if "unit" in kinds else "quarter"
        return _unit(unit, _step(kinds), moments)
    today = moments.today + DAY * _step(kinds)
    if part and "this" not in kinds and not _step(kinds):  # in the morning
        begun = not moments.is_ahead(moments.at(today, PARTS[part][0]))
        today += DAY * (begun and not back) - DAY * (back and not begun)
    return _single(today, part)


def _near(value: str, part: str | None, moments: Moments) -> Days:
    """`1`, `0 evening`, `-2 week`."""
    number, _, unit = value.partition(" ")
    if unit and unit not in PARTS:
        return _unit(unit, int(number), moments)
    return _single(moments.today + DAY * int(number), part or (unit or None))


def _unit(unit: str, step: int, moments: Moments) -> Days:
    if unit in ("week", "business_week"):
        monday = moments.monday(step)
        last = moments.last_business_day(monday) if unit == "business_week" else monday + DAY * 6
        return Days(monday, last)
    if unit in ("day", "night"):
        return _single(moments.today + DAY * step, "evening" if unit == "night" else None)
    if unit == "year":
        year = moments.today.year + step
        return Days(date(year, 1, 1), date(year, 12, 31))
    if unit in _QUARTERS:
        month = _QUARTERS[unit]
        year = moments.today.year + (month + 2 < moments.today.month)
        return Days(date(year, month, 1), date(year, month + 2, month_days(year, month + 2)))
    length = 3 if unit == "quarter" else 1
    begun = moments.today.replace(month=(moments.today.month - 1) // length * length + 1, day=1)
    first = moments.shifted(begun, "month", step * length)
    return Days(first, moments.shifted(first, "month", length) - DAY)


def _weekend(kinds: dict[str, Piece], moments: Moments, *, back: bool) -> Days:
    saturday = moments.monday() + DAY * 5
    if "next" in kinds:
        saturday += DAY * 7
    elif {"last", "past"} & kinds.keys() or ("this" not in kinds and back and saturday > moments.today):
        saturday -= DAY * 7
    elif "this" not in kinds and not back and saturday < moments.today:
        saturday += DAY * 7
    return Days(saturday, saturday + DAY)


def _week(number: int, moments: Moments, *, back: bool) -> Days:
    year = moments.today.isocalendar().year
    monday = date.fromisocalendar(year, number, 1)
    if not back and monday + DAY * 6 < moments.today:
        monday = date.fromisocalendar(year + 1, number, 1)
    elif back and monday > moments.today:
        monday = date.fromisocalendar(year - 1, number, 1)
    return Days(monday, monday + DAY * 6)


def _holiday(value: str, moments: Moments, *, back: bool) -> date:
    years = range(moments.today.year - 1, moments.today.year + 2)
    found = [_holiday_of(value, year) for year in years]
    if back:
        return max(day for day in found if day <= moments.today)
    return min(day for day in found if day >= moments.today)


def _holiday_of(value: str, year: int) -> date:
    if value in _FLOATING:
        month, weekday, nth = _FLOATING[value]
        first = date(year, month, 1)
        day = first + DAY * ((weekday - first.weekday()) % 7 + 7 * (nth - 1))
        return day if day.month == month else day - DAY * 7
    if value.startswith("easter"):
        return easter(year) + DAY * int(value.split()[1])
    of_month, of_day = value.split("-")
    return date(year, int(of_month), int(of_day))


def _edge(name: str, of: Sequence[Piece], moments: Moments, vocabulary: Vocabulary, *, back: bool) -> Days:
    kinds = {piece.kind: piece for piece in reversed(of)}
    unit = next((str(kinds[kind].value or kind) for kind in ("unit", "quarter", "weekend") if kind in kinds), None)
    if "month" in kinds and not {"ord", "num", "nth"} & kinds.keys():
        year = kinds["year"].value if "year" in kinds else None
        whole = _whole_month(kinds["month"].value, year, moments, back=back)
        unit = "month"
    elif "weekend" in kinds:
        whole = _weekend(kinds, moments, back=back)
    elif unit is not None:
        whole = _unit(unit, _step(kinds), moments)
    else:
        whole = days(of, moments, vocabulary, back=back)
    return _edge_of(name, unit, whole, moments)


def _edge_of(name: str, unit: str | None, whole: Days, moments: Moments) -> Days:
    if name == "start":
        return Days(whole.first, whole.first, whole=whole.whole)
    if name == "middle":
        middle = whole.first + (whole.last - whole.first) // 2
        day = whole.first.replace(day=15) if unit == "month" else middle
        return Days(day, day, whole=whole.whole)
    if unit in ("week", "business_week"):
        friday = moments.last_business_day(whole.first)
        if not moments.is_ahead(moments.closes(friday)) and moments.is_ahead(moments.end(whole.last)):
            return Days(whole.last, whole.last)
        return Days(friday, friday, closing=True)
    closing = unit is None and whole.first == whole.last
    return Days(whole.last, whole.last, closing=closing, whole=whole.whole)


def _named_edge(value: str, moments: Moments) -> Days:
    """`end month`, `end next week`."""
    name, *rest = value.split()
    return _edge_of(name, rest[-1], _unit(rest[-1], 1 if "next" in rest else 0, moments), moments)
