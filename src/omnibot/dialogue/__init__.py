"""What to do about a turn: pure and deterministic, from approved knowledge only."""

from omnibot.dialogue.articles import Article, KnowledgeError
from omnibot.dialogue.company import Company, Team
from omnibot.dialogue.decide import decide
from omnibot.dialogue.judge import judged, unsaid
from omnibot.dialogue.knowledge import Knowledge
from omnibot.dialogue.linking import Linking

__all__ = ["Article", "Company", "Knowledge", "KnowledgeError", "Linking", "Team", "decide", "judged", "unsaid"]
