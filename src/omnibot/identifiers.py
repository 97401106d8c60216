"""One spelling of an address, in which it is compared; what it is written to with stays as its provider spells it.

What falls together, and why nobody falls together whom a provider tells apart:

* Phones are compared as E.164. Three countries spell one mobile number in two ways, and WhatsApp keeps to the way in
  which somebody first registered: Brazil added a ninth digit, Mexico dropped the 1 behind +52, and Argentina writes a 9
  behind +54 for calls and WhatsApp and none for text messages. Argentina's plan is flat: these ten digits are one line.
  Brazil's eight digits get the ninth only where they are no number any more without it, and are a mobile number with
  it: those that begin with 7 are still in the plan, and stay as they are.
* A number with an extension is a house, not a person; a short code or a sender's name is nobody. Neither is a phone,
  and neither is WhatsApp's id of somebody who keeps their number to themselves (`US.13491208655302741918`).
* Mail: the domain as DNS has it (IDNA), the local part without regard to case, the plus tag left away (RFC 5233: what
  stands behind it is the same mailbox's). Dots count, even Gmail's. That they mean nothing is a rule of one provider
  for one domain (not for the companies that it hosts), nobody writes from a mailbox in two of these spellings, and who
  gives another person's address with a dot to spare must not be taken for them.
* Telegram's ids are numbers. Slack's ids, user ids of the company's own systems, and addresses of channels that we do
  not know are compared to the letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

import idna
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from omnibot.model import USER, Address, Identifier, IdentifierKind

_REMEMBERED = 32_768  # spellings: those who write, write again
_LONGEST = 320  # characters of anything that is an identifier: a mail address of RFC 3696
_MOST_STEPS = 10  # one is enough for whatever people write; each takes a doubled prefix away

_PHONE = re.compile(r"\+[\d\s().\-/‐-―]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TELEGRAM = re.compile(r"0*([1-9][0-9]*)")
_ARGENTINE_MOBILE = re.compile(r"9([1-3][0-9]{9})")
_MEXICAN_MOBILE = re.compile(r"1([1-9][0-9]{9})")
_BRAZILIAN_OF_EIGHT = re.compile(r"([1-9][1-9])([6-9][0-9]{7})")

_BY_CHANNEL: Mapping[str, IdentifierKind] = {
    "sms": IdentifierKind.PHONE,
    "whatsapp": IdentifierKind.PHONE,
    "email": IdentifierKind.EMAIL,
    USER: IdentifierKind.USER_ID,
}


@lru_cache(maxsize=_REMEMBERED)
def comparable(address: Address) -> Address:
    """The address in the spelling in which it is compared; itself where nothing is known about its spelling."""
    if address.channel == "telegram":
        number = _TELEGRAM.fullmatch(address.value.strip())
        return Address(address.channel, number[1]) if number else address
    kind = _BY_CHANNEL.get(address.channel)
    value = _SPELLINGS[kind](address.value) if kind else None
    return address if value is None else Address(address.channel, value)


@lru_cache(maxsize=_REMEMBERED)
def implied(address: Address) -> Identifier | None:
    """What the address itself says of whose it is: its phone or its mail address; None where that is no such thing."""
    kind = _BY_CHANNEL.get(address.channel)
    return spelled(Identifier(kind, address.value)) if kind else None


@lru_cache(maxsize=_REMEMBERED)
def spelled(identifier: Identifier) -> Identifier | None:
    """An identifier in the spelling in which it is compared; None where it names nobody in particular."""
    if len(identifier.value) > _LONGEST:
        return None
    value = _SPELLINGS[identifier.kind](identifier.value)
    return Identifier(identifier.kind, value) if value else None


# --- phones --------------------------------------------------------------------------------------------------------


def _phone(text: str) -> str | None:
    """As E.164, in the one variant; None where it is no number with its country code."""
    return _settled(_phone_once, text.strip())


def _phone_once(text: str) -> str | None:
    if len(text) > _LONGEST or not _PHONE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text)
    except NumberParseException:
        return None
    number = _one_variant(number)
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return written if phonenumbers.is_possible_number(number) and _E164.fullmatch(written) else None


def _one_variant(number: PhoneNumber) -> PhoneNumber:
    national = phonenumbers.national_significant_number(number)
    match number.country_code:
        case 52 if mobile := _MEXICAN_MOBILE.fullmatch(national):
            return _number(52, mobile[1])
        case 54 if mobile := _ARGENTINE_MOBILE.fullmatch(national):
            return _number(54, mobile[1])
        case 55 if (old := _BRAZILIAN_OF_EIGHT.fullmatch(national)) and not phonenumbers.is_valid_number(number):
            now = _number(55, f"{old[1]}9{old[2]}")
            return now if phonenumbers.number_type(now) == PhoneNumberType.MOBILE else number
    return number


def _number(country: int, national: str) -> PhoneNumber:
    return PhoneNumber(country_code=country, national_number=int(national))


# --- mail ----------------------------------------------------------------------------------------------------------


def _mail(text: str) -> str | None:
    """local@domain without plus tag; None where it is no address of a mailbox."""
    return _settled(_mail_once, text.strip())


def _mail_once(text: str) -> str | None:
    local, at, domain = text.rpartition("@")
    if len(text) > _LONGEST or not (local and at) or re.search(r'["\s@]', local):
        return None
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii").lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError, ValueError):
        return None
    mailbox = local.partition("+")[0] or local
    # lower, not casefold: ß and ss are two letters of two people
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", mailbox).lower())
    return f"{folded}@{ascii_domain}" if "." in ascii_domain else None


# --- both ----------------------------------------------------------------------------------------------------------


def _user_id(text: str) -> str | None:
    return text.strip() or None


def _settled(spell: Callable[[str], str | None], text: str) -> str | None:
    """Spelled until it stays as it is, so that what was spelled once is found by what is spelled twice."""
    for _ in range(_MOST_STEPS):
        found = spell(text)
        if found is None or found == text:
            return found
        text = found
    return None


_SPELLINGS: Mapping[IdentifierKind, Callable[[str], str | None]] = {
    IdentifierKind.PHONE: _phone,
    IdentifierKind.EMAIL: _mail,
    IdentifierKind.USER_ID: _user_id,
}
