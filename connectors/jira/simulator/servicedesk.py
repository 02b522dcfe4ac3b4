"""Service Management's own API, and the door to what else lies beside the platform's: Assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from connectors.jira.simulator.arguments import Arguments, refused
from connectors.jira.simulator.assets import Assets
from connectors.jira.simulator.call import Call
from connectors.jira.simulator.faults import RefusedError, answer, problem, unauthenticated
from connectors.jira.simulator.site import Document, Site
from connectors.loopback import Answer

_ROOT = "/rest/servicedeskapi/"
_ASSETS = ("/jsm/assets/workspace/", "/rest/assets/1.0/")
_MOST = 50


def is_beside(path: str) -> bool:
    """Whether a path is not one of the platform's API."""
    return path.startswith((_ROOT, *_ASSETS))


def parameters(path: str, query: str, body: bytes) -> dict[str, Any] | None:
    """The parameters of a POST of Assets, which has some in the query and one in the body; None for anything else."""
    if not body or not path.startswith(_ASSETS):
        return None
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise refused(f"There was an error parsing JSON. {error}") from error
    if set(document) != {"qlQuery"} or not isinstance(document["qlQuery"], str):
        raise refused("the body must have qlQuery, a text, and nothing else")
    return {**found, "qlQuery": [document["qlQuery"]]}


def beside(call: Call, site: Site, is_cloud: bool, page_cap: int, headers: Message[str, str] | None) -> Answer:
    """Answer a request that is not of the platform's API. Raises RefusedError for one that is refused."""
    if not call.is_known:
        raise RefusedError(unauthenticated(call.reason))
    if call.path.startswith(_ROOT):
        opted_in = headers is not None and headers.get("X-ExperimentalApi") == "opt-in"
        return ServiceDesk(site, is_cloud, page_cap, opted_in).answer(call)
    return Assets(site.register, site.traps, is_cloud, page_cap).answer(call)


@dataclass(slots=True)
class ServiceDesk:
    """One request's view of the service desks. ``page_cap`` is the most of a page.

    Without Service Management (no service desk at all) the API is not there. Data Center wants the header by which a
    client agrees to what is experimental.
    """

    site: Site
    is_cloud: bool
    page_cap: int
    is_opted_in: bool

    def answer(self, call: Call) -> Answer:
        """Answer a request."""
        desks, types = self.site.portal.get("servicedesk", []), self.site.portal.get("requesttype", [])
        if not desks:
            return problem(404, "null for uri: " + call.path)
        if call.method != "GET":
            return problem(405, "Method Not Allowed")
        match call.path.removeprefix(_ROOT).split("/"):
            case ["servicedesk"]:
                return self._page(call, desks)
            case ["servicedesk", desk, "requesttype"]:
                if not any(one["id"] == desk for one in desks):
                    return problem(404, "The Service Desk you are trying to view does not exist.")
                return self._page(call, [one for one in types if one["serviceDeskId"] == desk])
            case ["organization"]:
                if not self.is_cloud and not self.is_opted_in:
                    return problem(412, "This API is experimental. Set the header X-ExperimentalApi: opt-in")
                return self._page(call, self.site.portal.get("organization", []))
            case ["assets", "workspace"] if self.is_cloud:
                workspace = self.site.register.get("workspace", [])
                return self._page(call, workspace)
        return problem(404, "null for uri: " + call.path)

    def _page(self, call: Call, found: Sequence[Document]) -> Answer:
        arguments: Arguments = call.arguments("start", "limit")
        start, limit = arguments.whole("start", 0, 0), arguments.whole("limit", _MOST, 1)
        page = found[start : start + min(limit, _MOST, self.page_cap)]
        here = f"{self.site.url}{call.path}"
        links: Mapping[str, str] = {"self": here, "base": self.site.url, "context": ""}
        is_last = start + len(page) >= len(found)
        if not is_last:
            links = {**links, "next": f"{here}?start={start + len(page)}&limit={limit}"}
        document = {"_expands": [], "size": len(page), "start": start, "limit": limit, "isLastPage": is_last}
        return answer({**document, "_links": links, "values": page})
