"""A Jira Cloud site of the sample organisation, which tests and the demo change as its users would."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from connectors.jira.rendering import site
from connectors.jira.simulator import Simulator
from connectors.jira.simulator.faults import Fault
from connectors.jira.simulator.site import Issue, Site, written
from connectors.sample import Organization

_ENDLESS = 1_000_000


class StandIn:
    """The site, while it is entered."""

    def __init__(self, organization: Organization, moment: datetime, port: int = 0) -> None:
        self.settings: dict[str, object] = {}
        self.secrets = {"username": "evidence@example.com", "token": "demo-only"}
        self._organization = organization
        self._moment = moment
        self._changed: dict[str, Issue] = {}
        self._removed: dict[str, Issue] = {}
        self.simulator = Simulator(self._site(), now=moment, port=port)

    def __enter__(self) -> Self:
        self.simulator.start()
        keys = [str(project["key"]) for project in self._site().projects]
        self.settings = {"connector": "jira", "url": self.simulator.url, "deployment": "cloud", "projects": keys}
        self.settings |= {"read_assets": True, "assets_url": f"{self.simulator.url}/jsm/assets"}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.simulator.stop()

    def advance(self, moment: datetime) -> None:
        """Let time pass: what happened until ``moment`` is there, what was deleted is gone."""
        self._moment = moment
        self.simulator.advance(moment, self._site())

    def truth(self) -> dict[str, set[str]]:
        """The ids of the issues."""
        return {"issue": {issue.id for issue in self._site().issues}}

    def edit(self, stream: str, key: str) -> None:
        """Change an issue.

        Raises:
            LookupError: there is no such issue; the other streams can't be changed here.
        """
        issue = self._issue(stream, key)
        moment = (self._moment - timedelta(minutes=2)).astimezone(issue.updated.tzinfo)
        self._put(issue, {"updated": written(moment)})

    def edit_silently(self, stream: str, key: str) -> None:
        """Change an open issue without its time of update, as a service desk does with clocks and approvals.

        Raises:
            LookupError: the issue is closed: Jira tells of such a change nowhere.
        """
        issue = self._issue(stream, key)
        if issue.fields["status"]["statusCategory"]["key"] == "done":
            raise LookupError(f"issue {key} is closed")
        self._put(issue, {})

    def remove(self, stream: str, key: str) -> None:
        """Delete an issue.

        Raises:
            LookupError: as for `edit`.
        """
        self._removed[key] = self._issue(stream, key)
        self.simulator.remove(key)

    def restore(self, stream: str, key: str) -> None:
        """Bring an issue back (an administrator with a backup)."""
        self.simulator.put(self._removed.pop(key))

    def break_off(self) -> None:
        """Let the site answer every request with an error."""
        self.simulator.fail(Fault.SERVER_ERROR, times=_ENDLESS)

    def heal(self) -> None:
        """Let it answer again."""
        self.simulator.heal()

    def _put(self, issue: Issue, more: dict[str, object]) -> None:
        fields = {**issue.fields, "summary": f"{issue.fields['summary']} (changed)", **more}
        self._changed[issue.id] = Issue(issue.id, issue.key, fields, issue.histories)
        self.simulator.put(self._changed[issue.id])

    def _issue(self, stream: str, key: str) -> Issue:
        if stream == "issue":
            for issue in self._site().issues:
                if issue.id == key:
                    return issue
        raise LookupError(f"{stream} has no {key} that can be changed")

    def _site(self) -> Site:
        found = site(self._organization, self._moment)
        found.issues = [self._changed.get(i.id, i) for i in found.issues if i.id not in self._removed]
        return found


def stand_in(organization: Organization, moment: datetime, port: int = 0) -> StandIn:
    """A site of the organisation as it stood at ``moment``, on loopback (port 0: any free one)."""
    return StandIn(organization, moment, port)
