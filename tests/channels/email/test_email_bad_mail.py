"""Mail that is forged, broken, automatic or built to hurt: what is handed on, and marked how."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from email_office import MIKE, OURS, SARAH, Office, mail, outbound
from tests.costs import Work, assert_cost

from omnibot.model import Identifier, IdentifierKind, IncomingMessage
from omnibot.sandbox.mail import Mail, Verdict
from omnibot_email.letter import read_letter


async def taken(office: Office, raw: bytes, **more: object) -> IncomingMessage:
    message = await office.take(raw, **more)
    assert message is not None
    return message


async def sent_to_sarah(office: Office, id: int = 7) -> Mail:
    await office.channel.send(outbound(id=id))
    (received,) = await office.sandbox.mailbox(SARAH).wait_for(lambda m: f"<{id}." in m.message_id)
    return received


# --- who has written -------------------------------------------------------------------------------------------


async def test_an_honest_mail_is_believed(office: Office) -> None:
    message = await taken(office, mail())
    assert (message.quarantine, message.automatic, message.flags) == ("", "", ())
    assert message.sender.address.value == SARAH
    assert message.sender.name == "Sarah"


async def test_a_sender_who_was_verified_is_vouched_for(office: Office) -> None:
    message = await taken(office, mail())
    assert message.sender.vouched == (Identifier(IdentifierKind.EMAIL, SARAH),)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNCHECKED])
async def test_nobody_in_quarantine_is(office: Office, verdict: Verdict) -> None:
    message = await taken(office, mail(), verdict=verdict)
    assert message.quarantine
    assert message.sender.vouched == ()


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("How do I reset my password?", "How do I reset my password?"),
        ("=?utf-8?q?=C2=BFC=C3=B3mo_cancelo=3F?=", "¿Cómo cancelo?"),
        ("Re: How do I reset my password?", ""),  # our own words, perhaps
        ("AW: RE: Hilfe", ""),
        ("", ""),
    ],
)
async def test_a_mail_that_is_all_subject_says_its_subject(office: Office, subject: str, text: str) -> None:
    raw = mail("").replace(b"Subject: A question", f"Subject: {subject}".encode())
    assert (await taken(office, raw)).text == text


async def test_a_subject_is_not_repeated_before_what_a_mail_says(office: Office) -> None:
    assert (await taken(office, mail("hello"))).text == "hello"


async def test_a_failed_dmarc_is_quarantined(office: Office) -> None:
    message = await taken(office, mail(), verdict=Verdict.FAIL)
    assert message.quarantine == "DMARC failed"
    assert message.text == "hello"


async def test_what_passed_for_another_domain_is_quarantined(office: Office) -> None:
    results = "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=evil.test; dkim=pass header.d=evil.test"
    message = await taken(office, mail(headers=results), verdict=Verdict.UNCHECKED)
    assert message.quarantine


@pytest.mark.parametrize(
    "forged",
    [
        "Authentication-Results: mx.evil.test; dmarc=pass header.from=example.org",
        "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org",  # below our server's own
        "Authentication-Results: mx.evil.test (; mx.example.com); dmarc=pass header.from=example.org",
    ],
)
async def test_forged_results_are_ignored(office: Office, forged: str) -> None:
    message = await taken(office, mail(headers=forged), verdict=Verdict.FAIL)
    assert message.quarantine == "DMARC failed"


async def test_a_strangers_results_alone_are_none(office: Office) -> None:
    forged = "Authentication-Results: mx.evil.test; dmarc=pass header.from=example.org"
    message = await taken(office, mail(headers=forged), verdict=Verdict.UNCHECKED)
    assert message.quarantine == "no result of our mail server"


async def test_two_from_headers_are_quarantined(office: Office) -> None:
    message = await taken(office, mail(headers=f"From: {MIKE}"))
    assert message.quarantine == "several From headers"


@pytest.mark.parametrize(
    "sender",
    [
        "a@evil(x)@example.org",
        "<a@evil(x)@example.org>",
        "=?utf-8?q?sarah?=@example.org",
        "<=?utf-8?b?c2FyYWg=?=@example.org>",
        '"sarah"@example.org',
        "sarah@example.org, mike@example.net",
        "sarah@example.org, Mike <mike@example.net>",
        "Sarah <sarah@example.org> <mike@example.net>",
        "friends: sarah@example.org;",
        "sarah@[127.0.0.1]",
        "sarah",
        "",
    ],
)
async def test_a_from_that_names_nobody_for_sure_is_quarantined(office: Office, sender: str) -> None:
    message = await taken(office, mail(sender=sender))
    assert message.quarantine
    assert message.sender.address.value == "unknown@invalid"
    assert message.text == "hello"


async def test_mail_from_ourselves_is_not_handed_on(office: Office) -> None:
    assert await office.take(mail(sender=f"Support <{OURS}>")) is None
    assert await office.take(mail(sender="SUPPORT+tag@Example.COM")) is None


# --- what it answers -------------------------------------------------------------------------------------------


async def test_what_it_refers_to_is_told_but_not_verified(office: Office) -> None:
    headers = "In-Reply-To: <seven@example.com>\nReferences: <one@example.com> <seven@example.com>"
    message = await taken(office, mail(headers=headers))
    assert message.answers == ("<seven@example.com>", "<one@example.com>")
    assert message.answers_ours is None


async def test_a_reply_token_of_the_very_sender_counts(office: Office) -> None:
    received = await sent_to_sarah(office)
    message = await taken(office, mail(), recipient=received.reply_address)
    assert message.answers_ours == 7


async def test_a_reply_token_counts_in_the_to_header_too(office: Office) -> None:
    received = await sent_to_sarah(office)
    raw = mail().replace(f"To: {OURS}".encode(), f"To: Support <{received.reply_address.upper()}>".encode())
    message = await taken(office, raw)
    assert message.answers_ours == 7


async def test_a_reply_token_of_somebody_else_is_a_new_conversation(office: Office) -> None:
    received = await sent_to_sarah(office)
    message = await taken(office, mail(sender=MIKE), sender=MIKE, recipient=received.reply_address)
    assert message.answers_ours is None
    assert message.quarantine == ""


async def test_a_reply_token_is_void_in_quarantine(office: Office) -> None:
    received = await sent_to_sarah(office)
    message = await taken(office, mail(), recipient=received.reply_address, verdict=Verdict.FAIL)
    assert message.answers_ours is None


async def test_an_altered_reply_token_is_a_new_conversation(office: Office) -> None:
    received = await sent_to_sarah(office)
    local, _, domain = received.reply_address.partition("@")
    altered = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    message = await taken(office, mail(), recipient=altered)
    assert message.answers_ours is None


async def test_an_expired_reply_token_is_a_new_conversation(office: Office) -> None:
    received = await sent_to_sarah(office)
    office.clock.move(timedelta(days=90))
    assert (await taken(office, mail(), recipient=received.reply_address)).answers_ours == 7
    office.clock.move(timedelta(days=1))
    assert (await taken(office, mail(), recipient=received.reply_address)).answers_ours is None


async def test_a_claimed_address_in_the_text_changes_nothing(office: Office) -> None:
    message = await taken(office, mail("My other address is mike@example.net."))
    assert message.sender.address.value == SARAH
    assert message.contact is None


# --- what a machine wrote --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Auto-Submitted: auto-replied", "auto-submitted"),
        ("Auto-Submitted: auto-generated; x=y", "auto-submitted"),
        ("List-Id: <news.example.org>", "mailing list"),
        ("List-Unsubscribe: <mailto:x@example.org>", "mailing list"),
        ("Precedence: Bulk", "bulk"),
        ("Precedence: junk", "bulk"),
        ("X-Auto-Response-Suppress: All", "wants no automatic answer"),
        ("X-Auto-Response-Suppress: OOF", "wants no automatic answer"),
        ("X-Auto-Response-Suppress: DR, RN,  AutoReply", "wants no automatic answer"),
        ("Return-Path: <>", "null return path"),
        ('Content-Type: multipart/report; boundary="b"', "report"),
    ],
)
async def test_automatic_mail_is_told(office: Office, headers: str, reason: str) -> None:
    assert (await taken(office, mail(headers=headers))).automatic == reason


async def test_a_null_return_path_is_told(office: Office) -> None:
    message = await taken(office, mail(), sender="")
    assert message.automatic == "null return path"


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: None",
        "X-Auto-Response-Suppress: DR, RN, NRN",  # no reports of delivery or reading: it may be answered
        "Precedence: normal",
    ],
)
async def test_what_a_person_wrote_is_not_automatic(office: Office, headers: str) -> None:
    assert (await taken(office, mail(headers=headers))).automatic == ""


async def test_twenty_mails_of_a_minute_are_all_handed_on_and_the_cap_is_told(office: Office) -> None:
    for number in range(20):
        await taken(office, mail(headers=f"Message-ID: <{number}@example.org>"))
    assert len(office.inbox.arrivals) == 20
    cap = office.channel.limits.unsolicited
    assert cap is not None
    assert (cap.count, cap.seconds) == (1, 3600)


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("no-reply@shop.test", "Your verification code", "Your code is 482 913."),
        ("noreply@shop.test", "Welcome", "Please confirm your email: https://shop.test/c/1"),
        ("security@bank.test", "Anmeldecode", "Ihr Anmeldecode lautet 4711."),
        ("no-responder@tienda.test", "Hola", "Tu código de verificación es 112233"),
        ("ne-pas-repondre@magasin.test", "Bonjour", "Votre code de vérification : 112233"),
    ],
)
async def test_another_services_code_is_for_staff_only(office: Office, sender: str, subject: str, text: str) -> None:
    raw = mail(text, sender=sender).replace(b"Subject: A question", f"Subject: {subject}".encode())
    message = await taken(office, raw, sender=sender)
    assert message.flags == ("staff_only",)
    assert message.automatic


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        (SARAH, "I got no verification code, only 482913 from the app."),
        ("no-reply@shop.test", "Your order 482913 is on its way."),
        ("no-reply@shop.test", "Never give your verification code to anybody."),
    ],
)
async def test_a_customers_words_about_codes_are_for_everybody(office: Office, sender: str, text: str) -> None:
    message = await taken(office, mail(text, sender=sender), sender=sender)
    assert message.flags == ()


# --- what is built to hurt -------------------------------------------------------------------------------------


def many_parts(count: int) -> bytes:
    head = mail(headers='MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"').partition(b"\n\n")[0]
    return head + b"\n\n" + b"--b\n\nx\n" * count + b"--b--\n"


def nested(depth: int) -> bytes:
    head = mail(headers='MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b0"').partition(b"\n\n")[0]
    body = b"".join(
        b'--b%d\nContent-Type: multipart/mixed; boundary="b%d"\n\n' % (level, level + 1) for level in range(depth)
    )
    return head + b"\n\n" + body + b"--b%d\n\nhello\n" % depth


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (many_parts(10_000), "too many parts"),
        (nested(100), "nested too deeply"),
        (mail(sender=f"{'x' * 100_000} <sarah@example.org>"), "oversized address header"),
        (mail(headers="Cc: " + ", ".join(["mike@example.net"] * 6000)), "oversized address header"),
        (mail(headers="X-Long: " + "x" * 300_000), "oversized header"),
    ],
    ids=["parts", "nesting", "from", "cc", "header"],
)
async def test_what_is_built_to_hurt_is_taken_whole_and_quarantined(office: Office, raw: bytes, reason: str) -> None:
    message = await taken(office, raw)
    assert message.quarantine == reason
    if message.text == "":
        (whole,) = message.attachments
        assert (whole.name, whole.media_type) == ("message.eml", "message/rfc822")
        assert whole.content is not None
        assert whole.content.endswith(raw.replace(b"\n", b"\r\n"))


def test_a_hundred_times_the_parts_cost_no_more() -> None:
    assert_cost(reading(100_000), at_most=10, times=reading(1_000))  # what is left: looking for the end of the header


def reading(parts: int) -> Work:
    raw = many_parts(parts)
    return lambda: read_letter(raw)


async def test_html_that_nests_too_deeply_is_quarantined(office: Office) -> None:
    html = "<div>" * 30_000 + "hello"
    message = await taken(office, mail(html, headers="Content-Type: text/html"))
    assert message.quarantine == "HTML nested too deeply"


async def test_html_is_read_without_what_acts(office: Office) -> None:
    html = (
        "<html><head><title>t</title><style>p{}</style></head><body onload='x()'><p>Hello <b>you</b></p>"
        "<script>alert(1)</script><svg onload='x()'><text>drawn</text></svg><img src='http://evil.test/x.png' "
        "onerror='x()' alt='a cat'><a href='javascript:x()'>one</a> <a href='https://example.org/two'>two</a></body>"
    )
    message = await taken(office, mail(html, headers="Content-Type: text/html"))
    assert message.text == "Hello you\n\na catone two (https://example.org/two)"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "../../etc/passwd"),
        (".htaccess", ".htaccess"),
        ("=?utf-8?q?a=0D=0Ab.txt?=", "a b.txt"),
        ("x" * 3000, "x" * 200),
    ],
)
async def test_a_file_name_is_one_line_and_no_path_of_ours(office: Office, given: str, kept: str) -> None:
    raw = mail("data", headers=f'Content-Type: application/zip\nContent-Disposition: attachment; filename="{given}"')
    (attachment,) = (await taken(office, raw)).attachments
    assert attachment.name == kept


async def test_an_archive_is_never_unpacked(office: Office) -> None:
    bomb = b"PK\x03\x04" + b"\0" * 1000
    raw = mail(
        base64.encodebytes(bomb).decode(),
        headers='Content-Type: application/zip; name="bomb.zip"\nContent-Transfer-Encoding: base64',
    )
    (attachment,) = (await taken(office, raw)).attachments
    assert attachment.content == bomb
    assert (attachment.size, attachment.media_type) == (len(bomb), "application/zip")


# --- what comes twice, or broken -------------------------------------------------------------------------------


async def test_a_message_id_used_again_with_new_content_is_another_message(office: Office) -> None:
    first = await taken(office, mail("one"))
    second = await taken(office, mail("two"))
    assert first.message_id == second.message_id
    assert first.id != second.id


async def test_the_same_mail_by_another_way_keeps_its_id(office: Office) -> None:
    first = await taken(office, mail("one"))
    again = await taken(office, mail("one", headers="Received: from elsewhere"), recipient="support+x@example.com")
    assert first.id == again.id


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ("Content-Type: text/plain; charset=x-unknown", "Größe", "Größe"),
        ("Content-Type: text/plain; charset=punycode", "abc-", "abc-"),
        ("Content-Type: text/plain; charset=hex", "abc", "abc"),
        ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable", "=80", "€"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "aGVsbG8gd29ybGQ", "hello world"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "aGVsbG8*", "hello"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "/////w==", "\ufffd" * 4),
        ("Content-Type: text/plain", "a\0b", "a\ufffdb"),
        ("Content-Type: nonsense", "hello", "hello"),
    ],
)
async def test_what_cannot_be_decoded_is_handed_on_with_replacements(
    office: Office, headers: str, body: str, text: str
) -> None:
    assert (await taken(office, mail(body, headers=headers))).text == text


# --- what is not taken -----------------------------------------------------------------------------------------


async def test_mail_for_others_is_turned_away(office: Office) -> None:
    posted = office.sandbox.post(mail(), sender=SARAH, recipient="sales@example.com")
    assert await posted.settled() == 550
    assert office.inbox.offers == []


async def test_a_mail_that_is_too_large_is_turned_away(office: Office) -> None:
    posted = office.sandbox.post(mail("x" * 26_000_000), sender=SARAH)
    assert await posted.settled(30) == 552
    assert office.inbox.offers == []


async def test_a_large_mail_is_taken(office: Office) -> None:
    raw = mail(("x" * 70 + "\n") * 280_000)
    message = await taken(office, raw)
    (whole,) = message.attachments
    assert whole.name == "message.txt"
    assert whole.size == 71 * 280_000 - 1
    assert len(message.text) == 200_000


async def test_dots_and_long_lines_survive(office: Office) -> None:
    text = ".\n..\n.leading\n" + "x" * 150_000
    assert (await taken(office, mail(text))).text == text


async def test_a_refusing_core_lets_the_mail_come_again(office: Office) -> None:
    office.inbox.refusing = True
    posted = office.sandbox.post(mail(), sender=SARAH)
    await office.inbox.offered(2)
    assert set(posted.answers) == {451}
    office.inbox.refusing = False
    assert await posted.settled() == 250
