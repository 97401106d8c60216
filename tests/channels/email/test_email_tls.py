"""Who the servers are, who we are to them, and what whoever runs Omnibot is told where that goes wrong."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from email_office import KEY, NOON, OURS, outbound
from pydantic import ValidationError

from omnibot.contract import Finding, Site, TryLater
from omnibot.sandbox.mail import ImapSandbox, MailSandbox
from omnibot.settings import judge_table
from omnibot_email import Email
from omnibot_email.access import NoToken, access_token
from omnibot_email.settings import EmailSettings
from omnibot_email.tls import port_hint, tls_trouble

CERTIFICATES = Path(__file__).parent / "certificates"  # made for these tests alone, by openssl; they last a century
AUTHORITY = (CERTIFICATES / "authority.pem").read_text()
Security = Literal["none", "starttls", "tls"]


def served_with(name: str = "server") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


@dataclass
class Servers:
    """A provider's two servers, and a channel between them."""

    smtp: MailSandbox
    imap: ImapSandbox

    def channel(self, smtp: dict[str, Any] | None = None, imap: dict[str, Any] | None = None) -> Email:
        both = {"host": "localhost", "username": OURS, "password": "secret", "ca": AUTHORITY, "timeout": 5}
        given = EmailSettings.model_validate(
            {
                "address": OURS,
                "authserv_id": "mx.example.com",
                "smtp": {**both, "port": self.smtp.port, "security": self.smtp.security, **(smtp or {})},
                "imap": {**both, "port": self.imap.port, "security": self.imap.security, **(imap or {})},
            }
        )
        return Email(Site(account="main", path="/x", public_url="", key=KEY, now=lambda: NOON), given)

    async def findings(self, **more: dict[str, Any]) -> list[Finding]:
        async with self.channel(**more) as channel:
            return list(await channel.health())


@asynccontextmanager
async def servers(security: Security, certificate: str = "server") -> AsyncIterator[Servers]:
    tls = served_with(certificate)
    async with ImapSandbox(tls=tls, security=security) as imap:
        account = imap.account(OURS, "secret", token="fresh")
        async with MailSandbox(
            deliver_to=account, username=OURS, password="secret", token="fresh", tls=tls, security=security
        ) as smtp:
            yield Servers(smtp, imap)


SECURE: list[Security] = ["starttls", "tls"]


@pytest.mark.parametrize("security", SECURE)
async def test_the_servers_of_a_private_authority_are_believed_where_it_is_given(security: Security) -> None:
    async with servers(security) as at:
        assert await at.findings() == []
        async with at.channel() as channel:
            assert (await channel.send(outbound())).provider_id


@pytest.mark.parametrize("security", SECURE)
async def test_else_they_are_not_and_nothing_is_said_to_them(security: Security) -> None:
    unknown = {"ca": ""}
    async with servers(security) as at:
        findings = await at.findings(smtp=unknown, imap=unknown)
        async with at.channel(smtp=unknown) as channel:
            with pytest.raises(TryLater, match="authority"):
                await channel.send(outbound())
        assert list(at.smtp.ledger) == []
        assert at.imap.logins == 0
    assert [finding.fatal for finding in findings] == [True, True]
    assert [("smtp.ca_file" in finding.action, "imap.ca_file" in finding.action) for finding in findings] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("security", SECURE)
async def test_a_certificate_for_another_name_is_told(security: Security) -> None:
    async with servers(security, "another") as at:
        findings = await at.findings()
    assert ["another name" in finding.what for finding in findings] == [True, True]
    assert ["smtp.host" in findings[0].action, "imap.host" in findings[1].action] == [True, True]


@pytest.mark.parametrize(
    ("server", "client", "what"),
    [
        ("tls", "starttls", "cannot connect"),
        ("starttls", "tls", "does not speak TLS"),
        ("none", "tls", "does not speak TLS"),
        ("none", "starttls", "no STARTTLS"),
    ],
)
async def test_a_port_that_wants_another_security_is_told(server: Security, client: Security, what: str) -> None:
    other = {"security": client, "timeout": 0.5}
    async with servers(server) as at:
        smtp, imap = await at.findings(smtp=other, imap=other)
    for name, finding in (("smtp", smtp), ("imap", imap)):
        assert what in finding.what
        assert f"{name}.security" in finding.action
        assert finding.fatal


@pytest.mark.parametrize(
    ("table", "port", "security", "hint"),
    [
        ("smtp", 465, "starttls", 'smtp.security = "tls"'),
        ("smtp", 587, "tls", 'smtp.security = "starttls"'),
        ("imap", 993, "starttls", 'imap.security = "tls"'),
        ("imap", 143, "tls", 'imap.security = "starttls"'),
        ("imap", 143, "none", ""),
        ("smtp", 2525, "tls", ""),
        ("smtp", 587, "starttls", ""),
    ],
)
def test_usual_ports_hint_at_their_security(table: str, port: int, security: str, hint: str) -> None:
    told = port_hint(table, port, security)
    assert hint in told
    assert bool(hint) == bool(told)


