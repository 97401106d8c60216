"""Slack as a support desk: a thread a matter in a team's channel, and all that agents do there."""

from omnibot_slack.desk.agents import Agents
from omnibot_slack.desk.counter import Counter
from omnibot_slack.desk.showing import SlackDesk

__all__ = ["Agents", "Counter", "SlackDesk"]
