"""Mail that comes back: which of ours it was, what it means, and that nobody can make us believe it by a guess."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from email_office import KEY, MIKE, NOON, OURS, SARAH, Office, mail, mail_room, office, outbound, until
from hypothesis import given
from hypothesis import strategies as st

from omnibot.contract import Refused
from omnibot.model import DeliveryReport, DeliveryState, Incoming, IncomingMessage, MessageId
from omnibot.sandbox import Blocked, ServerError
from omnibot.sandbox.mail import Mail
from omnibot_email.letter import read_letter
from omnibot_email.reports import read_report
from omnibot_email.tokens import issue, verify

REPORTS = Path(__file__).parent / "reports"
FAILED = ["postfix_unknown_user", "exchange_not_found", "exim_words_of_its_own", "qmail_words_of_its_own"]
NOT_THE_ADDRESS = ["gmail_over_quota", "given_up_after_days"]


async def sent(at: Office, to: str = SARAH, id: int = 7) -> Mail:
    await at.channel.send(outbound(to=to, id=id))
    return at.sandbox.mailbox(to).mails[-1]


def report_of(mail: Mail, name: str, *, recipient: str = "", envelope: str = "") -> bytes:
    """A report as a server writes it on this mail."""
    raw = (REPORTS / f"{name}.eml").read_text()
    for word, value in {
        "ENVELOPE": envelope or mail.sender,
        "RECIPIENT": recipient or mail.recipient,
        "REPLY": mail.reply_address,
    }.items():
        raw = raw.replace(word, value)
    return raw.encode()


async def told(at: Office, name: str, mail: Mail) -> Incoming | None:
    return await at.told(report_of(mail, name), recipient=mail.sender)


# --- what it means -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAILED)
async def test_mail_to_a_mailbox_that_is_not_there_comes_back(office: Office, name: str) -> None:
    mail = await sent(office)
    report = await told(office, name, mail)
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.unreachable) == (DeliveryState.REFUSED, True)
    assert report.provider_id == mail.message_id
    assert report.sender.address.value == SARAH
    assert "5.1.1" in report.reason
    assert report.id


@pytest.mark.parametrize("name", NOT_THE_ADDRESS)
async def test_what_is_not_the_addresss_fault_is_lost_but_does_not_close_it(office: Office, name: str) -> None:
    report = await told(office, name, await sent(office))
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.unreachable) == (DeliveryState.REFUSED, False)


async def test_mail_that_is_late_is_nothing_to_tell_of(office: Office) -> None:
    assert await told(office, "postfix_delayed", await sent(office)) is None


async def test_mail_that_is_delivered_is(office: Office) -> None:
    report = await told(office, "delivered", await sent(office))
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.unreachable) == (DeliveryState.DELIVERED, False)


async def test_a_report_that_comes_twice_is_one(office: Office) -> None:
    mail = await sent(office)
    first = await told(office, "postfix_unknown_user", mail)
    again = await told(office, "postfix_unknown_user", mail)
    assert isinstance(first, DeliveryReport)
    assert isinstance(again, DeliveryReport)
    assert first.id == again.id


def test_the_worst_that_a_report_says_counts() -> None:
    raw = (REPORTS / "delivered.eml").read_bytes()
    both = raw.replace(
        b"Status: 2.0.0\n", b"Status: 2.0.0\n\nFinal-Recipient: rfc822; x\nAction: failed\nStatus: 5.7.1\n"
    )
    report = read_report(both, read_letter(both))
    assert report is not None
    assert (report.state, report.reason, report.unreachable) == (DeliveryState.REFUSED, "bounced (5.7.1)", False)


@pytest.mark.parametrize(
    ("status", "diagnostic", "reason", "unreachable"),
    [
        ("5.1.1", "", "bounced (5.1.1)", True),
        ("5.0.0", "smtp; 554 delivery error: dd This user doesn't have an account", "bounced (554)", True),
        ("5.0.0", "smtp; 552 quota", "bounced (552)", False),
        ("5.0.0", "", "bounced (5.0.0)", True),
        ("", "", "bounced", True),
        ("5.2.1", "", "bounced (5.2.1)", True),
        ("5.4.4", "", "bounced (5.4.4)", True),
        ("5.4.6", "", "bounced (5.4.6)", False),
        ("5.3.4", "", "bounced (5.3.4)", False),
        ("5.7.26", "", "bounced (5.7.26)", False),
        ("4.4.7", "smtp; 450 4.2.0 later", "bounced (4.4.7)", False),
    ],
)
def test_what_a_status_means(status: str, diagnostic: str, reason: str, unreachable: bool) -> None:
    raw = (REPORTS / "delivered.eml").read_text()
    raw = raw.replace("Action: delivered", "Action: failed").replace("Status: 2.0.0", f"Status: {status}")
    raw = raw.replace("Reporting-MTA", "X: y\nReporting-MTA").replace(
        "Action: failed", f"Action: failed\nDiagnostic-Code: {diagnostic}"
    )
    report = read_report(raw.encode(), read_letter(raw.encode()))
    assert report is not None
    assert (report.reason, report.unreachable) == (reason, unreachable)


# --- whose it is -------------------------------------------------------------------------------------------------


async def test_every_mail_leaves_with_an_envelope_of_its_own(office: Office) -> None:
    mail = await sent(office)
    assert mail.sender.startswith("support+b")
    assert len(mail.sender.partition("@")[0]) <= 64
    other = await sent(office, id=8)
    assert other.sender != mail.sender
    assert mail.header("From") == "Example Support <support@example.com>"


async def test_a_guessed_token_does_nothing(office: Office) -> None:
    mail = await sent(office)
    altered = mail.sender[:20] + ("a" if mail.sender[20] != "a" else "b") + mail.sender[21:]
    guessed = await office.told(report_of(mail, "exim_words_of_its_own", envelope=altered), recipient=altered)
    kept = office.inbox.offers
    assert isinstance(guessed, IncomingMessage)
    assert guessed.quarantine == "at the address for reports, without a token of ours"
    assert kept == [guessed]


async def test_a_token_of_another_address_does_nothing(office: Office) -> None:
    """Whoever has got a mail of ours knows its token, and must not close somebody else's address with it."""
    mail = await sent(office, to=MIKE)
    report = await office.told(report_of(mail, "qmail_words_of_its_own", recipient=SARAH), recipient=mail.sender)
    assert isinstance(report, IncomingMessage)
    assert report.quarantine


