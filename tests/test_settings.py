"""Sources over one another, every fault at once, and secrets that never show."""

import stat
import threading
from datetime import date, time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, SecretStr, field_validator

from omnibot.settings import Settings, SettingsError, judge_table, load
from tests.signing import elliptic, private_pem, public_pem

TOKEN = "4711:AAH-not-to-be-seen-anywhere"


@pytest.fixture
def toml(tmp_path):
    def write(text):
        file = tmp_path / "omnibot.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def faults(file, environ):
    with pytest.raises(SettingsError) as caught:
        load(file, environ)
    return [str(fault) for fault in caught.value.faults]


def the_fault(file, environ):
    (only,) = faults(file, environ)
    return only


@pytest.mark.parametrize("setting", ["URL", "LISTEN_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hunter/2secret@localhost:5432/omnibot",
        "postgresql://bot:hunter?2secret@localhost/omnibot",
        "postgresql://bot:hunter#2secret@localhost/omnibot",
        "postgresql://bot:1234/2secret@localhost/omnibot",
        "postgresql://bot:hunter[2secret@localhost/omnibot",
        "postgresql://bot:2secret@localhost:port/omnibot",
        "postgresql://bot:2secret@localhost:65536/omnibot",
        "postgresql://bot:2secret@[::1/omnibot",
        "mysql://bot:2secret@localhost/omnibot",
        "bot:2secret@localhost/omnibot",
    ],
)
def test_a_database_url_that_cannot_be_read_is_never_quoted(tmp_path, monkeypatch, setting, url):
    monkeypatch.chdir(tmp_path)
    told = the_fault(None, {f"OMNIBOT_DATABASE__{setting}": url})
    assert told.startswith(f"database.{setting.lower()} (OMNIBOT_DATABASE__{setting}): ")
    assert "%2F for /" in told
    assert "secret" not in told
    assert "hunter" not in told


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://bot:hunter%2F2@db.example.org:5432/omnibot?sslmode=require",
        "postgres://bot@one:5432,two:5433/omnibot?target_session_attrs=read-write",
        "postgresql:///omnibot?host=%2Frun%2Fpostgresql&port=5432",
        "postgresql://bot@/omnibot?host=/run/postgresql",
        "postgresql://bot:p@ss@[::1]:5432/omnibot",
    ],
)
def test_a_database_url_may_name_a_socket_or_several_hosts(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    assert load(None, {"OMNIBOT_DATABASE__URL": url}).database.url.get_secret_value() == url


def test_nothing_written_gives_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Settings()


def test_the_default_file_is_read_where_it_is_there(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/omnibot.toml").write_text("[server]\nport = 81")
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).server.port == 81


def test_later_sources_win_setting_by_setting(toml, tmp_path):
    company = tmp_path / "company"
    company.write_text("Filed Ltd\n")
    file = toml('[server]\nport = 81\nhost = "::1"\n[bot]\ncompany = "Toml Ltd"')
    settings = load(file, {"OMNIBOT_SERVER__PORT": "82", "OMNIBOT_BOT__COMPANY_FILE": str(company)})
    assert (settings.server.port, settings.server.host, settings.bot.company) == (82, "::1", "Filed Ltd")


def test_the_command_line_names_the_file_before_the_environment_does(toml, tmp_path):
    named = toml("[server]\nport = 81")
    assert load(None, {"OMNIBOT_CONFIG": str(named)}).server.port == 81
    assert load(named, {"OMNIBOT_CONFIG": str(tmp_path / "absent")}).server.port == 81


def test_a_named_file_must_exist(tmp_path):
    assert "does not exist" in the_fault(tmp_path / "absent.toml", {})


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"[server\n", "is not TOML"), (b"x = 1\nx = 2", "is not TOML"), (b"\xff\xfe", "is not UTF-8")],
)
def test_a_broken_file_is_a_fault_beside_the_others(tmp_path, content, says):
    file = tmp_path / "omnibot.toml"
    file.write_bytes(content)
    told = faults(file, {"OMNIBOT_SERVER__PORT": "x"})
    assert says in told[0]
    assert "OMNIBOT_SERVER__PORT" in told[1]


def test_an_unreadable_file_says_why(tmp_path):
    assert "cannot be read (Is a directory)" in the_fault(tmp_path, {})


