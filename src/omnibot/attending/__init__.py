"""People's side of the server: hand-offs become threads at a desk, and what agents do there comes in."""

from omnibot.attending.office import DeskOffice
from omnibot.attending.views import Views
from omnibot.attending.worker import Attending

__all__ = ["Attending", "DeskOffice", "Views"]