async def test_a_reply_token_is_no_token_for_reports(office: Office) -> None:
    mail = await sent(office)
    token = mail.reply_address.partition("@")[0].removeprefix("support+r")
    swapped = f"support+b{token}@example.com"
    report = await office.told(report_of(mail, "qmail_words_of_its_own", envelope=swapped), recipient=swapped)
    assert isinstance(report, IncomingMessage)
    assert report.quarantine


async def test_an_expired_token_does_nothing(office: Office) -> None:
    mail = await sent(office)
    office.clock.move(timedelta(days=91))
    report = await told(office, "qmail_words_of_its_own", mail)
    assert isinstance(report, IncomingMessage)


@given(st.binary(min_size=20, max_size=20), st.sampled_from([b"reply", b"bounce"]))
def test_no_bytes_are_a_token_by_chance(raw: bytes, purpose: bytes) -> None:
    token = base64.b32encode(raw).decode().casefold()
    assert verify(KEY, token, SARAH, NOON, purpose) is None  # type: ignore[arg-type]


def test_a_token_is_for_one_message_one_address_and_one_purpose() -> None:
    token = issue(KEY, MessageId(7), SARAH, NOON, b"bounce")
    assert verify(KEY, token, SARAH, NOON, b"bounce") == 7
    assert verify(KEY, token, SARAH, NOON) is None
    assert verify(KEY, token, MIKE, NOON, b"bounce") is None
    assert verify(KEY, token, SARAH, NOON + timedelta(days=1), b"bounce") is None


async def test_a_report_to_the_bare_mailbox_is_known_by_what_has_come_back_in_it(office: Office) -> None:
    """Some servers give our envelope another sender."""
    mail = await sent(office)
    raw = report_of(mail, "postfix_unknown_user", envelope=OURS)
    report = await office.told(raw, recipient=OURS)
    assert isinstance(report, DeliveryReport)
    assert (report.provider_id, report.unreachable) == (mail.message_id, True)


@pytest.mark.parametrize("name", [*FAILED[1:], *NOT_THE_ADDRESS])
async def test_a_report_that_nothing_proves_is_a_mail_of_a_machine(office: Office, name: str) -> None:
    mail = await sent(office)
    message = await office.told(report_of(mail, name, envelope=OURS), recipient=OURS)
    assert isinstance(message, IncomingMessage)
    assert message.automatic
    assert message.sender.address.value != SARAH


async def test_what_is_no_report_but_comes_to_their_address_is_kept_off_every_timeline(office: Office) -> None:
    mail = await sent(office)
    message = await office.take(report_of(mail, "vacation"), recipient=mail.sender)
    assert isinstance(message, IncomingMessage)
    assert message.quarantine == "at the address for reports, and no report"


