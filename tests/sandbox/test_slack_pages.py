"""The pages that show the emulated Slack: what is on them, and that nothing that is written becomes markup."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from slack_caller import Caller, caller
from slack_desk import button, card, modal, plain, typed

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import Person, markup

PNG = SentFile("map.png", "image/png", b"\x89PNG and so on")
EVIL = "<script>alert(1)</script> & \"quoted\" 'too'"


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Caller]:
    async with caller() as called:
        yield called


@pytest.fixture
def grace(slack: Caller) -> Person:
    grace = slack.workspace.user("U0GRACE", "Grace Hopper")
    slack.workspace.channel("C0SUPPORT", "support", [grace])
    return grace


class _Text(HTMLParser):
    """What is read on a page, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def parsed(html: str) -> _Text:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return parser


async def page(slack: Caller, path: str) -> str:
    async with slack.client.get(f"{slack.sandbox.url}{path}") as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return await answer.text()


async def read(slack: Caller, path: str) -> str:
    """What is read on a page, on one line."""
    html = parsed((await page(slack, path)).partition("</style>")[2])
    return re.sub(r"\s+", " ", " ".join(html.pieces)).strip()


async def test_a_thread_is_shown_with_its_card_and_answers(slack: Caller, grace: Person):
    blocks = [*card("open"), {"type": "context", "elements": [{"type": "mrkdwn", "text": "Case *17*"}]}]
    ts = (await slack.result("chat.postMessage", channel="C0SUPPORT", text="x", blocks=blocks))["ts"]
    note = grace.write("I look", "support", ts, [PNG])
    grace.edit(note, "I look into it")
    grace.react(note, "eyes")
    shown = await read(slack, f"/slack/threads/C0SUPPORT/{ts}")
    for words in (
        "Thread in #support",
        "sandbox_bot APP",
        "Ada Lovelace open",
        "Answer Resolve Assign to… ▾",
        "Case 17",
        "1 reply",
        "Grace Hopper",
        "(edited)",
        "I look into it",
        "map.png image/png",
        "👀 1",
    ):
        assert words in shown
    html = await page(slack, f"/slack/threads/C0SUPPORT/{ts}")
    assert 'src="data:image/png;base64,' in html
    assert "1 reply" in await read(slack, "/slack/channels/C0SUPPORT")
    assert f'href="/slack/threads/C0SUPPORT/{ts}"' in await page(slack, "/slack/channels/C0SUPPORT")


async def test_a_thread_is_shown_as_somebody_sees_it(slack: Caller, grace: Person):
    ts = grace.write("a question", "support")
    await slack.result("chat.postEphemeral", channel="C0SUPPORT", user=grace.id, thread_ts=ts, text="for you alone")
    grace.shortcut("show", ts)
    id = slack.workspace.triggered(grace)
    view = modal("answer", typed("Words"), close=plain("Back"))
    await slack.result("views.open", trigger_id=id, view=view)
    grace.fill("Words", "We look into it")
    grace.stack.views[0].form.faults = {"words": "Say more."}
    everybody = await read(slack, f"/slack/threads/C0SUPPORT/{ts}")
    assert "for you alone" not in everybody
    assert "Words" not in everybody
    seen = await read(slack, f"/slack/threads/C0SUPPORT/{ts}?as=U0GRACE")
    assert "(only visible to you) for you alone" in seen
    assert "Answer × Words We look into it Say more. Back Send" in seen


async def test_a_person_has_a_page_with_their_modal_home_and_notices(slack: Caller, grace: Person):
    assert "The app has published no home for them. Only visible to them Nothing." in await read(
        slack, "/slack/people/U0GRACE"
    )
    home = {"type": "home", "blocks": [{"type": "section", "text": plain("2 cases"), "accessory": button("Open", "o")}]}
    await slack.result("views.publish", user_id=grace.id, view=home)
    await slack.result("views.open", trigger_id=slack.workspace.triggered(grace), view=modal("note", typed("Words")))
    await slack.result("chat.postEphemeral", channel="C0SUPPORT", user=grace.id, text="for you alone")
    assert (
        "Grace Hopper Modal Note × Words Cancel Send Home 2 cases Open Only visible to them for you alone"
        in await read(slack, "/slack/people/U0GRACE")
    )


