"""Slack's markup: what typing becomes, and what is seen of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.sandbox.slack.mrkdwn import escape, seen, typed, unescape

NAMES = {"U1": "Ada", "C1": "general", "S1": "support"}


def shown(text: str) -> str:
    return seen(text, lambda id: NAMES.get(id, id))


@pytest.mark.parametrize(
    ("text", "sight"),
    [
        ("*bold* _italic_ ~struck~", "bold italic struck"),
        ("*_both_*", "both"),
        ("(*bold*), *two words*.", "(bold), two words."),
        ("2 * 3 * 4, snake_case_name, a*b*c, * no*", "2 * 3 * 4, snake_case_name, a*b*c, * no*"),
        ("**", "**"),
        ("*over\nlines*", "*over\nlines*"),
        ("`*code*` and ```\n_more_ &lt;\n```", "*code* and \n_more_ <\n"),
        ("&gt; quoted\nnot quoted", "quoted\nnot quoted"),
        ("1 &lt; 2 &amp;&gt; 0 &quot; &amp;lt;", "1 < 2 &> 0 &quot; &lt;"),
        ("<https://e.org/_a_b_|the *page*>", "the *page*"),
        ("*<https://e.org/a|page>* <https://e.org/_x_>", "page https://e.org/_x_"),
        ("<mailto:me@e.org>", "me@e.org"),
        ("<@U1> <@U1|ada> <@U2> <#C1> <#C1|old-name>", "@Ada @Ada @U2 #general #old-name"),
        ("<!here> <!channel|channel> <!subteam^S1> <!subteam^S1|@help>", "@here @channel @support @help"),
        ("<!date^1392734382^{date}|in 2014>", "in 2014"),
        ("&lt;@U1&gt; stays", "<@U1> stays"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
def test_what_is_seen(text, sight):
    assert shown(text) == sight


def test_a_name_cannot_be_more_than_a_name():
    assert seen("<@U1>", lambda _: "<!channel> &amp; *Ada*") == "@<!channel> &amp; *Ada*"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("see https://e.org/a?b=1&c=2, or http://e.org.", "see <https://e.org/a?b=1&amp;c=2>, or <http://e.org>."),
        ("(https://e.org)", "(<https://e.org>)"),
        ("me@example.org", "<mailto:me@example.org|me@example.org>"),
        ("@ada @nobody @channel x@y #general #other", "<@U1> @nobody <!channel> x@y <#C1|general> #other"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),
        ("", ""),
    ],
)
def test_what_typing_becomes(text, sent):
    assert typed(text, {"ada": "U1"}, {"general": "C1"})[0] == sent


@given(st.text())
def test_escaping_can_be_undone(text: str):
    assert unescape(escape(text)) == text


@given(st.text(alphabet=st.sampled_from("ab @#.<>&:/|\n") | st.characters(exclude_characters="*_~`\0>")))
def test_what_is_typed_without_marks_is_seen_as_it_was_typed(text: str):
    if not any(line.startswith(">") for line in text.split("\n")):
        assert shown(typed(text, {}, {})[0]) == text
    assert "".join(element.get("text") or element["url"] for element in typed(text, {}, {})[1]) == text


@given(st.text(alphabet=st.sampled_from("*_~`<>|&;@!# a\n")))
def test_whatever_is_written_can_be_shown(text: str):
    assert "\0" not in shown(text)
