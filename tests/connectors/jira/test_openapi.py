"""The conversation of the connector and the simulated site, held against Atlassian's own OpenAPI.

Everything that the connector really asks on Cloud must be allowed by the published contract, which a real site enforces
(a body is closed: an unknown member or a null is refused), and everything that the simulator answers must be of the
published shape. Set SMS_EVIDENCE_CONTRACTS to the folder that has ``jira-platform-v3.json``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import SecretStr

from connectors import Reading
from connectors.jira import STREAMS, Settings, connect
from connectors.jira.rendering import site
from connectors.jira.simulator import Simulator
from connectors.loopback import Answer
from connectors.sample import AS_OF, Organization, generate

Schema = Mapping[str, Any]
Turn = tuple[str, str, bytes, Answer]
"""A request and its answer: method, target, body, answer."""

PLATFORM = "/rest/api/3/"

NOT_DESCRIBED = ("/rest/servicedeskapi/", "/jsm/assets/")
"""APIs beside the platform's, with contracts of their own (Service Management) or none that is published (Assets)."""

NULLS = frozenset({"from", "fromString", "to", "toString"})
"""Members of a history's item that are null on real sites, although the contract says text."""

TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "number": (int, float),
}


# ---------------------------------------------------------------- the contract


@dataclass(frozen=True, slots=True)
class Contract:
    """An OpenAPI 3.0 document, as far as Atlassian's uses it."""

    spec: Schema

    def operation(self, method: str, path: str) -> Schema | None:
        """The operation of a path as it was asked for; one without placeholders comes first."""
        found = [
            template
            for template, operations in self.spec["paths"].items()
            if method.lower() in operations and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
        ]
        operation: Schema | None = None
        if found:
            operation = self.spec["paths"][min(found, key=lambda one: one.count("{"))][method.lower()]
        return operation

    def breaches_of_request(self, method: str, target: str, body: bytes) -> Iterator[str]:
        """Why a site would refuse a request."""
        parts = urlsplit(target)
        operation = self.operation(method, parts.path)
        if operation is None:
            yield f"{method} {parts.path} is not in the contract"
            return
        if operation.get("deprecated"):
            yield f"{method} {parts.path} is deprecated"
        known = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}
        given = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        yield from (f"no {name}" for name, one in known.items() if one.get("required") and name not in given)
        for name, values in given.items():
            if name in known:
                yield from self._breaches_of_values(name, known[name]["schema"], values)
            else:
                yield f"?{name} is unknown"
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            if body:
                yield "a body is sent"
        elif body or operation["requestBody"].get("required"):
            yield from self.breaches(content["schema"], json.loads(body or b"null"))

    def breaches_of_answer(self, method: str, target: str, answer: Answer) -> Iterator[str]:
        """Where an answer is not of the published shape; the status must be a published one."""
        operation = self.operation(method, urlsplit(target).path)
        if operation is None:
            yield "there is no such operation"
            return
        described = operation["responses"].get(str(answer.status))
        if described is None:
            yield f"status {answer.status} is not described"
        elif answer.status == 200:
            yield from self.breaches(described["content"]["application/json"]["schema"], json.loads(answer.body))

    def _breaches_of_values(self, name: str, schema: Schema, values: Sequence[str]) -> Iterator[str]:
        schema = self._resolved(schema)
        if schema.get("type") == "array":
            items: list[Any] = [_read(self._resolved(schema["items"]), value) for value in values]
            yield from self.breaches(schema, items, f"?{name}")
        elif len(values) > 1:
            yield f"?{name} is given {len(values)} times"
        else:
            yield from self.breaches(schema, _read(schema, values[0]), f"?{name}")

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def breaches(self, schema: Schema, value: Any, path: str = "") -> Iterator[str]:
        """Where a value breaks a schema."""
        schema = self._resolved(schema)
        for part in schema.get("allOf", ()):
            yield from self.breaches(part, value, path)
        for name in ("oneOf", "anyOf"):
            if name in schema and all(list(self.breaches(part, value, path)) for part in schema[name]):
                yield f"{path}: none of the forms that are allowed"
        if value is None:
            if "type" in schema and not schema.get("nullable") and path.rpartition(".")[2] not in NULLS:
                yield f"{path}: null"
            return
        kind = schema.get("type")
        if kind and (not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
            yield f"{path}: {value!r} is no {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path}: {value!r} is not among the values"
        yield from self._breaches_of_size(schema, value, path)
        if isinstance(value, list) and "items" in schema:
            for n, one in enumerate(value):
                yield from self.breaches(schema["items"], one, f"{path}[{n}]")
        elif isinstance(value, dict):
            yield from self._breaches_of_members(schema, value, path)

    def _breaches_of_size(self, schema: Schema, value: Any, path: str) -> Iterator[str]:
        if isinstance(value, int | float):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                yield f"{path}: {value} is out of bounds"
        elif isinstance(value, list):
            if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
                yield f"{path}: {len(value)} elements"
            if schema.get("uniqueItems") and len({json.dumps(one) for one in value}) < len(value):
                yield f"{path}: an element comes twice"

    def _breaches_of_members(self, schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[str]:
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from (f"{path}: no {name}" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            if name in known:
                yield from self.breaches(known[name], one, f"{path}.{name}")
            elif others is False:
                yield f"{path}: {name} is unknown"
            elif isinstance(others, dict):
                yield from self.breaches(others, one, f"{path}.{name}")


def _read(schema: Schema, text: str) -> Any:
    """A value of a query as what it stands for; as text where it can't be that."""
    kind = schema.get("type")
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


@pytest.fixture(scope="module")
def contract() -> Contract:
    folder = os.environ.get("SMS_EVIDENCE_CONTRACTS")
    if not folder:
        pytest.skip("SMS_EVIDENCE_CONTRACTS does not name the folder with jira-platform-v3.json")
    return Contract(json.loads(Path(folder, "jira-platform-v3.json").read_bytes()))


# ------------------------------------------------------------ the conversation


class Listening(Simulator):
    """A site that keeps what was said, as it was said."""

    said: list[Turn]

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Answer:
        made = super().answer(method, target, headers, body)
        self.said.append((method, target, body, made))
        return made


@pytest.fixture(scope="module")
def organization() -> Organization:
    return generate(scale=0.1)


@pytest.fixture(scope="module")
def said(organization: Organization) -> Sequence[Turn]:
    """All that is said in two nights: every stream read, swept, fetched from and explained, then ``check``."""
    before = AS_OF - timedelta(days=1)
    with Listening(site(organization, before), now=before, page_cap=40) as simulator:
        simulator.said = []
        given = {
            "connector": "jira",
            "url": simulator.url,
            "assets_url": f"{simulator.url}/jsm/assets",
            "projects": ["OPS"],
            "read_assets": True,
            "changelog_page_size": 50,
        }
        secrets = {"username": SecretStr("evidence@example.com"), "token": SecretStr("demo-only")}
        marks: dict[str, str | None] = {}
        for night in (before, AS_OF):
            simulator.advance(night, site(organization, night))
            made = connect("jira-itsm", Settings.model_validate(given), secrets)
            made.open()
            for stream in made.streams():
                reading = Reading("incremental" if stream.name in marks else "full", marks.get(stream.name))
                parents = [("issue", str(20_000 + n)) for n in range(1, 60)]
                for _ in made.read(stream, reading, parents):
                    pass
                marks[stream.name] = reading.watermark_to
                if stream.is_counted:
                    keys = [key for sweep in made.census(stream, reading) for key in sweep.keys]
                    assert sum(len(page.keys) for page in made.fetch(stream, keys[:120], reading)) == len(keys[:120])
                    gone = ["99991", "99992"] if stream.name in ("issue", "asset_object") else ["nothing"]
                    assert made.explain(stream, gone, reading).keys() == set(gone)
            made.close()
        assert all(finding.is_ok for finding in made.check())
    return simulator.said


def platform(said: Sequence[Turn]) -> Iterator[Turn]:
    for method, target, body, answer in said:
        if target.startswith(NOT_DESCRIBED):
            continue
        yield method, target, body, answer


def test_every_request_of_the_connector_keeps_the_published_contract(contract: Contract, said: Sequence[Turn]) -> None:
    found = {}
    for method, target, body, _ in platform(said):
        breaches = list(contract.breaches_of_request(method, target, body))
        if breaches:
            found[f"{method} {target} {body[:200]!r}"] = breaches
    assert found == {}


def test_the_conversation_is_the_whole_of_what_the_connector_can_ask(
    said: Sequence[Turn],
) -> None:
    """Otherwise the proof above would be of less than it says."""
    endpoints = {(method, urlsplit(target).path.removeprefix(PLATFORM)) for method, target, *_ in platform(said)}
    assert endpoints >= {
        ("GET", "myself"),
        ("GET", "serverInfo"),
        ("GET", "project/search"),
        ("GET", "field"),
        ("GET", "status"),
        ("GET", "issuetype"),
        ("GET", "search/jql"),
        ("POST", "issue/bulkfetch"),
        ("POST", "changelog/bulkfetch"),
    }
    assert {stream.name for stream in STREAMS} >= {"issue", "asset_object", "request_type"}
    assert any("nextPageToken" in target for _, target, *_ in platform(said)), "more than one page"


def test_every_answer_of_the_simulated_site_keeps_the_published_contract(
    contract: Contract, said: Sequence[Turn]
) -> None:
    found = {}
    for method, target, _, answer in platform(said):
        breaches = list(contract.breaches_of_answer(method, target, answer))
        if breaches:
            found[f"{method} {urlsplit(target).path}"] = breaches[:5]
    assert found == {}


OTHER_CALLS: Mapping[tuple[str, str], dict[str, Any]] = {
    ("get", "search/jql"): {"jql": "project = OPS", "fields": "*all", "expand": "names,schema,changelog"},
    ("post", "search/jql"): {"jql": "project = OPS", "fields": ["id"], "maxResults": 1},
    ("post", "search/approximate-count"): {"jql": "project = OPS"},
    ("post", "issue/bulkfetch"): {"issueIdsOrKeys": ["20001"], "expand": ["changelog"]},
    ("post", "changelog/bulkfetch"): {"issueIdsOrKeys": ["20001"], "maxResults": 1},
    ("get", "issue/20001/changelog"): {"maxResults": 1},
}


@pytest.mark.parametrize(("method", "path"), OTHER_CALLS)
def test_answers_to_what_other_readers_ask_keep_the_published_contract(
    contract: Contract, organization: Organization, method: str, path: str
) -> None:
    with Listening(site(organization, AS_OF), now=AS_OF) as simulator:
        simulator.said = []
        given = {"params" if method == "get" else "json": OTHER_CALLS[method, path]}
        auth = (simulator.username, simulator.token)
        asked = requests.request(method, f"{simulator.url}{PLATFORM}{path}", auth=auth, timeout=5, **given)
        assert asked.status_code == 200, asked.text
        ((name, target, body, answer),) = simulator.said
    assert list(contract.breaches_of_request(name, target, body)) == []
    assert list(contract.breaches_of_answer(name, target, answer)) == []


# --------------------------------------------------------- the proof of the proof

JQL = f"{PLATFORM}search/jql"


@pytest.mark.parametrize(
    ("method", "target", "body", "breach"),
    [
        ("GET", f"{JQL}?jql=a&failFast=True", b"", "?failFast: 'True' is no boolean"),
        ("GET", f"{JQL}?jql=a&maxResults=many", b"", "?maxResults: 'many' is no integer"),
        ("GET", f"{JQL}?jql=a&validateQuery=true", b"", "?validateQuery is unknown"),
        ("GET", f"{JQL}?jql=a&startAt=50", b"", "?startAt is unknown"),
        ("GET", f"{JQL}?jql=a&jql=b", b"", "?jql is given 2 times"),
        ("GET", f"{JQL}?jql=a&reconcileIssues=1,2", b"", "?reconcileIssues[0]: '1,2' is no integer"),
        ("GET", f"{PLATFORM}project/search?status=gone", b"", "?status[0]: 'gone' is not among the values"),
        ("POST", JQL, b'{"jql":"a","expand":null}', ".expand: null"),
        ("POST", JQL, b'{"jql":"a","failFast":true}', ": failFast is unknown"),
        ("POST", JQL, b'{"jql":7}', ".jql: 7 is no string"),
        ("POST", f"{PLATFORM}changelog/bulkfetch", b'{"maxResults":1}', ": no issueIdsOrKeys"),
        (
            "POST",
            f"{PLATFORM}changelog/bulkfetch",
            b'{"issueIdsOrKeys":["1"],"maxResults":10001}',
            ".maxResults: 10001 is out of bounds",
        ),
        ("GET", f"{PLATFORM}search?jql=a", b"", f"GET {PLATFORM}search is deprecated"),
        ("GET", f"{PLATFORM}issues/all", b"", f"GET {PLATFORM}issues/all is not in the contract"),
        ("GET", f"{PLATFORM}myself", b"{}", "a body is sent"),
    ],
)
def test_what_breaks_the_contract_is_seen(
    contract: Contract, method: str, target: str, body: bytes, breach: str
) -> None:
    assert breach in list(contract.breaches_of_request(method, target, body))


def test_an_answer_that_breaks_the_contract_is_seen(contract: Contract) -> None:
    broken = {"isLast": 1, "total": 5, "issues": [{"id": 7, "fields": {}}, None]}
    answer = Answer(200, body=json.dumps(broken).encode())
    assert list(contract.breaches_of_answer("GET", f"{JQL}?jql=a", answer)) == [
        ".isLast: 1 is no boolean",
        ": total is unknown",
        ".issues[0].id: 7 is no string",
        ".issues[1]: null",
    ]
    assert list(contract.breaches_of_answer("GET", JQL, Answer(418))) == ["status 418 is not described"]
