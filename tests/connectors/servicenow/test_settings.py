"""The table of a ServiceNow source: what is refused before anything is asked of the instance."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from connectors.servicenow.settings import Settings

PLAIN = {"connector": "servicenow", "url": "https://example.service-now.com"}


def settings(**values: object) -> Settings:
    return Settings.model_validate(PLAIN | values)


def test_nothing_but_the_address_is_needed() -> None:
    plain = settings()
    assert (plain.auth, plain.skip, plain.also, plain.concurrency) == ("basic", [], [], 4)
    assert settings(url="https://example.service-now.com/").url == "https://example.service-now.com"
    assert settings(also=["rm_release"], skip=["rm_task"]).also == ["rm_release"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"url": "https://ann@example.com"}, "without user", id="a user in the address"),
        pytest.param({"url": "example.service-now.com"}, "must look like", id="no scheme"),
        pytest.param({"skip": ["incidents"]}, "'incidents' is no stream", id="skipping what is no stream"),
        pytest.param({"also": ["rm_releases"]}, "'rm_releases' is no stream", id="adding what is no stream"),
        pytest.param({"also": ["incident"]}, "incident is read anyway", id="adding what is read"),
        pytest.param(
            {"also": ["task_outage"], "skip": ["task_outage"]},
            "task_outage stands under skip and under also",
            id="both skipped and added",
        ),
        pytest.param({"concurrency": 0}, "greater than or equal to 1", id="no request at a time"),
        pytest.param({"concurrency": 17}, "less than or equal to 16", id="too many requests at a time"),
        pytest.param({"network": {"proxy": "proxy.example.com"}}, "must look like http", id="no proxy's address"),
        pytest.param({"page_size": 10_001}, "less than or equal to 10000", id="a page too large"),
        pytest.param({"query": {"tickets": "active=true"}}, "'tickets' is no stream", id="a filter of no stream"),
        pytest.param({"query": {"incident": ""}}, "not empty", id="an empty filter"),
        pytest.param({"query": {"incident": "active=true^"}}, "joined by", id="an open end"),
        pytest.param({"query": {"incident": "a=1^NQb=2"}}, "may not contain ^NQ", id="a second query"),
        pytest.param({"query": {"incident": "a=1^ORDERBYb"}}, "may not contain ORDERBY", id="an order"),
        pytest.param({"query": {"incident": "a>javascript:gs.now()"}}, "may not contain javascript:", id="a script"),
        pytest.param({"audit_fields": ["state^ORname"]}, "is no field name", id="no field name"),
        pytest.param({"pagesize": 5}, "Extra inputs", id="an unknown key"),
    ],
)
def test_what_can_not_be_meant_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        settings(**values)
