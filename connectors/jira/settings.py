"""The table of a Jira source in the configuration file."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.jira.streams import CUSTOM, STREAMS
from connectors.network import NetworkSettings
from connectors.patience import PatienceSettings

Deployment = Literal["cloud", "datacenter"]


class Settings(BaseModel):
    """One Jira site. Secrets are not here: they come from the environment.

    ``projects`` are project keys. ``fields`` maps a column of the stream ``issue`` to the custom field that fills it
    (``change_type = "customfield_10005"``; an empty text: no field).

    ``overlap_hours`` is how far before the last watermark a window begins: JQL reads times in the account's own zone to
    the minute, which is up to 14 hours away and doubtful when the clocks change, and the search index lags behind.
    ``reread_days`` is for how many days after its resolution an issue of a service desk is still read every time, as
    every open one is: a clock that runs out, a late approval or a customer's rating need not count as an update of the
    issue. 0 reads updated issues only.
    ``read_assets`` reads the configuration items out of Assets (Premium plans; on Data Center part of Jira Service
    Management), of the schemas with the keys ``asset_schemas``, or of all that the account sees. The log-in is that of
    the site, at ``assets_url`` where it is not the usual address.
    ``concurrency`` is how many requests are under way at the same time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connector: Literal["jira"]
    url: str
    read_assets: bool = False
    assets_url: str | None = None
    asset_schemas: list[str] = []
    deployment: Deployment = "cloud"
    projects: Annotated[list[str], Field(min_length=1)]
    skip: list[str] = []
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    changelog_page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000
    per_minute: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=16)] = 4
    overlap_hours: Annotated[int, Field(ge=26)] = 26
    reread_days: Annotated[int, Field(ge=0)] = 60
    fields: dict[str, str] = {}
    network: NetworkSettings = NetworkSettings()
    patience: PatienceSettings = PatienceSettings()

    @field_validator("url", "assets_url")
    @classmethod
    def _is_plain(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", url):
            raise ValueError("must look like https://example.atlassian.net, without user, query or fragment")
        return url.rstrip("/")

    @property
    def assets_address(self) -> str:
        """Where Assets answers: as configured, else Atlassian's own address (Cloud) or below the site (Data Center)."""
        if self.assets_url is not None:
            return self.assets_url
        return "https://api.atlassian.com/jsm/assets" if self.deployment == "cloud" else f"{self.url}/rest/assets/1.0"

    @field_validator("projects")
    @classmethod
    def _are_keys(cls, keys: list[str]) -> list[str]:
        for key in keys:
            if not re.fullmatch(r"[A-Z][A-Z0-9_]*", key):
                raise ValueError(f"{key!r} is no project key (the OPS of OPS-12)")
        return list(dict.fromkeys(keys))

    @field_validator("asset_schemas")
    @classmethod
    def _are_schemas(cls, keys: list[str]) -> list[str]:
        for key in keys:
            if not re.fullmatch(r"[A-Z][A-Z0-9]*", key):
                raise ValueError(f"{key!r} is no key of an Assets schema (the ITSM of ITSM-12)")
        return list(dict.fromkeys(keys))

    @field_validator("skip")
    @classmethod
    def _are_streams(cls, skip: list[str]) -> list[str]:
        known = [stream.name for stream in STREAMS]
        for name in skip:
            if name not in known:
                raise ValueError(f"{name!r} is no stream; there are {', '.join(known)}")
        return skip

    @field_validator("fields")
    @classmethod
    def _are_columns(cls, fields: dict[str, str]) -> dict[str, str]:
        for column, id_ in fields.items():
            if column not in CUSTOM:
                raise ValueError(f"{column!r} is no column of a custom field; there are {', '.join(CUSTOM)}")
            if id_ and not re.fullmatch(r"customfield_\d+", id_):
                raise ValueError(f"{column}: {id_!r} is no id of a custom field (customfield_10042)")
        return fields
