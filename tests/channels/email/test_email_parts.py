"""The small parts: addresses, tokens, decoding, structure, HTML; and that nothing makes the reader fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from email_office import KEY, MIKE, NOON, OURS, SARAH, mail, settings
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from omnibot.model import Address, MessageId
from omnibot_email import Email, tokens
from omnibot_email.addresses import Mailbox, OwnAddress, Untrustworthy, normalised, sender_of
from omnibot_email.arrival import Delivery, incoming, thread, writer_of
from omnibot_email.decode import decoded_words, text_of, transferred
from omnibot_email.letter import read_letter
from omnibot_email.markup import text_of_html
from omnibot_email.mime import Headers, TooComplex

# --- addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("Sarah.Miller+Shop@Example.ORG", "sarah.miller+shop@example.org"),
        ("  sarah@example.org ", SARAH),
        ("jörg@MÜNCHEN.de", "jörg@xn--mnchen-3ya.de"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("sarah@example.org.", None),
        ("sarah", None),
        ("@example.org", None),
        ("sarah@", None),
        ("a@b@example.org", None),
        (".a@example.org", None),
        ("a..b@example.org", None),
        ("a b@example.org", None),
        ("a@exa mple.org", None),
        ('"a"@example.org', None),
        ("a@[127.0.0.1]", None),
        ("a\n@example.org", None),
        (f"{'a' * 65}@example.org", None),
        (f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}.org", None),
    ],
)
def test_an_address_has_one_spelling(written: str, known: str | None) -> None:
    assert normalised(written) == known


@given(st.text(max_size=80))
def test_a_normalised_address_stays_itself(text: str) -> None:
    known = normalised(text)
    assert known is None or normalised(known) == known


def test_what_people_write_is_the_address_that_mail_comes_from() -> None:
    assert Email.address(" Sarah+Shop@MÜNCHEN.de ") == Address("email", "sarah+shop@xn--mnchen-3ya.de")
    with pytest.raises(ValueError, match=r"write it like sarah@example\.org"):
        Email.address("Sarah <sarah@example.org>")


@pytest.mark.parametrize(
    ("header", "mailbox"),
    [
        ("sarah@example.org", Mailbox(SARAH)),
        ("<sarah@example.org>", Mailbox(SARAH)),
        ("Sarah Miller <sarah@example.org>", Mailbox(SARAH, "Sarah Miller")),
        ('"Miller, Sarah" <sarah@example.org>', Mailbox(SARAH, "Miller, Sarah")),
        ('"Sarah \\"S\\" <x>" <sarah@example.org>', Mailbox(SARAH, 'Sarah "S" <x>')),
        ("Miller, Sarah <sarah@example.org>", Mailbox(SARAH, "Miller, Sarah")),
        ("sarah@example.org <sarah@example.org>", Mailbox(SARAH, "sarah@example.org")),
        ("=?utf-8?q?S=C3=A1rah?= <sarah@example.org>", Mailbox(SARAH, "Sárah")),
        ("=?utf-8?b?!!!?= <sarah@example.org>", Mailbox(SARAH)),
        ("sarah@example.org (Sarah)", Mailbox(SARAH, "Sarah")),
        ("Sarah <sarah@example.org> (home)", Mailbox(SARAH, "Sarah")),
        ("<3 <sarah@example.org>", None),
        ("Sarah <sarah@example.org", None),
        ('"Sarah <sarah@example.org>', None),
        ("a@example.org b@example.org", None),
        ("a@example.org (x) (y)", None),
        ("x" * 5000 + " <sarah@example.org>", None),
    ],
)
def test_a_from_names_one_mailbox_or_nobody(header: str, mailbox: Mailbox | None) -> None:
    if mailbox is None:
        with pytest.raises(Untrustworthy):
            sender_of(header)
    else:
        assert sender_of(header) == mailbox


@given(st.text(st.sampled_from('a@b.c<>()",;:\\ =?+'), max_size=30))
def test_any_from_names_an_address_or_nobody(header: str) -> None:
    try:
        found = sender_of(header)
    except Untrustworthy:
        return
    assert normalised(found.address) == found.address
    assert found.local
    assert found.domain


@pytest.mark.parametrize(
    ("recipient", "ours"),
    [
        (OURS, True),
        ("Support@EXAMPLE.com", True),
        ("support+anything@example.com", True),
        ("supporters@example.com", False),
        ("support@example.org", False),
        ("nonsense", False),
    ],
)
def test_our_address_has_plus_addresses(recipient: str, ours: bool) -> None:
    assert OwnAddress(OURS).receives(recipient) is ours


# --- reply tokens ----------------------------------------------------------------------------------------------

MESSAGE = MessageId(2**62 + 3)
TOKEN = tokens.issue(KEY, MESSAGE, SARAH, NOON)


def test_a_token_is_good_for_its_message_and_address_to_the_end_of_its_day() -> None:
    end = datetime(2025, 3, 4, tzinfo=UTC)
    assert tokens.verify(KEY, TOKEN, SARAH, end - timedelta(seconds=1)) == MESSAGE
    assert tokens.verify(KEY, TOKEN.upper(), SARAH, NOON) == MESSAGE
    assert tokens.verify(KEY, TOKEN, SARAH, end) is None
    assert tokens.verify(KEY, TOKEN, MIKE, NOON) is None
    assert tokens.verify(b"another key", TOKEN, SARAH, NOON) is None


def test_a_token_fits_into_a_local_part() -> None:
    assert len(TOKEN) == tokens.TOKEN_LENGTH
    longest = settings(25, 26, address=f"{'a' * 30}@example.com").address
    tagged = OwnAddress(longest).tagged(tokens.TOKEN_TAG + TOKEN)
    assert len(tagged.partition("@")[0]) == 64
    assert OwnAddress(longest).token_in(tagged, tokens.TOKEN_TAG) == TOKEN


@given(st.integers(0, tokens.TOKEN_LENGTH - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_an_altered_token_is_none(position: int, letter: str) -> None:
    altered = TOKEN[:position] + letter + TOKEN[position + 1 :]
    assert (tokens.verify(KEY, altered, SARAH, NOON) is None) is (altered != TOKEN)


@given(st.text(max_size=40))
@example("")
@example("a" * 40)
@example("ß" * 32)
def test_nonsense_is_no_token(text: str) -> None:
    assert tokens.verify(KEY, text, SARAH, NOON) is None


def test_our_message_ids_are_stable_and_not_to_be_guessed() -> None:
    first = tokens.message_id(KEY, MESSAGE, "example.com")
    assert first == tokens.message_id(KEY, MESSAGE, "example.com")
    assert first != tokens.message_id(b"another", MESSAGE, "example.com")
    assert first.startswith(f"<{MESSAGE}.")
    assert first.endswith("@example.com>")


# --- settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"address": "nobody"}, "is not an email address"),
        ({"address": "größe@example.com"}, "letters beyond ASCII before the @"),
        ({"bounces": "größe@example.com"}, "letters beyond ASCII before the @"),
        ({"address": f"{'a' * 31}@example.com"}, "more than 30 characters"),
        ({"authserv_id": "mx example"}, "must be a host name"),
        ({"domain": "münchen.de"}, "must be a host name"),
        ({"smtp": {"security": "ssl"}}, "starttls"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_told(more: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        settings(25, 26, **more)


def test_settings_are_normalised() -> None:
    known = settings(25, 26, address="Support@Example.COM", authserv_id="MX.Example.COM")
    assert (known.address, known.authserv_id) == (OURS, "mx.example.com")


# --- decoding --------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.text(max_size=20))
@example(b"\xff", "utf-8")
@example(b"abc-", "punycode")
@example(b"+2AA-", "utf-7")
@example(b"x", "utf-8\0")
def test_any_bytes_become_storable_text(data: bytes, charset: str) -> None:
    text = text_of(data, charset)
    text.encode()
    assert "\0" not in text


@given(st.binary(max_size=200), st.sampled_from(["base64", "quoted-printable", "8bit", "nonsense", " BASE64 "]))
def test_any_transfer_encoding_can_be_undone(data: bytes, encoding: str) -> None:
    assert isinstance(transferred(data, encoding), bytes)


@given(st.text(max_size=200))
@example("=?utf-8?b?a?=")
@example("=?x-unknown?q?=FF?=")
@example("é =?utf-8?q?=C3=A9?=")
def test_any_header_becomes_one_line(value: str) -> None:
    assert "\n" not in decoded_words(value)


def test_encoded_words_are_joined() -> None:
    assert decoded_words("=?utf-8?q?Gr=C3=B6?=\n =?utf-8?b?w59l?= é") == "Größe é"


# --- structure -------------------------------------------------------------------------------------------------

ALTERNATIVE = b"""\
Content-Type: multipart/mixed; boundary="out"

