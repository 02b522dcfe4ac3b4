"""What the sample's incidents say: titles by what a service is about, descriptions, comments, and hostile strings."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from connectors.sample.names import PLACES, Kind

RESOLUTION_CODES = (
    "Solution provided",
    "Workaround provided",
    "Resolved by caller",
    "Resolved by change",
    "Resolved by problem",
    "Known error",
    "User error",
    "Duplicate",
)
"""Every resolution code that an incident of the sample can have."""

CATEGORIES = ("access", "complaint", "data", "hardware", "inquiry", "network", "software")

_TITLES: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    "access": (
        ("access", "Second factor not accepted after a new phone was handed out in {place}"),
        ("access", "New colleague in {place} has no rights on the first working day"),
        ("access", "Account locked again an hour after it was released"),
        ("access", "Role for {other} missing after the move to another department"),
        ("software", "Single sign-on ends in a white page for {other}"),
        ("software", "Access review shows people who left in {month}"),
        ("inquiry", "Which role do I ask for to read reports of {other}?"),
        ("software", "Password portal answers with error {code} since {hour}"),
    ),
    "data": (
        ("data", "Readings of district {place} missing since {hour}"),
        ("data", "Nightly load of {service} stopped at {percent} percent"),
        ("data", "Totals of {service} differ from last {weekday}"),
        ("software", "{item} restarts every {minutes} minutes"),
        ("software", "Query on {service} takes {minutes} minutes, was seconds before"),
        ("software", "Export from {service} ends with error {code}"),
        ("hardware", "Disk of {item} is {percent} percent full"),
        ("inquiry", "What does status {code} on {service} mean?"),
        ("data", "Forecast for {place} is flat from {hour} onwards"),
    ),
    "field": (
        ("software", "Work orders for {place} do not reach the tablets"),
        ("software", "Map stays grey on tablets of the crew in {place}"),
        ("data", "Valve in {place} drawn on the wrong side of the street"),
        ("data", "Inspection of {month} is missing in {service}"),
        ("software", "Photos cannot be added to a work order"),
        ("hardware", "Tablet of van {code} does not charge"),
        ("access", "Contractor in {place} cannot log on to {service}"),
        ("inquiry", "How do I hand a work order to the night crew?"),
    ),
    "finance": (
        ("software", "Invoice run stopped after {code} documents"),
        ("data", "Settlement for {place} uses the old tariff"),
        ("data", "Payments of {weekday} are not matched"),
        ("software", "{item} rejects the bank file with error {code}"),
        ("software", "Position screen is {minutes} minutes behind"),
        ("access", "Second approver cannot release the batch of {month}"),
        ("inquiry", "Where do I see why a reminder was sent?"),
        ("software", "Nomination for {hour} sent twice"),
    ),
    "network": (
        ("network", "Packet loss between {place} and the main office"),
        ("network", "No wireless in meeting room {code}, {place}"),
        ("network", "{item} lost one of two power supplies"),
        ("network", "Remote access drops every {minutes} minutes"),
        ("network", "Partner gets error {code} on every second call"),
        ("hardware", "Fan alarm on {item}"),
        ("software", "Certificate of {item} expires in {minutes} days"),
        ("inquiry", "Which network socket may a visitor in {place} use?"),
    ),
    "office": (
        ("hardware", "Printer on floor {floor} in {place} takes no paper"),
        ("hardware", "Laptop does not wake up with the lid closed"),
        ("hardware", "Headset of desk {code} is silent"),
        ("software", "Mailbox of team {place} is full"),
        ("software", "Wallboard shows the figures of {weekday}"),
        ("software", "Menu of the night line plays the wrong announcement"),
        ("software", "Calls are cut off after {minutes} minutes in the queue"),
        ("software", "Shared folder for {month} cannot be opened"),
        ("access", "Shared mailbox of {place} not visible after a change of role"),
        ("inquiry", "How do I book a room in {place} for a whole day?"),
    ),
    "plant": (
        ("data", "Measured values of station {place} frozen since {hour}"),
        ("network", "Station {place} reached over the backup line only"),
        ("software", "Alarm list in the control room is {minutes} seconds behind"),
        ("hardware", "{item} reports a weak battery"),
        ("software", "Switch position in {place} shown as unknown"),
        ("data", "Trend of feeder {code} has gaps between {hour} and now"),
        ("access", "Operator of the late shift cannot acknowledge alarms"),
    ),
    "portal": (
        ("software", "{service} answers slowly since {hour}"),
        ("software", "Payment page of {service} ends with error {code}"),
        ("software", "Customers in {place} see somebody else's usage graph"),
        ("software", "Session at point {code} in {place} does not stop"),
        ("data", "Usage of {month} is not shown"),
        ("access", "Customers are logged off after {minutes} minutes"),
        ("software", "Move form of {service} loses the house number"),
        ("software", "{item} returns errors for {percent} percent of the requests"),
        ("inquiry", "Where can a customer download the yearly statement?"),
    ),
}
_NOWHERE = (
    ("inquiry", "Whom do I ask about the badge reader in {place}?"),
    ("hardware", "Found a telephone in the canteen of {place}"),
    ("software", "Pop-up with number {code} when the computer starts"),
    ("access", "Cannot log on anywhere since {hour}"),
)
_COMPLAINTS = (
    "Complaint: third call about the same fault of {service}, nobody called back",
    "Complaint: work on {service} announced on the day itself",
    "Complaint: {place} had to explain the same problem to four people",
    "Complaint: ticket about {service} closed without asking",
    "Complaint: waiting since {weekday} for an answer about {service}",
    "Complaint: unfriendly answer of the desk, {place}",
)
_DESCRIPTIONS = (
    "{title}.\nSeen at {place} since {hour}; a restart did not help.",
    "Caller tells: {title}. About {code} people notice it. No workaround known.",
    "{title}. It worked until {weekday}. Please call back after {hour}.",
    "{title}\n\nSteps: log on, open {service}, wait. Expected: an answer within seconds.",
    "{title}. Screenshots were mailed to the desk. Affected item: {item}.",
)
_COMMENTS: Mapping[int, tuple[str | None, ...]] = {
    5: (
        "Quick and friendly.",
        "Solved while I was still on the phone.",
        None,
        None,
        "Top!",
        "Called back as promised.",
    ),
    4: ("Good, took a while.", None, None, "Fine, thanks."),
    3: ("It works again, but I don't know why it broke.", None, "Could be faster."),
    2: ("Had to explain it twice.", "Too long without any message.", None),
    1: ("A week for a five minute job.", "Closed without solving it.", "Nobody called."),
}
_MONTHS = "January February March April May June July August September October November December"
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday"

LONG_TITLE = ("The customer reads the whole error page aloud: retry, retry, retry; " * 50)[:3000]
HOSTILE_TITLES = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "Tariff \"night\" isn't shown; 'day' is, \\ and \\\\ too",
    "Search for A^ORDERBYnumber^active=true returns nothing",
    "Label \u200f\u05e9\u05dc\u05d5\u05dd\u200f printed from right to left",
    "Portal smiles \U0001f642 and then fails \U0001f525 on \U0001f468\u200d\U0001f527 pages",
    "検針データが表示されません (Показания счётчика не видны)",
    LONG_TITLE,
)
"""Titles that break careless readers: markup, a formula, quotes, query syntax, direction marks, emoji, other scripts,
and one of 3,000 characters."""


def fillings(rng: Random, service: str, item: str) -> dict[str, str]:
    """Words for the holes in a template."""
    return {
        "service": service,
        "item": item,
        "place": rng.choice(PLACES),
        "other": rng.choice(
            ("billing", "the work order app", "the map", "meter data", "the lakehouse", "travel costs")
        ),
        "month": rng.choice(_MONTHS.split()),
        "weekday": rng.choice(_WEEKDAYS.split()),
        "hour": f"{rng.randint(6, 21)}:{rng.choice((0, 15, 30, 45)):02}",
        "minutes": str(rng.randint(2, 40)),
        "floor": str(rng.randint(0, 6)),
        "percent": str(rng.randint(11, 97)),
        "code": str(rng.randint(101, 989)),
    }


def tell(rng: Random, kind: Kind | None, words: Mapping[str, str]) -> tuple[str, str]:
    """Category and title of an incident; ``kind`` None is one that nobody could place."""
    category, template = rng.choice(_NOWHERE if kind is None else _TITLES[kind])
    return category, template.format_map(words)


def complain(rng: Random, words: Mapping[str, str]) -> str:
    """Title of a complaint."""
    return rng.choice(_COMPLAINTS).format_map(words)


def describe(rng: Random, title: str, words: Mapping[str, str]) -> str:
    """Description of an incident."""
    return rng.choice(_DESCRIPTIONS).format_map({**words, "title": title})


def comment(rng: Random, score: int) -> str | None:
    """What somebody wrote beside a score of 1 to 5, if anything."""
    return rng.choice(_COMMENTS[score])
