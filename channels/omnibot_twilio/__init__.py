"""SMS and WhatsApp as channels of Omnibot, on Twilio."""

from omnibot_twilio.channel import Sms, WhatsApp
from omnibot_twilio.settings import SmsSettings, WhatsAppSettings

__all__ = ["Sms", "SmsSettings", "WhatsApp", "WhatsAppSettings"]
