"""Whether a sender is believed: by our mail server's word, or by our own DKIM checks."""

from __future__ import annotations

import asyncio
import base64
import threading

import dkim
import pytest
from email_office import SARAH, mail, office

from omnibot.sandbox.mail import Verdict
from omnibot_email.authentication import (
    Authenticator,
    NotNow,
    Organisations,
    doubt_by_signatures,
    doubt_by_statements,
    trusted_statements,
)
from omnibot_email.mime import Headers

OURS = "mx.example.com"


@pytest.fixture(scope="module")
def organisations() -> Organisations:
    return Organisations()


def doubt(organisations: Organisations, *results: str, domain: str = "example.org") -> str:
    block = "".join(f"Authentication-Results: {result}\n" for result in results)
    headers = Headers.parse(f"{block}Received: by mx\nFrom: x\n".encode())
    return doubt_by_statements(trusted_statements(headers, OURS), domain, organisations)


@pytest.mark.parametrize(
    "result",
    [
        f"{OURS}; dmarc=pass header.from=example.org",
        f"{OURS}; dmarc=pass (p=reject; sp=none) header.from=example.org",
        f"{OURS}; dmarc=pass",
        f"{OURS} 1; dkim=pass header.d=example.org",
        f"{OURS.upper()}; DKIM = PASS header.D=Example.ORG",
        f"{OURS}; dkim=pass header.i=@mail.example.org",
        f"{OURS}; spf=pass smtp.mailfrom=bounce@mail.example.org",
        f'{OURS}; spf=pass (says "ok; dkim=fail") smtp.mailfrom=example.org',
        f"{OURS}; spf=fail smtp.mailfrom=evil.test; dkim=fail header.d=a.test; dkim=pass header.d=example.org",
        f"{OURS}; dmarc=none header.from=example.org; dkim=pass header.d=example.org",
        f"{OURS}; dmarc=fail header.from=else.test; dkim=pass header.d=example.org",
    ],
)
def test_what_our_server_passed_is_believed(organisations: Organisations, result: str) -> None:
    assert doubt(organisations, result) == ""


@pytest.mark.parametrize(
    "result",
    [
        f"{OURS}; none",
        f"{OURS}",
        "",
        f"{OURS}; dmarc=fail header.from=example.org; dkim=pass header.d=example.org",
        f"{OURS}; dmarc=temperror header.from=example.org; spf=pass smtp.mailfrom=example.org",
        f"{OURS}; dmarc=pass header.from=evil.test",
        f"{OURS}; dkim=pass header.d=evil.test",
        f"{OURS}; dkim=pass header.d=org",
        f"{OURS}; dkim=fail header.d=example.org; spf=softfail smtp.mailfrom=example.org",
        f"{OURS}; spf=pass smtp.helo=example.org",
        f"{OURS}; arc=pass header.d=example.org",
        f"{OURS}; dkim=pass (header.d=example.org) header.d=evil.test",
        f'{OURS}; dkim=fail reason="x; dkim=pass header.d=example.org"',
        f"{OURS}; dkim=fail (comment; (nested) dkim=pass header.d=example.org",
        f"evil.test; x={OURS}; dkim=pass header.d=example.org",
        f"{OURS}; " + "x" * 20_000 + "; dkim=pass header.d=example.org",
    ],
)
def test_what_our_server_did_not_pass_is_not_believed(organisations: Organisations, result: str) -> None:
    assert doubt(organisations, result)


def test_all_results_above_our_servers_trace_are_its_own(organisations: Organisations) -> None:
    assert doubt(organisations, f"{OURS}; dmarc=none", f"{OURS}; dkim=pass header.d=example.org") == ""


def test_below_the_trace_only_the_topmost_counts(organisations: Organisations) -> None:
    block = (
        "Received: by mx\n"
        f"Authentication-Results: {OURS}; dkim=fail header.d=example.org\n"
        f"Authentication-Results: {OURS}; dkim=pass header.d=example.org\n"
    )
    stated = trusted_statements(Headers.parse(block.encode()), OURS)
    assert [statement.result for statement in stated] == ["fail"]


def test_without_any_trace_only_the_topmost_counts() -> None:
    block = f"Authentication-Results: {OURS}; spf=fail\nAuthentication-Results: {OURS}; spf=pass\n"
    stated = trusted_statements(Headers.parse(block.encode()), OURS)
    assert [statement.result for statement in stated] == ["fail"]