async def test_everything_can_be_found_from_the_first_page(slack: Caller, grace: Person):
    slack.sandbox.workspace("T0OTHER")
    slack.workspace.direct(grace.id)
    grace.archive("support")
    shown = await read(slack, "/slack/")
    assert "Sandbox T0SANDBOX1 Conversations #support archived Grace Hopper People Grace Hopper" in shown
    assert "Sandbox T0OTHER Conversations none yet People nobody yet" in shown
    links = [tag["href"] for name, tag in parsed(await page(slack, "/slack/")).tags if name == "a"]
    assert {"/slack/channels/C0SUPPORT", "/slack/people/U0GRACE"} <= set(links)
    for link in links:
        await page(slack, str(link))
    assert "This channel is archived." in await read(slack, "/slack/channels/C0SUPPORT")
    assert "Nothing was written here yet." in await read(slack, "/slack/channels/D0GRACE")


@pytest.mark.parametrize(
    "path",
    [
        "/slack/channels/C0NONE",
        "/slack/threads/C0SUPPORT/1.000000",
        "/slack/threads/C0NONE/1.0",
        "/slack/people/U0NONE",
    ],
)
async def test_what_is_not_there_is_not_shown(slack: Caller, grace: Person, path):
    async with slack.client.get(slack.sandbox.url + path) as answer:
        assert answer.status == 404


async def test_strangers_guests_and_what_is_gone_can_be_told_apart(slack: Caller, grace: Person):
    support = slack.workspace.rooms["C0SUPPORT"]
    ts = grace.write("a question", support)
    slack.workspace.user("U0ALI", "Ali", team="T0OTHER").write("from outside", support, ts)
    slack.workspace.user("U0GIL", "Gil", guest=True).write("a guest", support, ts, [PNG, PNG])
    slack.workspace.incoming_webhook("built", support, "Builds")
    for file in list(slack.workspace.files.values()):
        slack.workspace.forget(file)
    grace.delete(ts)
    shown = await read(slack, f"/slack/threads/C0SUPPORT/{ts}")
    for words in ("Slackbot", "This message was deleted.", "Ali EXTERNAL", "Gil GUEST", "This file was deleted."):
        assert words in shown
    assert "Builds APP" in await read(slack, "/slack/channels/C0SUPPORT")


async def test_every_block_has_a_look(slack: Caller, grace: Person):
    options = [{"text": plain("Yes"), "value": "y"}, {"text": plain("No"), "value": "n"}]
    picture = {"type": "image", "image_url": "https://example.org/x.png", "alt_text": "a map"}
    blocks = [
        {"type": "header", "text": plain("Head")},
        {"type": "divider"},
        {"type": "section", "fields": [plain("left"), plain("right")], "accessory": picture},
        {"type": "context", "elements": [picture, plain("small")]},
        {
            "type": "actions",
            "elements": [
                {"type": "overflow", "options": options},
                {"type": "checkboxes", "options": options, "initial_options": options[:1]},
                button("No", "n", style="danger"),
                {"type": "static_select", "options": options, "initial_option": options[1]},
            ],
        },
        {
            "type": "input",
            "label": plain("Sure?"),
            "hint": plain("think"),
            "optional": True,
            "element": {"type": "radio_buttons", "options": options},
        },
        {"type": "input", "label": plain("When"), "element": {"type": "static_select", "options": options}},
        {**picture, "title": plain("Map")},
        {"type": "markdown", "text": "*loud*"},
        {"type": "video", "title": plain("x")},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "bold", "style": {"bold": True, "code": True}},
                        {"type": "user", "user_id": "U0GRACE"},
                        {"type": "channel", "channel_id": "C0SUPPORT"},
                        {"type": "usergroup", "usergroup_id": "S0X"},
                        {"type": "broadcast", "range": "here"},
                        {"type": "emoji", "name": "eyes"},
                        {"type": "emoji", "name": "unheard_of"},
                        {"type": "link", "url": "https://example.org", "text": "a link"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "offset": 2,
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "third"}]}],
                },
                {"type": "rich_text_list", "style": "bullet", "elements": []},
                {
                    "type": "rich_text_quote",
                    "elements": [
                        {"type": "text", "text": "said"},
                        {"type": "date", "timestamp": 1, "format": " on {date}", "fallback": " on 1970-01-01"},
                        {"type": "color", "value": "#ff0000"},
                    ],
                },
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "code()"}]},
            ],
        },
    ]
    ts = (await slack.result("chat.postMessage", channel="C0SUPPORT", text="x", blocks=blocks))["ts"]
    html = await page(slack, f"/slack/threads/C0SUPPORT/{ts}")
    for piece in (
        '<div class="heading">Head</div>',
        "<hr>",
        "<div>left</div><div>right</div>",
        "a map",
        "small",
        "⋯",
        "☑ Yes",
        "☐ No",
        "button danger",
        "No ▾",
        "○ Yes",
        "think",
        "Map",
        "<b>loud</b>",
        "video",
        "<code><b>bold</b></code>",
        '<span class="mention">@Grace Hopper</span>',
        '<span class="mention">#support</span>',
        "@S0X",
        "@here",
        "👀",
        ":unheard_of:",
        '<a href="https://example.org" rel="noreferrer">a link</a>',
        '<ol start="3"><li>third</li></ol>',
        "<blockquote>said on 1970-01-01#ff0000</blockquote>",
        "<pre>code()</pre>",
    ):
        assert piece in html, piece


