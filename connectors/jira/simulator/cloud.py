"""The endpoints of Jira Cloud's REST API version 3 that readers use, as Atlassian's OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.jira.simulator.arguments import Arguments, refused
from connectors.jira.simulator.call import Call, server_info
from connectors.jira.simulator.faults import RefusedError, answer, problem, unauthenticated
from connectors.jira.simulator.index import Cursors, Index
from connectors.jira.simulator.site import Document, History, Issue
from connectors.loopback import Answer

_GONE = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
_MISSING = "Issue does not exist or you do not have permission to see it."
_MOST_IDS, _MOST_ISSUES = 5000, 100
_INLINE_HISTORIES = 40
_ANONYMOUS = frozenset({"search/jql", "field", "serverInfo"})
"""Endpoints that serve a visitor whose credentials are wrong, as anonymous and without an error."""

_BODY = ("expand", "fields", "fieldsByKeys", "jql", "maxResults", "nextPageToken", "properties", "reconcileIssues")
_QUERY = (*_BODY, "failFast")


@dataclass(slots=True)
class Cloud:
    """One request's view of a site: what the account is shown by the search (``index``) and by id (``records``).

    ``page_cap`` is the most of a page; with 0, pages are empty and go on all the same.
    """

    index: Index
    records: Index
    cursors: Cursors
    account: Document
    page_cap: int
    url: str

    def answer(self, call: Call) -> Answer:
        """Answer a request. Raises RefusedError for one that is refused."""
        if call.path in ("/rest/api/2/search", "/rest/api/3/search"):
            return problem(410, _GONE)
        prefix = "/rest/api/3/"
        if not call.path.startswith(prefix):
            return problem(404, "null for uri: " + call.path)
        path = call.path.removeprefix(prefix)
        method, serve = self._route(path)
        if call.method not in method:
            return problem(405, "Method Not Allowed")
        if not call.is_known:
            if path not in _ANONYMOUS:
                raise RefusedError(unauthenticated(call.reason))
            served = self._as_anonymous(path, call)
            named = {} if call.reason is None else {"X-Seraph-LoginReason": call.reason}
            return Answer(served.status, {**served.headers, **named}, served.body)
        return serve(call)

    def _route(self, path: str) -> tuple[Sequence[str], Callable[[Call], Answer]]:
        routes: Mapping[str, tuple[Sequence[str], Callable[[Call], Answer]]] = {
            "myself": (("GET",), self._myself),
            "serverInfo": (("GET",), self._server),
            "project/search": (("GET",), self._projects),
            "field": (("GET",), lambda call: call.plain(self.index.site.fields)),
            "status": (("GET",), lambda call: call.plain(self.index.site.statuses)),
            "issuetype": (("GET",), lambda call: call.plain(self.index.site.issuetypes)),
            "search/jql": (("GET", "POST"), self._search),
            "search/approximate-count": (("POST",), self._count),
            "issue/bulkfetch": (("POST",), self._issues),
            "changelog/bulkfetch": (("POST",), self._histories),
        }
        if path in routes:
            return routes[path]
        match path.split("/"):
            case ["issue", name, "changelog"]:
                return ("GET",), lambda call: self._history(name, call)
            case ["issue", name]:
                return ("GET",), lambda call: self._issue(name, call)
            case ["project", name]:
                return ("GET",), lambda call: self._project(name, call)
        raise RefusedError(problem(404, f"null for uri: /rest/api/3/{path}"))

    def _as_anonymous(self, path: str, call: Call) -> Answer:
        """What everybody may see: no issue, and no custom field."""
        if path == "search/jql":
            self._search_arguments(call)
            return answer({"issues": [], "isLast": True})
        if path == "field":
            return call.plain([field for field in self.index.site.fields if not field["custom"]])
        return self._server(call)

    def _myself(self, call: Call) -> Answer:
        call.arguments("expand")
        return answer(self.account)

    def _server(self, call: Call) -> Answer:
        call.arguments()
        return answer(server_info(call, self.index, self.url, "Cloud", "1001.0.0-SNAPSHOT", 100296))

    def _projects(self, call: Call) -> Answer:
        """Live projects, unless archived or deleted ones are asked for."""
        arguments = call.arguments("startAt", "maxResults", "id", "keys", "status", "typeKey", "orderBy")
        start = arguments.whole("startAt", 0, 0)
        limit = min(arguments.whole("maxResults", 50, 1), 100, self.page_cap or 1)
        status, keys, ids = arguments.texts("status") or ["live"], arguments.texts("keys"), arguments.texts("id")
        kinds = arguments.texts("typeKey")
        found = [
            project
            for project in self.index.projects
            if _state(project) in status
            and (keys is None or project["key"] in keys)
            and (ids is None or project["id"] in ids)
            and (kinds is None or project["projectTypeKey"] in kinds)
        ]
        return self._offset_page(call, found, start, limit)

    def _offset_page(self, call: Call, found: Sequence[Document], start: int, limit: int) -> Answer:
        here = f"{self.url}{call.path}"
        page: Document = {
            "self": f"{here}?startAt={start}&maxResults={limit}",
            "maxResults": limit,
            "startAt": start,
            "total": len(found),
            "isLast": start + limit >= len(found),
            "values": found[start : start + limit],
        }
        if not page["isLast"]:
            page["nextPage"] = f"{here}?startAt={start + limit}&maxResults={limit}"
        return answer(page)

    def _search_arguments(self, call: Call) -> Arguments:
        arguments = call.arguments(*(_BODY if call.method == "POST" else _QUERY))
        arguments.flag("failFast")
        if arguments.flag("fieldsByKeys"):
            raise refused("fieldsByKeys is not supported here")
        return arguments

    def _search(self, call: Call) -> Answer:
        """A page of the search. The token goes by the place of the last issue shown, not by an offset."""
        arguments = self._search_arguments(call)
        jql, expand = arguments.text("jql", "") or "", arguments.text("expand", "") or ""
        wanted = arguments.texts("fields") or ["id"]
        limit = arguments.whole("maxResults", 50, 1)
        is_plain = set(wanted) <= {"id", "key"}
        limit = min(limit, _MOST_IDS if is_plain else _MOST_ISSUES, self.page_cap)
        query = self.index.query(jql)
        if not query.is_bounded:
            raise refused(_UNBOUNDED)
        expanded = _expanded(expand.split(",") if expand else [])
        found, subject = self.index.select(query), (jql, tuple(wanted), expand)
        place: tuple[object, ...] = ()
        token = arguments.text("nextPageToken")
        if token is not None:
            place = self.cursors.place(token, subject, call.now)
            found = [issue for issue in found if query.rank(issue) > place]
        page = found[:limit]
        document: Document = {"issues": [self._shown(issue, wanted, expanded) for issue in page]}
        document["isLast"] = len(found) <= limit
        if not document["isLast"]:
            document["nextPageToken"] = self.cursors.keep(subject, query.rank(page[-1]) if page else place, call.now)
        return answer({**document, **self._metadata(expanded)})

    def _shown(self, issue: Issue, wanted: Sequence[str], expanded: Sequence[str]) -> Document:
        if set(wanted) <= {"id"} and not expanded:
            return {"id": issue.id}
        shown = self.index.head(issue, "3")
        if not set(wanted) <= {"id", "key"}:
            shown["fields"] = self.index.chosen(issue, wanted)
        if "changelog" in expanded:
            newest = [history.document for history in reversed(issue.histories)][:_INLINE_HISTORIES]
            counts = {"startAt": 0, "maxResults": _INLINE_HISTORIES, "total": len(issue.histories)}
            shown["changelog"] = {**counts, "histories": newest}
        return shown

    def _metadata(self, expanded: Sequence[str]) -> Document:
        fields = self.index.site.fields
        found: Document = {}
        if "names" in expanded:
            found["names"] = {field["id"]: field["name"] for field in fields}
        if "schema" in expanded:
            found["schema"] = {field["id"]: field["schema"] for field in fields if "schema" in field}
        return found

    def _count(self, call: Call) -> Answer:
        query = self.index.query(call.arguments("jql").text("jql", "") or "")
        if not query.is_bounded:
            raise refused(_UNBOUNDED)
        return answer({"count": len(self.index.select(query))})

    def _issues(self, call: Call) -> Answer:
        """Issues by id or key. What is gone or hidden is absent; what failed would be among the errors."""
        arguments = call.arguments("expand", "fields", "fieldsByKeys", "issueIdsOrKeys", "properties")
        names = arguments.texts("issueIdsOrKeys", _MOST_ISSUES)
        if not names:
            raise refused("At least one issue ID or key must be provided.")
        if arguments.flag("fieldsByKeys") or arguments.texts("properties"):
            raise refused("fieldsByKeys and properties are not supported here")
        wanted, expanded = arguments.texts("fields") or ["*navigable"], _expanded(arguments.texts("expand") or [])
        found = self.records.named(names)
        shown = [self._shown(issue, wanted, [*expanded, "fields"]) for issue in found]
        return answer({"issues": shown, "issueErrors": [], **self._metadata(expanded)})

    def _histories(self, call: Call) -> Answer:
        """Histories of many issues, oldest first over all of them: those of one issue are spread over the pages."""
        arguments = call.arguments("issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken")
        names, fields = arguments.texts("issueIdsOrKeys", 1000), arguments.texts("fieldIds", 10) or []
        if not names:
            raise refused("At least one issue ID or key must be provided.")
        if len(set(fields)) < len(fields):
            raise refused("fieldIds must be unique")
        limit, subject = arguments.whole("maxResults", 1000, 1, 10_000), (tuple(names), tuple(fields))
        found = [
            (_rank(issue, history), issue.id, document)
            for issue in self.records.named(names)
            for history in issue.histories
            if (document := _filtered(history, fields))
        ]
        found.sort(key=lambda entry: entry[0])
        place: tuple[object, ...] = ()
        token = arguments.text("nextPageToken")
        if token is not None:
            place = self.cursors.place(token, subject, call.now)
            found = [entry for entry in found if entry[0] > place]
        page = found[: min(limit, self.page_cap)]
        logs: dict[str, list[Document]] = {}
        for _, issue_id, document in page:
            logs.setdefault(issue_id, []).append(document)
        shown: Document = {"issueChangeLogs": [{"issueId": key, "changeHistories": own} for key, own in logs.items()]}
        if len(page) < len(found):
            shown["nextPageToken"] = self.cursors.keep(subject, page[-1][0] if page else place, call.now)
        return answer(shown)

    def _issue(self, name: str, call: Call) -> Answer:
        """One issue by id or key, in the archive as well; the same answer for one that is gone and one hidden."""
        wanted = call.arguments("fields", "expand", "failFast").texts("fields") or ["*all"]
        found = self.records.named([name])
        return answer(self._shown(found[0], wanted, ["fields"])) if found else problem(404, _MISSING)

    def _project(self, name: str, call: Call) -> Answer:
        """A project by id, key, or a key that it had before (``formerKeys`` of the site's own document)."""
        call.arguments("expand")
        for project in self.index.projects:
            if name in (project["id"], project["key"], *project.get("formerKeys", ())) and _state(project) == "live":
                return answer(project)
        return problem(404, f"No project could be found with key '{name}'.")

    def _history(self, name: str, call: Call) -> Answer:
        arguments = call.arguments("startAt", "maxResults")
        start = arguments.whole("startAt", 0, 0)
        limit = min(arguments.whole("maxResults", 100, 1), 100, self.page_cap or 1)
        found = self.records.named([name])
        if not found:
            return problem(404, _MISSING)
        return self._offset_page(call, [history.document for history in found[0].histories], start, limit)


def _state(project: Mapping[str, Any]) -> str:
    return "deleted" if project.get("deleted") else "archived" if project.get("archived") else "live"


def _expanded(names: Sequence[str]) -> list[str]:
    unknown = sorted(set(names) - {"changelog", "names", "schema"})
    if unknown:
        raise refused(f"expand is not supported here for {', '.join(unknown)}")
    return list(names)


def _rank(issue: Issue, history: History) -> tuple[float, int, int]:
    return history.at.timestamp(), int(issue.id), int(history.document["id"])


def _filtered(history: History, fields: Sequence[str]) -> Document | None:
    """The history with the items of these fields (all, when none is named); None when nothing is left."""
    if not fields:
        return history.document
    items = [item for item in history.document["items"] if item.get("fieldId") in fields]
    return {**history.document, "items": items} if items else None
