"""Who is there: users, user groups, bots, the workspace, and the caller."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.conversations import paged
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.rooms import Usergroup

ENTERPRISE = "E0SANDBOX"  # the organisation of whoever is in several workspaces


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


def _users_list(call: Call) -> Json:
    users = [_bot(call), *(_user(call, person) for person in call.workspace.people.values())]
    page, metadata = paged(call, users)
    return {"members": page, "cache_ts": call.workspace.now(), **metadata}


def _lookup_by_email(call: Call) -> Json:
    wanted = call.parameters["email"].lower()
    for person in call.workspace.people.values():
        if person.email.lower() == wanted and not person.deleted and person.team == call.workspace.team:
            return {"user": _user(call, person)}
    raise ApiError("users_not_found")


def _usergroups_list(call: Call) -> Json:
    return {"usergroups": [_usergroup(call, group) for group in call.workspace.usergroups.values()]}


def _usergroup_users(call: Call) -> Json:
    group = call.workspace.usergroups.get(call.parameters["usergroup"])
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}


def _bots_info(call: Call) -> Json:
    workspace = call.workspace
    id = call.parameters.get("bot", workspace.bot_id)
    known = {
        workspace.bot_id: (workspace.bot_name, workspace.bot_user, workspace.app.id),
        **{person.bot_id: (person.name, person.id, "A0OTHERAPP") for person in workspace.people.values()},
    }
    if id not in known or id == "":
        raise ApiError("bot_not_found")
    name, user, app = known[id]
    return {
        "bot": {
            "id": id, "deleted": False, "name": name, "updated": workspace.now(), "app_id": app, "user_id": user,
            "icons": {},
        }
    }  # fmt: skip


def _team_info(call: Call) -> Json:
    workspace = call.workspace
    if call.parameters.get("team", workspace.team) != workspace.team:
        raise ApiError("team_not_found")
    return {
        "team": {
            "id": workspace.team, "name": workspace.name, "url": f"https://{workspace.domain}.slack.com/",
            "domain": workspace.domain, "email_domain": "", "icon": {"image_default": True}, "is_verified": False,
        }
    }  # fmt: skip


METHODS: Handlers = {
    "auth.test": _auth_test,
    "users.info": _users_info,
    "users.list": _users_list,
    "users.lookupByEmail": _lookup_by_email,
    "usergroups.list": _usergroups_list,
    "usergroups.users.list": _usergroup_users,
    "bots.info": _bots_info,
    "team.info": _team_info,
}


# --- describing ----------------------------------------------------------------------------------------------


def _user(call: Call, person: Person) -> Json:
    """A user; a stranger's profile is thinner, and without its scope there is no address."""
    stranger = person.is_stranger
    first, _, last = person.name.partition(" ")
    profile: Json = {
        "real_name": person.name, "real_name_normalized": person.name, "display_name": person.handle,
        "display_name_normalized": person.handle, "first_name": first, "last_name": last, "team": person.team,
    }  # fmt: skip
    if "users:read.email" in call.workspace.scopes and not stranger and not person.is_bot:
        profile["email"] = person.email
    if person.is_bot:
        profile["bot_id"] = person.bot_id
    user: Json = {
        "id": person.id, "team_id": person.team, "name": person.handle, "deleted": person.deleted,
        "is_bot": person.is_bot, "is_app_user": False, "updated": call.workspace.now(), "profile": profile,
    }  # fmt: skip
    if stranger:
        user["is_stranger"] = True
    if person.teams:
        user["enterprise_user"] = {
            "id": person.id, "enterprise_id": ENTERPRISE, "enterprise_name": "Sandbox Grid",
            "is_admin": False, "is_owner": False, "is_primary_owner": False, "teams": list(person.teams),
        }  # fmt: skip
    if person.deleted:
        return user  # without name and zone, as Slack describes who is gone
    offset = datetime.now(ZoneInfo(person.tz)).utcoffset()
    user |= {
        "real_name": person.name, "tz": person.tz, "tz_label": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset is not None else 0,
        "is_admin": False, "is_owner": False, "is_primary_owner": False,
        "is_restricted": person.guest, "is_ultra_restricted": person.single_channel,
        "is_email_confirmed": person.confirmed, "who_can_share_contact_card": "EVERYONE",
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


def _usergroup(call: Call, group: Usergroup) -> Json:
    described: Json = {
        "id": group.id, "team_id": call.workspace.team, "is_usergroup": True, "is_subteam": True, "name": group.handle,
        "description": "", "handle": group.handle, "is_external": False, "date_delete": 0, "auto_type": None,
        "user_count": len(group.users),
    }  # fmt: skip
    if call.parameters.get("include_users"):
        described["users"] = list(group.users)
    return described
