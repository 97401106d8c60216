"""Slack's markup, in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot_slack.mrkdwn import escape, names, words

TYPED = {
    "<@U0BOT> hello": "hello",
    "<@U0BOT|omnibot>: hello": "hello",
    "hello <@U0BOT>": "hello",
    "<@U0BOT> <@U0BOT>, hello": "hello",
    "is <@U0BOT> a machine?": "is @omnibot a machine?",
    "<@U0BOT>": "",
    "&lt;b&gt; &amp;amp; &lt;!channel&gt;": "<b> &amp; <!channel>",
    "ask <@U0BEN> or <@U0EVA|eva>": "ask @U0BEN or @eva",
    "in <#C0HELP|help> and <#C0TEAM>": "in #help and #C0TEAM",
    "<!here> <!channel> <!everyone|everyone>": "@here @channel @everyone",
    "<!subteam^S0TEAM|@support> <!subteam^S0TEAM>": "@support @subteam",
    "<!date^1392734382^{date}|Feb 18>": "Feb 18",
    "<https://example.org/a?b=1&amp;c=2>": "https://example.org/a?b=1&c=2",
    "<https://example.org|example.org>": "example.org",
    "<http://example.org/|example.org>": "example.org",
    "<https://evil.example|bank.com>": "bank.com (https://evil.example)",
    "<mailto:ada@example.org|ada@example.org>": "ada@example.org",
    "<tel:+4930123|+4930123>": "+4930123",
    "a < b and <b>bold</b>": "a < b and <b>bold</b>",
    "*bold* _it_ `code`": "*bold* _it_ `code`",
    "  two\nlines  ": "two\nlines",
}


@pytest.mark.parametrize("text", TYPED)
def test_what_was_typed_is_read(text):
    assert words(text, "U0BOT", "omnibot") == TYPED[text]


@pytest.mark.parametrize("text", ["<@U0BOT> hello", "hello <@U0BOT|omnibot>", "a <@U0BEN> <@U0BOT>!"])
def test_a_mention_names(text):
    assert names(text, "U0BOT")


@pytest.mark.parametrize("text", ["hello", "&lt;@U0BOT&gt;", "<@U0BOT2>", "<#U0BOT>", "@U0BOT", "<@U0BEN>"])
def test_what_looks_like_a_mention_names_nobody(text):
    assert not names(text, "U0BOT")


@given(st.text())
def test_what_is_escaped_is_read_as_it_was(text):
    assert words(f"a{escape(text)}b", "U0BOT", "omnibot") == f"a{text}b"


@given(st.text(alphabet="<>&@!#|UBOT0:/ "))
def test_what_is_escaped_names_and_links_nothing(text):
    assert not {"<", ">"} & set(escape(text))
    assert not names(escape(text), "U0BOT")


@given(st.text(alphabet="<>&@!#|UBOT0:/ \n"))
def test_anything_can_be_read(text):
    words(text, "U0BOT", "omnibot")
