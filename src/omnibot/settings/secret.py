"""The secret that is made and kept in the data folder where none is configured."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from omnibot.durable import sync_folder

SECRET_LENGTH = 32  # characters
SECRET_FILE = "secret.key"


def kept_secret(file: Path) -> bytes:
    """What the file holds; made first where it is not there. Of several makers one wins and all read its secret."""
    try:
        return file.read_bytes().strip()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(secrets.token_urlsafe(48).encode())
            out.flush()
            os.fsync(out.fileno())
        _publish(draft, file)
    finally:
        draft.unlink()
    return file.read_bytes().strip()


def _publish(draft: Path, file: Path) -> None:
    """Give the draft its name unless somebody was faster: a link, because a rename would replace theirs."""
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    sync_folder(file.parent)