def test_a_server_without_an_id_is_believed_where_that_is_said(organisations: Organisations) -> None:
    microsofts = (
        "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dkim=pass (signature\n"
        " was verified) header.d=example.org;dmarc=pass action=none header.from=example.org;compauth=pass reason=100\n"
    )
    headers = Headers.parse(f"Received: by mx\n{microsofts}Authentication-Results-Original: x; dmarc=fail\n".encode())
    assert doubt_by_statements(trusted_statements(headers, "-"), "example.org", organisations) == ""
    assert doubt_by_statements(trusted_statements(headers, "-"), "example.net", organisations)
    assert trusted_statements(headers, OURS) == []
    named = Headers.parse(f"Authentication-Results: {OURS}; dmarc=pass\n".encode())
    assert trusted_statements(named, "-") == []


def test_organisations_end_at_public_suffixes(organisations: Organisations) -> None:
    assert organisations.aligned("mail.shop.co.uk", "shop.co.uk")
    assert not organisations.aligned("a.co.uk", "b.co.uk")
    assert not organisations.aligned("", "example.org")


# --- our own checks --------------------------------------------------------------------------------------------

# Made for these tests alone, by `openssl genrsa 1024`.
_KEY = """
MIICXAIBAAKBgQCxASP/i8EZYggej/8cSHNEmWoZwMGs9XUHWhqjUiv6+1bdjaj1
vDK8IeW/CaJKrtc118hyFewen8GN3ReBft+/STDl1ENvGCVwOUuK5xbRCv9K8HdM
Q8lWgZ6MyGbJS94DP+gmJ1rQexk/2zn7MvuVZB7mIk7ozxoCSOjlh/TSfQIDAQAB
AoGAEI++woZdBvb5M4Ldp9PPlTeVidtTQ8+jp5BytZ1WqCEkO46ppHR7esbhLELG
gJ5jXJJYGvSaJzNjdNafAGrSnHdMB5cuUaY3FIWq0+yrkj0pUch+Vr500a5QzGrw
63NI2i2s6rEp6MEwjEuZo+JtmFnfhEkK3V7/C2tHYlptibECQQDoS1C04DfK4KtZ
MS6g1c5fM6GGqIp/osQkltYIvYYYOpHMW6GaM1/XmQTor9rSmzObvyknY4LNap0g
IzIeQNOXAkEAwxFhjgYqloxLcL7y7EQP1TpsDR8cvn28e1G+m7Ou509ie8TyLcar
yrCYn8wcMuSGNZfB93K6mCDZdM3Qul19CwJAaidI2W+Bb4/eHeNQ2KT8KxtQHFZW
/F7oXYQkiVf6uIXDbO0O24XQrZi62o7KY+YS3oCsENjzxGWNKkuLMrITPwJAPCm/
MeOa/QXWOrbaC57OV1CGhOGEpwf2uv4yUKlxl2v3jv7mRtIQqBohaJ+2TsgG0L62
l1AuVr9C8nCMIP62kwJBANuwbI0tXW8BGFt+Ya2xTJGhEffSRuR2KDZMyE9fvd20
9nuE7nCOM7ZQOivbn3iPY6DHCg0qDKMf4/iaNKGtr0M=
"""
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----{_KEY}-----END RSA PRIVATE KEY-----".encode()
PUBLIC_KEY = b"""MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCxASP/i8EZYggej/8cSHNEmWoZ
wMGs9XUHWhqjUiv6+1bdjaj1vDK8IeW/CaJKrtc118hyFewen8GN3ReBft+/STDl
1ENvGCVwOUuK5xbRCv9K8HdMQ8lWgZ6MyGbJS94DP+gmJ1rQexk/2zn7MvuVZB7m
Ik7ozxoCSOjlh/TSfQIDAQAB"""
RECORD = b"v=DKIM1; k=rsa; p=" + base64.b64encode(base64.b64decode(b"".join(PUBLIC_KEY.split())))
PLAIN = mail().replace(b"\n", b"\r\n")


def signed(domain: str = "example.org", *, length: bool = False, raw: bytes = PLAIN) -> bytes:
    signature = dkim.sign(
        raw, b"one", domain.encode(), PRIVATE_KEY, include_headers=[b"from", b"subject"], length=length
    )
    return bytes(signature + raw)


class Names:
    """The TXT records of the tests."""

    def __init__(self, **records: bytes) -> None:
        self.records = {"one._domainkey.example.org": RECORD, "one._domainkey.mail.example.org": RECORD, **records}
        self.asked: list[str] = []

    def __call__(self, name: str) -> bytes | None:
        self.asked.append(name)
        return self.records.get(name)


def own_doubt(organisations: Organisations, raw: bytes, names: Names | None = None) -> str:
    return doubt_by_signatures(raw, "example.org", organisations, names or Names())


