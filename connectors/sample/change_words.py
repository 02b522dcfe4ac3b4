"""What the sample's changes and problems say: titles, plans, reviews, causes, workarounds and fixes."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from connectors.sample.names import Kind

_STANDARD = (
    "Monthly operating system patches on {item}",
    "Renew the certificate of {item}",
    "Add {minutes} GB to the volume of {item}",
    "Restart {item} after the vendor's update",
    "Rotate the service account of {item}",
    "Add a read-only account on {item} for reporting",
    "Refresh the acceptance data of {service}",
)
_EMERGENCY = (
    "Roll {service} back to the release before last",
    "Block the crawler that overloads {item}",
    "Replace the failed part of {item} tonight",
    "Close the weakness published this week on {item}",
    "Raise the session limit of {service} at once",
)
_NORMAL: Mapping[Kind, tuple[str, ...]] = {
    "access": ("Enforce the new second factor for {place}", "Upgrade {item} to the supported version"),
    "data": (
        "Split the nightly load of {service} by district",
        "Move {item} to the new storage pool",
        "Change the time limit of the reading import on {item}",
        "Release {code} of {service}",
    ),
    "field": ("New map layers in {service}", "Release {code} of {service}", "Replace the push service behind {item}"),
    "finance": (
        "Introduce the tariff tables of {month} in {service}",
        "Release {code} of {service}",
        "Connect {item} to the bank's new interface",
    ),
    "network": (
        "Replace {item} in {place}",
        "Move {place} to the new wide area network",
        "Raise the limits of {item} for partners",
        "Separate the guests' network in {place}",
    ),
    "office": ("Roll out the {month} client to {place}", "Upgrade {item}", "New menu for the night line of {service}"),
    "plant": (
        "New firmware on {item} at {place}",
        "Second line to station {place}",
        "Adjust the alarm thresholds of feeder {code}",
    ),
    "portal": (
        "Release {code} of {service}",
        "Change the payment provider's address in {item}",
        "Put {item} behind the new load balancer",
        "Longer sessions in {service}",
    ),
}
_FIX = "Fix: {title}"
_JUSTIFICATIONS = (
    "Asked for by the owner of {service}; without it the agreed targets are at risk.",
    "The supplier ends support in {month}.",
    "Removes the cause of repeated incidents on {service}.",
    "Needed for the volume expected in {month}.",
)
_ASSESSMENTS = (
    "Risk seen with the owner: {service} is not available for at most {minutes} minutes. No other service touched.",
    "Impact on {service} only; tested in acceptance. Rollback takes {minutes} minutes.",
    "Uses {item} alone. Users in {place} are told a day before. Capacity stays below {percent} percent.",
)
_PLANS = (
    "1. Announce. 2. Take a copy of {item}. 3. Apply. 4. Check the five test cases. 5. Tell the desk.",
    "Stop {item}, install, start, watch the queue for {minutes} minutes, release users in two groups.",
    "Pipeline {code} with two pairs of eyes; first half of the nodes, then the other.",
)
_BACKOUTS = (
    "Restore the copy of {item}; takes {minutes} minutes. Decision at the latest half way through the window.",
    "Redeploy the release before. Data is compatible in both directions.",
    "Switch back to the old line; both stay up for a week.",
)
_TESTS = (
    "Five cases in acceptance, signed by the key user of {place}; the same five after the change.",
    "Load test with {code} sessions; error rate below one in a thousand.",
    "Compare the totals before and after; difference must be zero.",
)
_REVIEWS = {
    "successful": (
        "Went as planned within the window. Tests passed, no calls at the desk the next morning.",
        "Done in {minutes} minutes. Key user of {place} confirmed. Plan can become a standard change.",
        "No surprises. The copy was not needed and has been removed.",
    ),
    "successful_with_issues": (
        "Goal reached, but one node had to be done by hand. Step added to the plan.",
        "Took {minutes} minutes longer: test account was locked. Account is now checked beforehand.",
    ),
    "unsuccessful": (
        "Backed out after {minutes} minutes: the totals differed. Acceptance data was too old to show it.",
        "Stopped half way, users of {place} could not work. Cause analysed with the supplier; new date to be planned.",
    ),
}
_PROBLEMS: Mapping[Kind, tuple[str, ...]] = {
    "access": ("Accounts are locked again after release", "Roles get lost when people move"),
    "data": (
        "Nightly load of {service} stops without a message",
        "Readings of single districts arrive a day late",
        "{item} runs out of connections in the early morning",
    ),
    "field": ("Work orders are lost when a tablet changes network", "Map data of {place} keeps falling behind"),
    "finance": ("Batches are sent twice after a restart", "Old tariff used after the turn of the month"),
    "network": ("Short losses on the line to {place}", "Errors for partners whenever {item} reloads"),
    "office": ("Calls are cut off at the hour", "Laptops lose their docking station after an update"),
    "plant": ("Values of stations freeze after a line change", "Alarm list falls behind under load"),
    "portal": ("{service} slows down in the evening", "Sessions end early on {item}", "Payment page fails in bursts"),
}
_CAUSES = (
    "The pool of connections on {item} is smaller than the number of workers that the last release starts.",
    "A scheduled job of the supplier locks the same table at {hour}.",
    "The retry has no upper limit; one slow answer fills the queue within {minutes} minutes.",
    "A setting in acceptance was never carried over to production on {item}.",
    "Clock of {item} is {minutes} seconds ahead, so tokens are refused.",
)
_WORKAROUNDS = (
    "Restart {item} when the queue passes {code} entries; the desk may do it.",
    "Let users of {place} use the second address.",
    "Run the load again by hand after {hour}.",
)
_FIXES = (
    "Setting corrected on {item} by change; watched for two weeks without a recurrence.",
    "Supplier's correction installed; the test case is part of acceptance now.",
    "Limit introduced and alarm added at half of it.",
)


def change_title(rng: Random, kind: Kind, change_type: str, words: Mapping[str, str]) -> str:
    """Title of a change by its type and what the service is about."""
    templates = {"standard": _STANDARD, "emergency": _EMERGENCY}.get(change_type, _NORMAL[kind])
    return rng.choice(templates).format_map(words)


def fix_title(problem: str) -> str:
    """Title of a change raised from a problem."""
    return _FIX.format(title=problem)


def change_texts(rng: Random, words: Mapping[str, str]) -> dict[str, str]:
    """Justification, assessment and the three plans of a change, by field."""
    return {
        "justification": rng.choice(_JUSTIFICATIONS).format_map(words),
        "assessment": rng.choice(_ASSESSMENTS).format_map(words),
        "implementation_plan": rng.choice(_PLANS).format_map(words),
        "backout_plan": rng.choice(_BACKOUTS).format_map(words),
        "test_plan": rng.choice(_TESTS).format_map(words),
    }


def review(rng: Random, outcome: str, words: Mapping[str, str]) -> str:
    """Text of a post-implementation review."""
    return rng.choice(_REVIEWS[outcome]).format_map(words)


def problem_title(rng: Random, kind: Kind, words: Mapping[str, str]) -> str:
    """Title of a problem by what the service is about."""
    return rng.choice(_PROBLEMS[kind]).format_map(words)


def problem_texts(rng: Random, words: Mapping[str, str]) -> dict[str, str]:
    """Root cause, workaround and fix of a problem, by field."""
    return {
        "root_cause": rng.choice(_CAUSES).format_map(words),
        "workaround": rng.choice(_WORKAROUNDS).format_map(words),
        "fix": rng.choice(_FIXES).format_map(words),
    }
