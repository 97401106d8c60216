"""HTML of a mail into plain text. Nothing is run, nothing is fetched: what a browser would do does not happen."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from omnibot_email.mime import TooComplex

MAX_HTML = 500_000  # characters that are looked at
# The parser may walk up all open elements at every tag: the sum of that over a mail. A newsletter of 20,000 tags stays
# below 2 million; at 10 million the parser takes a quarter of a second, and mail that is built for it takes minutes.
MAX_WORK = 10_000_000
_MAX_QUOTES = 5  # marks before a line, however often it is quoted: each line would carry them all


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# these never hold anything, or are closed by whatever follows
_NOT_NESTING = _tags("area base br col dd dt embed hr img input li link meta option p param source td th tr track wbr")
_SILENT = _tags("head script style title template noscript object iframe svg math textarea select")
_PARAGRAPHS = _tags("p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr")
_LINES = _tags("div li tr dt dd section article header footer address center form body")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_FOLLOWED = ("http://", "https://", "mailto:", "tel:")


def text_of_html(html: str) -> str:
    """The readable text: blocks as lines, lists with dashes, links behind their label, quotations after `> `.

    Raises TooComplex for nesting that no mail program writes.
    """
    html = html[:MAX_HTML]
    if _work(html) > MAX_WORK:
        raise TooComplex("HTML nested too deeply")
    body = LexborHTMLParser(html).body
    writer = _Writer()
    if body is not None:
        writer.write(body)
    return writer.text()


def _work(html: str) -> int:
    """How many open elements the parser may look at, all tags together, without parsing them."""
    depth = work = 0
    for tag in _TAG.finditer(html):
        work += depth
        if tag[2].casefold() not in _NOT_NESTING:
            depth = max(0, depth - 1) if tag[1] else depth + 1
    return work


class _Writer:
    """Writes a tree down as lines, without recursion."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = ""
        self._bullet = ""  # what the next line begins with
        self._quotes = 0
        self._verbatim = 0
        self._lists: list[int | None] = []  # the next number of every open list; None: dashes

    def write(self, root: LexborNode) -> None:
        """Write an element and all that it holds."""
        waiting = [(root, False)]
        while waiting:
            node, is_written = waiting.pop()
            if is_written:
                self._leave(node)
            elif self._enter(node):
                waiting.append((node, True))
                waiting.extend((child, False) for child in reversed(list(node.iter(include_text=True))))

    def text(self) -> str:
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def _enter(self, node: LexborNode) -> bool:
        """Write what stands before an element's content; False where its content is not for readers."""
        if node.is_text_node:
            self._write_text(node.text_content or "")
            return False
        tag = node.tag or ""
        if tag in _SILENT or not node.is_element_node:
            return False
        if tag in _PARAGRAPHS:
            self._end_paragraph()
        elif tag in _LINES:
            self._end_line_if_begun()
        match tag:
            case "br":
                self._end_line()
            case "td" | "th":
                self._line += " " if self._line and not self._line.endswith(" ") else ""
            case "img":
                self._write_text(node.attributes.get("alt") or "")
            case "blockquote":
                self._quotes += 1
            case "pre":
                self._verbatim += 1
            case "ul":
                self._lists.append(None)
            case "ol":
                self._lists.append(1)
            case "li":
                self._bullet = self._next_bullet()
        return True

    def _leave(self, node: LexborNode) -> None:
        """Write what stands behind an element's content."""
        tag = node.tag or ""
        if tag in _PARAGRAPHS:
            self._end_line_if_begun()
        match tag:
            case "a":
                self._write_address(node.attributes.get("href") or "")
            case "blockquote":
                self._quotes -= 1
            case "pre":
                self._verbatim -= 1
            case "ul" | "ol":
                self._lists.pop()
        if tag in _PARAGRAPHS:
            self._end_paragraph()
        elif tag in _LINES:
            self._end_line_if_begun()

    def _next_bullet(self) -> str:
        if not self._lists or self._lists[-1] is None:
            return "- "
        number = self._lists[-1]
        self._lists[-1] = number + 1
        return f"{number}. "

    def _write_text(self, text: str) -> None:
        if self._verbatim:
            first, *others = text.split("\n")
            self._line += first
            for line in others:
                self._end_line()
                self._line = line
            return
        text = _SPACE.sub(" ", text)
        self._line += text.lstrip(" ") if not self._line or self._line.endswith(" ") else text

    def _write_address(self, address: str) -> None:
        address = "".join(address.split())
        shown = address.removeprefix("mailto:").removeprefix("tel:")
        if address.casefold().startswith(_FOLLOWED) and shown not in self._line:
            self._line += f" ({shown})"

    def _marks(self) -> str:
        return "> " * min(self._quotes, _MAX_QUOTES)

    def _end_line(self) -> None:
        self._lines.append(self._marks() + self._bullet + self._line.rstrip())
        self._line = self._bullet = ""

    def _end_line_if_begun(self) -> None:
        if self._line.strip(" "):  # a no-break space alone is a blank line that somebody meant
            self._end_line()

    def _end_paragraph(self) -> None:
        self._end_line_if_begun()
        if not self._lines or self._bullet:
            return
        blank = self._marks().rstrip()
        if self._lines[-1].strip("> "):
            self._lines.append(blank)
        else:
            self._lines[-1] = blank
