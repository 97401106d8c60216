"""A company's mail server on loopback, with the customers who write to it. See docs/sandbox.md."""

from omnibot.sandbox.mail.imap import ImapSandbox
from omnibot.sandbox.mail.letters import Mail, Program
from omnibot.sandbox.mail.mailboxes import Mailbox
from omnibot.sandbox.mail.post import Posted, Verdict
from omnibot.sandbox.mail.server import MailSandbox

__all__ = ["ImapSandbox", "Mail", "MailSandbox", "Mailbox", "Posted", "Program", "Verdict"]
