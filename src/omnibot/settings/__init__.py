"""Every setting in one frozen tree: built-in defaults < TOML < environment < files named by `…_FILE`.

`config/omnibot.toml` shows them all. `OMNIBOT_SERVER__PORT` is `port` in `[server]`; names from the environment are
lower-cased, so channels and accounts are written in lower case everywhere. Any setting may name a file that holds its
value instead: `token_file = "…"` or `OMNIBOT_…__TOKEN_FILE=…`, as container secrets want it.

Plain pydantic and a reader of our own rather than pydantic-settings: that ignores unknown variables, stops at the
first broken source, turns a token of digits below a free-form table into a number, and forgets where a value is from.
"""

from omnibot.settings.bot import Bot
from omnibot.settings.channels import RawChannels, channels_of
from omnibot.settings.desk import Desk, Levels, Team, Within
from omnibot.settings.faults import Fault, SettingsError, environment_name, fault
from omnibot.settings.hours import WEEKDAYS, Hours
from omnibot.settings.identity import DisclosureLevels, Identity
from omnibot.settings.judging import judge, judge_table, load
from omnibot.settings.reading import Written, read
from omnibot.settings.server import Database, Log, Server
from omnibot.settings.tokens import TokenKey, Tokens
from omnibot.settings.tree import Settings
from omnibot.settings.understanding import EntitySettings, Nlp, UnderstandingSettings
from omnibot.settings.voice import Llm, VoiceSettings
from omnibot.settings.work import Cases, Delivery, Files, Turns

__all__ = [
    "WEEKDAYS",
    "Bot",
    "Cases",
    "Database",
    "Delivery",
    "Desk",
    "DisclosureLevels",
    "EntitySettings",
    "Fault",
    "Files",
    "Hours",
    "Identity",
    "Levels",
    "Llm",
    "Log",
    "Nlp",
    "RawChannels",
    "Server",
    "Settings",
    "SettingsError",
    "Team",
    "TokenKey",
    "Tokens",
    "Turns",
    "UnderstandingSettings",
    "VoiceSettings",
    "Within",
    "Written",
    "channels_of",
    "environment_name",
    "fault",
    "judge",
    "judge_table",
    "load",
    "read",
]
