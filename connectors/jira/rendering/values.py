"""How Jira writes a value: times in the account's zone, people, choices, rich text (a document on Cloud, else text)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from connectors.jira.rendering.words import CATEGORIES, CHOICE_IDS, ISSUE_TYPES, PRIORITIES, RESOLUTIONS, STATUSES
from connectors.jira.simulator.site import Document, written
from connectors.sample import Value, Values

Deployment = Literal["cloud", "datacenter"]

SITE_URL = "https://example.atlassian.net"
AUTOMATION = 0
"""The key under which the sample has what no person did."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


@cache
def uuid(entity: str, key: int) -> str:
    """An id of the shape that Atlassian gives: the same in every run, different for each entity and key."""
    return str(uuid5(NAMESPACE_URL, f"{SITE_URL}/{entity}/{key}"))


WORKSPACE = uuid("assets workspace", 1)
SERVICE_OBJECTS = 50_000
"""Added to the key of a service, to make the id of its object in Assets."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes values for one deployment, in one time zone. ``names`` has the records that a value may name."""

    deployment: Deployment
    zone: ZoneInfo
    names: Mapping[tuple[str, int], Values]

    @property
    def version(self) -> str:
        """The version of the REST API whose forms are written."""
        return "3" if self.deployment == "cloud" else "2"

    def link(self, path: str) -> str:
        """The address of a resource."""
        return f"{SITE_URL}/rest/api/{self.version}/{path}"

    def time(self, moment: datetime) -> str:
        """A time as fields have it."""
        return written(moment.astimezone(self.zone))

    def friendly(self, moment: datetime) -> str:
        """A time as histories show it: ``02/Jan/26 3:04 AM``."""
        local = moment.astimezone(self.zone)
        hour, half = local.hour % 12 or 12, "AM" if local.hour < 12 else "PM"
        return f"{local.day:02}/{_MONTHS[local.month - 1]}/{local:%y} {hour}:{local:%M} {half}"

    def desk_time(self, moment: datetime) -> Document:
        """A time as Service Management has it inside its own values."""
        local = moment.astimezone(self.zone)
        return {
            "iso8601": f"{local:%Y-%m-%dT%H:%M:%S%z}",
            "jira": written(local),
            "friendly": self.friendly(moment),
            "epochMillis": round(moment.timestamp() * 1000),
        }

    def prose(self, text: str) -> Document | str:
        """Rich text: one paragraph a line. A text node may not be empty."""
        if self.deployment == "datacenter":
            return text
        lines = [[{"type": "text", "text": line}] if line else [] for line in text.split("\n")]
        return {
            "type": "doc",
            "version": 1,
            "content": [{"type": "paragraph", **({"content": line} if line else {})} for line in lines],
        }

    def person(self, key: Value) -> Document | None:
        """A person by key, 0 for the site's own automation; None for nobody."""
        if key is None:
            return None
        number = int(str(key))
        values = self.names.get(("person", number))
        name = "Automation for Jira" if values is None else str(values["name"])
        about: Document = {"displayName": name, "active": values is None or bool(values["is_active"])}
        about["timeZone"] = self.zone.key
        if values is not None:
            about["emailAddress"] = values["email"]
        if self.deployment == "cloud":
            id_, kind = f"712020:{uuid('person', number)}", "app" if values is None else "atlassian"
            return {"self": self.link(f"user?accountId={id_}"), "accountId": id_, "accountType": kind, **about}
        user = "automation" if values is None else str(values["user_name"])
        return {"self": self.link(f"user?username={user}"), "name": user, "key": f"JIRAUSER{10100 + number}", **about}

    def person_id(self, person: Document) -> str:
        """What histories call a person."""
        return str(person["accountId"] if self.deployment == "cloud" else person["key"])

    def status(self, name: str) -> Document:
        """A status by name."""
        id_, category = STATUSES[name]
        number, colour, category_name = CATEGORIES[category]
        return {
            "self": self.link(f"status/{id_}"),
            "description": "",
            "iconUrl": f"{SITE_URL}/images/icons/statuses/generic.png",
            "name": name,
            "id": id_,
            "statusCategory": {
                "self": self.link(f"statuscategory/{number}"),
                "id": number,
                "key": category,
                "colorName": colour,
                "name": category_name,
            },
        }

    def issue_type(self, entity: str) -> Document:
        """The issue type of an entity."""
        id_, name = ISSUE_TYPES[entity]
        level = {"hierarchyLevel": 0} if self.deployment == "cloud" else {}
        return {
            "self": self.link(f"issuetype/{id_}"),
            "id": id_,
            "description": "",
            "iconUrl": f"{SITE_URL}/images/icons/issuetypes/{entity}.svg",
            "name": name,
            "subtask": False,
            "avatarId": int(id_) + 500,
            **level,
        }

    def priority(self, number: Value) -> Document:
        """A priority by our number."""
        name = PRIORITIES[str(number)]
        icon = f"{SITE_URL}/images/icons/priorities/{name.lower()}.svg"
        return {"self": self.link(f"priority/{number}"), "iconUrl": icon, "name": name, "id": str(number)}

    def resolution(self, name: str) -> Document:
        """A resolution by name."""
        id_ = RESOLUTIONS[name]
        return {"self": self.link(f"resolution/{id_}"), "id": id_, "description": "", "name": name}

    def component(self, team: Value) -> Document | None:
        """The component that stands for a team, None for none."""
        values = self.names.get(("team", team)) if isinstance(team, int) else None
        if values is None:
            return None
        id_ = str(10500 + int(str(team)))
        return {"self": self.link(f"component/{id_}"), "id": id_, "name": values["name"]}

    def choice(self, field: str, value: str) -> Document:
        """A chosen value of a select field."""
        id_ = CHOICE_IDS[field, value]
        return {"self": self.link(f"customFieldOption/{id_}"), "value": value, "id": id_}

    def service(self, key: int) -> Document:
        """An affected service: a resource identifier of Atlassian's graph, and its name."""
        resource = f"ari:cloud:graph::service/{WORKSPACE}/{uuid('service', key)}"
        return {"id": "b:" + b64encode(resource.encode()).decode(), "name": self.names["service", key]["name"]}

    def asset(self, key: int) -> Document | str:
        """An object of Assets: issues carry its id and not its name on Cloud, name and key on Data Center."""
        if self.deployment == "datacenter":
            return f"{self.names['configuration_item', key]['name']} (ITSM-{key})"
        return {"workspaceId": WORKSPACE, "id": f"{WORKSPACE}:{key}", "objectId": str(key)}

    def asset_id(self, key: int) -> str:
        """What histories call an object."""
        return f"ITSM-{key}" if self.deployment == "datacenter" else f"{WORKSPACE}:{key}"


def duration(seconds: float) -> Document:
    """A duration in milliseconds, and in words: ``1d 2h 5m``, ``-5m``."""
    left, parts = abs(round(seconds)), []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    sign = "-" if seconds < 0 and parts else ""
    return {
        "millis": round(timedelta(seconds=seconds).total_seconds() * 1000),
        "friendly": sign + " ".join(parts or ["0m"]),
    }
