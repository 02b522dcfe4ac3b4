"""The table of a ServiceNow source in the configuration file."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.network import NetworkSettings
from connectors.patience import PatienceSettings
from connectors.servicenow.streams import AUDIT_FIELDS, OPTIONAL, STREAMS

Auth = Literal["basic", "oauth_client_credentials", "oauth_password", "api_key", "certificate"]

SECRETS: dict[Auth, tuple[str, ...]] = {
    "basic": ("username", "password"),
    "oauth_client_credentials": ("client_id", "client_secret"),
    "oauth_password": ("client_id", "client_secret", "username", "password"),
    "api_key": ("token",),
    "certificate": (),
}
"""Which secrets each way of logging in needs; ``certificate`` is network.certificate alone."""

# What would break the paging when it stands in a filter: another order, a second query (`^NQ` is not bound by the
# window), a script that the server evaluates in the account's own time zone, a grouping.
_REFUSED = re.compile(r"ORDERBY|javascript:|\^NQ|GROUPBY|\^EQ", re.IGNORECASE)


class Settings(BaseModel):
    """One ServiceNow instance. Secrets are not here: they come from the environment.

    ``overlap_seconds`` is how far before the last watermark a window begins: a long transaction commits with an older
    time stamp than rows that were already read. ``lag_seconds`` is how far behind the server's clock a window ends, for
    the same reason. ``also`` names streams of plugins that this instance has (``streams.OPTIONAL``), ``skip`` streams
    that are not to be read; ``concurrency`` is how many requests are under way at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connector: Literal["servicenow"]
    url: str
    auth: Auth = "basic"
    skip: list[str] = []
    also: list[str] = []
    query: dict[str, str] = {}
    audit_fields: list[str] = list(AUDIT_FIELDS)
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    per_minute: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=16)] = 4
    overlap_seconds: Annotated[int, Field(ge=0)] = 600
    lag_seconds: Annotated[int, Field(ge=0)] = 60
    network: NetworkSettings = NetworkSettings()
    patience: PatienceSettings = PatienceSettings()

    @field_validator("url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", url):
            raise ValueError("must look like https://example.service-now.com, without user, query or fragment")
        return url.rstrip("/")

    @field_validator("skip")
    @classmethod
    def _are_streams(cls, skip: list[str]) -> list[str]:
        for name in skip:
            _known(name)
        return skip

    @field_validator("also")
    @classmethod
    def _are_optional(cls, also: list[str]) -> list[str]:
        for name in also:
            _known(name)
            if name not in OPTIONAL:
                raise ValueError(f"{name} is read anyway; also is for {', '.join(OPTIONAL)}")
        return also

    @model_validator(mode="after")
    def _are_apart(self) -> Self:
        if both := sorted(set(self.also).intersection(self.skip)):
            raise ValueError(f"{both[0]} stands under skip and under also")
        if self.auth == "certificate" and self.network.certificate is None:
            raise ValueError("auth = certificate needs network.certificate")
        return self

    @field_validator("query")
    @classmethod
    def _are_filters(cls, query: dict[str, str]) -> dict[str, str]:
        for name, filter_ in query.items():
            _known(name)
            if found := _REFUSED.search(filter_):
                raise ValueError(f"the filter of {name} may not contain {found.group()}")
            if filter_ != filter_.strip("^") or not filter_:
                raise ValueError(f"the filter of {name} must be conditions joined by ^, and not empty")
        return query

    @field_validator("audit_fields")
    @classmethod
    def _are_field_names(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9_]+", name):
                raise ValueError(f"{name!r} is no field name")
        return names


def _known(name: str) -> None:
    known = [stream.name for stream in STREAMS]
    if name not in known:
        raise ValueError(f"{name!r} is no stream; there are {', '.join(known)}")
