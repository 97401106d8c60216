"""Slack as a channel of Omnibot, by HTTP events or Socket Mode."""

from omnibot_slack.channel import Slack
from omnibot_slack.settings import SlackSettings

__all__ = ["Slack", "SlackSettings"]
