"""Telegram's HTML style: what is shown, which entities it has, and what it says of mistakes."""

import pytest

from omnibot.sandbox.telegram.html import CannotParse, parse_html, utf16_length


def entity(type: str, offset: int, length: int, **more: str) -> dict:
    return {"type": type, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("html", "shown", "entities"),
    [
        ("plain", "plain", []),
        ("1 &lt; 2 &amp;&amp; &quot;x&quot; &gt; &#39;y&#x27;", "1 < 2 && \"x\" > 'y'", []),
        ("&nbsp; &copy &ltx; &#0; &#xD800;", "&nbsp; &copy &ltx; &#0; &#xD800;", []),
        ("AT&T &amp", "AT&T &", []),
        ("<b>a</b> <i>b</i>", "a b", [entity("bold", 0, 1), entity("italic", 2, 1)]),
        ("<b>a<i>b</i></b>", "ab", [entity("bold", 0, 2), entity("italic", 1, 1)]),
        ("<B>loud</B>", "loud", [entity("bold", 0, 4)]),
        ("👍<b>x</b>", "👍x", [entity("bold", 2, 1)]),
        ("<b></b>", "", []),
        ("<b>x</>", "x", [entity("bold", 0, 1)]),
        (
            '<a href="https://e.org/?a=1&amp;b=2">x</a>',
            "x",
            [entity("text_link", 0, 1, url="https://e.org/?a=1&b=2")],
        ),
        ("<a>https://e.org</a>", "https://e.org", [entity("text_link", 0, 13, url="https://e.org")]),
        ('<a href="javascript:x">x</a>', "x", []),
        ('<a href="https://e.org/a>b">x</a>', "x", [entity("text_link", 0, 1, url="https://e.org/a>b")]),
        ("<span class='tg-spoiler'>x</span>", "x", [entity("spoiler", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [entity("blockquote", 0, 1)]),
    ],
)
def test_markup_becomes_entities(html, shown, entities):
    assert parse_html(html) == (shown, entities)


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("ü <3", "Unclosed start tag at byte offset 3"),
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x>', "Unclosed start tag at byte offset 0"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a ="x">x</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=>x</a>", 'Unclosed attribute value in the tag "a" at byte offset 0'),
    ],
)
def test_a_mistake_is_told_in_telegrams_words(html, complaint):
    with pytest.raises(CannotParse) as error:
        parse_html(html)
    assert str(error.value) == complaint


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("é", 1), ("👍", 2), ("\ud83d", 1)])
def test_lengths_count_utf16_units(text, length):
    assert utf16_length(text) == length