def test_all_faults_come_at_once_each_with_its_place(toml):
    file = toml('[server]\nprot = 1\n[turns]\nbatch = 0\n[channels.telegram]\nmain = "x"')
    told = "\n".join(faults(file, {"OMNIBOT_LOG__LEVEL": "loud", "OMNIBOT_WORKERS": "3"}))
    assert "server.prot (OMNIBOT_SERVER__PROT): is not a setting; did you mean port?" in told
    assert "turns.batch (OMNIBOT_TURNS__BATCH): should be greater than or equal to 1" in told
    assert "log.level (OMNIBOT_LOG__LEVEL): should be 'debug', 'info'" in told
    assert "workers (OMNIBOT_WORKERS): is not a setting; remove it; there are bot, cases, channels" in told
    assert "channels.telegram.main (OMNIBOT_CHANNELS__TELEGRAM__MAIN): is not a table" in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("channels = 1", "channels (OMNIBOT_CHANNELS): is not a table"),
        ("[channels]\ntelegram = 1", "write it below [channels.telegram.main]"),
        ("[channels.telegram.Main]", "[channels.telegram.Main]: has a name"),
        ("[channels.telegram.a__b]", "[channels.telegram.a__b]: has a name"),
        ("server = 1", "server (OMNIBOT_SERVER): is not a table; write [server]"),
        ('[bot]\nlanguages = ["en", "german"]', "bot.languages (OMNIBOT_BOT__LANGUAGES)"),
        ('[bot]\nlanguages = ["English", "german"]', "is not written as it must be; it means: ISO 639-1; the first is"),
        ('[bot]\nlanguages = "en"', 'is no list; write languages = ["…", "…"]'),
        ("[bot]\nlanguages = []", "is empty; name at least one, or leave the line away"),
        ('[bot]\nzone = "Berlin"', "'Berlin' is no time zone; write its IANA name, such as Europe/Berlin"),
        ('[bot]\nzone = "../passwd"', "is no time zone"),
        ("[bot.hours]\nopens = 18:00:00\ncloses = 09:00:00", "closes at 09:00, not after it opens"),
        ('[bot.hours]\ndays = ["someday"]', "bot.hours.days"),
        ('[bot]\ncompany = ""', "is empty; write it, or leave the line away"),
        ('[identity]\nblocked = ["0"]', "identity.blocked (OMNIBOT_IDENTITY__BLOCKED): is not written as it must be"),
    ],
)
def test_what_is_written_in_the_wrong_shape_is_named(toml, text, says):
    assert says in the_fault(toml(text), {})


@pytest.mark.parametrize("name", ["OMNIBOT_", "OMNIBOT_SERVER__", "OMNIBOT___PORT"])
def test_a_variable_that_names_nothing_is_a_fault(toml, name):
    assert "names no setting" in the_fault(toml(""), {name: "1"})


def test_a_variable_cannot_look_into_a_value(toml):
    assert "looks into data_folder" in the_fault(toml('data_folder = "x"'), {"OMNIBOT_DATA_FOLDER__X": "1"})


@pytest.mark.parametrize(
    "name", ["OMNIBOT_SERVICE_HOST", "OMNIBOT_SERVICE_PORT_HTTP", "OMNIBOT_PORT", "OMNIBOT_PORT_8080_TCP_ADDR"]
)
def test_what_kubernetes_says_of_a_service_called_omnibot_is_no_setting(toml, name):
    assert load(toml(""), {name: "tcp://10.0.0.1:8080"}) == Settings()


def test_other_programs_variables_are_none_of_ours(toml):
    assert load(toml(""), {"PATH": "/bin", "omnibot_server__port": "1"}) == Settings()


def test_accounts_come_from_both_sources(toml):
    file = toml("[channels.telegram.main]\nrate = 5")
    settings = load(file, {"OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN": "123"})
    assert settings.channels == {"telegram": {"main": {"rate": 5, "token": "123"}}}


@pytest.mark.parametrize("written", ["de,fr", " de , fr ,", '["de", "fr"]'])
def test_lists_in_the_environment(toml, written):
    assert load(toml(""), {"OMNIBOT_BOT__LANGUAGES": written}).bot.languages == ("de", "fr")


def test_hours_come_as_toml_and_from_the_environment(toml):
    text = '[bot.hours]\nopens = 08:30:00\ndays = ["sunday", "monday"]\nholidays = [2026-12-25]'
    hours = load(toml(text), {"OMNIBOT_BOT__HOURS__CLOSES": "17:00"}).bot.hours
    assert (hours.opens, hours.closes) == (time(8, 30), time(17))
    assert (hours.days, hours.holidays) == (("sunday", "monday"), (date(2026, 12, 25),))


