"""Only configured channels are loaded, and all that is wrong with their accounts is told at once."""

from importlib.metadata import EntryPoint

import pytest
from pydantic import Field, SecretStr, model_validator

from omnibot import channels
from omnibot.channels import configure, load, rooms_of
from omnibot.contract import Channel, ChannelSettings, Receipt
from omnibot.settings import Settings, SettingsError

TOKEN = "4711:not-to-be-seen"


class Server(ChannelSettings):
    host: str
    password: SecretStr = SecretStr("")


class PostSettings(ChannelSettings):
    token: SecretStr
    agents: tuple[str, ...] = ()
    rate: float = Field(default=30, ge=0)
    server: Server | None = None
    mode: str = "polling"

    @model_validator(mode="after")
    def _webhook_is_safe(self):
        if self.mode == "webhook":
            raise ValueError(f"{self.token.get_secret_value()} is not enough: set webhook_secret")
        return self


class Post(Channel):
    name = "post"
    Settings = PostSettings

    async def send(self, message):
        return Receipt("1")


class Staffed(Post):
    """One that people can work by."""

    def desk(self):
        return None


def not_a_channel():
    return None


def point(name, value):
    return EntryPoint(name=name, value=value, group=channels.GROUP)


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """What is installed: one channel, one whose package lacks something, one that is none, one that must not load."""
    points = [
        point("post", f"{__name__}:Post"),
        point("lame", "a_package_that_is_not_there.channel:Lame"),
        point("odd", f"{__name__}:not_a_channel"),
    ]
    monkeypatch.setattr(channels, "entry_points", lambda group: points if group == channels.GROUP else [])
    return points


def settings(**raw):
    return Settings(channels=raw)


def faults(**raw):
    with pytest.raises(SettingsError) as caught:
        load(settings(**raw))
    return [str(fault) for fault in caught.value.faults]


def test_accounts_come_as_they_are_written():
    found = load(settings(post={"main": {"token": TOKEN}, "beta": {"token": "x", "rate": 1}}))
    assert [(a.channel, a.name, a.channel_class) for a in found] == [("post", "main", Post), ("post", "beta", Post)]
    assert found[1].settings == PostSettings(token=SecretStr("x"), rate=1)
    assert TOKEN not in repr(found)


def test_what_is_not_configured_is_not_loaded(installed):
    class Untouchable:
        name = "heavy"

        def load(self):
            raise AssertionError("loaded")

    installed.append(Untouchable())
    assert load(settings()) == ()
    assert len(load(settings(post={"main": {"token": "x"}}))) == 1


def test_all_faults_of_all_accounts_come_at_once():
    told = faults(
        post={"main": {"tokn": TOKEN}, "beta": {"token": TOKEN, "rate": -1}},
        pots={"main": {}},
        carrier_pigeon={"main": {}},
        lame={"main": {}},
        odd={"main": {}},
    )
    assert (
        "channels.post.main.token (OMNIBOT_CHANNELS__POST__MAIN__TOKEN): is missing; set it, or token_file" in told[0]
    )
    assert "channels.post.main.tokn (OMNIBOT_CHANNELS__POST__MAIN__TOKN): is not a setting; did you mean token?" in told
    assert "channels.post.beta.rate" in told[2]
    assert told[3].endswith("is no channel that is installed (there are lame, odd, post); did you mean post?")
    assert told[4].endswith("install its package or remove the table")
    assert "cannot be loaded from a_package_that_is_not_there: ModuleNotFoundError" in told[5]
    assert "is not a channel" in told[6]
    assert len(told) == 7
    assert TOKEN not in "".join(told)


def test_without_any_channel_installed_that_is_said(installed):
    installed.clear()
    (told,) = faults(post={"main": {}})
    assert "(there is none)" in told


def test_tables_in_an_account_are_judged_with_their_files(tmp_path):
    (tmp_path / "password").write_text("pass\n")
    raw = {"token": "x", "server": {"host": "h", "password_file": str(tmp_path / "password")}}
    (account,) = load(settings(post={"main": raw}))
    assert account.settings.server == Server(host="h", password=SecretStr("pass"))


def test_a_table_in_a_table_names_its_place():
    (told,) = faults(post={"main": {"token": "x", "server": {}}})
    assert told.startswith("channels.post.main.server.host (OMNIBOT_CHANNELS__POST__MAIN__SERVER__HOST): is missing")


