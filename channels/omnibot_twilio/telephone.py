"""Telephone numbers: in one spelling, and whose they are.

An address of the SMS channel is a number as E.164 has it; one of WhatsApp's is that or, for people who keep their
number to themselves, the id by which WhatsApp knows them for this business alone: `US.13491208655302741918`. That id
is never a number.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

ANYWHERE = "*"
NOWHERE = "001"  # satellites, international networks: of no country
WHATSAPP = "whatsapp:"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_USER_ID = re.compile(r"([A-Z]{2})\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
# Whoever is called or answered there earns by it: the classical prey of who lets bots text.
_COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})


def e164(text: str) -> str | None:
    """A number with its country code in the one spelling, such as +491701234567; None where it is none."""
    number = _parsed(text.strip())
    if number is None or not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return written if is_number(written) else None


def is_number(value: str) -> bool:
    """Whether this is a number in its one spelling; short codes and names of senders are not."""
    return _E164.fullmatch(value) is not None


def is_user_id(value: str) -> bool:
    """Whether this is WhatsApp's id of somebody for one business."""
    return _USER_ID.fullmatch(value) is not None


@lru_cache(maxsize=4096)
def country(value: str) -> str:
    """Where an address belongs, as ISO 3166 has it; '001' for nowhere in particular, '' where it cannot be told.

    Of numbers that are too new to be known it is the country that their code is mainly for: +1 is of 25 countries,
    and new area codes are opened in the largest of them.
    """
    if user := _USER_ID.fullmatch(value):
        return user[1]
    number = _parsed(value)
    if number is None or number.country_code is None:
        return ""
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(number.country_code)


@lru_cache(maxsize=4096)
def is_costly(value: str) -> bool:
    """Whether others earn by what is sent to that number."""
    number = _parsed(value)
    return number is not None and phonenumbers.number_type(number) in _COSTLY


def is_country(code: str) -> bool:
    """Whether this is ISO 3166's code of a country that has telephones."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _parsed(text: str) -> PhoneNumber | None:
    if not text.startswith("+"):
        return None
    try:
        return phonenumbers.parse(text)
    except NumberParseException:
        return None