def test_a_broken_list_is_a_fault(toml):
    assert "bot.languages" in the_fault(toml(""), {"OMNIBOT_BOT__LANGUAGES": '["de"'})


@pytest.mark.parametrize(
    "url",
    ["https://bot.example.com", "https://bot.example.com:8443/omnibot", "http://127.0.0.1:8080", "http://[::1]:1", ""],
)
def test_public_urls_that_providers_can_call(toml, url):
    assert load(toml(""), {"OMNIBOT_SERVER__PUBLIC_URL": url}).server.public_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.com",
        "https://bot.example.com/",
        "https://bot.example.com?x=1",
        "https://bot.example.com#x",
        "https://me:pw@bot.example.com",
        "https://bot.example.com:99999",
        "https://bot .example.com",
        "https://",
        "bot.example.com",
        "https://[::1",
    ],
)
def test_public_urls_that_they_cannot(toml, url):
    assert "https://bot.example.com, without" in the_fault(toml(""), {"OMNIBOT_SERVER__PUBLIC_URL": url})


# --- secrets -------------------------------------------------------------------------------------------------------


def test_a_secret_file_loses_its_line_end_alone(toml, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(" " + "s" * 40 + " \r\n")
    file = toml(f'secret_file = "{secret}"')
    assert load(file, {}).secret == SecretStr(" " + "s" * 40 + " ")


def test_a_missing_secret_file_is_one_fault(toml, tmp_path):
    told = the_fault(toml(""), {"OMNIBOT_SECRET_FILE": str(tmp_path / "absent")})
    assert told.startswith("secret_file (OMNIBOT_SECRET_FILE): names")
    assert "No such file" in told


def test_a_secret_file_of_bytes_is_a_fault(toml, tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff" * 40)
    assert "no UTF-8 text" in the_fault(toml(""), {"OMNIBOT_SECRET_FILE": str(tmp_path / "secret")})


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ('secret = "x"\nsecret_file = "y"', {}),
        ("", {"OMNIBOT_SECRET": "x", "OMNIBOT_SECRET_FILE": "y"}),
    ],
)
def test_a_secret_written_twice_is_a_fault(toml, text, environ):
    told = faults(toml(text), environ)
    assert "secret_file (OMNIBOT_SECRET_FILE): is set and secret is set too; remove one of the two" in told


def test_the_environment_displaces_the_other_spelling(toml, tmp_path):
    (tmp_path / "secret").write_text("f" * 40)
    by_value = load(toml('secret_file = "/absent"'), {"OMNIBOT_SECRET": "e" * 40})
    by_file = load(toml(f'secret = "{"t" * 40}"'), {"OMNIBOT_SECRET_FILE": str(tmp_path / "secret")})
    assert (by_value.secret, by_file.secret) == (SecretStr("e" * 40), SecretStr("f" * 40))


def test_sections_are_not_read_from_files(toml):
    assert "server_file (OMNIBOT_SERVER_FILE): is not a setting" in the_fault(toml(""), {"OMNIBOT_SERVER_FILE": "x"})


def test_no_secret_shows(toml):
    file = toml(f'secret = "{TOKEN}"\n[database]\nurl = 4711\n[channels.telegram.main]\ntoken = "{TOKEN}"')
    assert TOKEN not in "".join(faults(file, {}))
    shown = load(
        toml(f'[database]\nurl = "postgresql://{TOKEN}@db/omnibot"\n[channels.telegram.main]\ntoken = "{TOKEN}"'), {}
    )
    assert TOKEN not in repr(shown) + str(shown)


class Account(BaseModel):
    token: SecretStr | None = None

    @field_validator("token")
    @classmethod
    def _quotes_what_it_refuses(cls, token):
        raise ValueError(f"{token.get_secret_value()} is no token")


def test_a_channel_that_quotes_a_secret_is_masked():
    _, told = judge_table(Account, {"token": TOKEN}, ("channels", "x", "main"))
    assert [str(fault) for fault in told] == [
        "channels.x.main.token (OMNIBOT_CHANNELS__X__MAIN__TOKEN): … is no token; correct it"
    ]


# --- the kept secret --------------------------------------------------------------------------------------------


def test_a_configured_secret_is_taken_as_it_is(tmp_path):
    settings = Settings(secret=SecretStr("s" * 32), data_folder=tmp_path)
    assert settings.load_secret() == b"s" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_made_once_and_kept_private(tmp_path):
    settings = Settings(data_folder=tmp_path / "new")
    first = settings.load_secret()
    file = tmp_path / "new/secret.key"
    assert len(first) >= 32
    assert settings.load_secret() == first == file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert Settings(data_folder=tmp_path / "other").load_secret() != first


