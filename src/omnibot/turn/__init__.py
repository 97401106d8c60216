"""The turn: the one package that calls the steps. `sentence.py` is what happens in one, in order."""

from omnibot.turn.pauses import Remind, Told
from omnibot.turn.rehearsal import rehearse
from omnibot.turn.sentence import seen, take, turn
from omnibot.turn.steps import Proofs, Steps
from omnibot.voice.phrasing import Phrased, Wording

__all__ = ["Phrased", "Proofs", "Remind", "Steps", "Told", "Wording", "rehearse", "seen", "take", "turn"]
