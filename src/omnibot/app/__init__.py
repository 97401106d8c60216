"""The composition root: what the server is made of, how it starts and how it stops.

The start list, which read upwards is the stop list, is `serve` in `server.py`.
"""

from omnibot.app.listening import CannotListen
from omnibot.app.people import business_hours, desk_rules, teams_of
from omnibot.app.resources import first_accounts, look_into, open_channels, open_store
from omnibot.app.server import ALL_ROLES, Role, Running, serve
from omnibot.app.steps import Rules, speaker_of, steps_of, understanding_of

__all__ = [
    "ALL_ROLES",
    "CannotListen",
    "Role",
    "Rules",
    "Running",
    "business_hours",
    "desk_rules",
    "first_accounts",
    "look_into",
    "open_channels",
    "open_store",
    "serve",
    "speaker_of",
    "steps_of",
    "teams_of",
    "understanding_of",
]