def test_of_many_makers_all_read_the_same(tmp_path):
    settings = Settings(data_folder=tmp_path)
    together, found = threading.Barrier(8), []

    def make():
        together.wait()
        found.append(settings.load_secret())

    makers = [threading.Thread(target=make) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_a_secret_that_lost_its_content_is_not_used(tmp_path):
    (tmp_path / "secret.key").touch()
    with pytest.raises(SettingsError, match="is too short"):
        Settings(data_folder=tmp_path).load_secret()


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"secret .* cannot be kept"):
        Settings(data_folder=tmp_path / "file/data").load_secret()


def test_the_tree_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.port = 1  # type: ignore[misc]


def test_paths_are_paths(toml):
    assert load(toml('data_folder = "x/y"'), {}).data_folder == Path("x/y")


# --- keys of tokens ------------------------------------------------------------------------------------------------

ELLIPTIC = elliptic()
NAMED = '[identity.tokens]\nissuer = "https://app.example.com"\naudience = "omnibot"\n'


def test_keys_of_tokens_come_from_files_by_their_names(toml, tmp_path):
    secret, public = tmp_path / "secret", tmp_path / "public.pem"
    secret.write_text("s" * 32 + "\n")
    public.write_text(public_pem(ELLIPTIC))
    tables = f"[identity.tokens.keys.main]\nsecret_file = '{secret}'\n"
    environ = {"OMNIBOT_IDENTITY__TOKENS__KEYS__NEXT__PUBLIC_KEY_FILE": str(public)}
    main, following = load(toml(NAMED + tables), environ).identity.tokens.signing_keys()
    assert (main.name, main.algorithm, main.material) == ("main", "HS256", "s" * 32)
    assert (following.name, following.algorithm) == ("next", "ES256")


KEY = "[identity.tokens.keys.main]\n"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (f"{NAMED}{KEY}secret = '{'s' * 31}'", "identity.tokens.keys.main.secret", "fewer than 32 bytes"),
        (f"{NAMED}{KEY}secret = \"\"\"{public_pem(ELLIPTIC)}\"\"\"", "keys.main.secret", "is a public key"),
        (f"{NAMED}{KEY}public_key = \"\"\"{private_pem(ELLIPTIC)}\"\"\"", "keys.main.public_key", "is a private key"),
        (
            f"{NAMED}{KEY}public_key = \"\"\"{public_pem(elliptic(ec.SECP384R1()))}\"\"\"",
            "identity.tokens.keys.main.public_key",
            "secp384r1",
        ),
        (f"{NAMED}{KEY}", "identity.tokens.keys.main ", "has no key"),
        (
            f"{NAMED}{KEY}secret = '{'s' * 32}'\npublic_key = \"\"\"{public_pem(ELLIPTIC)}\"\"\"",
            "identity.tokens.keys.main ",
            "a table of its own",
        ),
        (
            f"{NAMED}{KEY}secret = '{''.join(public_pem(ELLIPTIC).splitlines()[1:-1])}'\n"
            f"[identity.tokens.keys.next]\npublic_key = \"\"\"{public_pem(ELLIPTIC)}\"\"\"",
            "identity.tokens ",
            "keys.main is a public key given as a secret",
        ),
        (f"{KEY}secret = '{'s' * 32}'", "identity.tokens ", "no issuer and audience"),
        (f"{NAMED}{KEY}secert = '{'s' * 32}'", "keys.main.secert", "did you mean secret?"),
        (f"{NAMED}{KEY}secret_file = '/nowhere/at/all'", "keys.main.secret_file", "cannot be read"),
        (f"{NAMED}keys = 5", "identity.tokens.keys (", "is not a table"),
        (f"{NAMED}[identity.tokens.keys]\nmain = 5", "identity.tokens.keys.main", "is not a table"),
    ],
)  # fmt: skip
def test_keys_of_tokens_that_will_not_do(toml, text, where, says):
    with pytest.raises(SettingsError) as refused:
        load(toml(text), {})
    [fault] = refused.value.faults
    assert f"{where}" in str(fault)
    assert says in str(fault)
    assert "s" * 31 not in str(fault)
    assert "BEGIN" not in str(fault)


