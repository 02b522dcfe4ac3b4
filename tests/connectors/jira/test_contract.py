"""Every request is valid against Atlassian's own contract (set SMS_EVIDENCE_CONTRACTS), which a real site enforces.

Unknown parameters, ``True`` for ``true`` and nulls in a body are what a lenient server lets pass.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from connectors import Reading
from connectors.jira import STREAMS

STREAM = {stream.name: stream for stream in STREAMS}


def test_requests_are_valid_against_the_contract(site: Any) -> None:
    folder = os.environ.get("SMS_EVIDENCE_CONTRACTS")
    if not folder:
        pytest.skip("SMS_EVIDENCE_CONTRACTS does not name the folder with Atlassian's contract")
    contract = json.loads(Path(folder, "jira-platform-v3.json").read_bytes())
    site.routes["3/issuetype"] = site.routes["3/status"]
    site.routes["3/issue/bulkfetch"] = lambda *_: {"issues": [{"id": "1", "fields": {}}]}
    site.routes["3/changelog/bulkfetch"] = lambda *_: {"issueChangeLogs": []}
    site.routes["3/search/jql"] = lambda query, _: {
        "issues": [{"id": "1", "fields": {}}],
        **({} if "nextPageToken" in query else {"nextPageToken": "a"}),
    }
    connector = site.opened()
    for stream in connector.streams():
        list(connector.read(stream, Reading("full"), [("issue", "1")]))
    list(connector.fetch(STREAM["issue"], ["1"], Reading("full")))
    connector.close()
    assert len({endpoint for _, endpoint, *_ in site.asked}) == 9
    for method, endpoint, query, body in site.asked:
        operation = contract["paths"][f"/rest/api/{endpoint}"][method.lower()]
        parameters = {one["name"]: one["schema"] for one in operation.get("parameters", [])}
        assert set(query) <= set(parameters), endpoint
        for name, value in query.items():
            kind = parameters[name]["type"]
            assert kind != "boolean" or value in ("true", "false"), f"{endpoint} {name}"
            assert kind != "integer" or int(value) <= parameters[name].get("maximum", 5000), f"{endpoint} {name}"
        if method == "POST":
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            schema = contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            assert set(schema.get("required", [])) <= set(body) <= set(schema["properties"]), endpoint
            assert None not in body.values(), endpoint