def test_an_aligned_signature_is_believed(organisations: Organisations) -> None:
    assert own_doubt(organisations, signed()) == ""
    assert own_doubt(organisations, signed("mail.example.org")) == ""


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN,
        signed() + b"and more\r\n",
        signed(length=True),
        signed("evil.test"),
        b"DKIM-Signature: nonsense\r\n" + PLAIN,
        b"DKIM-Signature: v=1; a=rsa-sha256; b=x; bh=y; d=example.org; s=\xff; h=from\r\n" + PLAIN,
    ],
    ids=["unsigned", "altered", "partly", "other", "nonsense", "no-utf8"],
)
def test_without_an_aligned_signature_over_all_of_it_it_is_not(organisations: Organisations, raw: bytes) -> None:
    names = Names(**{"one._domainkey.evil.test": RECORD})
    assert own_doubt(organisations, raw, names) == "no DKIM signature of the sender's domain"


@pytest.mark.parametrize("line", [b"nonsense\r\n", b"X Mailer: old\r\n", b"X-Caf\xe9: 1\r\n"])
async def test_a_header_that_cannot_be_read_is_no_reason_to_keep_mail_out(line: bytes) -> None:
    async with office(Names(), authserv_id="") as at:
        message = await at.take(line + signed(), verdict=Verdict.UNCHECKED)
    assert message is not None
    assert (message.sender.address.value, message.quarantine) == (SARAH, "no DKIM signature of the sender's domain")


def test_a_strict_policy_wants_the_very_domain(organisations: Organisations) -> None:
    names = Names(**{"_dmarc.example.org": b"v=DMARC1; p=reject; adkim=s"})
    assert own_doubt(organisations, signed("mail.example.org"), names) == "DMARC failed"
    assert own_doubt(organisations, signed(), names) == ""


@pytest.mark.parametrize("record", [b"v=DMARC1; p=reject", b"v=DMARC1; broken", b"something else"])
def test_a_relaxed_or_broken_policy_does_not(organisations: Organisations, record: bytes) -> None:
    names = Names(**{"_dmarc.example.org": record})
    assert own_doubt(organisations, signed("mail.example.org"), names) == ""


def test_no_more_than_a_few_signatures_are_verified(organisations: Organisations) -> None:
    names = Names()
    forged = b"DKIM-Signature: v=1; a=rsa-sha256; b=eA==; bh=eQ==; d=example.org; s=one; h=from\r\n"
    own_doubt(organisations, forged * 100 + PLAIN, names)
    assert len(names.asked) <= 5


class Silent(Names):
    """The same, but for one domain whose name servers do not answer."""

    def __init__(self, domain: str) -> None:
        super().__init__()
        self.domain = domain

    def __call__(self, name: str) -> bytes | None:
        if name == f"one._domainkey.{self.domain}":
            raise NotNow
        return super().__call__(name)


def test_silent_name_servers_of_others_hold_nothing_up(organisations: Organisations) -> None:
    listed = signed("dead.test", raw=signed())
    assert own_doubt(organisations, listed, Silent("dead.test")) == ""
    doubted = own_doubt(organisations, signed("dead.test"), Silent("dead.test"))
    assert doubted == "no DKIM signature of the sender's domain"


def test_one_signature_that_holds_is_enough_while_another_cannot_be_looked_up(organisations: Organisations) -> None:
    assert own_doubt(organisations, signed("mail.example.org", raw=signed()), Silent("mail.example.org")) == ""
    with pytest.raises(NotNow):
        own_doubt(organisations, signed("mail.example.org"), Silent("mail.example.org"))


async def test_silent_name_servers_end_at_the_deadline() -> None:
    released = threading.Event()

    def silent(name: str) -> bytes | None:
        released.wait(10)
        return None

    authenticator = Authenticator("", silent, deadline=0.01)
    try:
        with pytest.raises(NotNow):
            await authenticator.doubt(Headers(), signed(), "example.org")
    finally:
        released.set()


async def test_while_name_servers_are_silent_mail_comes_again() -> None:
    down = True
    turned_away = asyncio.Event()
    loop = asyncio.get_running_loop()

    def lookup(name: str) -> bytes | None:
        if down:
            loop.call_soon_threadsafe(turned_away.set)
            raise NotNow
        return Names()(name)

    async with office(lookup, authserv_id="") as at:
        posted = at.sandbox.post(signed(), sender=SARAH, verdict=Verdict.UNCHECKED)
        await turned_away.wait()
        down = False
        assert await posted.settled() == 250
        assert posted.answers[0] == 451
        (message,) = at.inbox.messages
        assert message.quarantine == ""


async def test_without_our_servers_word_the_mail_is_verified_here_and_health_says_so() -> None:
    async with office(Names(), authserv_id="") as at:
        believed = await at.take(signed(), verdict=Verdict.UNCHECKED)
        doubted = await at.take(PLAIN, verdict=Verdict.PASS)
        (finding,) = await at.channel.health()
    assert believed is not None
    assert doubted is not None
    assert (believed.quarantine, doubted.quarantine) == ("", "no DKIM signature of the sender's domain")
    assert "authserv_id" in finding.what
    assert not finding.fatal
