"""The forms that the API takes."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

Form = Mapping[str, list[str]]


async def read_form(request: web.Request) -> Form:
    """The parameters of a call, each with its values in their order; a body that is no form has none."""
    form: dict[str, list[str]] = {}
    body = (await request.read()).decode("utf-8", "replace")
    if request.content_type == "application/x-www-form-urlencoded":
        for name, value in parse_qsl(body, keep_blank_values=True):
            form.setdefault(name, []).append(value)
    return form


def one(form: Form, name: str) -> str:
    """A parameter's last value; "" where it is not given."""
    return form[name][-1] if name in form else ""


def shown(form: Form) -> dict[str, str | list[str]]:
    """A form as the ledger keeps it."""
    return {name: values[0] if len(values) == 1 else values for name, values in form.items()}
