"""One page of ours as HTML: plain, without scripts, legible in light and dark, on a telephone and beside a keyboard."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from aiohttp import web

LANGUAGES = ("en", "es", "de", "fr")  # the first stands in for those that we do not write

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #f3f4f6; --card: #ffffff; --text: #111827; --quiet: #4b5563; --line: #d1d5db;
  --action: #1d4ed8; --on-action: #ffffff; --ring: #1d4ed8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141b; --card: #1a212b; --text: #f3f4f6; --quiet: #b6bfcb; --line: #3a4452;
    --action: #8ab4ff; --on-action: #0b1526; --ring: #b9d2ff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center;
  padding: 1.5rem 1rem; background: var(--page); color: var(--text);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main {
  width: 100%; max-width: 27rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
  padding: 2rem 1.75rem;
}
.company { margin: 0 0 1.25rem; color: var(--quiet); font-weight: 600; overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
form, .ways { margin: 1.5rem 0 0; display: grid; gap: .75rem; }
button, .way {
  display: block; width: 100%; min-height: 3rem; padding: .7rem 1rem; border: 2px solid var(--action);
  border-radius: .75rem; background: var(--action); color: var(--on-action); font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer;
}
button.other, .way.other { background: transparent; color: var(--action); border-color: var(--line); }
button:hover, .way:hover { border-color: var(--text); }
:focus-visible { outline: 3px solid var(--ring); outline-offset: 3px; }
.code {
  display: block; margin: 1rem 0; padding: .9rem 1rem; border: 1px dashed var(--quiet); border-radius: .75rem;
  font: 600 1.0625rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere;
  user-select: all; -webkit-user-select: all;
}
.note { margin: 1.5rem 0 0; color: var(--quiet); font-size: .9375rem; }
@media (max-width: 30rem) { main { padding: 1.5rem 1.25rem; } }
"""


@dataclass(frozen=True, slots=True)
class Button:
    """A way on: a button of the page's form, or an address to go to."""

    label: str
    value: str = ""  # what the form then says about `way`
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says, in one language. The first button is the likeliest."""

    language: str
    company: str
    title: str
    paragraphs: Sequence[str]
    code: str = ""  # to be copied
    action: str = ""  # where the form goes
    hidden: Mapping[str, str] | None = None
    buttons: Sequence[Button] = ()
    note: str = ""

    def response(self, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        """The page as an answer that nobody keeps, embeds or reads along."""
        return web.Response(
            text=self._html(),
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers={**_headers(), "Content-Language": self.language, **(headers or {})},
        )

    def _html(self) -> str:
        said = "".join(f"<p>{escape(text)}</p>\n" for text in self.paragraphs)
        code = f'<code class="code">{escape(self.code)}</code>\n' if self.code else ""
        note = f'<p class="note">{escape(self.note)}</p>\n' if self.note else ""
        return (
            f'<!doctype html>\n<html lang="{escape(self.language)}">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="robots" content="noindex, nofollow">\n<meta name="format-detection" content="telephone=no">\n'
            f"<title>{escape(self.title)} · {escape(self.company)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f'<main>\n<p class="company">{escape(self.company)}</p>\n<h1>{escape(self.title)}</h1>\n'
            f"{said}{code}{self._ways()}{note}</main>\n</body>\n</html>\n"
        )

    def _ways(self) -> str:
        if not self.buttons:
            return ""
        if not self.action:
            links = "".join(
                f'<a class="way{_rank(place)}" href="{escape(b.href)}" rel="noreferrer">{escape(b.label)}</a>\n'
                for place, b in enumerate(self.buttons)
            )
            return f'<nav class="ways">\n{links}</nav>\n'
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'
            for name, value in (self.hidden or {}).items()
        )
        buttons = "".join(
            f'<button{_rank_of_button(place)} name="way" value="{escape(b.value)}">{escape(b.label)}</button>\n'
            for place, b in enumerate(self.buttons)
        )
        return f'<form method="post" action="{escape(self.action)}">\n{hidden}{buttons}</form>\n'


def _rank(place: int) -> str:
    return " other" if place else ""


def _rank_of_button(place: int) -> str:
    return ' class="other"' if place else ""


@cache
def _headers() -> Mapping[str, str]:
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self' https://t.me;"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Vary": "Accept-Language",
    }


@cache
def words(language: str) -> Mapping[str, Mapping[str, str]]:
    """What the pages say in a language; in English for one that we do not write."""
    if language not in LANGUAGES:
        return words(LANGUAGES[0])
    told: dict[str, dict[str, str]] = tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))
    return told


def spoken(accepted: str, fallback: str) -> str:
    """The language that a browser likes best of those that we write (RFC 9110, 12.5.4)."""
    wanted: list[tuple[float, int, str]] = []
    for place, entry in enumerate(accepted[:500].split(",")):
        name, _, weight = entry.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            wanted.append((-_weight(weight), place, language))
    best = min(wanted, default=(0.0, 0, ""))
    return best[2] if best[0] < 0 else (fallback if fallback in LANGUAGES else LANGUAGES[0])


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
