"""Postfix and Dovecot as instances of the tests' own: configured in a temporary folder, on free loopback ports."""

from __future__ import annotations

import asyncio
import grp
import itertools
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from omnibot.sandbox.server import free_port

CERTIFICATES = Path(__file__).parents[1] / "channels" / "email" / "certificates"
HOST = "127.0.0.1"
US = "support@example.com"
AUTHSERV_ID = "mx.example.com"
STARTED = 20.0  # seconds

_MASTER = Path("/usr/lib/postfix/sbin/master")
_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
_NOBODY = 65534
_NUMBERS = itertools.count(1_000_000)

MISSING = (
    ("Postfix needs root" if os.geteuid() else "")
    or ("" if _MASTER.exists() else "Postfix is not installed (Debian's postfix)")
    or ("" if shutil.which("dovecot") else "Dovecot is not installed (Debian's dovecot-imapd and dovecot-lmtpd)")
)


@dataclass(frozen=True, slots=True)
class MailServers:
    """The company's Postfix, and the Dovecot of a provider with the customers' mailboxes and one of the company's."""

    folder: Path
    smtp_port: int
    imap_port: int
    listen_port: int  # where Postfix delivers what is for us

    @property
    def authority(self) -> str:
        """Who has signed the servers' certificates."""
        return (CERTIFICATES / "authority.pem").read_text()

    def write(self, mail: EmailMessage, *, sender: str, to: str = US) -> None:
        """Hand a customer's mail to Postfix."""
        with smtplib.SMTP(HOST, self.smtp_port, timeout=10) as client:
            client.sendmail(sender, [to], mail.as_bytes())

    def fill(self, user: str, mails: Iterator[bytes]) -> None:
        """Put mails into an inbox, as if they had arrived."""
        new = self.folder / "mail" / user / "Maildir" / "new"
        for raw in mails:
            file = new / f"{next(_NUMBERS)}.tests"
            file.write_bytes(raw)
            os.chown(file, _NOBODY, _NOBODY)

    def mails(self, user: str) -> list[EmailMessage]:
        """What somebody has got."""
        files = [*(self.folder / "mail" / user / "Maildir").glob("new/*")]
        return [message_from_bytes(file.read_bytes(), policy=default) for file in sorted(files)]  # type: ignore[misc]

    async def wait_for(self, user: str, count: int = 1, deadline: float = 20) -> list[EmailMessage]:
        """The mails of somebody, once there are so many."""
        try:
            async with asyncio.timeout(deadline):
                while len(self.mails(user)) < count:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{len(self.mails(user))} of {count} mails\n{self.logs()}") from None
        return self.mails(user)

    def logs(self) -> str:
        """What the servers say of themselves."""
        logs = (self.folder / "postfix.log", self.folder / "dovecot" / "dovecot.log")
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in logs if log.exists())


@asynccontextmanager
async def mail_servers(*, users: tuple[str, ...]) -> AsyncIterator[MailServers]:
    """Start both; nothing outside of a temporary folder is read or written but their programs."""
    with tempfile.TemporaryDirectory(prefix="omnibot-mail-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        smtp, imap, lmtp, listen = (free_port() for _ in range(4))
        servers = MailServers(folder, smtp, imap, listen)
        _write_dovecot(servers, lmtp, users)
        _write_postfix(servers, lmtp)
        with _running(servers, _dovecot(folder), imap, lmtp), _running(servers, _postfix(folder), smtp):
            yield servers


@contextmanager
def _running(servers: MailServers, process: subprocess.Popen[bytes], *ports: int) -> Iterator[None]:
    try:
        for port in ports:
            _wait_until_open(servers, process, port)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_open(servers: MailServers, process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + STARTED
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise RuntimeError(f"a mail server has not started at port {port}\n{servers.logs()}")


# --- Dovecot: as nobody at all -----------------------------------------------------------------------------------


def _dovecot(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["dovecot", "-F", "-c", str(folder / "dovecot" / "dovecot.conf")],
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=[],
        cwd=folder / "dovecot",
        stdin=subprocess.DEVNULL,
    )


def _write_dovecot(servers: MailServers, lmtp_port: int, users: tuple[str, ...]) -> None:
    folder, mail = servers.folder / "dovecot", servers.folder / "mail"
    owner, group = pwd.getpwuid(_NOBODY).pw_name, grp.getgrgid(_NOBODY).gr_name
    for path in (folder, folder / "run", mail):
        path.mkdir()
    for user in users:
        for part in ("cur", "new", "tmp"):
            (mail / user / "Maildir" / part).mkdir(parents=True)
    (folder / "users").write_text("".join(f"{user}:{{PLAIN}}secret::::{mail / user}::\n" for user in users))
    shutil.copy(CERTIFICATES / "server.pem", folder / "server.pem")
    (folder / "dovecot.conf").write_text(f"""\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
protocols = imap lmtp
mail_location = maildir:~/Maildir
mail_uid = {_NOBODY}
mail_gid = {_NOBODY}
first_valid_uid = 1
recipient_delimiter = +
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = {HOST}
    port = {servers.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = {HOST}
    port = {lmtp_port}
  }}
}}
""")
    for path in (folder, mail):
        for inner in (path, *path.rglob("*")):
            os.chown(inner, _NOBODY, _NOBODY)


# --- Postfix: its master must be root, what it starts is not -------------------------------------------------------


def _postfix(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(_MASTER), "-c", str(folder / "postfix"), "-d"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(folder / "postfix"), "MAIL_LOGTAG": "postfix"},
        stdin=subprocess.DEVNULL,
    )


def _write_postfix(servers: MailServers, lmtp_port: int) -> None:
    folder = servers.folder / "postfix"
    queue, data = servers.folder / "queue", servers.folder / "data"
    owner, drop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
    for path in (folder, queue, data):
        path.mkdir()
    os.chown(data, owner, -1)
    for name in (*_QUEUES, "pid", "maildrop", "public"):
        (queue / name).mkdir(mode=0o700)
        os.chown(queue / name, 0 if name == "pid" else owner, drop if name in ("maildrop", "public") else -1)
    (queue / "pid").chmod(0o755)
    (queue / "maildrop").chmod(0o1730)
    (queue / "public").chmod(0o2710)
    ours = f"lmtp:inet:{HOST}:{servers.listen_port}"
    theirs = f"lmtp:inet:{HOST}:{lmtp_port}"
    believed = f"PREPEND Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from=example.org"
    (folder / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
daemon_directory = {_MASTER.parent}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {servers.folder}/postfix.log
maillog_file_prefixes = {servers.folder}
inet_interfaces = {HOST}
inet_protocols = ipv4
myhostname = {AUTHSERV_ID}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
recipient_delimiter = +
disable_dns_lookups = yes
relay_domains = example.com, example.org
transport_maps = inline:{{ {{{US} = {ours}}}, {{example.org = {theirs}}} }}
smtpd_sender_restrictions = check_sender_access inline:{{ {{example.org = {believed}}} }}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = {CERTIFICATES}/server.pem
minimal_backoff_time = 1s
maximal_backoff_time = 5s
queue_run_delay = 1s
""")
    services = """\
{smtp} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
    (folder / "master.cf").write_text(services.format(smtp=f"{HOST}:{servers.smtp_port}"))
