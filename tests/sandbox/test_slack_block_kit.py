"""Blocks as Slack checks them: the words are Slack's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.sandbox.slack import blocks


def plain(text: str, **fields) -> dict:
    return {"type": "plain_text", "text": text, **fields}


def mrkdwn(text: str, **fields) -> dict:
    return {"type": "mrkdwn", "text": text, **fields}


def button(**fields) -> dict:
    return {"type": "button", "text": plain("Yes"), **fields}


def actions(*elements: object) -> dict:
    return {"type": "actions", "elements": list(elements)}


def rich(*elements: object) -> dict:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


INLINE = "/blocks/0/elements/0/elements/0"
OPTION = {"text": plain("x"), "value": "x"}
GOOD = [
    {"type": "section", "text": mrkdwn("x" * 3000, verbatim=True), "fields": [plain("y", emoji=True)] * 10},
    {"type": "section", "block_id": "mine", "text": plain("x"), "accessory": button(url="https://e.org")},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("x"), {"type": "image", "image_url": "https://e.org/x", "alt_text": "x"}]},
    {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "x", "title": plain("y")},
    {"type": "input", "label": plain("x"), "element": {"type": "plain_text_input", "max_length": 5}, "optional": True},
    {"type": "markdown", "text": "# x"},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
    rich(
        {"type": "date", "timestamp": 1, "format": "{date_short_pretty} {time}", "fallback": "then"},
        {"type": "user", "user_id": "U1", "style": {"bold": True}},
        {"type": "emoji", "name": "eyes", "unicode": "1f440"},
        {"type": "broadcast", "range": "here"},
    ),
    {"type": "table", "rows": []},
    actions(
        button(action_id="a", value="v" * 2000, style="primary", confirm={
            "title": plain("x"), "text": mrkdwn("x"), "confirm": plain("x"), "deny": plain("x"),
        }),
        {"type": "static_select", "options": [OPTION], "placeholder": plain("x")},
        {"type": "overflow", "options": [OPTION | {"url": "https://e.org"}] * 5},
        {"type": "multi_users_select", "max_selected_items": 3},
        {"type": "radio_buttons", "options": [OPTION], "initial_option": OPTION},
        {"type": "datepicker", "initial_date": "2026-01-01"},
    ),
]  # fmt: skip


def test_what_slack_shows_is_taken():
    assert blocks.faults_of(GOOD) == []
    assert blocks.faults_of([{"type": "divider"}] * 50) == []
    assert blocks.faults_of([{"type": "divider"}] * 100, view=True) == []


@pytest.mark.parametrize(
    ("block", "faults"),
    [
        (7, ["must provide an object [json-pointer:/blocks/0]"]),
        ({}, ["missing required field: type [json-pointer:/blocks/0]"]),
        ({"type": "pigeon"}, ["unsupported type: pigeon [json-pointer:/blocks/0/type]"]),
        ({"type": ["section"]}, ["unsupported type: ['section'] [json-pointer:/blocks/0/type]"]),
        ({"type": "divider", "colour": 1}, ["invalid additional property: colour [json-pointer:/blocks/0]"]),
        (
            {"type": "divider", "block_id": "x" * 256},
            ["must be less than 256 characters [json-pointer:/blocks/0/block_id]"],
        ),
        ({"type": "section"}, ["missing required field: text [json-pointer:/blocks/0]"]),
        ({"type": "section", "text": "x"}, ["must provide an object [json-pointer:/blocks/0/text]"]),
        ({"type": "section", "text": {"type": "html"}}, ["unsupported type: html [json-pointer:/blocks/0/text/type]"]),
        (
            {"type": "section", "text": mrkdwn("x", emoji=True)},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "invalid additional property: emoji [json-pointer:/blocks/0/text]",
            ],
        ),
        (
            {"type": "section", "text": plain("")},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
            ],
        ),
        (
            {"type": "section", "text": {"type": "mrkdwn", "text": 7}},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "must provide a string [json-pointer:/blocks/0/text/text]",
            ],
        ),
        ({"type": "section", "fields": []}, ["no fewer than 1 items allowed [json-pointer:/blocks/0/fields]"]),
        (
            {"type": "section", "fields": [mrkdwn("x")] * 11},
            ["no more than 10 items allowed [json-pointer:/blocks/0/fields]"],
        ),
        (
            {"type": "section", "text": plain("x"), "expand": "yes"},
            ["must provide a boolean [json-pointer:/blocks/0/expand]"],
        ),
        ({"type": "header", "text": mrkdwn("x")}, ["must be a valid enum value [json-pointer:/blocks/0/text/type]"]),
        ({"type": "context", "elements": {}}, ["must provide an array [json-pointer:/blocks/0/elements]"]),
        ({"type": "image", "image_url": "e.org", "alt_text": "x"}, ["Invalid URL [json-pointer:/blocks/0/image_url]"]),
        ({"type": "markdown"}, ["missing required field: text [json-pointer:/blocks/0]"]),
        (
            {"type": "rich_text", "elements": [7, {"elements": []}]},
            [
                "must provide an object [json-pointer:/blocks/0/elements/0]",
                "missing required field: type [json-pointer:/blocks/0/elements/1]",
            ],
        ),
        ({"type": "rich_text", "elements": []}, ["no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"]),
        (
            {"type": "rich_text", "elements": [{"type": "text", "text": "x"}]},
            ["unsupported type: text [json-pointer:/blocks/0/elements/0/type]"],
        ),
        (rich({"type": "text", "text": ""}), [f"must be more than 0 characters [json-pointer:{INLINE}/text]"]),
        (
            rich({"type": "text", "text": "x", "style": {"loud": True, "bold": 1}}),
            [
                f"invalid additional property: loud [json-pointer:{INLINE}/style]",
                f"must provide a boolean [json-pointer:{INLINE}/style/bold]",
            ],
        ),
        (rich({"type": "link", "url": "e.org"}), [f"Invalid URL [json-pointer:{INLINE}/url]"]),
        (
            rich({"type": "date", "timestamp": "1", "format": "then"}),
            [
                f"must provide a number [json-pointer:{INLINE}/timestamp]",
                f"must have a place for a date or a time [json-pointer:{INLINE}/format]",
            ],
        ),
        (
            rich({"type": "rich_text_section", "elements": []}),
            [f"unsupported type: rich_text_section [json-pointer:{INLINE}/type]"],
        ),
        (
            {"type": "rich_text", "elements": [{"type": "rich_text_list", "elements": []}]},
            ["missing required field: style [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_list",
                        "style": "bullet",
                        "elements": [{"type": "rich_text_quote", "elements": []}],
                    }
                ],
            },
            ["unsupported type: rich_text_quote [json-pointer:/blocks/0/elements/0/elements/0/type]"],
        ),
        (
            {"type": "input", "label": plain("x"), "element": button()},
            ["unsupported type: button [json-pointer:/blocks/0/element/type]"],
        ),
        (actions(*[button()] * 26), ["no more than 25 items allowed [json-pointer:/blocks/0/elements]"]),
        (
            actions({"type": "static_select", "options": [OPTION], "initial_option": {**OPTION, "value": "y"}}),
            ["must be one of the options [json-pointer:/blocks/0/elements/0/initial_option]"],
        ),
        (
            actions(button(text=plain("x" * 76))),
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/elements/0/text]",
                "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
            ],
        ),
        (
            actions(button(value="x" * 2001, style="loud", url="https://" + "x" * 3000)),
            [
                "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
                "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
                "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]",
            ],
        ),
        (
            actions(button(confirm="sure?")),
            ["must provide an object [json-pointer:/blocks/0/elements/0/confirm]"],
        ),
        (
            actions(button(action_id="a"), button(action_id="a")),
            ['`action_id` "a" already exists [json-pointer:/blocks/0/elements/1/action_id]'],
        ),
        (
            actions(button(action_id=7)),
            ["must provide a string [json-pointer:/blocks/0/elements/0/action_id]"],
        ),
        (
            actions(button(action_id="x" * 256)),
            ["must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"],
        ),
        (
            {"type": "section", "text": mrkdwn("x" * 3001)},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
            ],
        ),
        (
            {"type": "header", "text": plain("x" * 151)},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
            ],
        ),
        (
            actions({"type": "static_select"}),
            ["missing required field: options [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            actions({"type": "static_select", "options": [OPTION] * 101}),
            ["no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]"],
        ),
        (
            actions({"type": "static_select", "options": [OPTION | {"text": plain("x" * 76)}]}),
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/elements/0/options/0/text]",
                "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
            ],
        ),
        (
            actions(
                {
                    "type": "static_select",
                    "options": [OPTION],
                    "option_groups": [{"label": OPTION["text"], "options": [OPTION]}],
                }
            ),
            ["only one of options and option_groups can be given [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            actions({"type": "external_select", "options": [OPTION]}),
            ["invalid additional property: options [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            actions({"type": "users_select", "initial_channel": "C1"}),
            ["invalid additional property: initial_channel [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            actions({"type": "conversations_select", "filter": {"include": ["secret"]}}),
            ["must be a valid enum value [json-pointer:/blocks/0/elements/0/filter/include/0]"],
        ),
        (
            actions({"type": "overflow", "options": [OPTION] * 6}),
            ["no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]"],
        ),
        (
            actions({"type": "radio_buttons", "options": [OPTION] * 11}),
            ["no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]"],
        ),
        (
            {"type": "input", "label": plain("x"), "element": {"type": "number_input", "min_value": 3}},
            [
                "missing required field: is_decimal_allowed [json-pointer:/blocks/0/element]",
                "must provide a number as a string [json-pointer:/blocks/0/element/min_value]",
            ],
        ),
        (
            {
                "type": "input",
                "label": plain("x"),
                "element": {"type": "plain_text_input", "initial_value": "x" * 3001},
            },
            ["must be less than 3001 characters [json-pointer:/blocks/0/element/initial_value]"],
        ),
        (
            {"type": "input", "label": plain("x"), "element": {"type": "email_text_input", "multiline": True}},
            ["invalid additional property: multiline [json-pointer:/blocks/0/element]"],
        ),
        (
            actions({"type": "multi_users_select", "max_selected_items": "3"}),
            ["must provide a number [json-pointer:/blocks/0/elements/0/max_selected_items]"],
        ),
    ],
)
def test_what_slack_would_not_show_is_told(block, faults):
    assert blocks.faults_of([block]) == faults


def test_two_blocks_may_have_the_same_actions():
    assert blocks.faults_of([actions(button(action_id="open")), actions(button(action_id="open"))]) == []


def test_there_is_an_end_to_blocks():
    assert blocks.faults_of([{"type": "divider"}] * 51) == ["no more than 50 items allowed [json-pointer:/blocks]"]
    twice = [{"type": "divider", "block_id": "x"}] * 2
    assert blocks.faults_of(twice) == ['`block_id` "x" already exists [json-pointer:/blocks/1/block_id]']
    assert blocks.faults_of({}) == ["must provide an array [json-pointer:/blocks]"]


def names(id: str) -> str:
    return {"U1": "Ada", "C1": "general"}.get(id, id)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "section", "text": mrkdwn("*a* &lt;"), "fields": [plain("b &amp;"), mrkdwn("_c_")]}, "a <\nb &\nc"),
        ({"type": "header", "text": plain("*a*")}, "*a*"),
        ({"type": "divider"}, ""),
        ({"type": "context", "elements": [mrkdwn("*a*"), {"type": "image", "alt_text": "x"}, plain("b")]}, "a b"),
        ({"type": "image", "alt_text": "a map", "title": plain("Map")}, "Map"),
        ({"type": "image", "alt_text": "a map"}, "a map"),
        ({"type": "input", "label": plain("Name"), "element": {"type": "plain_text_input"}}, "Name"),
        ({"type": "markdown", "text": "**a**"}, "**a**"),
        (
            {"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [
                    {"type": "text", "text": "a "}, {"type": "link", "url": "https://e.org"},
                    {"type": "link", "url": "https://e.org", "text": " b "}, {"type": "user", "user_id": "U1"},
                    {"type": "channel", "channel_id": "C1"}, {"type": "broadcast", "range": "here"},
                    {"type": "emoji", "name": "eyes"},
                ]},
                {"type": "rich_text_list", "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "two"}]},
                ]},
            ]},
            "a https://e.org b: https://e.org@Ada#general@here:eyes:\n• one\n• two",
        ),
        (
            {"type": "rich_text", "elements": [
                {"type": "rich_text_list", "style": "ordered", "offset": 1, "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "Open it."}]},
                    {"type": "rich_text_section", "elements": [
                        {"type": "link", "url": "https://e.org", "text": "https://e.org"},
                        {"type": "link", "url": "mailto:a@e.org", "text": "a@e.org"},
                    ]},
                ]},
            ]},
            "2. Open it.\n3. https://e.orga@e.org",
        ),
    ],
)  # fmt: skip
def test_what_is_seen_of_blocks(block, text):
    assert blocks.text_of([block], names) == text


def test_only_what_can_be_pressed_is_a_choice():
    numbers = iter("123456789")
    kept = blocks.with_ids(
        [
            {"type": "section", "text": plain("x"), "accessory": {"type": "image", "image_url": "x", "alt_text": "x"}},
            {"type": "section", "text": plain("x"), "accessory": button(text=plain("a &amp; b"))},
            actions({"type": "overflow", "options": [OPTION]}, {"type": "datepicker"}),
            {"type": "divider"},
        ],
        lambda: next(numbers),
    )
    assert [choice.label for choice in blocks.choices_of(kept)] == ["a & b", "x"]
    assert len({block["block_id"] for block in kept}) == 4


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "elements", "fields", "accessory", "block_id", "label", "element", "title"]
            ),
            inner
            | st.sampled_from(
                ["section", "actions", "context", "header", "rich_text", "plain_text", "mrkdwn", "button"]
            ),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(values)
def test_whatever_comes_is_judged_and_what_is_good_can_be_shown(value: object):
    if not blocks.faults_of(value):
        kept = blocks.with_ids(value, lambda: "x")
        assert isinstance(blocks.text_of(kept, names), str)
        assert all(choice.block_id for choice in blocks.choices_of(kept))
        assert blocks.length_of(kept) >= 0
