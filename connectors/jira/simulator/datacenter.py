"""The endpoints of Jira Data Center's REST API version 2 that readers use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

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
    records: Index
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
            "project": (("GET",), self._projects),
            "field": (("GET",), lambda call: call.plain(self.index.site.fields)),
            "status": (("GET",), lambda call: call.plain(self.index.site.statuses)),
            "issuetype": (("GET",), lambda call: call.plain(self.index.site.issuetypes)),
            "search": (("GET", "POST"), self._search),
        }
        path = call.path.removeprefix(prefix)
        kind, _, name = path.partition("/")
        by_name = {"issue": self._issue, "project": self._one_project}
        if call.path.startswith(prefix) and path in routes:
            methods, serve = routes[path]
        elif call.path.startswith(prefix) and kind in by_name and name:
            methods, serve = ("GET",), partial(by_name[kind], name)
        else:
            return problem(404, "null for uri: " + call.path)
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

    def _projects(self, call: Call) -> Answer:
        """Live projects; those in the archive when they are asked for (since 7.10). There is no trash."""
        is_whole = call.arguments("includeArchived", "expand", "recent").flag("includeArchived")
        shown = [one for one in self.index.projects if not one.get("deleted")]
        return answer([one for one in shown if is_whole or not one.get("archived")])

    def _one_project(self, name: str, call: Call) -> Answer:
        call.arguments("expand")
        for project in self.index.projects:
            if name in (project["id"], project["key"], *project.get("formerKeys", ())):
                return answer(project)
        return problem(404, f"No project could be found with key '{name}'.")

    def _issue(self, name: str, call: Call) -> Answer:
        """One issue by id or key, in the archive as well; the same answer for one that is gone and one hidden."""
        wanted = call.arguments("fields", "expand").texts("fields") or ["*all"]
        found = self.records.named([name])
        return answer(self._shown(found[0], wanted, is_whole=False)) if found else problem(404, "Issue Does Not Exist")

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
            mode = (arguments.text("validateQuery", "true") or "").lower()
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
