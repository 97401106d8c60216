"""The whole tree."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from omnibot.settings.bot import Bot
from omnibot.settings.channels import RawChannels
from omnibot.settings.desk import Desk
from omnibot.settings.faults import SettingsError, fault
from omnibot.settings.identity import Identity
from omnibot.settings.secret import SECRET_FILE, SECRET_LENGTH, kept_secret
from omnibot.settings.section import Section
from omnibot.settings.server import Database, Log, Server
from omnibot.settings.understanding import Nlp, UnderstandingSettings
from omnibot.settings.voice import VoiceSettings
from omnibot.settings.work import Cases, Delivery, Files, Turns


class Settings(Section):
    """The whole tree. Relative paths start in the folder that Omnibot was started in."""

    data_folder: Path = Path("data")
    """Where everything lies that must survive: the bundled database, attachments, the secret."""
    secret: SecretStr | None = None
    """At least 32 characters; signs links and reply addresses. One is made and kept in the data folder when absent:
    give it explicitly when several machines share a database."""
    server: Server = Server()
    database: Database = Database()
    log: Log = Log()
    bot: Bot = Bot()
    desk: Desk = Desk()
    understanding: UnderstandingSettings = UnderstandingSettings()
    nlp: Nlp = Nlp()
    identity: Identity = Identity()
    cases: Cases = Cases()
    voice: VoiceSettings = VoiceSettings()
    turns: Turns = Turns()
    delivery: Delivery = Delivery()
    files: Files = Files()
    channels: RawChannels = Field(default_factory=dict, repr=False)
    """Channel → account → its settings, as written; `omnibot.channels` gives them to the channel to judge."""

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters")
        return secret

    def has_secret(self) -> bool:
        """Whether one is configured or was made before: `load_secret` would not make one."""
        return self.secret is not None or (self.data_folder / SECRET_FILE).exists()

    def load_secret(self) -> bytes:
        """The configured secret, or the one kept in the data folder, made on the first call (mode 0600).

        Raises SettingsError when the file cannot be made or read, or is too short to be one of ours.
        """
        if self.secret is not None:
            return self.secret.get_secret_value().encode()
        file = self.data_folder / SECRET_FILE
        try:
            kept = kept_secret(file)
        except OSError as error:
            action = f"make {self.data_folder} writable for the user that runs Omnibot, or set it"
            raise SettingsError([fault(("secret",), f"cannot be kept in {file}: {error.strerror}", action)]) from None
        if len(kept) < SECRET_LENGTH:
            action = "restore the file from a backup, or delete it to void all links that were given out"
            raise SettingsError([fault(("secret",), f"is too short in {file}", action)])
        return kept
