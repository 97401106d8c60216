"""A mail's own words: what mail programs put around them goes, what people wrote stays."""

from __future__ import annotations

import re

import pytest
from email_office import MAILS
from hypothesis import given
from hypothesis import strategies as st

from omnibot_email import quotes
from omnibot_email.letter import read_letter
from omnibot_email.quotes import own_words

OWN = {
    "gmail_reply": "Thanks, that explains it – but why was I charged twice?\n\nBest,\nSarah",
    "gmail_spanish_html_only": "No me funciona la contraseña.\n\n¿Qué hago?",
    "outlook_reply": "Still the same timeout after raising the limit.\n\nMike",
    "outlook_german_original": "Vielen Dank, das hat geklappt.",
    "apple_mail_iphone": "Where do I find the settings page?",
    "apple_mail_french": "Bonjour, je ne comprends toujours pas.\n\nEst-ce normal ?\n\nOui.",
    "thunderbird_inline": (
        "Ja, zweimal, und danach habe ich auch noch das Netzteil für eine ganze Minute gezogen.\n\n4.2"
    ),
    "proton_reply": "The export is empty.",
    "gmx_reply_html": "Es geht immer noch nicht.\n\nPetra",
    "yahoo_unmarked": " It has not arrived.",
    "gmail_forward": (
        "Is this one real?\n\n---------- Forwarded message ---------\n"
        "From: Billing <billing@example.net>\nDate: Sun, Mar 2, 2025 at 10:00 AM\nSubject: Invoice\n"
        "To: <sarah@example.org>\n\nPlease pay at once."
    ),
}


@pytest.mark.parametrize("name", sorted(path.stem for path in MAILS.glob("*.eml")))
def test_a_programs_mail_is_read_as_its_writer_meant(name: str) -> None:
    letter = read_letter((MAILS / f"{name}.eml").read_bytes())
    assert letter.fault == ""
    assert letter.text == OWN[name]


@pytest.mark.parametrize(
    "introduction",
    [
        "On Mon, Mar 3, 2025 at 9:12 AM Example Support <support@example.com> wrote:",
        "On Mon, Mar 3, 2025 at 9:12 AM Example Support\n<support@example.com> wrote:",
        "On Mon, Mar 3, 2025 at 9:12 AM\nExample Support <support+r@example.com>\nwrote:",
        "El lun, 3 mar 2025 a las 9:12, Example Support (<support@example.com>) escribió:",
        "Am Mo., 3. März 2025 um 09:12 Uhr schrieb Example Support <support@example.com>:",
        "Am 03.03.25 um 09:12 schrieb Example Support:",
        "Le lun. 3 mars 2025 à 09:12, Example Support <support@example.com> a écrit :",
        "Il giorno lun 3 mar 2025 alle ore 09:12 Example Support <support@example.com> ha scritto:",
        "Em seg., 3 de mar. de 2025 às 09:12, Example Support <support@example.com> escreveu:",
        "Op ma 3 mrt 2025 om 09:12 schreef Example Support <support@example.com>:",
        "2025-03-03 9:12 GMT+01:00 Example Support <support@example.com> wrote:",
        "Example Support <support@example.com> schrieb am Mo., 3. März 2025, 09:12:",
        "-----Original Message-----",
        "-------- Original-Nachricht --------",
        "-----Mensaje original-----",
        "-----Message d'origine-----",
        "________________________________\nFrom: A\nSent: B\nTo: C\nSubject: D",
        "Von: A\nGesendet: B\nAn: C\nBetreff: D",
        "De: A\nEnviado: B\nPara: C\nAsunto: D",
        "De : A\nEnvoyé : B\nÀ : C\nObjet : D",
        "*From:* A\n*Sent:* B\n*To:* C\n*Subject:* D",
    ],
)
@pytest.mark.parametrize("quoted", ["> old\n> words", "\n> old", "\nold words\nmore of them"])
def test_what_is_answered_goes(introduction: str, quoted: str) -> None:
    assert own_words(f"New words.\n\n{introduction}\n{quoted}") == "New words."


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nSarah\nExample Ltd",
        "--\nSarah",
        "Sent from my iPhone",
        "Sent from my Galaxy S24 Ultra",
        "Sent from Outlook for Android",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Sent with Proton Mail secure email.",
        "Von meinem iPhone gesendet",
        "Gesendet von Mail für Windows",
        "Gesendet mit der GMX Mail App",
        "Diese Nachricht wurde von meinem Android Mobiltelefon mit GMX Mail gesendet.",
        "Enviado desde mi iPhone",
        "Enviado desde Correo para Windows",
        "Envoyé de mon iPhone",
        "Envoyé depuis mon mobile",
        "Télécharger Outlook pour Android",
        "Holen Sie sich Outlook für iOS",
    ],
)
@pytest.mark.parametrize("below", ["", "\n\nOn 3 Mar 2025, at 9:12, A <a@example.com> wrote:\n> old"])
def test_signatures_go(signature: str, below: str) -> None:
    assert own_words(f"New words.\n\n{signature}{below}") == "New words."


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote: nothing came.",
        "On Monday I wrote:\nnothing came of it.",
        "Le café est froid :",
        "From: Berlin\nTo: Paris\nDate: 3 May",
        "Sent from Berlin on Monday, and it is not here.",
        "first\n--\nsecond\nthird\nfourth\nfifth\nsixth\nseventh\neighth\nninth\ntenth",
        "a -- b",
        "1 > 0\n2 < 3",
        "--------------------\nA table\n--------------------",
        "Sent from my iPhone\nit does not work either",
    ],
)
def test_peoples_own_words_stay(text: str) -> None:
    assert own_words(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("> old\n\nNew words.", "New words."),
        ("On 3 Mar 2025, at 9:12, A <a@example.com> wrote:\n> old\n\nNew words.", "New words."),
        ("-- \nall that I have to say", "all that I have to say"),
        ("From: A\nSent: B\nTo: C\nSubject: D\n\nthe old, and the new below it", "the old, and the new below it"),
        ("> nothing but\n> quotations", ""),
        ("Sent from my iPhone", ""),
        ("", ""),
        ("one\n> two\nthree\n-- \nSarah\n> four\nfive", "one\nthree\nfive"),
        ("new\n\nFrom: A\nSent: B\nSubject: D\n\n---------- Forwarded message ---------\nolder", "new"),
    ],
)
def test_what_is_left_of_odd_mails(text: str, words: str) -> None:
    assert own_words(text) == words


