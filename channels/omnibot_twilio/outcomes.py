"""What Twilio's errors mean, for a message that is being sent and for one that was (twilio.com/docs/api/errors).

Reasons are in our own words: Twilio's quote numbers.
"""

from __future__ import annotations

from omnibot.contract import Refused, TryLater, Unsure

OUTSIDE_WINDOW = 63016

# Nothing will ever reach that address on this channel; or until somebody there writes again, which undoes it.
_GONE = {
    21211: "the number is not valid",
    21214: "the number cannot be reached",
    21217: "the number is not valid",
    21265: "a short code cannot be written to",
    21610: "they have opted out",
    21614: "the number is not a mobile one",
    21635: "the number is a landline",
    30005: "the number is unknown or not in service any more",
    30006: "the number is a landline, or its network cannot be reached",
    63003: "there is nobody on WhatsApp by that number",
    63024: "that recipient is not valid",
    63033: "they have blocked us",
}
# This message will not arrive; the next one may. 30003 is among them: the telephone may only be switched off.
_REFUSED = {
    21212: "our own number is not valid",
    21266: "it was to go to our own number",
    21408: "the account may not send to that country: allow it under Messaging, Settings, Geo permissions",
    21601: "our number cannot send text messages",
    21602: "it is empty",
    21606: "our number cannot send text messages there",
    21608: "a trial account sends to verified numbers only",
    21609: "the URL for delivery reports is not valid: see server.public_url",
    21612: "our number cannot reach that one",
    21617: "it is too long",
    21619: "it is empty",
    21620: "Twilio cannot fetch the file: see server.public_url",
    21623: "it has too many files",
    21655: "the content template is unknown: see its SID",
    21656: "the content template has other variables",
    21659: "our number is not of this account",
    21660: "our number is not of this account",
    21701: "the messaging service is unknown",
    21703: "the messaging service has no number",
    21705: "the messaging service is not valid",
    30003: "the telephone cannot be reached: switched off, without a network, or barred",
    30004: "it was blocked on its way",
    30007: "a network took it for spam",
    30008: "it was lost for an unknown reason",
    30009: "a part of it was lost",
    30010: "it would have cost more than allowed",
    30011: "that network takes no files",
    30017: "the network was congested",
    30018: "that country wants its senders registered",
    30019: "it is too large for that network",
    30024: "that network does not know our number yet",
    30032: "our toll-free number is not verified",
    30034: "our number is not registered for sending to the US (A2P 10DLC)",
    30035: "our number is not registered for sending to the US (A2P 10DLC)",
    30036: "it was not delivered in time",
    30038: "a network took it for a one-time code",
    30039: "it is part of a loop of messages",
    30410: "the network did not answer in time",
    30450: "Twilio took it for fraud",
    30453: "Twilio took it for fraud",
    63001: "WhatsApp does not know our account",
    63005: "WhatsApp does not take what is in it",
    63007: "our number is no WhatsApp sender of this account",
    63013: "it is against WhatsApp's policy",
    63015: "Twilio's WhatsApp sandbox sends only to who has joined it",
    OUTSIDE_WINDOW: "they have been silent for 24 hours: only a template may be sent",
    63019: "WhatsApp could not fetch the file",
    63020: "WhatsApp has restricted our business account",
    63021: "WhatsApp does not take what is in it",
    63027: "the template does not exist in that language",
    63028: "the template has other variables",
    63030: "WhatsApp does not take one of its parameters",
    63032: "WhatsApp does not deliver to them for now",
    63036: "they cannot be reached on WhatsApp",
    63040: "the template was rejected",
    63041: "the template is paused",
    63042: "the template is disabled",
    63049: "WhatsApp chose not to deliver it",
    63051: "WhatsApp has locked our business account",
}
# Twilio has not taken it; whoever mends the account, or time, will make it possible.
_LATER = {
    20003: "Twilio does not know the account's credentials",
    20005: "the account is not active",
    20006: "the account may not do that",
    20404: "Twilio does not know the account",
    20429: "Twilio throttles",
    20503: "Twilio is not available",
    21611: "too much waits at Twilio for our number",
    30001: "too much waits at Twilio for our number",
    30002: "the account is suspended",
    30022: "our number has sent too fast for US networks",
    30023: "our number has reached its daily limit of US networks",
    63018: "WhatsApp throttles our number",
    63038: "the account has reached its daily limit",
}
_WORDS = _GONE | _REFUSED | _LATER


class Failure(Exception):
    """A call of Twilio's API that did not succeed."""


class NotConnected(Failure):
    """Twilio was not reached: it cannot have accepted anything."""


class NoAnswer(Failure):
    """Twilio was reached and did not answer as it should; the message names the type of what went wrong."""


class Rejected(Failure):
    """Twilio has answered that it does not do it; `after` so many seconds it may, where it says so."""

    def __init__(self, status: int, code: int, after: float | None = None) -> None:
        super().__init__(words(code))
        self.status = status
        self.code = code
        self.after = after


def outcome(failure: Failure) -> Refused | TryLater | Unsure:
    """The contract's outcome for a message whose call failed."""
    match failure:
        case Rejected():
            return _of_answer(failure)
        case NotConnected():
            return TryLater("Twilio cannot be reached")
        case _:
            return Unsure(str(failure))


def of_question(failure: Failure) -> Refused | TryLater:
    """The same where asking twice does no harm."""
    meant = outcome(failure)
    return TryLater(meant.reason) if isinstance(meant, Unsure) else meant


def _of_answer(answer: Rejected) -> Refused | TryLater | Unsure:
    if answer.code in _LATER or answer.status in (401, 403, 429):
        return TryLater(words(answer.code), answer.after)
    if answer.status >= 500:
        return Unsure(words(answer.code))  # it does not say whether it failed before or after it had taken it
    if answer.code == answer.status:
        return TryLater(f"not Twilio has answered ({answer.status}): see api_url")  # a proxy, or another server
    return Refused(words(answer.code), unreachable=is_gone(answer.code))


def words(code: int) -> str:
    """What an error code means, and the code for who wants to look it up."""
    return f"{_WORDS.get(code, 'Twilio did not take it')} (Twilio {code})"


def is_gone(code: int) -> bool:
    """Whether nothing reaches that address any more."""
    return code in _GONE