async def test_words_behind_a_b_are_no_token(office: Office) -> None:
    """support+billing@ is an address like any other."""
    message = await office.take(mail(), recipient="support+billing@example.com")
    assert message is not None
    assert message.quarantine == ""


# --- where they go -----------------------------------------------------------------------------------------------


async def test_reports_may_go_to_a_mailbox_of_their_own() -> None:
    async with office(bounces="bounces@example.com") as at:
        at.sandbox.address = "bounces@example.com"  # who may send
        mail = await sent(at)
        assert mail.sender.startswith("bounces+b")
        report = await at.told(report_of(mail, "postfix_unknown_user"), recipient=mail.sender)
        assert isinstance(report, DeliveryReport)


async def test_reports_may_come_to_the_bare_mailbox() -> None:
    async with office(bounces="off") as at:
        mail = await sent(at)
        assert mail.sender == OURS
        report = await told(at, "postfix_unknown_user", mail)
        assert isinstance(report, DeliveryReport)


async def test_a_server_that_lets_us_send_as_ourselves_alone_is_obeyed_and_told_of() -> None:
    async with office() as at:
        at.sandbox.plus_senders = False
        first, second = await sent(at), await sent(at, id=8)
        findings = await at.channel.health()
        refused = [entry for entry in at.sandbox.ledger if entry.method == "MAIL"]
    assert (first.sender, second.sender) == (OURS, OURS)
    assert len(refused) == 2  # the first mail's, and health's
    (finding,) = findings
    assert 'bounces = "off"' in finding.action
    assert not finding.fatal


async def test_a_mail_that_is_refused_for_itself_does_not_end_the_reports_of_others(office: Office) -> None:
    office.sandbox.faults.add(ServerError(552), provider="email", method="MAIL", count=2)  # too large, whoever sends
    with pytest.raises(Refused):
        await office.channel.send(outbound())
    assert (await sent(office, id=8)).sender.startswith("support+b")


async def test_a_server_that_does_not_let_us_send_at_all_is_told_of() -> None:
    async with office(bounces="off") as at:
        at.sandbox.address = "else@example.com"
        (finding,) = await at.channel.health()
    assert f"send as {OURS}" in finding.what


async def test_a_recipient_that_is_refused_is_no_fault_of_the_envelope(office: Office) -> None:
    office.sandbox.faults.add(Blocked(), provider="email", address=SARAH)
    with pytest.raises(Refused) as refused:
        await office.channel.send(outbound())
    assert refused.value.unreachable
    assert (await sent(office)).sender.startswith("support+b")


async def test_reports_come_by_a_mailbox_too() -> None:
    async with mail_room() as room:
        room.sandbox.return_mail(SARAH)
        receipt = await room.channel.send(outbound())
        async with room.reading():
            (report,) = await room.inbox.arrived(1)
            await until(lambda: room.marked() == [1])
    assert isinstance(report, DeliveryReport)
    assert (report.provider_id, report.unreachable) == (receipt.provider_id, True)


NESTED = [
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(1500)),
    b"Content-Type: message/rfc822\n\n" * 1500,
]


@pytest.mark.parametrize("nested", NESTED, ids=["parts", "mails"])
async def test_what_is_nested_without_end_is_kept_for_staff_and_does_not_come_again(
    office: Office, nested: bytes
) -> None:
    mail = await sent(office)
    kept = await office.told(b"From: x@example.org\nSubject: x\n" + nested, recipient=mail.sender)
    assert isinstance(kept, IncomingMessage)
    assert kept.quarantine == "at the address for reports, and no report"


PIECES = st.sampled_from(
    [
        *(
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
            b"\n--b\n",
            b"\n--b--\n",
            b"\n\n",
        ),
        *(b"Content-Type: message/delivery-status\n", b"Action: failed\n", b"Status: 5.1.1\n", b"Action:\n", b":\n"),
        *(b"X-Failed-Recipients: a@b.example\n", b"Final-Recipient: rfc822; a@b.example\n", b"Hi. This is the\n"),
        *(b"Content-Type: message/rfc822\n", b"Diagnostic-Code: smtp; 5.1.1\n", b"Content-Transfer-Encoding: base64\n"),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=12), max_size=30).map(b"".join))
def test_any_bytes_are_a_report_or_none(raw: bytes) -> None:
    report = read_report(raw, read_letter(raw))
    assert report is None or report.state in (None, DeliveryState.REFUSED, DeliveryState.DELIVERED)
