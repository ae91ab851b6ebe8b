"""The faces' own worlds, in which known defects of other bots are tried on us."""

from tests.engines.testing.conftest import sandbox
from tests.faces.conftest import code, desks, engine, spine
from tests.faces.test_discord import server
from tests.faces.test_github import town
from tests.faces.test_slack import team
from tests.handlers.conftest import chat

__all__ = ["chat", "code", "desks", "engine", "sandbox", "server", "spine", "team", "town"]
