"""What all streams of a run share: clients to ask with, who we are, the site's clock, the projects and the fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from pydantic import SecretStr

from connectors.http import Inconsistent, NotAuthenticated, NotFound, Pace, SourceError
from connectors.jira.client import Client, login
from connectors.jira.discovery import Discovery, discover, parse
from connectors.jira.roster import Roster, read_roster
from connectors.jira.session import Session
from connectors.jira.settings import Settings


class Connection:
    """One run's connection to a site.

    Every reader that works at the same time has a client of its own; all of them keep one pace. ``now`` is the site's
    clock (UTC) at log-in, ``zone`` the account's time zone, in which the site reads the times of a query.
    """

    def __init__(self, source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> None:
        self.source = source
        self.settings = settings
        self.is_cloud = settings.deployment == "cloud"
        self._login = login(source, secrets)
        self._patience = settings.patience.resolve(settings.per_minute)
        self._pace = Pace(settings.per_minute)
        self._clients: list[Client] = []
        self._free: list[Client] = []
        self._beside: dict[str, Session] = {}
        self._lock = Lock()
        self._discovery: Discovery | None = None
        self.account, self.zone = "", ""
        try:
            self.account = self._who()
            self.now = self._look_at_site()
            self.roster: Roster = self.call_roster()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def lend(self) -> Iterator[Client]:
        """A client that nobody else uses meanwhile."""
        with self._lock:
            client = self._free.pop() if self._free else None
        if client is None:
            site = self.settings
            client = Client(site.url, site.deployment, self._login, self._patience, self._pace, site.network)
            with self._lock:
                self._clients.append(client)
        try:
            yield client
        finally:
            with self._lock:
                self._free.append(client)

    def beside(self, url: str) -> Session:
        """The session for what is not the platform's API, at an address (Assets has its own), at the same pace."""
        with self._lock:
            if url not in self._beside:
                network = self.settings.network
                self._beside[url] = Session(url, self._login, self._patience, self._pace, network)
            return self._beside[url]

    @property
    def sent(self) -> tuple[int, int]:
        """Requests sent so far by all clients, and how many of them were repeats."""
        with self._lock:
            everyone: list[Client | Session] = [*self._clients, *self._beside.values()]
        transports = [one.transport for one in everyone]
        return sum(one.requests for one in transports), sum(one.retries for one in transports)

    def prove(self) -> None:
        """See that the site still knows us as the account that the run began with.

        A log-in that ends meanwhile is no error to Jira: it goes on, and shows what an anonymous visitor may see.

        Raises:
            Inconsistent: it is another account, or none.
        """
        try:
            account = self._who()
        except NotAuthenticated as error:
            raise Inconsistent(
                f"{self.source}: the session began as {self.account} and ended as nobody ({error.message})",
                error.next_step,
            ) from error
        if account != self.account:
            raise Inconsistent(
                f"{self.source}: the session began as {self.account} and ended as {account}",
                "give the project an account of its own, and run again",
            )

    def call_roster(self) -> Roster:
        """Where each configured project is now; remembered."""
        with self.lend() as client:
            self.roster = read_roster(client, self.settings, self.source, self.account)
        return self.roster

    def discovery(self) -> Discovery:
        """The custom fields that fill our columns, by the site's own metadata."""
        if self._discovery is None:
            with self.lend() as client:
                fields = parse(client.listed("field"))
            self._discovery = discover(fields, self.settings.fields, self.roster.ids)
        return self._discovery

    def close(self) -> None:
        """End all sessions."""
        for client in self._clients:
            client.close()
        for session in self._beside.values():
            session.close()

    def _who(self) -> str:
        with self.lend() as client:
            try:
                account = client.myself()
            except (NotFound, NotAuthenticated) as error:
                self._suspect_deployment(client, error)
                raise
        who = account.accountId if self.is_cloud else account.name
        if not who:
            raise NotAuthenticated(
                f"{self.source}: the site does not say who we are", "check deployment of this source"
            )
        self.zone = account.timeZone or ""
        return who

    def _suspect_deployment(self, client: Client, error: SourceError) -> None:
        """A log-in of one deployment is refused by the other; that is the better thing to say."""
        if self.account:
            return
        try:
            info, _ = client.server("2")
        except SourceError:
            return
        self._compare(info.deploymentType, error)

    def _look_at_site(self) -> datetime:
        with self.lend() as client:
            info, now = client.server()
        self._compare(info.deploymentType, None)
        return now

    def _compare(self, kind: str | None, cause: SourceError | None) -> None:
        if kind and (kind == "Cloud") != self.is_cloud:
            raise Inconsistent(
                f"{self.source}: configured as {self.settings.deployment}, and the site says {kind}",
                'set deployment = "cloud" or "datacenter" of this source',
            ) from cause
