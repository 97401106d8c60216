"""`[server]`, `[database]`, `[log]`: what the process needs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from omnibot.settings.section import Count, Seconds, Section
from omnibot.settings.urls import is_database, is_public


class Server(Section):
    """The one HTTP server, for webhooks and health."""

    host: str = "127.0.0.1"
    """Where to listen; 0.0.0.0 for every interface."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """0 takes a free one."""
    public_url: str = ""
    """How providers reach this server, without a trailing slash: https://bot.example.com."""
    shutdown_seconds: Seconds = 20
    """How long a stopping server may take to finish what it has begun."""

    @field_validator("public_url")
    @classmethod
    def _absolute_and_safe(cls, url: str) -> str:
        if url and not is_public(url):
            raise ValueError("must be like https://bot.example.com, without a trailing slash (http only on loopback)")
        return url


class Database(Section):
    """PostgreSQL 15 or newer; the bundled server when there is no URL."""

    url: SecretStr = SecretStr("")
    """postgresql://user:password@host:5432/name; empty starts the bundled server in the data folder."""
    pool_size: Count = 10
    """Connections of one process."""
    listen_url: SecretStr = SecretStr("")
    """A direct connection for LISTEN, when `url` leads through PgBouncer; empty takes `url`."""
    prepared_statements: bool = True
    """Off behind a PgBouncer older than 1.21."""

    @field_validator("url", "listen_url")
    @classmethod
    def _can_be_taken_apart(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not is_database(url.get_secret_value()):
            raise ValueError(
                "is no URL of a PostgreSQL: write postgresql://user:password@host:5432/name, and in user and password"
                " %2F for /, %3A for :, %40 for @, %3F for ?, %23 for #"
            )
        return url


class Log(Section):
    """What is told to whoever runs the server; never anything personal."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is too unimportant is left out."""
    format: Literal["auto", "json", "console"] = "auto"
    """auto is console in a terminal and JSON elsewhere."""
