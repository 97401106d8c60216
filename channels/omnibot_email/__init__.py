"""Email: mail comes in over LMTP or SMTP from the company's mail server and leaves through its submission server."""

from omnibot_email.channel import Email

__all__ = ["Email"]
