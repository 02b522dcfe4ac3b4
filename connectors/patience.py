"""How patient a source's connector is, as a table of its own in the configuration file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from connectors.http import Patience


class PatienceSettings(BaseModel):
    """How long to wait for an answer, and how often to ask again; a value left out keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_seconds: PositiveFloat | None = None
    read_seconds: PositiveFloat | None = None
    deadline_seconds: PositiveFloat | None = None
    attempts: Annotated[int, Field(ge=1, le=20)] | None = None
    longest_wait_seconds: PositiveFloat | None = None

    def resolve(self, per_minute: int | None) -> Patience:
        """The patience with the defaults filled in; ``per_minute`` paces the requests."""
        usual = Patience()
        return Patience(
            connect=self.connect_seconds or usual.connect,
            read=self.read_seconds or usual.read,
            body=self.deadline_seconds or usual.body,
            attempts=self.attempts or usual.attempts,
            budget=self.longest_wait_seconds or usual.budget,
            per_minute=per_minute,
        )
