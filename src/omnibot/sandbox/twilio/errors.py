"""Twilio's errors, in its own shape and words (twilio.com/docs/api/errors)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# What a message that was accepted can fail of afterwards: told by its status callback.
REASONS: Mapping[int, str] = {
    11200: "HTTP retrieval failure",
    11751: "Media Message - Media exceeds messaging provider size limit",
    12300: "Invalid Content-Type",
    21610: "Attempt to send to unsubscribed recipient",
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30032: "Toll-free number has not been verified",
    30034: "Message from an unregistered number",
    63003: "Channel could not find To address",
    63013: "This message send failed because it violates Channel provider's policy",
    63016: "Failed to send freeform message because you are outside the allowed window. If you are using WhatsApp, "
    "please use a Message Template.",
    63018: "Rate limit exceeded for Channel",
    63019: "Media failed to download",
    63021: "Channel invalid content error",
    63024: "Invalid message recipient",
    63032: "We cannot send this message to this user to maintain a healthy ecosystem engagement",
    63033: "Recipient blocked to receive message",
    63040: "Template rejected",
    63041: "Template paused",
    63042: "Template disabled",
    63049: "Meta chose not to deliver this WhatsApp marketing message",
}
NEVER_SENT = frozenset({30001, 30002, 63003, 63016, 63018, 63019, 63021, 63040, 63041, 63042, 11200, 11751, 12300})


class TwilioError(Exception):
    """What Twilio answers instead of doing what it was asked."""

    def __init__(self, code: int, message: str, status: int = 400, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after  # seconds; 0: not told

    @property
    def body(self) -> Json:
        """The answer."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return headers | ({"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else {})


def not_found(path: str) -> TwilioError:
    """There is no such thing, or it is somebody else's."""
    return TwilioError(20404, f"The requested resource {path} was not found", 404)


def refusal(code: int, to: str, sender: str) -> TwilioError:
    """One of the errors that concern a pair of numbers, as `messages.create` answers it."""
    wordings = {
        21211: f"The 'To' number {to} is not a valid phone number.",
        21266: f"'To' and 'From' number cannot be the same: {to}",
        21408: f"Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
        21608: f"The number {to} is unverified. Trial accounts cannot send messages to unverified numbers; verify {to} "
        "at twilio.com/user/account/phone-numbers/verified, or purchase a Twilio number to send messages to "
        "unverified numbers",
        21610: "Attempt to send to unsubscribed recipient",
        21612: f"Message cannot be sent with the current combination of 'To' ({to}) and/or 'From' ({sender}) "
        "parameters",
        21614: f"'To' number is not a valid mobile number: {to}",
        21617: "The concatenated message body exceeds the 1600 character limit",
    }
    return TwilioError(code, wordings.get(code) or REASONS.get(code) or f"Error {code}")
