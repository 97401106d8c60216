"""Our parts as Slack's blocks: literal, whole, and within what Slack takes."""

from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Choice, File, Link, Paragraph, Steps
from omnibot.sandbox.slack.blocks import faults_of, text_of
from omnibot_slack.blocks import to_blocks, to_fallback


def rich(*parts):
    [block] = to_blocks(parts)
    assert block["type"] == "rich_text"
    return block["elements"]


def section(*elements):
    return {"type": "rich_text_section", "elements": list(elements)}


def text(words):
    return {"type": "text", "text": words}


def test_what_somebody_wrote_is_one_literal_text():
    hostile = "<!channel> <@U1> <https://evil|bank.com> *bold* _it_ ~no~ `code` &amp; :wave:\n> quote"
    assert rich(Paragraph(hostile.replace("https://", "")))[0] == section(text(hostile.replace("https://", "")))
    assert text_of(to_blocks([Paragraph(hostile)]), str) == hostile


def test_an_address_in_a_text_can_be_followed():
    assert rich(Paragraph("see https://example.org/a, or (http://example.org).")) == [
        section(
            text("see "),
            {"type": "link", "url": "https://example.org/a"},
            text(", or ("),
            {"type": "link", "url": "http://example.org"},
            text(")."),
        )
    ]


def test_a_blank_line_parts_the_parts():
    link = {"type": "link", "url": "https://example.org", "text": "The <handbook>"}
    assert rich(Paragraph("One."), Link("The <handbook>", "https://example.org"), Paragraph("Two.")) == [
        section(text("One."), text("\n\n"), link, text("\n\n"), text("Two."))
    ]


def test_a_link_that_slack_cannot_open_is_written_out():
    assert rich(Link("Call", "callto:ada")) == [section(text("Call: callto:ada"))]
    assert rich(Link("", "https://example.org")) == [section({"type": "link", "url": "https://example.org"})]


def test_steps_are_a_numbered_list():
    items = {"type": "rich_text_list", "style": "ordered", "elements": [section(text("Open.")), section(text("Save."))]}
    assert rich(Steps(("Open.", "", "Save."))) == [items]
    assert rich(Paragraph("Do:"), Steps(("Open.", "Save.")), Paragraph("Done.")) == [
        section(text("Do:"), text("\n")),
        items,
        section(text("\n"), text("Done.")),
    ]


def test_two_lists_are_two():
    assert [element["type"] for element in rich(Steps(("a",)), Steps(("b",)))] == ["rich_text_list", "rich_text_list"]


def test_choices_are_buttons_below():
    blocks = to_blocks([Paragraph("Which?"), Choice("Yes & <no>", "yes"), Choice("x" * 76, "no")])
    assert [block["type"] for block in blocks] == ["rich_text", "actions"]
    assert [(one["text"]["text"], one["value"]) for one in blocks[1]["elements"]] == [
        ("Yes & <no>", "yes"),
        ("x" * 74 + "…", "no"),
    ]
    assert len({one["action_id"] for one in blocks[1]["elements"]}) == 2


def test_the_fallback_is_escaped_mrkdwn():
    parts = [Paragraph("a <b> & c"), Steps(("one", "two")), Link("here", "https://example.org"), Choice("Yes", "y")]
    assert to_fallback(parts) == "a &lt;b&gt; &amp; c\n\n1. one\n2. two\n\nhere: https://example.org"
    assert to_fallback([Choice("Yes", "y"), Choice("No", "n")]) == "Yes, No"


words = st.text(min_size=1, max_size=1000)
parts = st.lists(
    st.one_of(
        st.builds(Paragraph, words),
        st.builds(Steps, st.lists(words, min_size=1, max_size=3).map(tuple)),
        st.builds(Link, words, st.sampled_from(["https://example.org/?a=1&b=2", "javascript:alert(1)"])),
        st.just(File("bill.pdf", "application/pdf", 1, "ref")),
    ),
    max_size=5,
)
choices = st.lists(
    st.builds(Choice, st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=2000)), max_size=25
)


@given(parts, choices)
def test_slack_takes_whatever_is_said(said, offered):
    assert faults_of(to_blocks([*said, *offered])) == []


@given(st.text(min_size=1).filter(str.strip))
def test_what_is_seen_is_what_was_said(said):
    assert text_of(to_blocks([Paragraph(said)]), str) == said
