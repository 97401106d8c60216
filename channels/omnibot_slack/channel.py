"""One app in one workspace of Slack as a channel."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from omnibot.contract import Accept, Channel, ChannelSettings, Desk, Finding, Limits, Receipt, Refused, Site
from omnibot.model import Address, Attachment, Outbound
from omnibot_slack.account import Account, CallFailed
from omnibot_slack.blocks import CHOICES, VALUE_BYTES
from omnibot_slack.desk import SlackDesk
from omnibot_slack.dispatch import Dispatch
from omnibot_slack.health import findings
from omnibot_slack.manifest import manifest
from omnibot_slack.outcomes import of_a_question
from omnibot_slack.outgoing import CannotSay, Outgoing
from omnibot_slack.receive import Reception, request_path
from omnibot_slack.settings import SlackSettings
from omnibot_slack.sockets import Sockets

_ADDRESS = re.compile(r"[TE][A-Z0-9]+/[UW][A-Z0-9]+")
TEXT = 4000  # characters of one message, as Slack recommends; it cuts off what is beyond 40,000
FILES = 10  # of one message
IN_FLIGHT = 32


class Slack(Channel):
    """One app. An address is `T…/U…`, a person of a workspace; the context tells the channel and the thread."""

    name: ClassVar[str] = "slack"
    Settings: ClassVar[type[ChannelSettings]] = SlackSettings

    def __init__(self, site: Site, settings: SlackSettings) -> None:
        super().__init__(site, settings)
        self.settings = settings
        self.limits = Limits(
            text=TEXT,
            choices=CHOICES,
            choice_bytes=VALUE_BYTES,
            in_flight=IN_FLIGHT,
            per_second=settings.per_second or None,
            files=FILES,
            file_bytes=settings.max_file_bytes,
        )
        # a few more than messages at once: profiles, threads, files and Socket Mode need some too
        self._account = Account(settings, connections=IN_FLIGHT + 32)
        self._outgoing = Outgoing(site, settings, self._account)
        self._desk = SlackDesk(site, settings, self._account)

    async def __aenter__(self) -> Self:
        await self._account.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._account.close()

    @staticmethod
    def manifest(url: str = "", *, desk: bool = True, command: str = "/omnibot") -> str:
        """What Slack makes the app of; see `omnibot_slack.manifest`."""
        return manifest(url, desk=desk, command=command)

    # --- in ------------------------------------------------------------------------------------------------

    @classmethod
    def address(cls, text: str) -> Address:
        """Workspace and member id: names change, and a member id alone says not where."""
        written = text.strip()
        if not _ADDRESS.fullmatch(written):
            raise ValueError(
                f"{written!r} is no address on Slack: write the workspace's and the member's id, such as T0123/U0456"
                " (profile → ⋮ → Copy member ID)"
            )
        return Address(cls.name, written)

    def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
        secret = self.settings.signing_secret
        if self.settings.mode != "events" or secret is None:
            return ()
        dispatch = Dispatch(self.site, self.settings, self._account, accept, self._desk)
        reception = Reception(self.site, secret.get_secret_value(), dispatch)
        return (web.post(request_path(self.site), reception.webhook),)

    async def listen(self, accept: Accept) -> None:
        token = self.settings.app_token
        if self.settings.mode != "socket" or token is None:
            return
        dispatch = Dispatch(self.site, self.settings, self._account, accept, self._desk)
        await Sockets(self._account, token.get_secret_value(), dispatch, name=self.site.account).run()

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        try:
            answer = await self._account.call(lambda web: web.files_info(file=attachment.ref))
        except CallFailed as failed:
            raise of_a_question(failed) from failed
        file = answer["file"]
        url = file.get("url_private_download") or file.get("url_private")
        if not isinstance(url, str):
            raise Refused("Slack does not hand this file out")
        content = self.site.download(
            url,
            hosts=self.settings.file_hosts,
            max_bytes=self.settings.max_file_bytes,
            headers={"Authorization": f"Bearer {self.settings.token.get_secret_value()}"},
        )
        begun = False
        async for chunk in content:
            if not begun and _is_a_page(chunk) and not _may_be_a_page(attachment):
                raise Refused("a login is required for this file")
            begun = True
            yield chunk

    # --- out -----------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        return await self._outgoing.send(message)

    async def reconcile(self, unknown: Sequence[Outbound]) -> Mapping[int, Receipt | None]:
        found: dict[int, Receipt | None] = {}
        for message in unknown:
            try:
                found[message.id] = await self._outgoing.find(message)
            except CannotSay:
                continue
        return found

    async def redact(self, to: Address, receipt: Receipt) -> bool:
        return await self._outgoing.redact(receipt)

    def desk(self) -> Desk:
        return self._desk

    # --- health --------------------------------------------------------------------------------------------

    async def health(self) -> Sequence[Finding]:
        return await findings(self.site, self.settings, self._account)


def _is_a_page(beginning: bytes) -> bool:
    """Slack shows whom it does not let in a page, as if that were the file."""
    return beginning[:100].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _may_be_a_page(attachment: Attachment) -> bool:
    return attachment.media_type.startswith("text/")
