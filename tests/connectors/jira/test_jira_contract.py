"""The simulated site's answers hold against Atlassian's own OpenAPI, with the sample organisation in it.

Set SMS_EVIDENCE_CONTRACTS to the folder that has ``jira-platform-v3.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.jira.rendering import site
from connectors.jira.simulator import Simulator
from connectors.sample import AS_OF, generate


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(site(generate(scale=0.1), AS_OF), now=AS_OF) as made:
        yield made


Schema = Mapping[str, Any]
_NULLS = {"from", "fromString", "to", "toString"}
_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float)}


def violations(spec: Schema, schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """Where a value breaks a schema: types, required members, members that a closed object does not have."""
    while "$ref" in schema or len(schema.get("allOf", ())) == 1:
        found = schema.get("$ref") or schema["allOf"][0]["$ref"]
        schema = spec["components"]["schemas"][found.rpartition("/")[2]]
    # values that really are null in histories, although the schema says text
    if value is None and path.rpartition(".")[2] in _NULLS:
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
        yield f"{path}: {value!r} is no {kind}"
    elif kind == "array":
        for n, one in enumerate(value):
            yield from violations(spec, schema["items"], one, f"{path}[{n}]")
    elif kind == "object":
        known = schema.get("properties", {})
        yield from (f"{path}: no {name}" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            if name in known:
                yield from violations(spec, known[name], one, f"{path}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{path}: {name} is unknown"


@pytest.fixture(scope="module")
def contract() -> Schema:
    folder = os.environ.get("SMS_EVIDENCE_CONTRACTS")
    if not folder:
        pytest.skip("SMS_EVIDENCE_CONTRACTS does not name the folder with jira-platform-v3.json")
    found: Schema = json.loads(Path(folder, "jira-platform-v3.json").read_bytes())
    return found


CALLS: Mapping[tuple[str, str], dict[str, Any]] = {
    ("get", "myself"): {},
    ("get", "serverInfo"): {},
    ("get", "project/search"): {"maxResults": 1},
    ("get", "field"): {},
    ("get", "status"): {},
    ("get", "issuetype"): {},
    ("get", "search/jql"): {"jql": "project = OPS", "fields": "*all", "expand": "names,schema,changelog"},
    ("post", "search/jql"): {"jql": "project = OPS", "fields": ["id"], "maxResults": 1},
    ("post", "search/approximate-count"): {"jql": "project = OPS"},
    ("post", "issue/bulkfetch"): {"issueIdsOrKeys": ["20001"], "expand": ["changelog"]},
    ("post", "changelog/bulkfetch"): {"issueIdsOrKeys": ["20001"], "maxResults": 1},
    ("get", "issue/{issueIdOrKey}/changelog"): {"maxResults": 1},
}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_answer_of_cloud_keeps_the_published_contract(
    contract: Schema, simulator: Simulator, method: str, path: str
) -> None:
    operation = contract["paths"][f"/rest/api/3/{path}"][method]
    address = f"{simulator.url}/rest/api/3/{path.replace('{issueIdOrKey}', '20001')}"
    given = {"params" if method == "get" else "json": CALLS[method, path]}
    asked = requests.request(method, address, auth=(simulator.username, simulator.token), timeout=5, **given)
    assert asked.status_code == 200, asked.text
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(violations(contract, schema, asked.json())) == []


def test_the_check_of_the_contract_sees_what_breaks_it(contract: Schema) -> None:
    schema = {"$ref": "#/components/schemas/SearchAndReconcileResults"}
    broken = {"isLast": 1, "total": 5, "issues": [{"id": 7, "fields": {}}]}
    assert list(violations(contract, schema, broken)) == [
        ".isLast: 1 is no boolean",
        ": total is unknown",
        ".issues[0].id: 7 is no string",
    ]
