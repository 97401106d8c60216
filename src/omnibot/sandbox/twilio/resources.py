"""The resources of the API beside the sending of messages: what there is, what it says, and what can be done to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import orjson
from aiohttp import web

from omnibot.sandbox.twilio.account import Account, Number, Sender, Service
from omnibot.sandbox.twilio.errors import Json, TwilioError, not_found
from omnibot.sandbox.twilio.lists import listed, listed_with_meta, wanted
from omnibot.sandbox.twilio.messages import FINAL, VERSION, Media, Message, told, told_in_iso
from omnibot.sandbox.twilio.parameters import Form, one, read_form
from omnibot.sandbox.twilio.phones import country_of
from omnibot.sandbox.twilio.templates import Template

Resource = Callable[[Account, web.Request], Awaitable[web.Response]]


def answered(value: Json, status: int = 200) -> web.Response:
    """A resource as the API answers it."""
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _deleted() -> web.Response:
    return web.Response(status=204)


# --- messages -----------------------------------------------------------------------------------------------------


async def list_messages(account: Account, request: web.Request) -> web.Response:
    """Youngest first; by To, From and DateSent."""
    query = dict(request.query)
    messages = filter(wanted(query), account.latest())
    return answered(listed("messages", request.path, query, messages, lambda each: each.sid, Message.described))


async def fetch_message(account: Account, request: web.Request) -> web.Response:
    """One message."""
    return answered(_message(account, request).described())


async def update_message(account: Account, request: web.Request) -> web.Response:
    """Redact a message (Body=""); nothing else can be changed here."""
    message = _message(account, request)
    form = await read_form(request)
    if "Status" in form:
        raise TwilioError(30409, "Message is not in a cancelable state", 409)
    if "Body" not in form:
        return answered(message.described())
    if one(form, "Body"):
        raise TwilioError(20001, "Body can only be updated to the empty string")
    _require_finished(message, "update")
    message.body, message.updated = "", account.now
    _write_down(account, "messages.update", message, form)
    return answered(message.described())


async def delete_message(account: Account, request: web.Request) -> web.Response:
    """Delete a message with its files."""
    message = _message(account, request)
    _require_finished(message, "delete")
    account.forget(message)
    _write_down(account, "messages.delete", message, {})
    return _deleted()


def _message(account: Account, request: web.Request) -> Message:
    message = account.messages.get(request.match_info["sid"])
    if message is None:
        raise not_found(request.path)
    return message


def _require_finished(message: Message, act: str) -> None:
    if message.status not in FINAL:
        raise TwilioError(20009, f"Cannot {act} this resource before it is complete", 409)


def _write_down(account: Account, method: str, message: Message, form: Form) -> None:
    payload = {"Sid": message.sid} | {name: values[-1] for name, values in form.items()}
    account.ledger.append("twilio", account.sid, method, payload)


# --- their files --------------------------------------------------------------------------------------------------


async def list_media(account: Account, request: web.Request) -> web.Response:
    """The files of one message."""
    message = _message(account, request)
    return answered(
        listed(
            "media_list",
            request.path,
            dict(request.query),
            message.media,
            lambda each: each.sid,
            message.describe_media,
        )
    )


async def fetch_media(account: Account, request: web.Request) -> web.Response:
    """What is known of one file."""
    message, media = find_media(account, request)
    return answered(message.describe_media(media))


async def delete_media(account: Account, request: web.Request) -> web.Response:
    """Delete one file; its message stays."""
    message, media = find_media(account, request)
    account.forget_media(message, media)
    account.ledger.append("twilio", account.sid, "media.delete", {"Sid": media.sid, "MessageSid": message.sid})
    return _deleted()


def find_media(account: Account, request: web.Request) -> tuple[Message, Media]:
    """The file that a path names, and its message; raises TwilioError."""
    message = _message(account, request)
    for media in message.media:
        if media.sid == request.match_info["media"]:
            return message, media
    raise not_found(request.path)


# --- the account --------------------------------------------------------------------------------------------------


async def fetch_account(account: Account, request: web.Request) -> web.Response:
    """The account itself."""
    uri = f"/{VERSION}/Accounts/{account.sid}"
    return answered(
        {
            "sid": account.sid,
            "owner_account_sid": account.sid,
            "friendly_name": account.friendly_name,
            "status": account.status,
            "type": "Trial" if account.trial else "Full",
            "auth_token": account.auth_token,
            "date_created": told(account.created),
            "date_updated": told(account.created),
            "uri": f"{uri}.json",
            "subresource_uris": {
                "messages": f"{uri}/Messages.json",
                "incoming_phone_numbers": f"{uri}/IncomingPhoneNumbers.json",
                "balance": f"{uri}/Balance.json",
            },
        }
    )


async def fetch_balance(account: Account, request: web.Request) -> web.Response:
    """What is left to spend."""
    return answered({"account_sid": account.sid, "balance": account.balance, "currency": "USD"})


async def list_numbers(account: Account, request: web.Request) -> web.Response:
    """The account's numbers; by PhoneNumber, of which a part is enough."""
    query = dict(request.query)
    part = query.get("PhoneNumber", "").removeprefix("+")
    numbers = [number for number in account.numbers.values() if part in number.phone_number]
    return answered(
        listed(
            "incoming_phone_numbers", request.path, query, numbers, lambda each: each.sid, _describing_numbers(account)
        )
    )


