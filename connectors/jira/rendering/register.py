"""Configuration items, services and their relations as Assets has them: one schema, an object type for each class.

All attributes belong to the root type and are inherited. A relation is an attribute of the object that it begins at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connectors.jira.rendering.values import SERVICE_OBJECTS, SITE_URL, WORKSPACE, Pen
from connectors.jira.simulator.site import Document
from connectors.sample import Organization, Record, Value, Values

SCHEMA_ID, SCHEMA_KEY = 1, "ITSM"
ROOT_TYPE = 1
TYPES: Mapping[str, tuple[int, str]] = {
    "application": (2, "Application"),
    "database": (3, "Database"),
    "server": (4, "Server"),
    "network_device": (5, "Network device"),
    "workstation": (6, "Laptop"),
    "service": (7, "Business service"),
}
"""Id and name of the object type by class."""

STATUSES: Mapping[str, tuple[int, str]] = {
    "in_use": (1, "In Service"),
    "operational": (1, "In Service"),
    "in_stock": (2, "In Stock"),
    "in_maintenance": (3, "In Maintenance"),
    "non_operational": (3, "In Maintenance"),
    "retired": (4, "Retired"),
}


class Attribute(NamedTuple):
    """An attribute: ``type`` and ``default`` are Assets' own numbers (0: a plain value, then what it is)."""

    id: int
    type: int
    default: tuple[int, str] | None = None


_TEXT, _DATE = (0, "Text"), (6, "DateTime")
ATTRIBUTES: Mapping[str, Attribute] = {
    "Key": Attribute(1, 0, _TEXT),
    "Name": Attribute(2, 0, _TEXT),
    "Created": Attribute(3, 0, _DATE),
    "Updated": Attribute(4, 0, _DATE),
    "Description": Attribute(5, 0, _TEXT),
    "Status": Attribute(6, 7),
    "Serial number": Attribute(7, 0, _TEXT),
    "Owner": Attribute(8, 2),
    "Support group": Attribute(9, 4),
    "Environment": Attribute(10, 0, _TEXT),
    "Last discovered": Attribute(11, 0, _DATE),
    "Runs on": Attribute(12, 1),
    "Depends on": Attribute(13, 1),
}


def register(organization: Organization, moment: datetime, pen: Pen) -> dict[str, list[Document]]:
    """The lists of Assets as they stood at the moment."""
    writer = _Writer(pen, _relations(organization, moment))
    items = [(one, "configuration_item") for one in organization.of("configuration_item", "jira")]
    items += [(one, "service") for one in organization.of("service", "jira")]
    objects = [writer.object(record, entity, moment) for record, entity in items if record.at(moment) is not None]
    return {
        "workspace": [{"workspaceId": WORKSPACE}],
        "schema": [writer.schema(len(objects))],
        "type": [writer.type(ROOT_TYPE, "Configuration item"), *(writer.type(*own) for own in TYPES.values())],
        "attribute": [writer.attribute(name) for name in ATTRIBUTES],
        "object": objects,
    }


Ends = tuple[str, int]


