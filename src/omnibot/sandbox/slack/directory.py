"""Who is there: users, user groups, bots, the workspace, and the caller."""

from __future__ import annotations

from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.people import Person

_OFFSETS = {"Europe/Berlin": 3600}


def _auth_test(call: Call) -> Json:
    workspace = call.workspace
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.name,
        "user": workspace.bot_name,
        "team_id": workspace.team,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def _users_info(call: Call) -> Json:
    id = call.parameters["user"]
    if id == call.workspace.bot_user:
        return {"user": _bot(call)}
    person = call.workspace.people.get(id)
    if person is None:
        raise ApiError("user_not_found")
    return {"user": _user(call, person)}


METHODS: Handlers = {"auth.test": _auth_test, "users.info": _users_info}


def _user(call: Call, person: Person) -> Json:
    """A user; a stranger's profile is thinner, and without its scope there is no address."""
    stranger = person.team != call.workspace.team
    first, _, last = person.name.partition(" ")
    profile: Json = {
        "real_name": person.name, "real_name_normalized": person.name, "display_name": person.handle,
        "display_name_normalized": person.handle, "first_name": first, "last_name": last, "team": person.team,
    }  # fmt: skip
    if "users:read.email" in call.workspace.scopes and not stranger and not person.is_bot:
        profile["email"] = person.email
    user: Json = {
        "id": person.id, "team_id": person.team, "name": person.handle, "deleted": person.deleted,
        "is_bot": person.is_bot, "is_app_user": False, "updated": call.workspace.now(), "profile": profile,
    }  # fmt: skip
    if stranger:
        user["is_stranger"] = True
    if person.deleted:
        return user
    user |= {
        "real_name": person.name, "tz": person.tz, "tz_label": person.tz, "tz_offset": _OFFSETS.get(person.tz, 0),
        "is_admin": False, "is_owner": False, "is_primary_owner": False, "is_restricted": person.guest,
        "is_ultra_restricted": False, "is_email_confirmed": True, "who_can_share_contact_card": "EVERYONE",
    }  # fmt: skip
    if call.parameters.get("include_locale"):
        user["locale"] = person.locale
    return user


def _bot(call: Call) -> Json:
    workspace = call.workspace
    return {
        "id": workspace.bot_user, "team_id": workspace.team, "name": workspace.bot_name, "deleted": False,
        "real_name": workspace.bot_name, "is_bot": True, "is_app_user": False, "updated": workspace.now(),
        "profile": {
            "real_name": workspace.bot_name, "display_name": "", "bot_id": workspace.bot_id,
            "api_app_id": workspace.app.id, "team": workspace.team,
        },
    }  # fmt: skip