LINES = st.sampled_from(
    [
        *("", "> a", ">> b", "words", "-- ", "--", "On Mon, Mar 3, 2025, A <a@b.example>", "wrote:"),
        *("-----Original Message-----", "From: A", "Sent: B", "Subject: C", "_" * 20, "Sent from my iPhone"),
        *(
            "---------- Forwarded message ---------",
            "On 3 Mar 2025, at 9:12, A wrote:",
            "\xa0",
            "Am 1.1.25 12:00 schrieb A:",
        ),
    ]
)


@given(st.lists(LINES | st.text(max_size=30), max_size=40).map("\n".join))
def test_own_words_are_never_lost_altogether(text: str) -> None:
    words = own_words(text)
    has_own = any(re.fullmatch(r"words", line) for line in text.split("\n"))
    assert words or not has_own
    assert not any(line.startswith(">") for line in words.split("\n")) or "Forwarded" in text


HOSTILE = (
    "On Mon, 3 Mar 2025 at 10:00, A <a@b.example>\n",
    "-----Original Message\n",
    "From: A\n",
    "> x\ny\n",
    "Sent from my " + "x " * 40 + "\n",
    "-- \n",
    "--\n",
    "_" * 30 + "\n",
    "x" * 10_000,
    "\n",
    "a<" * 200 + "\n",
    " " * 400 + "\n",
)


@pytest.mark.parametrize("pattern", HOSTILE, ids=range(len(HOSTILE)))
def test_every_line_is_looked_at_a_bounded_number_of_times(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts the characters that patterns are matched against: at most a fixed number for each of the mail."""
    looked_at = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def __getattr__(self, name: str) -> object:
            def counted(text: str) -> object:
                nonlocal looked_at
                looked_at += len(text)
                return getattr(self.pattern, name)(text)

            return counted

    for name, value in vars(quotes).items():
        if isinstance(value, re.Pattern):
            monkeypatch.setattr(quotes, name, Counting(value))
    text = (pattern * (100_000 // len(pattern) + 1))[:100_000]
    own_words(text)
    assert looked_at <= 40 * len(text)
