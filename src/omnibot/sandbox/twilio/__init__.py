"""Twilio, emulated: its REST API, its webhooks, and the people who write by SMS and WhatsApp."""

from omnibot.sandbox.twilio.account import Account, Number, Sender, Service
from omnibot.sandbox.twilio.api import ACCOUNT_SID, AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER, TwilioSandbox
from omnibot.sandbox.twilio.messages import Media, Message
from omnibot.sandbox.twilio.phones import Phone, Seen
from omnibot.sandbox.twilio.templates import Template

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "SMS_NUMBER",
    "WHATSAPP_NUMBER",
    "Account",
    "Media",
    "Message",
    "Number",
    "Phone",
    "Seen",
    "Sender",
    "Service",
    "Template",
    "TwilioSandbox",
]
