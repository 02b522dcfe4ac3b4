"""The complete history of named issues, always from the first change: histories are few and never change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors import Page
from connectors.http import Inconsistent
from connectors.jira.client import Client
from connectors.jira.paging import Tokens, issues
from connectors.jira.records import history_page


def bulk(client: Client, ids: Sequence[str], limit: int) -> Iterator[Page]:
    """From Cloud's bulk endpoint (at most 1000 issues): inside an issue Cloud shows the newest 40 at most.

    The endpoint orders by time over all issues, so that the histories of one are spread over the pages.

    Raises:
        Inconsistent: histories came that were not asked for, or the pages do not end.
    """
    wanted, tokens = set(ids), Tokens("changelog")
    token: str | None = None
    while True:
        page = client.histories(ids, limit, token)
        for log in page.issueChangeLogs:
            if log.issueId not in wanted:
                raise Inconsistent(f"changelog: that of issue {log.issueId} came unasked", "")
        yield history_page((log.issueId, raw) for log in page.issueChangeLogs for raw in log.changeHistories)
        token = tokens.follow(page.nextPageToken)
        if token is None:
            return


def inline(client: Client, ids: Sequence[str]) -> Iterator[Page]:
    """From the issues themselves, the only place where Data Center has them (all of them, it says).

    Raises:
        Inconsistent: a history is cut, or issues that the search counts do not come.
    """
    jql = f"id in ({','.join(ids)})"
    seen: set[str] = set()
    while True:
        # validateQuery: an id that is gone would make the whole query an error
        answer = client.find(jql, ["id"], len(ids), len(seen), expand="changelog", validateQuery="false")
        heads = [head for head in issues(answer.issues).heads if head.id not in seen]
        for head in heads:
            if head.changelog is None or (head.changelog.total or 0) > len(head.changelog.histories):
                raise Inconsistent(f"changelog: that of issue {head.id} is cut", "")
        yield history_page((head.id, raw) for head in heads if head.changelog for raw in head.changelog.histories)
        seen.update(head.id for head in heads)
        if len(seen) >= (answer.total or 0):
            return
        if not heads:
            raise Inconsistent(f"changelog: {len(seen)} of {answer.total} issues came", "run again")