def test_to_give_one_team_its_hours_takes_away_neither_its_name_nor_the_other_team(tmp_path):
    file = tmp_path / "omnibot.toml"
    file.write_text(
        '[desk.teams.senior.hours]\nopens = 07:00:00\n[desk.teams.api-team]\nnames = {en = "our API team"}\n'
    )
    teams = load(file, {}).desk.teams
    assert teams.keys() == {"support", "senior", "api-team"}
    assert (teams["senior"].names["en"], teams["senior"].hours.opens.hour) == ("our senior support team", 7)
    assert teams["support"].hours is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[desk.teams.senior]\nzone = "Berlin"', "desk.teams.senior.zone"),
        ("[desk]\nteams = 3", "desk.teams"),
        ("[desk.teams]\nsenior = 3", "desk.teams.senior"),
        ("[desk.teams.senior.hours]\nopens = 19:00:00", "closes at 18:00, not after it opens"),
        ('[desk.teams.senior.rooms]\n"Slack main" = "C1"', "desk.teams.senior.rooms"),
        ('[desk.teams.senior.rooms]\nslack = ""', "desk.teams.senior.rooms"),
        ('[desk.teams.senior]\nsignature = "{nick}"', "has a place {nick} that nothing fills"),
        ('[desk.teams.senior]\nsignature = "{agent"', "desk.teams.senior.signature"),
        ("[desk.teams.senior.within]\nfirst = -1", "desk.teams.senior.within.first"),
        ("[desk.teams.senior.within.urgent]\nthird = 1", "desk.teams.senior.within.urgent.third"),
        ("[desk]\nremind_before = 1", "desk.remind_before"),
        ("[bot]\nlevel = 6", "bot.level"),
    ],
)
def test_what_is_wrong_with_a_team_is_told(tmp_path, text, told):
    file = tmp_path / "omnibot.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load(file, {})
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("written", "by_language"),
    [
        ("", {}),
        ('disclosure = "I am {bot}."', {"de": "I am {bot}."}),
        ('disclosure = {en = "{bot}.", fr = "{company} : {bot}"}', {"en": "{bot}.", "fr": "{company} : {bot}"}),
    ],
)
def test_that_a_machine_speaks_can_be_said_in_own_words(toml, written: str, by_language: dict[str, str]) -> None:
    settings = load(toml(f'[bot]\nlanguages = ["de", "en", "fr"]\n{written}\n'), {})
    assert settings.bot.disclosures == by_language


def test_that_a_machine_speaks_can_be_said_by_the_environment(toml) -> None:
    settings = load(toml(""), {"OMNIBOT_BOT__DISCLOSURE": "A program writes."})
    assert settings.bot.disclosures == {"en": "A program writes."}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I am {nam}.", "has a place {nam} that nothing fills"),
        ("I am {bot.", "lacks a }"),
    ],
)
def test_own_words_with_places_that_nothing_fills_are_a_fault(toml, text: str, told: str) -> None:
    assert told in the_fault(toml(f'[bot]\ndisclosure = "{text}"\n'), {})


# --- a language model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1", "http://127.0.0.1:11434/v1", "http://models.internal:8000/v1"]
)
def test_endpoints_of_language_models(toml, url):
    llm = load(
        toml(f'[voice.llm]\nbase_url = "{url}"\nmodel = "tiny"\noptions = {{ temperature = 0.4 }}'), {}
    ).voice.llm
    assert llm.is_configured
    assert llm.options == {"temperature": 0.4}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('base_url = "api.example.com/v1"\nmodel = "tiny"', "must be like https://api.example.com/v1"),
        ('base_url = "https://api.example.com/v1/"\nmodel = "tiny"', "must be like https://api.example.com/v1"),
        ('base_url = "https://me:pw@api.example.com/v1"\nmodel = "tiny"', "must be like https://api.example.com/v1"),
        ('base_url = "https://api.example.com:99999/v1"\nmodel = "tiny"', "must be like https://api.example.com/v1"),
        ('base_url = "https://api.example.com/v1"', "has no model; set it, or remove the table"),
        ('model = "tiny"', "has no base_url; set it, or remove the table"),
        (
            'base_url = "https://api.example.com/v1"\nmodel = "tiny"\namount_per_day = 5',
            "has amount_per_day and no prices; set price_in and price_out",
        ),
    ],
)
def test_language_models_that_cannot_be_asked(toml, table, told):
    assert told in the_fault(toml(f"[voice.llm]\n{table}"), {})


def test_the_key_of_a_language_model_is_not_told(toml):
    file = toml('[voice.llm]\nkey = "hunter2-key"\nbase_url = "x"\nmodel = "tiny"')
    assert "hunter2" not in "".join(faults(file, {}))
