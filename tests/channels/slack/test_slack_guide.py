"""The guide cannot lie: its manifest asks for what is needed, and what it promises of `omnibot check` is said."""

import re
from pathlib import Path

import pytest
import yaml

import omnibot_slack
from omnibot_slack.health import NEEDED

GUIDE = (Path(__file__).parents[3] / "docs" / "channels" / "slack.md").read_text(encoding="utf-8")
PACKAGE = Path(omnibot_slack.__file__).parent
SAID = "".join((PACKAGE / name).read_text(encoding="utf-8") for name in ("settings.py", "health.py", "sockets.py"))
MANIFEST = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0])
ROWS = re.findall(r"^\| [^|]+ \| (.+) \|$", GUIDE.split("omnibot check` says\n")[1], re.MULTILINE)[2:]


def test_the_manifest_asks_for_what_is_needed():
    scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    assert set(NEEDED) | {"commands"} == set(scopes)
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == ["app_mention", "message.im"]
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"]
    assert MANIFEST["settings"]["socket_mode_enabled"]


@pytest.mark.parametrize("scope", [*MANIFEST["oauth_config"]["scopes"]["bot"], "usergroups:read", "channels:history"])
def test_each_scope_is_explained(scope):
    assert f"`{scope}`" in GUIDE.split("| scope |")[1]


@pytest.mark.parametrize("promised", ROWS)
def test_what_is_promised_is_said(promised):
    phrases = [first or second for first, second in re.findall(r"`` (.+?) ``|`([^`].*?)`", promised)]
    assert phrases
    for phrase in phrases:
        fragments = [part.strip() for part in re.split(r"…|[TACS]…", phrase.removeprefix("token: "))]
        assert [part for part in fragments if part not in SAID] == []
