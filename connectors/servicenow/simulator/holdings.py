"""What an instance holds, and what its users, jobs and administrators do to it between two nights or two requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from threading import RLock

from connectors.servicenow.rendering.values import sys_id
from connectors.servicenow.simulator.access import Access, Refusal
from connectors.servicenow.simulator.tables import Row, Table

_SHARED = (
    "sys_id sys_class_name sys_domain number name short_description state active opened_at opened_by closed_at"
    " assignment_group assigned_to priority install_status operational_status sys_created_on sys_created_by"
    " sys_updated_on sys_updated_by sys_mod_count"
)
"""Columns of a base table that is made because a table extends it."""


class Holdings:
    """Tables of text, one account that may read them, a clock that stands still until it is advanced.

    ``skew`` is by how much the Date header is ahead of the clock that stamps the rows; ``zone`` the time zone of the
    account. All methods may be called while the instance is served.
    """

    def __init__(self, now: datetime, username: str) -> None:
        self.now = now
        self.skew = timedelta()
        self.zone = "GMT"
        self.username = username
        self.account = ""
        self._tables: dict[str, Table] = {}
        self._parents: dict[str, str] = {}
        self._access = Access()
        self._poisoned: dict[tuple[str, str], str | None] = {}
        self._late: list[tuple[datetime, str, list[Row]]] = []
        self._archive: dict[str, tuple[str, Row]] = {}
        self._written = 0
        self._lock = RLock()

    # ---------------------------------------------------------------- rows

    def rows(self, table: str) -> dict[str, Row]:
        """The rows of a table by sys_id, whatever the account may see."""
        with self._lock:
            return dict(self._tables[table].rows) if table in self._tables else {}

    def put(self, table: str, rows: Iterable[Mapping[str, str]]) -> None:
        """Insert rows, or replace those of the same sys_id; makes the table when it is new.

        A row of a table that extends others is shown in those as well, with their columns.
        """
        given = [dict(row) for row in rows]
        with self._lock:
            self._tables.setdefault(table, Table()).put(given)
            for base in self._bases(table):
                columns = self._tables[base].columns
                self._tables[base].put({n: v for n, v in row.items() if n in columns} for row in given)

    def remove(self, table: str, key: str, *, audit: bool = False, deleted_table: bool = False) -> None:
        """Delete a row by its sys_id, as the table cleaner does: without a trace.

        ``audit`` leaves the row DELETED in ``sys_audit``, ``deleted_table`` one in ``sys_audit_delete``. Raises
        KeyError when the row is not there.
        """
        with self._lock:
            row = self._tables[table].rows[key]
            self._archive[key] = (table, row)
            self._drop(table, key)
            if audit:
                self._audit(row.get("sys_class_name") or table, key, "DELETED")
            if deleted_table:
                self._log_deletion(row.get("sys_class_name") or table, row)

    def restore(self, key: str, *, audit: bool = True) -> None:
        """Undelete a row: it comes back under its sys_id, and ``sys_audit`` says RECOVERED. Raises KeyError."""
        with self._lock:
            table, row = self._archive.pop(key)
            self.put(table, [row])
            if audit:
                self._audit(row.get("sys_class_name") or table, key, "RECOVERED")

    def archive(self, table: str, key: str) -> None:
        """Move a row to the table ``ar_...``: no deletion, and no trace of one. Raises KeyError."""
        with self._lock:
            row = self._tables[table].rows[key]
            self._drop(table, key)
            self.put(f"ar_{table}", [row | {"sys_archived": self._stamp()}])

    def reclassify(self, key: str, old: str, new: str) -> None:
        """Give a row another class: it leaves one table and appears in the other. Raises KeyError."""
        with self._lock:
            row = self._tables[old].rows[key]
            self._drop(old, key)
            self.put(new, [row | {"sys_class_name": new}])
            self.edit(new, key)

    def edit(self, table: str, key: str, at: datetime | None = None, **values: str) -> None:
        """Change fields of a row as a user does, at a time (now, when not given). Raises KeyError."""
        self._write(table, key, values | {"sys_updated_on": f"{at or self.now:%Y-%m-%d %H:%M:%S}"}, 1)

    def edit_silently(self, table: str, key: str, *, is_counted: bool = True, **values: str) -> None:
        """Change fields while the time of update stays; without ``is_counted`` the count of changes stays as well."""
        self._write(table, key, values, int(is_counted))

    def commit_late(self, table: str, rows: Iterable[Mapping[str, str]], at: datetime) -> None:
        """Rows of a long transaction: stamped when they were written, visible only when the clock reaches ``at``."""
        with self._lock:
            self._late.append((at, table, [dict(row) for row in rows]))

    def load(self, tables: Mapping[str, Iterable[Mapping[str, str]]]) -> None:
        """Make the named tables hold these rows and no others; the account's own row stays."""
        with self._lock:
            for table, rows in tables.items():
                kept = self._tables.get(table)
                self._tables[table] = Table(rows)
                if kept is not None:
                    self._tables[table].columns |= kept.columns
            self.admit()

    def absent(self, table: str) -> None:
        """The instance does not have the table: 400."""
        with self._lock:
            self._tables.pop(table, None)

    def extend(self, child: str, base: str) -> None:
        """Let a table extend another, as ``cmdb_ci_service`` does ``cmdb_ci``: its rows are rows of both."""
        with self._lock:
            if base not in self._tables:
                self._tables[base] = Table()
                self._tables[base].columns.update(_SHARED.split())
            self._parents[child] = base
            self.put(child, list(self._tables.get(child, Table()).rows.values()))

    def poison(self, table: str, key: str, name: str | None = None) -> None:
        """The row (or one field of it) can't be written out: every page that it is on is broken JSON."""
        with self._lock:
            self._poisoned[(table, key)] = name

    def cure(self) -> None:
        """All rows can be written out again."""
        with self._lock:
            self._poisoned.clear()

    # --------------------------------------------------------------- clock

    def advance(self, now: datetime) -> None:
        """Set the instance's clock; what was to be committed by then is there."""
        with self._lock:
            self.now = now
            due = [late for late in self._late if late[0] <= now]
            self._late = [late for late in self._late if late[0] > now]
            for _, table, rows in due:
                self.put(table, rows)

    # -------------------------------------------------------------- rights

    def hide(self, table: str, key: str) -> None:
        """A row ACL: the row is counted and takes its place on a page, but is not shown."""
        with self._lock:
            self._access.rows.add((table, key))

    def show(self, table: str, key: str) -> None:
        """Take the row ACL back."""
        with self._lock:
            self._access.rows.discard((table, key))

    def visible(self, table: str) -> dict[str, Row]:
        """The rows of a table that the account is shown."""
        return {key: row for key, row in self.rows(table).items() if (table, key) not in self._access.rows}

    def withhold(self, table: str, name: str, *, in_queries: bool = False) -> None:
        """A field ACL: the field is missing from every row, and a query that names it is refused if so said."""
        with self._lock:
            self._access.fields.add((table, name))
            if in_queries:
                self._access.conditions.add((table, name))

    def reveal(self, table: str, name: str) -> None:
        """Take the field ACL back."""
        with self._lock:
            self._access.fields.discard((table, name))
            self._access.conditions.discard((table, name))

    def refuse_ranges(self, table: str, how: Refusal = Refusal.LOUD) -> None:
        """A query ACL (``query_range``): no ``>`` or LIKE, no order; comparing for equality still works."""
        with self._lock:
            self._access.ranges[table] = how

    def allow_ranges(self, table: str) -> None:
        """Take the query ACL back."""
        with self._lock:
            self._access.ranges.pop(table, None)

    def forbid(self, table: str) -> None:
        """A table ACL: 403."""
        with self._lock:
            self._access.tables.add(table)

    def allow(self, table: str) -> None:
        """Take the table ACL back."""
        with self._lock:
            self._access.tables.discard(table)

    def admit(self) -> None:
        """Give the account a row in ``sys_user``, as every account has one."""
        users = self._tables.setdefault("sys_user", Table())
        own = next((key for key, row in users.rows.items() if row.get("user_name") == self.username), None)
        self.account = own or sys_id("account", self.username)
        if own is None:
            users.put([_user(self.account, self.username, self.zone)])

    def move_account(self, zone: str) -> None:
        """Give the account another time zone."""
        with self._lock:
            self.zone = zone
            users = self._tables["sys_user"]
            users.put([users.rows[self.account] | {"time_zone": zone}])

    # -------------------------------------------------------------- inside

    def _bases(self, table: str) -> list[str]:
        found: list[str] = []
        while table in self._parents:
            table = self._parents[table]
            found.append(table)
        return found

    def _drop(self, table: str, key: str) -> None:
        """Take a row out of a table, of those that it extends, and of those that extend it."""
        for name in [table, *self._bases(table), *(n for n in self._tables if table in self._bases(n))]:
            if key in self._tables[name].rows:
                self._tables[name].remove(key)

    def _write(self, table: str, key: str, values: Row, changes: int) -> None:
        with self._lock:
            row = self._tables[table].rows[key]
            count = int(row.get("sys_mod_count") or 0) + changes
            self.put(table, [row | values | {"sys_mod_count": str(count)}])

    def _stamp(self) -> str:
        return f"{self.now:%Y-%m-%d %H:%M:%S}"

    def _audit(self, table: str, key: str, word: str) -> None:
        self._written += 1
        row = {
            "sys_id": sys_id("written.sys_audit", self._written),
            "tablename": table,
            "fieldname": word,
            "documentkey": key,
            "oldvalue": word,
            "newvalue": word,
            "user": "admin",
            "reason": "",
            "record_checkpoint": str(self._written),
        }
        self.put("sys_audit", [row | {"sys_created_on": self._stamp(), "sys_created_by": "admin"}])

    def _log_deletion(self, table: str, gone: Row) -> None:
        self._written += 1
        row = {
            "sys_id": sys_id("written.sys_audit_delete", self._written),
            "tablename": table,
            "documentkey": gone["sys_id"],
            "display_value": gone.get("number") or gone.get("name") or "",
        }
        self.put("sys_audit_delete", [row | _bookkeeping(self._stamp(), "admin")])


def _bookkeeping(at: str, by: str) -> Row:
    created = {"sys_created_on": at, "sys_created_by": by}
    return {**created, "sys_updated_on": at, "sys_updated_by": by, "sys_mod_count": "0"}


def _user(key: str, username: str, zone: str) -> Row:
    return {
        "sys_id": key,
        "user_name": username,
        "name": "Evidence Integration",
        "first_name": "Evidence",
        "last_name": "Integration",
        "email": "",
        "active": "true",
        "time_zone": zone,
        "sys_domain": "global",
        **_bookkeeping("2024-01-02 00:00:00", "admin"),
    }
