"""The channel that docs/a-channel-in-one-file.md builds, and the proof that it gives: both as written there."""

import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

from omnibot.contract import Channel

PAGE = Path(__file__).parents[2] / "docs" / "a-channel-in-one-file.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def imported(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, f"{PAGE.name}: {name}", "exec"), module.__dict__)
    return module


CHANNEL, PROOF = blocks("python")
channel = imported("omnibot_post", CHANNEL)
proof = imported("test_post", PROOF)
TestPost = proof.TestPost


def test_the_entry_point_of_the_page_leads_to_its_channel():
    points = tomllib.loads(blocks("toml")[0])["project"]["entry-points"]["omnibot.channels"]
    loaded = EntryPoint("post", points["post"], "omnibot.channels").load()
    assert issubclass(loaded, Channel)
    assert loaded.name == "post"


def test_the_settings_of_the_page_are_the_channels():
    account = tomllib.loads(blocks("toml")[1])["channels"]["post"]["main"]
    assert channel.PostSettings.model_validate(account).url.host == "service.example.org"
