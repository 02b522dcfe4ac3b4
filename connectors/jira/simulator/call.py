"""A request as an endpoint sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.jira.simulator.arguments import Arguments
from connectors.jira.simulator.faults import answer
from connectors.jira.simulator.index import Index
from connectors.jira.simulator.site import Document, written
from connectors.loopback import Answer


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its parameters, the site's clock, and whether its credentials were accepted.

    ``reason`` is what the log-in filter says: None for a visitor who shows no credentials.
    """

    method: str
    path: str
    given: Mapping[str, Any]
    now: datetime
    is_known: bool
    reason: str | None

    def arguments(self, *known: str) -> Arguments:
        """The parameters, of these names alone. Raises RefusedError (400) for any other."""
        return Arguments(self.given, known, is_body=self.method == "POST")

    def plain(self, documents: Sequence[Document]) -> Answer:
        """A whole list, for an endpoint that takes no parameters."""
        self.arguments()
        return answer(documents)


def server_info(call: Call, index: Index, url: str, kind: str, version: str, build: int) -> Document:
    """What a site says of itself. Its clock is shown in the account's time zone to those it knows, else in UTC."""
    now = call.now.astimezone(index.zone if call.is_known else UTC)
    return {
        "baseUrl": url,
        "version": version,
        "versionNumbers": [int(part) for part in version.partition("-")[0].split(".")],
        "deploymentType": kind,
        "buildNumber": build,
        "buildDate": "2026-10-20T00:00:00.000+0000",
        "serverTime": written(now),
        "scmInfo": "0" * 40,
        "serverTitle": "Jira",
    }