async def fetch_number(account: Account, request: web.Request) -> web.Response:
    """One number."""
    return answered(_describing_numbers(account)(_number(account, request)))


async def update_number(account: Account, request: web.Request) -> web.Response:
    """Set where a number's messages are told."""
    number = _number(account, request)
    form = await read_form(request)
    if "SmsUrl" in form:
        number.sms_url = one(form, "SmsUrl")
    if "SmsFallbackUrl" in form:
        number.sms_fallback_url = one(form, "SmsFallbackUrl")
    if "StatusCallback" in form:
        number.status_callback = one(form, "StatusCallback")
    payload = {"Sid": number.sid} | {name: values[-1] for name, values in form.items()}
    account.ledger.append("twilio", account.sid, "incoming_phone_numbers.update", payload)
    return answered(_describing_numbers(account)(number))


def _number(account: Account, request: web.Request) -> Number:
    return _found(account.numbers.values(), request, lambda each: each.sid)


def _describing_numbers(account: Account) -> Callable[[Number], Json]:
    def described(number: Number) -> Json:
        return {
            "sid": number.sid,
            "account_sid": account.sid,
            "api_version": VERSION,
            "phone_number": number.phone_number,
            "friendly_name": number.phone_number,
            "capabilities": {"sms": number.sms, "mms": number.mms, "voice": True, "fax": False},
            "sms_url": number.sms_url,
            "sms_method": number.method,
            "sms_fallback_url": number.sms_fallback_url,
            "sms_fallback_method": "POST",
            "sms_application_sid": number.application_sid,
            "status_callback": number.status_callback,
            "status_callback_method": "POST",
            "status": "in-use",
            "origin": "twilio",
            "beta": False,
            "date_created": told(account.created),
            "date_updated": told(account.created),
            "uri": f"/{VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers/{number.sid}.json",
        }

    return described


# --- messaging services, senders, templates -------------------------------------------------------------------------


async def list_services(account: Account, request: web.Request) -> web.Response:
    """The account's messaging services."""
    return _meta(account, request, "services", account.services.values(), lambda each: each.sid, describe_service)


async def fetch_service(account: Account, request: web.Request) -> web.Response:
    """One messaging service."""
    service = _found(account.services.values(), request, lambda each: each.sid)
    return answered(describe_service(account, service))


