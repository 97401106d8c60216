"""Our parts as the parameters of a message at Twilio: plain text, files by URL, and templates for WhatsApp."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from omnibot.contract import Files, Refused
from omnibot.model import Choice, File, Outbound, Part, plain
from omnibot_twilio.gsm import fold
from omnibot_twilio.settings import NAME, PLACEHOLDER, TEXT, Template

Parameters = dict[str, Any]  # of the SDK's messages.create

MMS_BYTES = 5_000_000  # of all files together
MMS_TYPES = ("image/jpeg", "image/png", "image/gif")  # which every network shows
MMS_COUNTRIES = frozenset({"US", "CA", "AU"})
WHATSAPP_BYTES, WHATSAPP_IMAGE_BYTES = 16_000_000, 5_000_000
WHATSAPP_TYPES = (
    "image/jpeg", "image/png", "video/mp4", "video/3gpp", "audio/mpeg", "audio/ogg", "audio/aac", "audio/amr",
    "application/pdf", "application/msword", "application/vnd.openxmlformats-officedocument", "text/vcard",
)  # fmt: skip

# A day, less the minute that a message may take to get there.
WINDOW = timedelta(hours=24) - timedelta(minutes=1)
BUTTONS = 3  # below a message; more choices than that are a list behind one button
_TITLE, _ITEM = 20, 24  # characters on a button, and of an entry of a list
_BESIDE_BUTTONS = 1024  # characters above them
_NAME = 60  # characters of somebody's name in a template


def text_message(message: Outbound, files: Files, *, mms: bool) -> Parameters:
    """An SMS, or an MMS where the network has it and the files are small enough together; else they are links."""
    carried, linked = _shared_out(message.parts, MMS_BYTES if mms else 0)
    body = fold(_with_links(_worded(message.parts), linked, files))
    return _filled(body, [files.url(file) for file in carried])


def whatsapp_message(message: Outbound, files: Files, quick_replies: Sequence[str]) -> Parameters:
    """A message within a day of theirs; `quick_replies` are the templates for one choice, two and so on."""
    choices = [part for part in message.parts if isinstance(part, Choice)]
    titles = [_cut(choice.label, _TITLE if len(choices) <= BUTTONS else _ITEM) for choice in choices]
    text = plain(message.parts)
    has_room = 0 < len(choices) <= len(quick_replies) and 0 < len(text) <= _BESIDE_BUTTONS
    if has_room and len(set(titles)) == len(titles):
        values = [choice.value for choice in choices]
        return _templated(quick_replies[len(choices) - 1], [text, *_alternating(titles, values)])
    all_files = [part for part in message.parts if isinstance(part, File)]
    carried = [file for file in all_files if _fits_whatsapp(file)][:1]
    linked = [file for file in all_files if file not in carried]
    return _filled(_with_links(_worded(message.parts), linked, files), [files.url(file) for file in carried])


def knock(message: Outbound, files: Files, template: Template) -> Parameters:
    """What may be said to who has been silent for a day: our text in an approved frame. Raises Refused."""
    linked = [part for part in message.parts if isinstance(part, File)]
    text = " ".join(_with_links(_worded(message.parts), linked, files).split())  # a variable has one line
    if not text:
        raise Refused("there is nothing to say in a template")
    name = " ".join(message.context.get("name", "").split())[:_NAME] or template.nameless
    said = {TEXT: text, NAME: name}
    return _templated(
        template.sid, [PLACEHOLDER.sub(lambda match: said[match[0]], value) for value in template.variables]
    )


def is_open(heard_at: datetime | None, now: datetime) -> bool:
    """Whether WhatsApp's window is known to be open: somebody wrote within the last day."""
    return heard_at is not None and now - heard_at < WINDOW


def spoken(parameters: Parameters) -> tuple[str, bool]:
    """Our words in a message, and whether a template stands around them."""
    if "content_variables" not in parameters:
        return parameters.get("body", ""), False
    return max(json.loads(parameters["content_variables"]).values(), key=len), True


# --- parts -----------------------------------------------------------------------------------------------------------


def _worded(parts: Sequence[Part]) -> str:
    """All that can be said in words; choices as a numbered list, whose numbers count as presses."""
    labels = [part.label for part in parts if isinstance(part, Choice)]
    numbered = "\n".join(f"{number}. {label}" for number, label in enumerate(labels, 1))
    return "\n\n".join(text for text in (plain(parts), numbered) if text)


def _shared_out(parts: Sequence[Part], room: int) -> tuple[list[File], list[File]]:
    """The files that fit into so many bytes together, and the others."""
    carried: list[File] = []
    linked: list[File] = []
    for part in parts:
        if not isinstance(part, File):
            continue
        if part.size <= room and part.media_type.startswith(MMS_TYPES):
            room -= part.size
            carried.append(part)
        else:
            linked.append(part)
    return carried, linked


def _fits_whatsapp(file: File) -> bool:
    return file.size <= (WHATSAPP_IMAGE_BYTES if file.media_type.startswith("image/") else WHATSAPP_BYTES)


def _with_links(text: str, linked: Sequence[File], files: Files) -> str:
    links = [f"{file.name}: {files.url(file)}" for file in linked]
    return "\n\n".join(part for part in (text, *links) if part)


def _cut(label: str, length: int) -> str:
    return label if len(label) <= length else label[: length - 1].rstrip() + "…"


def _alternating(titles: Sequence[str], values: Sequence[str]) -> list[str]:
    return [text for pair in zip(titles, values, strict=True) for text in pair]


# --- parameters ------------------------------------------------------------------------------------------------------


def _filled(body: str, media: Sequence[str]) -> Parameters:
    if not (body or media):
        raise Refused("there is nothing in it")
    parameters: Parameters = {}
    if body:
        parameters["body"] = body
    if media:
        parameters["media_url"] = list(media)
    return parameters


def _templated(sid: str, variables: Sequence[str]) -> Parameters:
    filled = {str(number): value for number, value in enumerate(variables, 1)}
    return {"content_sid": sid, "content_variables": json.dumps(filled, ensure_ascii=False)}
