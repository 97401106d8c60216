"""Slack, emulated: the Web API, the events of an app, and the people who write to it."""

from omnibot.sandbox.slack.api import SlackSandbox
from omnibot.sandbox.slack.app import App, Notice
from omnibot.sandbox.slack.members import Shown
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.rooms import Room
from omnibot.sandbox.slack.workspace import Workspace

__all__ = ["App", "Notice", "Person", "Room", "Shown", "SlackSandbox", "Workspace"]
