"""The streams that are read, with their columns, and the endpoints behind them.

A column with an empty path is one that a source has only when its own field metadata says so: ``discovery`` fills the
path in. Rich text is of kind ``text``: the document as JSON text on Cloud (API version 3), wiki text on Data Center.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connectors import Column, Kind, Stream

SLA_SLOTS = 40
"""SLA fields that one source may have; ``sla_1`` .. ``sla_40``. Real service desks have dozens (32 seen)."""


def _person(role: str, path: str) -> dict[str, Column]:
    """A person's columns. Cloud has ``accountId`` alone, Data Center ``name`` and ``key`` alone."""
    return {
        f"{role}_account": Column(f"{path}.accountId"),
        f"{role}_name": Column(f"{path}.name"),
        f"{role}_key": Column(f"{path}.key"),
        f"{role}_display": Column(f"{path}.displayName"),
        f"{role}_email": Column(f"{path}.emailAddress"),
        f"{role}_active": Column(f"{path}.active", "boolean"),
    }


_SYSTEM: Mapping[str, Column] = MappingProxyType(
    {
        "id": Column("id"),
        "key": Column("key"),
        "project_id": Column("fields.project.id"),
        "project_key": Column("fields.project.key"),
        "project_name": Column("fields.project.name"),
        "issuetype_id": Column("fields.issuetype.id"),
        "issuetype": Column("fields.issuetype.name"),
        "summary": Column("fields.summary"),
        "description": Column("fields.description"),
        "status_id": Column("fields.status.id"),
        "status": Column("fields.status.name"),
        "status_category": Column("fields.status.statusCategory.key"),
        "priority": Column("fields.priority.name"),
        "resolution": Column("fields.resolution.name"),
        "created": Column("fields.created", "instant"),
        "updated": Column("fields.updated", "instant"),
        "resolved": Column("fields.resolutiondate", "instant"),
        "due": Column("fields.duedate", "date"),
        **_person("reporter", "fields.reporter"),
        **_person("assignee", "fields.assignee"),
        **_person("creator", "fields.creator"),
        "labels": Column("fields.labels", "list"),
        "components": Column("fields.components", "list"),
        "links": Column("fields.issuelinks", "list"),
        "parent_id": Column("fields.parent.id"),
        "parent_key": Column("fields.parent.key"),
    }
)

CUSTOM: Mapping[str, Kind] = MappingProxyType(
    {
        **{f"sla_{n}": "json" for n in range(1, SLA_SLOTS + 1)},
        "approvals": "json",
        "satisfaction": "json",
        "satisfaction_at": "instant",
        "request_type": "json",
        "configuration_items": "json",
        "services": "json",
        "team": "text",
        "change_type": "text",
        "change_risk": "text",
        "change_reason": "text",
        "change_outcome": "text",
        "impact": "text",
        "urgency": "text",
        "severity": "text",
        "planned_start": "instant",
        "planned_end": "instant",
        "actual_start": "instant",
        "actual_end": "instant",
        "implementation_plan": "text",
        "backout_plan": "text",
        "test_plan": "text",
        "root_cause": "text",
        "workaround": "text",
        "review": "text",
        "assessment": "text",
        "major_incident": "text",
        "known_error": "text",
        "fix": "text",
        "reviewed_at": "instant",
        "unauthorized": "text",
    }
)
"""Columns of ``issue`` that custom fields fill, where the source has them, and how each is read."""

SYSTEM_FIELDS = (
    "project",
    "issuetype",
    "summary",
    "description",
    "status",
    "priority",
    "resolution",
    "created",
    "updated",
    "resolutiondate",
    "duedate",
    "reporter",
    "assignee",
    "creator",
    "labels",
    "components",
    "issuelinks",
    "parent",
)
"""The system fields asked for. The search answers the id alone when no field is named."""

FIELD = Stream(
    "field",
    {
        "id": Column("id"),
        "name": Column("name"),
        "custom": Column("custom", "boolean"),
        "schema_type": Column("schema.type"),
        "schema_custom": Column("schema.custom"),
    },
)

PROJECT = Stream(
    "project",
    {
        "id": Column("id"),
        "key": Column("key"),
        "name": Column("name"),
        "type": Column("projectTypeKey"),
    },
)