def test_an_expired_certificate_is_told_from_a_foreign_one() -> None:
    error = ssl.SSLCertVerificationError("expired")
    error.verify_code = 10
    assert "expired" in (tls_trouble(error, "smtp", "x") or ("", ""))[0]
    assert tls_trouble(OSError("something else"), "smtp", "x") is None


async def test_a_login_without_encryption_is_told() -> None:
    async with servers("starttls") as at:
        smtp, imap = await at.findings(smtp={"security": "none"}, imap={"security": "none"})
    assert "log in" in smtp.what
    assert "without TLS" in imap.what


async def test_a_password_in_the_clear_is_told_but_works() -> None:
    async with servers("none") as at:
        assert await at.findings() == []  # on this machine nobody listens
        (finding,) = await at.findings(smtp={"host": "127.1", "security": "none"})
    assert "for everybody to read" in finding.what
    assert not finding.fatal


@pytest.mark.parametrize("broken", [{"password": "wrong"}, {"username": "nobody"}], ids=str)
async def test_a_refused_login_is_told(broken: dict[str, Any]) -> None:
    async with servers("tls") as at:
        smtp, imap = await at.findings(smtp=broken, imap=broken)
    assert "refused the login" in smtp.what
    assert "refused the login" in imap.what
    assert "smtp.password" in smtp.action
    assert "imap.password" in imap.action


# --- OAuth 2.0 ---------------------------------------------------------------------------------------------------


def printing(text: str, status: int = 0) -> str:
    return f"{sys.executable} -c \"print('{text}'); raise SystemExit({status})\""


async def test_an_access_token_opens_both_doors() -> None:
    token = {"password": "", "token_command": printing("fresh")}
    async with servers("tls") as at:
        assert await at.findings(smtp=token, imap=token) == []


async def test_a_token_that_is_not_taken_is_told() -> None:
    stale = {"password": "", "token_command": printing("stale")}
    async with servers("tls") as at:
        smtp, imap = await at.findings(smtp=stale, imap=stale)
    assert "refused the login" in smtp.what
    assert "token command" in imap.action


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (printing("secret", 1), "failed"),
        (printing(""), "printed no token"),
        (printing("x" * 20_000), "printed no token"),
        ("/nowhere/at/all", "cannot be run (FileNotFoundError)"),
        ('"', "cannot be run (ValueError)"),
        (" ", "cannot be run"),
    ],
)
async def test_a_token_command_that_fails_is_told_without_what_it_printed(command: str, why: str) -> None:
    with pytest.raises(NoToken) as failed:
        await access_token(command)
    assert why in str(failed.value)
    assert "secret" not in str(failed.value)
    if not command.strip():
        return
    broken = {"password": "", "token_command": command}
    async with servers("tls") as at:
        smtp, imap = await at.findings(smtp=broken, imap=broken)
    assert ["smtp.token_command" in smtp.action, "imap.token_command" in imap.action] == [True, True]


async def test_a_token_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibot_email.access._SECONDS", 0.1)
    with pytest.raises(NoToken, match="too long"):
        await access_token("sleep 60")


# --- settings ----------------------------------------------------------------------------------------------------

SMTP = {"host": "smtp.example.com"}
IMAP = {"host": "imap.example.com", "password": "secret"}


def test_there_is_a_listener_unless_there_is_a_mailbox() -> None:
    def given(**more: Any) -> EmailSettings:
        return EmailSettings.model_validate({"address": OURS, "smtp": SMTP, **more})

    assert given().listener is not None
    assert given(imap=IMAP).listener is None
    assert given(imap=IMAP, listen={"port": 8025}).listener is not None
    assert given().reports_to == OURS
    assert given(bounces="off").reports_to == ""
    assert given(bounces="Bounces@Example.COM").reports_to == "bounces@example.com"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"smtp": {**SMTP, "password": "x"}}, "has a password and no username"),
        ({"imap": {"host": "x"}}, "has no password"),
        ({"imap": {**IMAP, "token_command": "y", "username": "z"}}, "remove one of the two"),
        ({"imap": {"host": "x", "token_command": "y"}}, "no username"),
        ({"imap": {**IMAP, "after": "archive"}}, "seen, delete or move:FOLDER"),
        ({"imap": {**IMAP, "after": "move:"}}, "seen, delete or move:FOLDER"),
        ({"imap": {**IMAP, "after": "move:INBOX"}}, "moves mail to where it is"),
        ({"imap": {**IMAP, "poll_seconds": 1800}}, "less than or equal to 1680"),
        ({"imap": {**IMAP, "ca": "nonsense"}}, "no certificate in PEM"),
        ({"bounces": "nowhere"}, "is not an email address"),
        ({"bounces": f"{'x' * 31}@example.com"}, "reports need the rest of 64"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_faults(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        EmailSettings.model_validate({"address": OURS, "smtp": SMTP, **more})


def test_an_authority_is_read_from_its_file() -> None:
    raw = {"address": OURS, "smtp": {**SMTP, "ca_file": str(CERTIFICATES / "authority.pem")}}
    settings, faults = judge_table(EmailSettings, raw, ("channels", "email", "support"))
    assert faults == []
    assert settings is not None
    assert settings.smtp.ca == AUTHORITY.rstrip("\n")