def test_a_fault_of_a_whole_account_stands_at_the_account_without_its_secret():
    assert faults(post={"main": {"token": TOKEN, "mode": "webhook"}}) == [
        "channels.post.main (OMNIBOT_CHANNELS__POST__MAIN): … is not enough; set webhook_secret"
    ]


# --- with the tree -------------------------------------------------------------------------------------------------


@pytest.fixture
def toml(tmp_path):
    def write(text):
        file = tmp_path / "omnibot.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_the_environment_gives_accounts_secrets_and_lists(toml, tmp_path):
    (tmp_path / "token").write_text("4711\n")
    environ = {
        "OMNIBOT_CHANNELS__POST__MAIN__TOKEN_FILE": str(tmp_path / "token"),
        "OMNIBOT_CHANNELS__POST__MAIN__AGENTS": "ann, ben",
    }
    _, (account,) = configure(toml("[channels.post.main]\nrate = 2"), environ)
    assert account.settings == PostSettings(token=SecretStr("4711"), agents=("ann", "ben"), rate=2)


def test_faults_of_the_tree_and_of_the_accounts_come_together(toml):
    file = toml('[server]\nport = "x"\n[channels.post.main]\n[channels.post]\nbeta = 1')
    with pytest.raises(SettingsError) as caught:
        configure(file, {})
    places = [fault.where.partition(" ")[0] for fault in caught.value.faults]
    assert places == ["server.port", "channels.post.beta", "channels.post.main.token"]


def test_a_missing_file_of_an_account_is_one_fault(toml, tmp_path):
    file = toml(f'[channels.post.main]\ntoken_file = "{tmp_path / "absent"}"')
    with pytest.raises(SettingsError) as caught:
        configure(file, {})
    (told,) = caught.value.faults
    assert told.where.startswith("channels.post.main.token_file")


def test_channels_that_are_no_table_are_told_once(toml):
    with pytest.raises(SettingsError) as caught:
        configure(toml("channels = 3"), {})
    assert len(caught.value.faults) == 1


@pytest.fixture
def desks(installed):
    installed.append(point("staffed", f"{__name__}:Staffed"))


def staffed(**rooms):
    teams = {team: {"rooms": named} for team, named in rooms.items()}
    accounts = {"staffed": {"one": {"token": TOKEN}, "two": {"token": TOKEN}}, "post": {"main": {"token": TOKEN}}}
    return Settings.model_validate({"desk": {"teams": teams}, "channels": accounts})


@pytest.mark.usefixtures("desks")
def test_a_room_is_one_of_its_account_or_of_the_first_of_its_channel_and_support_stands_in():
    settings = staffed(support={"staffed.two": "C2", "staffed": "C1"})
    rooms = rooms_of(settings, load(settings))
    assert [(room.desk, room.room) for room in rooms["support"]] == [("staffed.two", "C2"), ("staffed.one", "C1")]
    assert rooms["senior"] == rooms["support"]


@pytest.mark.usefixtures("desks")
def test_where_nobody_has_a_room_there_is_none():
    settings = staffed()
    assert rooms_of(settings, load(settings)) == {"support": (), "senior": ()}


@pytest.mark.parametrize(
    ("rooms", "told"),
    [
        ({"support": {"slack": "C1"}}, "is a room of slack, which is not configured; add [channels.slack.main]"),
        ({"support": {"staffed.three": "C1"}}, "which is not configured; add [channels.staffed.three]"),
        ({"support": {"post": "C1"}}, "is a room of post, where no team can work"),
        ({"senior": {"staffed": "C1"}}, "desk.teams.support.rooms"),
    ],
)
@pytest.mark.usefixtures("desks")
def test_what_is_wrong_with_a_room_is_told(rooms, told):
    with pytest.raises(SettingsError) as raised:
        load(staffed(**rooms))
    [fault] = raised.value.faults
    assert told in str(fault)


@pytest.mark.usefixtures("desks")
def test_a_room_of_an_account_that_has_a_fault_of_its_own_is_left_to_that():
    settings = staffed(support={"staffed": "C1"})
    settings.channels["staffed"] = {"one": {"token": TOKEN, "rate": -1}}
    with pytest.raises(SettingsError) as raised:
        load(settings)
    [fault] = raised.value.faults
    assert "channels.staffed.one.rate" in str(fault)