def describe_service(account: Account, service: Service) -> Json:
    """The resource of a messaging service."""
    place = f"{account.url}/v1/Services/{service.sid}"
    return {
        "sid": service.sid,
        "account_sid": account.sid,
        "friendly_name": service.name,
        "inbound_request_url": service.inbound_url or None,
        "inbound_method": "POST",
        "fallback_url": service.fallback_url or None,
        "fallback_method": "POST",
        "status_callback": service.status_callback or None,
        "use_inbound_webhook_on_number": service.use_number_webhook,
        "smart_encoding": service.smart_encoding,
        "sticky_sender": True,
        "mms_converter": True,
        "validity_period": 36000,
        "date_created": told_in_iso(account.created),
        "date_updated": told_in_iso(account.created),
        "url": place,
        "links": {"phone_numbers": f"{place}/PhoneNumbers"},
    }


async def list_service_numbers(account: Account, request: web.Request) -> web.Response:
    """The numbers that a messaging service chooses from."""
    service = _found(account.services.values(), request, lambda each: each.sid)
    numbers = [account.numbers[sender] for sender in service.senders if sender in account.numbers]

    def described(_: Account, number: Number) -> Json:
        return {
            "sid": number.sid,
            "account_sid": account.sid,
            "service_sid": service.sid,
            "phone_number": number.phone_number,
            "country_code": country_of(number.phone_number),
            "capabilities": ["SMS", "MMS", "Voice"],
            "url": f"{account.url}{request.path}/{number.sid}",
        }

    return _meta(account, request, "phone_numbers", numbers, lambda each: each.sid, described)


async def list_senders(account: Account, request: web.Request) -> web.Response:
    """The account's WhatsApp senders."""
    if request.query.get("Channel") != "whatsapp":
        raise TwilioError(20001, "Missing required parameter Channel: this sandbox has senders for whatsapp alone")
    return _meta(account, request, "senders", account.senders.values(), lambda each: each.sid, describe_sender)


async def fetch_sender(account: Account, request: web.Request) -> web.Response:
    """One WhatsApp sender."""
    return answered(describe_sender(account, _found(account.senders.values(), request, lambda each: each.sid)))


