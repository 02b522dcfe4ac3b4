"""The endpoints of Jira Data Center's REST API version 2 that readers use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.jira.simulator.arguments import refused
from connectors.jira.simulator.call import Call, server_info
from connectors.jira.simulator.faults import RefusedError, answer, problem, unauthenticated
from connectors.jira.simulator.index import Index
from connectors.jira.simulator.site import Document, Issue
from connectors.loopback import Answer

_MOST_ISSUES = 1000
_VERSION, _BUILD = "9.12.15", 9120015
_VALIDATIONS = {"true": True, "strict": True, "false": False, "none": False}


@dataclass(slots=True)
class DataCenter:
    """One request's view of a site. ``page_cap`` is the most of a page, ``window`` the last place that can be paged to.

    Behind the window (10,000 on the newer search engines) the site answers 500, whatever the query's total is.
    """

    index: Index
    account: Document
    page_cap: int
    window: int
    url: str

    def answer(self, call: Call) -> Answer:
        """Answer a request. Raises RefusedError for one that is refused."""
        prefix = "/rest/api/2/"
        routes: Mapping[str, tuple[Sequence[str], Callable[[Call], Answer]]] = {
            "myself": (("GET",), self._myself),
            "serverInfo": (("GET",), self._server),
            "project": (("GET",), lambda call: call.plain(self.index.site.projects)),
            "field": (("GET",), lambda call: call.plain(self.index.site.fields)),
            "status": (("GET",), lambda call: call.plain(self.index.site.statuses)),
            "issuetype": (("GET",), lambda call: call.plain(self.index.site.issuetypes)),
            "search": (("GET", "POST"), self._search),
        }
        path = call.path.removeprefix(prefix)
        if not call.path.startswith(prefix) or path not in routes:
            return problem(404, "null for uri: " + call.path)
        methods, serve = routes[path]
        if call.method not in methods:
            return problem(405, "Method Not Allowed")
        if not call.is_known and (path != "serverInfo" or call.reason is not None):
            raise RefusedError(unauthenticated(call.reason))
        return serve(call)

    def _myself(self, call: Call) -> Answer:
        call.arguments("expand")
        return answer(self.account)

    def _server(self, call: Call) -> Answer:
        call.arguments()
        return answer(server_info(call, self.index, self.url, "Server", _VERSION, _BUILD))

    def _search(self, call: Call) -> Answer:
        """A page by offset, with the total; the page shrinks to the cap without a word."""
        arguments = call.arguments("jql", "startAt", "maxResults", "validateQuery", "fields", "expand")
        start, asked = arguments.whole("startAt", 0, 0), arguments.whole("maxResults", 50, 0)
        limit = min(asked, _MOST_ISSUES, self.page_cap)
        expand = arguments.texts("expand") or []
        if set(expand) - {"changelog"}:
            raise refused("only expand=changelog is supported here")
        if call.method == "POST":
            is_strict = arguments.flag("validateQuery", default=True)
        else:
            mode = arguments.text("validateQuery", "true") or ""
            if mode not in _VALIDATIONS:
                raise refused("validateQuery must be true or false")
            is_strict = _VALIDATIONS[mode]
        found = self.index.select(self.index.query(arguments.text("jql", "") or ""), is_strict=is_strict)
        if start + limit > self.window:
            raise RefusedError(problem(500, "Search limit exceeded"))
        wanted = arguments.texts("fields") or ["*navigable"]
        page = [self._shown(issue, wanted, is_whole=bool(expand)) for issue in found[start : start + limit]]
        counts = {"startAt": start, "maxResults": limit, "total": len(found)}
        return answer({"expand": "schema,names", **counts, "issues": page})

    def _shown(self, issue: Issue, wanted: Sequence[str], *, is_whole: bool) -> Document:
        shown = {**self.index.head(issue, "2"), "fields": self.index.chosen(issue, wanted)}
        if is_whole:
            histories = [history.document for history in issue.histories]
            counts = {"startAt": 0, "maxResults": len(histories), "total": len(histories)}
            shown["changelog"] = {**counts, "histories": histories}
        return shown