async def test_nothing_that_anybody_writes_becomes_markup(slack: Caller):
    slack.workspace.user("U0EVIL", EVIL)
    evil = slack.workspace.people["U0EVIL"]
    slack.workspace.channel("C0EVIL", EVIL, [evil])
    ts = evil.write(EVIL, "C0EVIL", files=[SentFile(EVIL, "image/png", b"x")])
    evil.send(EVIL, "C0EVIL", ts)
    evil.send(
        f"*{EVIL}* `{EVIL}` ```{EVIL}``` <https://example.org/{EVIL}|x> <javascript:alert(1)|click>", "C0EVIL", ts
    )
    evil.react(ts, EVIL)
    view = modal("x", typed(EVIL, placeholder=plain(EVIL), action_id="a"), title=plain(EVIL[:24]))
    await slack.result("views.open", trigger_id=slack.workspace.triggered(evil), view=view)
    evil.fill("a", EVIL)
    evil.stack.views[0].form.faults = {EVIL.lower(): EVIL}
    for path in ("/slack/", "/slack/channels/C0EVIL", f"/slack/threads/C0EVIL/{ts}?as=U0EVIL", "/slack/people/U0EVIL"):
        shown = parsed(await page(slack, path))
        assert "script" not in {name for name, _ in shown.tags}
        assert not any(name.startswith("on") for _, attributes in shown.tags for name in attributes)
        links = [str(attributes["href"]) for name, attributes in shown.tags if name == "a"]
        assert all(link.startswith(("/slack/", "https://")) for link in links)
        assert EVIL.partition("&")[0] in " ".join(shown.pieces)


# --- mrkdwn as HTML --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a* _b_ ~c~ d*e*f", "<b>a</b> <i>b</i> <s>c</s> d*e*f"),
        ("a\nb", "a<br>b"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        ("`*a* &lt;`", "<code>*a* &lt;</code>"),
        ("a\n```\n *b*\nc\n```\nd", "a<pre> *b*\nc</pre>d"),
        ("&gt; a\n&gt;b\nc", "<blockquote>a</blockquote><blockquote>b</blockquote>c"),
        ("<https://e.org/?a&amp;b|x &gt;>", '<a href="https://e.org/?a&amp;b" rel="noreferrer">x &gt;</a>'),
        ("<mailto:a@e.org>", '<a href="mailto:a@e.org" rel="noreferrer">a@e.org</a>'),
        ("<javascript:x|y>", "y"),
        ("<@U1> <@U9>", '<span class="mention">@Ada</span> <span class="mention">@U9</span>'),
        ("<#C1> <#C1|old>", '<span class="mention">#general</span> <span class="mention">#old</span>'),
        ("<!here> <!subteam^S1>", '<span class="mention">@here</span> <span class="mention">@S1</span>'),
        ("<!subteam^S1|@team>", '<span class="mention">@team</span>'),
        ("<!date^1^{date}|today>", "today"),
        (":wave: :nothing: :+1::skin-tone-2:", "👋 :nothing: 👍:skin-tone-2:"),
        ("*a <https://e.org|_b_>*", '<b>a <a href="https://e.org" rel="noreferrer">_b_</a></b>'),
    ],
)
def test_mrkdwn_is_shown(text, html):
    assert markup.mrkdwn(text, lambda id: {"U1": "Ada", "C1": "general"}.get(id, id)) == html


@given(st.text(alphabet='abc *_~`<>&|@#!\n"\0:/' + "javscript:", max_size=40))
def test_any_text_can_be_shown_and_only_our_tags_are_in_it(text: str):
    shown = parsed(str(markup.mrkdwn(text, lambda id: id)))
    assert {name for name, _ in shown.tags} <= {"b", "i", "s", "br", "code", "pre", "blockquote", "a", "span"}
    for _, attributes in shown.tags:
        assert attributes.keys() <= {"class", "href", "rel"}
        assert attributes.get("class", "mention") == "mention"
