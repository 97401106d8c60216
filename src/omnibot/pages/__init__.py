"""The few pages and calls by which addresses are linked from outside a conversation.

    GET  /identity/link?token=…   a page that says what will happen
    POST /identity/link           spends the token for a code, and leads on to a channel
    POST /identity/start          the same for the company's own system: JSON
    GET  /identity/code?token=…   the address in a mail that brings a code: a page
    POST /identity/code           does what typing the code would

A GET changes nothing: mail scanners and previews follow every link. Whatever is wrong with a token, the answer is the
same. No page needs a script, a cookie or anything from elsewhere.
"""

from __future__ import annotations

from omnibot.pages.linking import LinkPages, invitations

__all__ = ["LinkPages", "invitations"]