def describe_sender(account: Account, sender: Sender) -> Json:
    """The resource of a WhatsApp sender."""
    return {
        "sid": sender.sid,
        "sender_id": sender.address,
        "status": sender.status,
        "offline_reasons": [{"code": "63020", "message": sender.offline_reason}] if sender.offline_reason else None,
        "configuration": {"waba_id": "10000000000001"},
        "webhook": {
            "callback_url": sender.callback_url,
            "callback_method": "POST",
            "fallback_url": sender.fallback_url,
            "fallback_method": "POST",
            "status_callback_url": sender.status_callback_url,
            "status_callback_method": "POST",
        },
        "profile": {"name": account.friendly_name},
        "properties": {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"},
        "url": f"{account.url}/v2/Channels/Senders/{sender.sid}",
    }


async def list_templates(account: Account, request: web.Request) -> web.Response:
    """The account's templates."""
    return _meta(account, request, "contents", account.templates.values(), lambda each: each.sid, _describe_template)


async def list_templates_and_approvals(account: Account, request: web.Request) -> web.Response:
    """The account's templates, with what WhatsApp says of them."""

    def described(account: Account, template: Template) -> Json:
        approval = template.approvals(account.url)["whatsapp"]
        return {**template.described(account.url), "approval_requests": approval}

    return _meta(account, request, "contents", account.templates.values(), lambda each: each.sid, described)


async def fetch_template(account: Account, request: web.Request) -> web.Response:
    """One template."""
    return answered(_template(account, request).described(account.url))


async def fetch_approvals(account: Account, request: web.Request) -> web.Response:
    """What WhatsApp says of a template."""
    return answered(_template(account, request).approvals(account.url))


def _template(account: Account, request: web.Request) -> Template:
    return _found(account.templates.values(), request, lambda each: each.sid)


def _describe_template(account: Account, template: Template) -> Json:
    return template.described(account.url)


async def show_typing(account: Account, request: web.Request) -> web.Response:
    """Show a WhatsApp user that an answer is being written; this reads their message, too."""
    form = await read_form(request)
    if one(form, "channel") != "whatsapp":
        raise TwilioError(20001, "Missing required parameter channel: whatsapp")
    message = account.messages.get(one(form, "messageId"))
    if message is None or message.direction != "inbound" or not message.on_whatsapp:
        raise TwilioError(20404, "The message was not found, or is not one that came in by WhatsApp", 404)
    account.ledger.append("twilio", account.sid, "typing.create", {"messageId": message.sid})
    return answered({"success": True})


# --- what they share ------------------------------------------------------------------------------------------------

Item = TypeVar("Item")


def _found(items: Iterable[Item], request: web.Request, sid: Callable[[Item], str]) -> Item:
    for item in items:
        if sid(item) == request.match_info["sid"]:
            return item
    raise not_found(request.path)


def _meta(
    account: Account,
    request: web.Request,
    key: str,
    items: Iterable[Item],
    sid: Callable[[Item], str],
    described: Callable[[Account, Item], Json],
) -> web.Response:
    url = f"{account.url}{request.path}"
    return answered(listed_with_meta(key, url, dict(request.query), items, sid, lambda item: described(account, item)))


# --- where they are -------------------------------------------------------------------------------------------------

_ROOT = f"/{VERSION}/Accounts/{{account}}"
_MESSAGE = f"{_ROOT}/Messages/{{sid}}"

# verb, path, name (by which faults are ordered), resource
RESOURCES: tuple[tuple[str, str, str, Resource], ...] = (
    ("GET", f"{_ROOT}/Messages.json", "messages.list", list_messages),
    ("GET", f"{_MESSAGE}.json", "messages.fetch", fetch_message),
    ("POST", f"{_MESSAGE}.json", "messages.update", update_message),
    ("DELETE", f"{_MESSAGE}.json", "messages.delete", delete_message),
    ("GET", f"{_MESSAGE}/Media.json", "media.list", list_media),
    ("GET", f"{_MESSAGE}/Media/{{media}}.json", "media.fetch", fetch_media),
    ("DELETE", f"{_MESSAGE}/Media/{{media}}.json", "media.delete", delete_media),
    ("GET", f"{_ROOT}.json", "accounts.fetch", fetch_account),
    ("GET", f"{_ROOT}/Balance.json", "balance.fetch", fetch_balance),
    ("GET", f"{_ROOT}/IncomingPhoneNumbers.json", "incoming_phone_numbers.list", list_numbers),
    ("GET", f"{_ROOT}/IncomingPhoneNumbers/{{sid}}.json", "incoming_phone_numbers.fetch", fetch_number),
    ("POST", f"{_ROOT}/IncomingPhoneNumbers/{{sid}}.json", "incoming_phone_numbers.update", update_number),
    ("GET", "/v1/Services", "services.list", list_services),
    ("GET", "/v1/Services/{sid}", "services.fetch", fetch_service),
    ("GET", "/v1/Services/{sid}/PhoneNumbers", "services.phone_numbers.list", list_service_numbers),
    ("GET", "/v2/Channels/Senders", "channels_senders.list", list_senders),
    ("GET", "/v2/Channels/Senders/{sid}", "channels_senders.fetch", fetch_sender),
    ("POST", "/v2/Indicators/Typing.json", "typing.create", show_typing),
    ("GET", "/v1/Content", "contents.list", list_templates),
    ("GET", "/v1/ContentAndApprovals", "content_and_approvals.list", list_templates_and_approvals),
    ("GET", "/v1/Content/{sid}", "contents.fetch", fetch_template),
    ("GET", "/v1/Content/{sid}/ApprovalRequests", "approval_fetch.fetch", fetch_approvals),
)
