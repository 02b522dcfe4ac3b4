"""Keyset paging that ends only when the instance's own count says so.

Offsets shift under writes, a short or empty page is not the end (the limit is applied before rows are hidden), and
thousands of rows can share one second. So a table is read in two shapes: the next page from a second on, and a second
that fills pages by key. Both carry a fixed upper bound. The last page is the one whose own answer counts no more
than was asked for; where a whole page is hidden, the range is halved until it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connectors import Gap, Reading
from connectors.http import BrokenAnswer, DeadlineExceeded, Forbidden, Inconsistent
from connectors.servicenow.client import Answer, Client, Row

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_IDS = 1 << 128
_PEEK = 10
"""Rows asked for to find one that is shown."""
_MOST_GAPS = 100
"""More broken records than this are no broken records but a broken instance."""


def literal(moment: datetime) -> str:
    """A moment (UTC) as encoded queries and records write it; the instance takes plain text as UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> datetime:
    """The inverse of `literal`.

    Raises:
        ValueError: the text is no time.
    """
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def conditions(*parts: str) -> str:
    """Conditions of an encoded query that must all hold; empty ones are left out."""
    return "^".join(part for part in parts if part)


@dataclass(slots=True)
class Walk:
    """One walk over one table: what is asked for, and the ledger that it is written to.

    ``clock`` is the field whose order is followed. ``first_total`` is the instance's count of the first query,
    ``seen`` the rows shown since; ``edge`` has key and time of the rows of the last second that were handed over.
    """

    client: Client
    table: str
    fields: Sequence[str]
    clock: str
    limit: int
    reading: Reading
    seen: int = 0
    first_total: int | None = None
    edge: frozenset[tuple[str, str]] = frozenset()
    _now: int = field(init=False)
    _clean: int = 0
    _broken: int = 0
    _is_counted_apart: bool = False

    def __post_init__(self) -> None:
        self._now = self.limit

    @property
    def hidden(self) -> int:
        """Rows that the instance counts and did not show."""
        return max(0, (self.first_total or 0) - self.seen)

    def window(self, base: str, after: datetime, until: datetime) -> Iterator[Answer]:
        """Every row with ``after < clock <= until``, in order of (clock, sys_id)."""
        pending = [(after, until)]
        while pending:
            yield from self.step(base, pending)

    def step(self, base: str, pending: list[tuple[datetime, datetime]]) -> Iterator[Answer]:
        """The next page of a window, and what its last second needs; ``pending`` keeps what is left, last first.

        The page after it begins with that second again, as more rows may share it: those handed over are dropped. Where
        they would be half a page or more, the rest of the second is read by key.
        """
        low, high = pending.pop()
        answer = self._ask(self._between(base, low, high), self._order)
        self._prove_window(answer.rows, literal(low), literal(high))
        yield self._new(answer)
        if answer.is_last:
            return
        if answer.rows:
            last = answer.rows[-1]
            reached, time = self._reached(last), self.time(last)
            self.edge = frozenset((row.sys_id, time) for row in answer.rows if self.time(row) == time)
            if len(self.edge) * 2 <= len(answer.rows):
                pending.append((reached - _SECOND, high))
                return
            yield from self.ids(conditions(base, f"{self.clock}={time}"), last.sys_id)
            if reached < high:
                pending.append((reached, high))
        elif high - low <= _SECOND:
            yield from self.ids(conditions(base, f"{self.clock}={literal(high)}"))
        else:
            middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
            pending += [(middle, high), (low, middle)]

    def ids(self, base: str, after: str | None = None, until: str | None = None) -> Iterator[Answer]:
        """Every row that matches, in order of sys_id, after a given one and up to another."""
        pending: list[tuple[str | None, str | None]] = [(after, until)]
        while pending:
            low, high = pending.pop()
            query = conditions(base, f"sys_id>{low}" if low else "", f"sys_id<={high}" if high else "")
            answer = self._ask(query, "ORDERBYsys_id")
            self._prove_ids(answer.rows, low or "", high or "g")
            yield answer
            if answer.is_last:
                continue
            if answer.rows:
                if answer.rows[-1].sys_id != high:
                    pending.append((answer.rows[-1].sys_id, high))
            else:
                middle = self._middle(low, high)
                pending += [(middle, high), (low, middle)]

    def beyond(self, base: str, low: datetime, high: datetime, rows: int) -> datetime | None:
        """The time of the first row shown after so many rows of a window, None when there is none or it is hidden."""
        query = conditions(self._between(base, low, high), self._order)
        with _Ledger(self):
            found = self.client.page(self.table, query, ["sys_id", self.clock], _PEEK, rows)
        self._prove_window(found.rows, literal(low), literal(high))
        return self._reached(found.rows[0]) if found.rows else None

    def once(self, query: str) -> Answer:
        """One page and no more; the caller proves that it is all."""
        with _Ledger(self):
            return self.client.page(self.table, conditions(query, "ORDERBYsys_id"), self.fields, self.limit)

    def count(self, query: str) -> int:
        """The instance's count of a query, hidden rows included."""
        with _Ledger(self):
            return self.client.count(self.table, query)

    # -------------------------------------------------------------- inside

    def _new(self, answer: Answer) -> Answer:
        """The page without the rows of the last second that the page before had."""
        known = [(row.sys_id, self.time(row)) in self.edge for row in answer.rows]
        if not any(known):
            return answer
        self.seen -= sum(known)
        return replace(
            answer,
            rows=[row for row, is_known in zip(answer.rows, known, strict=True) if not is_known],
            records=[record for record, is_known in zip(answer.records, known, strict=True) if not is_known],
        )

    @property
    def _order(self) -> str:
        return f"ORDERBY{self.clock}^ORDERBYsys_id"

    def _between(self, base: str, low: datetime, high: datetime) -> str:
        return conditions(base, f"{self.clock}>{literal(low)}", f"{self.clock}<={literal(high)}")

    def _ask(self, query: str, order: str) -> Answer:
        """One page; a smaller one when the page can't be had, down to the single record that is in the way."""
        while True:
            try:
                answer = self._page(query, order)
            except DeadlineExceeded:
                # Waited for in full, several times: go down fast.
                if self._now == 1:
                    raise
                self._now, self._clean = max(1, self._now // 10), 0
            except BrokenAnswer as error:
                self._clean = 0
                if error.is_final:
                    raise
                if self._now == 1:
                    answer = self._step_over(query, order, error)
                    break
                self._now //= 2
            else:
                self._grow()
                break
        self.seen += len(answer.rows)
        if self.first_total is None:
            self.first_total = answer.total
        return answer

    def _page(self, query: str, order: str) -> Answer:
        ordered = conditions(query, order)
        with _Ledger(self):
            if not self._is_counted_apart:
                answer = self.client.page(self.table, ordered, self.fields, self._now)
                if answer.total is not None:
                    return answer
                self._is_counted_apart = True
            # Counted first: rows leave the window while it is read and none come in, so the count is never too low.
            total = self.client.stats(self.table, query)
            return replace(self.client.page(self.table, ordered, self.fields, self._now), total=total)

    def _grow(self) -> None:
        """After two good pages of the reduced size the record in the way, if any, lies behind."""
        self._clean += 1
        if self._clean >= 2 and self._now < self.limit:
            self._now = min(self.limit, self._now * 2)
            self._clean = 0

    def _step_over(self, query: str, order: str, error: BrokenAnswer) -> Answer:
        """Name the record that breaks every page it is on, as a gap, and go on behind it."""
        with _Ledger(self):
            found = self.client.page(self.table, conditions(query, order), ["sys_id", self.clock], 1)
        self._broken += 1
        if found.total is None or self._broken > _MOST_GAPS:
            raise error
        for row in found.rows:
            quarantine(self.reading, row.sys_id, str(error))
        return replace(found, is_thin=True)

    def time(self, row: Row) -> str:
        """What a row has for its clock."""
        return row.sys_created_on if self.clock == "sys_created_on" else row.sys_updated_on

    def _reached(self, row: Row) -> datetime:
        try:
            return moment(self.time(row))
        except ValueError as error:
            raise self._disorder(f"{row.sys_id} has {self.time(row)} for its {self.clock}") from error

    def _prove_window(self, rows: Sequence[Row], low: str, high: str) -> None:
        before = (low, "g")
        for row in rows:
            time = self.time(row)
            if not time:
                raise Forbidden(
                    f"{self.table}: {self.clock} is not shown to this account",
                    f"allow reading {self.table}.{self.clock}",
                )
            if len(time) != len(high) or not low < time <= high or (time, row.sys_id) <= before:
                raise self._disorder(f"{row.sys_id} of {time} came after {before[0]}, in a window up to {high}")
            before = (time, row.sys_id)

    def _prove_ids(self, rows: Sequence[Row], low: str, high: str) -> None:
        before = low
        for row in rows:
            if not before < row.sys_id <= high:
                raise self._disorder(f"{row.sys_id} came after {before or 'the start'}")
            before = row.sys_id

    def _middle(self, low: str | None, high: str | None) -> str:
        first = int(low, 16) if low else 0
        last = int(high, 16) if high else _IDS - 1
        if last - first <= 1:
            raise self._disorder(f"it counts many rows of the one sys_id {high}")
        return f"{(first + last) // 2:032x}"

    def _disorder(self, what: str) -> Inconsistent:
        return Inconsistent(
            f"{self.table}: the instance does not keep to the query: {what}",
            "look for a query rule on the table that drops the account's conditions or order",
        )


def quarantine(reading: Reading, key: str, reason: str) -> None:
    """Name a record that can't be carried; once."""
    if all(gap.key != key for gap in reading.gaps):
        reading.gaps.append(Gap("quarantined", key, reason))


class _Ledger:
    """Adds the requests made inside to the reading, failed ones too."""

    def __init__(self, walk: Walk) -> None:
        self._reading, self._transport = walk.reading, walk.client.transport

    def __enter__(self) -> None:
        self._before = self._transport.requests, self._transport.retries

    def __exit__(self, *_: object) -> None:
        self._reading.requests += self._transport.requests - self._before[0]
        self._reading.retries += self._transport.retries - self._before[1]