def _relations(organization: Organization, moment: datetime) -> Mapping[Ends, list[tuple[str, int, datetime]]]:
    """By entity and key of the object that a relation begins at: attribute, key of the other item, and since when."""
    found: dict[Ends, list[tuple[str, int, datetime]]] = {}
    for record in organization.of("ci_relationship", "jira"):
        values = record.at(moment)
        if values is not None:
            begin = (str(values["parent_entity"]), int(str(values["parent"])))
            name = str(values["type"]).partition("::")[0]
            found.setdefault(begin, []).append((name, int(str(values["child"])), record.created_at))
    return found


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes documents. Cloud's ids are texts and carry the workspace, Data Center's are numbers."""

    pen: Pen
    relations: Mapping[Ends, list[tuple[str, int, datetime]]]

    def schema(self, count: int) -> Document:
        words = {"name": "IT service management", "objectSchemaKey": SCHEMA_KEY, "status": "Ok", "description": ""}
        return {**self._ids(SCHEMA_ID), **words, "objectCount": count, "objectTypeCount": len(TYPES) + 1}

    def type(self, id_: int, name: str) -> Document:
        found = {**self._ids(id_), "name": name, "type": 0, "description": "", "icon": {"id": "1", "name": "Box"}}
        found |= {"position": id_, "objectCount": 0, "objectSchemaId": self._id(SCHEMA_ID), "inherited": True}
        found |= {"abstractObjectType": id_ == ROOT_TYPE, "parentObjectTypeInherited": id_ != ROOT_TYPE}
        return found | ({"parentObjectTypeId": self._id(ROOT_TYPE)} if id_ != ROOT_TYPE else {})

    def attribute(self, name: str) -> Document:
        own = ATTRIBUTES[name]
        found = {**self._ids(own.id), "objectType": self.type(ROOT_TYPE, "Configuration item"), "name": name}
        found |= {"label": name == "Name", "type": own.type, "system": own.id <= 4, "editable": own.id > 4}
        if own.default:
            found["defaultType"] = {"id": own.default[0], "name": own.default[1]}
        if own.type == 1:
            found["referenceType"] = {**self._ids(1), "name": "Dependency"}
            found["referenceObjectTypeId"] = self._id(ROOT_TYPE)
        return found

    def object(self, record: Record, entity: str, moment: datetime) -> Document:
        values = record.at(moment) or record.values
        relations = [one for one in self.relations.get((entity, record.key), []) if one[2] <= moment]
        updated = max([record.updated_at(moment), *(since for _, _, since in relations)])
        number = record.key + (SERVICE_OBJECTS if entity == "service" else 0)
        id_, type_name = TYPES["service" if entity == "service" else str(values.get("class", "application"))]
        key = f"{SCHEMA_KEY}-{number}"
        plain = {"Key": key, "Name": values["name"], "Created": record.created_at, "Updated": updated}
        listed = [*plain.items(), *self._described(values)]
        attributes = [self._attribute(number, name, [self._value(name, value)]) for name, value in listed]
        for name in ("Runs on", "Depends on"):
            others = [self._reference(other) for kind, other, _ in relations if kind == name]
            if others:
                attributes.append(self._attribute(number, name, others))
        return {
            **self._ids(number),
            "label": values["name"],
            "objectKey": key,
            "objectType": self.type(id_, type_name),
            "created": _time(record.created_at),
            "updated": _time(updated),
            "hasAvatar": False,
            "timestamp": round(updated.timestamp() * 1000),
            "attributes": attributes,
            "_links": {"self": f"{SITE_URL}/jira/servicedesk/assets/object/{number}"},
        }

    def _described(self, values: Values) -> Iterable[tuple[str, Value]]:
        """What is known of it, by attribute; an attribute without a value is left out."""
        names = {
            "Description": "description",
            "Status": "status" if "status" in values else "state",
            "Serial number": "serial_number",
            "Owner": "owner",
            "Support group": "team",
            "Environment": "environment",
            "Last discovered": "discovered_at",
        }
        return [(name, values[ours]) for name, ours in names.items() if values.get(ours) is not None]

    def _attribute(self, number: int, name: str, values: list[Document]) -> Document:
        own = ATTRIBUTES[name]
        ids = self._ids(number * 100 + own.id)
        return {**ids, "objectTypeAttributeId": self._id(own.id), "objectAttributeValues": values}

    def _value(self, name: str, value: Value) -> Document:
        kind = ATTRIBUTES[name].type
        if kind == 2:
            user = self.pen.person(value) or {}
            key = user.get("accountId", user.get("key"))
            shown: dict[str, Any] = {"displayName": user.get("displayName"), "name": user.get("name", ""), "key": key}
            return {"value": key, "searchValue": key, "displayValue": user.get("displayName"), "user": shown}
        if kind == 4:
            text = str(self.pen.names["team", int(str(value))]["name"])
            return {"value": text, "searchValue": text, "displayValue": text, "group": {"name": text}}
        if kind == 7:
            id_, text = STATUSES[str(value)]
            status = {"id": self._id(id_), "name": text, "category": 1}
            return {"value": str(id_), "searchValue": text, "displayValue": text, "status": status}
        text = _time(value) if isinstance(value, datetime) else str(value)
        return {"value": text, "searchValue": text, "displayValue": text}

    def _reference(self, key: int) -> Document:
        name, own = str(self.pen.names["configuration_item", key]["name"]), f"{SCHEMA_KEY}-{key}"
        other = {**self._ids(key), "label": name, "objectKey": own}
        return {"value": str(key), "searchValue": own, "displayValue": name, "referencedObject": other}

    def _ids(self, number: int) -> Document:
        if self.pen.deployment == "datacenter":
            return {"id": number}
        return {"workspaceId": WORKSPACE, "globalId": f"{WORKSPACE}:{number}", "id": str(number)}

    def _id(self, number: int) -> str | int:
        return number if self.pen.deployment == "datacenter" else str(number)


def _time(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"
