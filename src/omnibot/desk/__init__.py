"""The core's side of a desk: what the acts of agents come to, what a card tells, by when people have to do what."""

from omnibot.desk.acts import DESK, Ground, idle_act, take, wake_act
from omnibot.desk.cards import card_of
from omnibot.desk.levels import Dues, Reminder, dues_of, idles_at, looks_at, reminders
from omnibot.desk.replies import Words, destination, words_of
from omnibot.desk.rules import Levels, Rules, Staff

__all__ = [
    "DESK",
    "Dues",
    "Ground",
    "Levels",
    "Reminder",
    "Rules",
    "Staff",
    "Words",
    "card_of",
    "destination",
    "dues_of",
    "idle_act",
    "idles_at",
    "looks_at",
    "reminders",
    "take",
    "wake_act",
    "words_of",
]
