"""The sample organisation's working time: local office hours in Amsterdam, told as whole seconds in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST_DAY = date(2025, 5, 1)
LAST_DAY = date(2026, 10, 31)
OPENS, CLOSES = 8, 18
"""Office hours, local clock."""

_HOLIDAYS = frozenset({(1, 1), (4, 27), (12, 25), (12, 26)})
_HOUR_WEIGHTS = (9, 14, 14, 11, 6, 9, 12, 11, 8, 4)
_MONTH_WEIGHTS = {(2025, 8): 0.85, (2025, 12): 0.85, (2026, 8): 0.85, (2026, 10): 0.75}
"""Holidays; and the last month, whose tickets are for a good part given."""

_GROWTH = 0.2
"""The last day draws this much more work than the first."""


def instant(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A local clock time as an instant in UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE).astimezone(UTC)


def local_date(moment: datetime) -> date:
    """The local day on which an instant falls."""
    return moment.astimezone(ZONE).date()


def month_index(moment: datetime) -> int:
    """Whole local months since the first month of the sample: 0 for 2025-05, 17 for 2026-10."""
    day = local_date(moment)
    return (day.year - FIRST_DAY.year) * 12 + day.month - FIRST_DAY.month


def is_working_day(day: date) -> bool:
    """Monday to Friday, public holidays with a fixed date left out."""
    return day.weekday() < 5 and (day.month, day.day) not in _HOLIDAYS


def office_moment(rng: Random, day: date) -> datetime:
    """A moment in office hours, busiest in the morning. The day itself is taken as it is."""
    hour = rng.choices(range(OPENS, CLOSES), weights=_HOUR_WEIGHTS)[0]
    return instant(day, hour, rng.randrange(60), rng.randrange(60))


def quiet_moment(rng: Random, day: date) -> datetime:
    """A moment outside office hours (never between two and three at night, where summer time jumps)."""
    return instant(day, rng.choice((0, 1, 4, 5, 6, 7, 18, 19, 20, 21, 22, 23)), rng.randrange(60), rng.randrange(60))


def next_office(rng: Random, moment: datetime, within_minutes: int = 50) -> datetime:
    """The moment itself in office hours, else some time in the first minutes of the next office day."""
    local = moment.astimezone(ZONE)
    day = local.date()
    if is_working_day(day) and OPENS <= local.hour < CLOSES:
        return moment
    if local.hour >= OPENS or not is_working_day(day):
        day = next_working_day(day)
    hours, minute = divmod(rng.randrange(5, 5 + within_minutes), 60)
    return instant(day, OPENS + hours, minute, rng.randrange(60))


def next_working_day(day: date) -> date:
    """The first working day after ``day``."""
    day += timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def elapsed(rng: Random, low_hours: float, high_hours: float) -> timedelta:
    """A span between two bounds, in whole seconds and never less than one minute."""
    return timedelta(seconds=max(60, round(rng.uniform(low_hours, high_hours) * 3600)))


def office_after(rng: Random, moment: datetime, low_hours: float, high_hours: float) -> datetime:
    """An office moment some clock hours after ``moment``; always later than it."""
    return next_office(rng, moment + elapsed(rng, low_hours, high_hours), within_minutes=360)


def window_after(rng: Random, moment: datetime, low_days: int, high_days: int) -> datetime:
    """The start of a change window: early morning or evening, not on a Sunday."""
    day = local_date(moment) + timedelta(days=rng.randint(low_days, high_days))
    if day.weekday() == 6:
        day += timedelta(days=1)
    return instant(day, rng.choice((6, 7, 18, 19, 20, 21)), rng.choice((0, 30)))


@dataclass(frozen=True, slots=True)
class Workload:
    """The days of the sample with the share of work that each draws."""

    days: Sequence[date]
    cumulative: Sequence[float]

    def day(self, rng: Random) -> date:
        """One day, drawn by its share of the work."""
        return rng.choices(self.days, cum_weights=self.cumulative)[0]


def workload(weekend: float) -> Workload:
    """The whole period, growing slowly; ``weekend`` is the weight of a day off against a working day."""
    span = (LAST_DAY - FIRST_DAY).days
    days = [FIRST_DAY + timedelta(days=n) for n in range(span + 1)]
    weights = [
        (1.0 if is_working_day(day) else weekend)
        * _MONTH_WEIGHTS.get((day.year, day.month), 1.0)
        * (1 + _GROWTH * n / span)
        for n, day in enumerate(days)
    ]
    return Workload(days, list(accumulate(weights)))
