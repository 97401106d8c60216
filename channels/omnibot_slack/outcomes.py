"""What an error of Slack's means for the message that was being sent (docs.slack.dev/reference/methods)."""

from __future__ import annotations

from omnibot.contract import Refused, TryLater, Unsure
from omnibot_slack.account import CallFailed

# Nobody is there any more: the person, or the direct conversation with them.
_GONE = frozenset(
    {
        *("user_not_found", "users_not_found", "user_disabled", "user_not_visible", "is_inactive", "cannot_dm_bot"),
        *("channel_not_found", "is_archived", "channel_is_archived"),
    }
)
# The place is gone or closed to us: the person may still be written to directly.
_CLOSED = frozenset(
    {
        *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "no_permission"),
        *("restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
        *("restricted_action_non_threadable_channel", "restricted_action_thread_locked", "cannot_reply_to_message"),
        *("team_access_not_granted", "channel_is_archived", "thread_not_found"),
    }
)
# Something is wrong with the app or its workspace, not with the message: it waits until somebody has put that right.
_OURS = frozenset(
    {
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
        *("not_allowed_token_type", "org_login_required", "two_factor_setup_required", "ekm_access_denied"),
        *("access_denied", "app_missing_action", "enterprise_is_restricted", "messages_tab_disabled"),
    }
)
# Slack tells that it has not done it, and that this passes.
_PASSING = frozenset(
    {
        *("ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "accesslimited"),
        *("request_timeout", "team_added_to_org", "upload_in_progress"),
    }
)
# "It's possible some aspect of the operation succeeded before the error was raised."
_UNSURE = frozenset({"internal_error", "fatal_error"})


def is_closed(failed: CallFailed) -> bool:
    """Whether the place cannot be written to, while the person may be."""
    return failed.error in _CLOSED


def outcome(failed: CallFailed) -> Refused | TryLater | Unsure:
    """The contract's outcome for a call that failed; never holds more than Slack's own word."""
    if not failed.reached:
        return TryLater("Slack cannot be reached")
    if failed.status == 429 or failed.error in _PASSING:
        return TryLater("Slack throttles" if failed.status == 429 else failed.error, failed.after)
    if failed.error in _OURS:
        return TryLater(failed.error)
    if not failed.error or failed.error in _UNSURE:
        return Unsure(failed.reason)
    return Refused(failed.error, unreachable=failed.error in _GONE)


def of_a_question(failed: CallFailed) -> Refused | TryLater:
    """A question that may have arrived can be asked again, unlike a message."""
    meant = outcome(failed)
    return meant if isinstance(meant, Refused | TryLater) else TryLater(meant.reason)