preamble
--out
Content-Type: multipart/alternative; boundary=out-in

--out-in
Content-Type: text/plain; charset=utf-8

plain
--out-in
Content-Type: text/html

<p>html</p>
--out-in--
--out
Content-Type: message/rfc822

From: mike@example.net

not Sarah's words
--out
Content-Type: text/plain; name*=utf-8''gr%C3%B6%C3%9Fe.txt
Content-Disposition: attachment

attached
--outlandish
--out--
epilogue
"""


def test_parts_are_told_apart() -> None:
    letter = read_letter(b"From: sarah@example.org\n" + ALTERNATIVE)
    assert letter.text == "plain"
    forwarded, file = letter.attachments
    assert (forwarded.media_type, forwarded.content) == (
        "message/rfc822",
        b"From: mike@example.net\n\nnot Sarah's words",
    )
    assert (file.name, file.content) == ("größe.txt", b"attached\n--outlandish")


def test_a_mail_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    head, _, _ = ALTERNATIVE.partition(b"--out-in\nContent-Type: text/html")
    assert read_letter(b"From: a@b.example\n" + head).text == "plain"


def test_html_is_read_where_there_is_no_text() -> None:
    raw = ALTERNATIVE.replace(b"\nplain\n", b"\n \n")
    assert read_letter(b"From: a@b.example\n" + raw).text == "html"


def test_flowed_lines_are_joined_and_unstuffed() -> None:
    raw = mail("one \ntwo\n From here\n> q \n> r", headers="Content-Type: text/plain; format=flowed")
    assert read_letter(raw).text == "one two\nFrom here"


def test_headers_are_unfolded_and_the_topmost_counts() -> None:
    headers = Headers.parse(b"Subject: one\n two\n\tthree\nno field\nSUBJECT: four\nX: \xff")
    assert headers.get("subject") == "one two\tthree"
    assert headers.all("subject") == ["one two\tthree", "four"]
    assert headers.get("x") == "ÿ"
    assert headers.get("y") == ""


FRAGMENTS = st.sampled_from(
    [
        *(b"From: a@b.example\n", b"Content-Type: multipart/mixed; boundary=b\n", b"\n", b"--b\n", b"--b--\n"),
        *(b"Content-Type: text/html; charset*=utf-8''x%00\n", b"Content-Type: text/plain; name*0*=x''%FF; name*2=y\n"),
        *(b"Content-Transfer-Encoding: base64\n", b"\xff\x00", b"<p><b>", b"Content-Disposition: ;;;=\n", b"=?a?b?"),
        *(b"Date: Mon, 99 Foo 2025\n", b"Date: Mon, 3 Mar 0001 00:00:00 +2359\n", b"Message-ID: <\n"),
        *(b"References: <a> <b\n", b"Content-Type: multipart/mixed; boundary*=x\n", b'Content-Type: /;charset="\n'),
    ]
)


@given(st.lists(FRAGMENTS | st.binary(max_size=20), max_size=30).map(b"".join))
def test_any_bytes_are_a_letter(raw: bytes) -> None:
    letter = read_letter(raw)
    writer, fault = writer_of(letter)
    assert (writer is None) <= bool(fault)
    message = incoming(
        Delivery(raw, "a@b.example", (OURS,)), letter, writer, fault, own=OwnAddress(OURS), key=KEY, now=NOON
    )
    assert message.id.encode()
    assert message.at.tzinfo is not None
    message.text.encode()


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Mon, 3 Mar 2025 12:00:00 +0100", datetime(2025, 3, 3, 11, tzinfo=UTC)),
        ("Mon, 3 Mar 2025 11:00:00 -0000", datetime(2025, 3, 3, 11, tzinfo=UTC)),
        ("Mon, 3 Mar 2025 12:05:00 +0000", datetime(2025, 3, 3, 12, 5, tzinfo=UTC)),
        ("Mon, 3 Mar 2025 13:00:00 +0000", NOON),
        ("Mon, 3 Mar 2024 12:00:00 +0000", NOON),
        ("Mon, 3 Mar 0001 00:00:00 +2359", NOON),
        ("yesterday", NOON),
    ],
)
def test_a_mail_is_as_old_as_it_says_where_that_can_be(date: str, at: datetime) -> None:
    letter = read_letter(mail(headers=f"Date: {date}"))
    message = incoming(Delivery(b"", "x", ()), letter, None, "", own=OwnAddress(OURS), key=KEY, now=NOON)
    assert message.at == at


def test_a_mail_without_a_message_id_gets_one_of_its_content() -> None:
    def taken(text: str) -> str:
        raw = mail(text, headers="Message-ID: none")
        delivery = Delivery(raw.replace(b"\n", b"\r\n"), "x", ())
        message = incoming(delivery, read_letter(raw), None, "", own=OwnAddress(OURS), key=KEY, now=NOON)
        return message.message_id

    assert taken("one") == taken("one")
    assert taken("one") != taken("two")


def test_a_long_thread_keeps_its_first_and_its_latest() -> None:
    ids = [f"<{number}@example.org>" for number in range(100)]
    assert thread(" ".join(ids)) == [ids[0], *ids[81:]]
    assert thread("<" + "x" * 300 + "@example.org> <a@b>") == ["<a@b>"]


# --- HTML ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("one\n  two", "one two"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter"),
        ("<ol><li>one</li><li><p>two</p></li></ol>", "1. one\n2. two"),
        ("<li>alone", "- alone"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<blockquote>one<blockquote>two</blockquote></blockquote>three", "> one\n>\n> > two\n\nthree"),
        ("<a href='https://example.org'>https://example.org</a>", "https://example.org"),
        ("<a href='mailto:a@example.org'>write</a>", "write (a@example.org)"),
        ("<a href=' java\nscript:x()'>no</a>", "no"),
        ("a&nbsp;&lt;b&gt;&#xD800;&#0;", "a\xa0<b>\ufffd\ufffd"),
        ("<title>t</title><!-- c --><template>x</template><textarea>y</textarea>z", "z"),
        ("", ""),
    ],
)
def test_html_becomes_lines(html: str, text: str) -> None:
    assert text_of_html(html) == text


@given(st.lists(st.sampled_from(["<div>", "</div>", "<p>", "<b>", "</b>", "<ol>", "</ol>", "<li>", "x", "<!--"])))
def test_any_html_becomes_text(tags: list[str]) -> None:
    assert isinstance(text_of_html("".join(tags)), str)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 5000,
        "<font color=red>" * 900 + "<div></font>" * 30_000,
        "<b>" * 900 + "<p>x" * 60_000,
        "</div>" * 5000 + "<div>" * 5000,
    ],
    ids=["deep", "misnested", "reopened", "closed"],
)
def test_html_that_would_keep_the_parser_busy_is_not_parsed(html: str) -> None:
    with pytest.raises(TooComplex):
        text_of_html(html)


@pytest.mark.parametrize(
    "html", ["<br>" * 50_000, "<p>" * 50_000, "<table><tr><td>" * 150, "<div>x</div>" * 40_000], ids=range(4)
)
def test_long_html_is_parsed(html: str) -> None:
    assert text_of_html(html + "end").endswith("end")


def test_deep_quotations_do_not_multiply_the_text() -> None:
    html = "<blockquote>" * 100 + "x<br>" * 10_000
    assert len(text_of_html(html)) < 2 * len(html) + 10_000 * len("> " * 5)


def test_html_that_is_cut_is_attached_whole() -> None:
    html = "<p>hello</p>" + "<!-- -->" * 70_000
    letter = read_letter(mail(html, headers="Content-Type: text/html"))
    assert letter.text == "hello"
    (whole,) = letter.attachments
    assert (whole.media_type, whole.size) == ("text/html", len(html) + 1)