STATUS = Stream(
    "status",
    {
        "id": Column("id"),
        "name": Column("name"),
        "untranslated_name": Column("untranslatedName"),
        "category": Column("statusCategory.key"),
    },
)

ISSUETYPE = Stream(
    "issuetype",
    {
        "id": Column("id"),
        "name": Column("name"),
        "untranslated_name": Column("untranslatedName"),
        "subtask": Column("subtask", "boolean"),
    },
)

ISSUE = Stream(
    "issue",
    {**_SYSTEM, **{name: Column("", kind) for name, kind in CUSTOM.items()}},
    # A running SLA clock shows other values at every read; `fields.*` because the field ids differ between sources.
    volatile=(
        "fields.*.ongoingCycle.elapsedTime",
        "fields.*.ongoingCycle.remainingTime",
        "fields.*.ongoingCycle.withinCalendarHours",
        "fields.lastViewed",
        "expand",
    ),
)

CHANGELOG = Stream(
    "changelog",
    {
        "id": Column("id"),
        "created": Column("created", "instant"),
        # Atlassian's own example of the bulk endpoint shows a number (epoch) where its schema says text.
        "created_epoch": Column("created"),
        **_person("author", "author"),
        "items": Column("items", "list"),
    },
    follows=("issue",),
    is_counted=False,
)

REQUEST_TYPE = Stream(
    "request_type",
    {
        "id": Column("id"),
        "name": Column("name"),
        "description": Column("description"),
        "issuetype_id": Column("issueTypeId"),
        "desk_id": Column("serviceDeskId"),
        "portal_id": Column("portalId"),
        "groups": Column("groupIds", "list"),
    },
)

ORGANIZATION = Stream("organization", {"id": Column("id"), "name": Column("name")})

ASSET_SCHEMA = Stream(
    "asset_schema",
    {
        "id": Column("id"),
        "key": Column("objectSchemaKey"),
        "name": Column("name"),
        "description": Column("description"),
    },
    volatile=("objectCount", "objectTypeCount"),
)

ASSET_TYPE = Stream(
    "asset_type",
    {
        "id": Column("id"),
        "name": Column("name"),
        "description": Column("description"),
        "schema_id": Column("objectSchemaId"),
        "parent_id": Column("parentObjectTypeId"),
        "abstract": Column("abstractObjectType", "boolean"),
    },
    volatile=("objectCount",),
)

ASSET_ATTRIBUTE = Stream(
    "asset_attribute",
    {
        "id": Column("id"),
        "name": Column("name"),
        "type": Column("type", "integer"),
        "is_label": Column("label", "boolean"),
        "default_type": Column("defaultType.name"),
        "object_type_id": Column("objectType.id"),
        "reference_type": Column("referenceType.name"),
        "reference_object_type_id": Column("referenceObjectTypeId"),
    },
    volatile=("objectType.objectCount", "referenceObjectType.objectCount"),
)

ASSET_OBJECT = Stream(
    "asset_object",
    {
        "id": Column("id"),
        "key": Column("objectKey"),
        "workspace_id": Column("workspaceId"),
        "label": Column("label"),
        "object_type_id": Column("objectType.id"),
        "object_type": Column("objectType.name"),
        "schema_id": Column("objectType.objectSchemaId"),
        "created": Column("created", "instant"),
        "updated": Column("updated", "instant"),
        "attributes": Column("attributes", "list"),
    },
)
"""What of a record makes a new version, ``assets.stable`` decides."""

DESK_STREAMS: tuple[Stream, ...] = (REQUEST_TYPE, ORGANIZATION)
ASSETS_STREAMS: tuple[Stream, ...] = (ASSET_SCHEMA, ASSET_TYPE, ASSET_ATTRIBUTE, ASSET_OBJECT)

STREAMS: tuple[Stream, ...] = (
    FIELD,
    PROJECT,
    STATUS,
    ISSUETYPE,
    ISSUE,
    CHANGELOG,
    *DESK_STREAMS,
    *ASSETS_STREAMS,
)
"""In the order of reading. Keys are ids; that of ``changelog`` is ``<issue id>/<history id>``: the record of a history
does not name its issue, and an issue's key (``OPS-12``) changes when it moves. That of ``request_type`` is ``<service
desk>/<id>``; ids of Assets are ``<workspace>:<id>`` on Cloud, as issues refer to them."""
