"""The parameters of a request. A site passes over what it does not know, here that is refused, nulls included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.jira.simulator.faults import RefusedError, problem


class Arguments:
    """Query parameters (each a list of texts), or the members of a JSON body.

    Raises RefusedError (400) for a name that is not among ``known``, for a null, and for a value of the wrong type.
    """

    def __init__(self, given: Mapping[str, Any], known: Iterable[str], *, is_body: bool) -> None:
        self._given = given
        self._is_body = is_body
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise refused(f"Unrecognized {'field' if is_body else 'query parameter'}: {', '.join(unknown)}")
        nulls = sorted(name for name, value in given.items() if value is None)
        if nulls:
            raise refused(f"{', '.join(nulls)} must not be null")

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text."""
        value = self._single(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise refused(f"{name} must be a string")
        return value

    def whole(self, name: str, default: int, least: int, most: int | None = None) -> int:
        """A whole number within bounds."""
        value = self._single(name)
        if value is None:
            return default
        if isinstance(value, str) and not self._is_body and value.isascii() and value.isdigit():
            value = int(value)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or value < least
            or (most is not None and value > most)
        ):
            raise refused(f"{name} must be a number from {least}" + ("" if most is None else f" to {most}"))
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false: in a query the small words alone, so that Python's ``True`` is refused."""
        value = self._single(name)
        if value is None:
            return default
        if value in ("true", "false") and not self._is_body:
            return bool(value == "true")
        if not isinstance(value, bool):
            raise refused(f"{name} must be true or false")
        return value

    def texts(self, name: str, most: int | None = None) -> list[str] | None:
        """A list of texts; in a query also parted by commas. None when it is not given."""
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise refused(f"{name} must be an array of strings")
        found = value if self._is_body else [part for one in value for part in one.split(",") if part]
        if most is not None and len(found) > most:
            raise refused(f"{name} must not have more than {most} elements")
        return found

    def _single(self, name: str) -> object:
        value = self._given.get(name)
        if self._is_body or value is None:
            return value
        if len(value) != 1:
            raise refused(f"{name} is given more than once")
        one: object = value[0]
        return one


def refused(message: str) -> RefusedError:
    """A request that the site can't accept: 400."""
    return RefusedError(problem(400, message))
