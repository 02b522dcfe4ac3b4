"""What people answered and what was written down for them: the survey about incidents, and the known-error articles.

The sample knows answers and known errors. An instance keeps them in tables of their own, which are told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from connectors.sample import Event, Record, Value, Values
from connectors.servicenow.rendering.values import day, reference, sys_id, text

Row = dict[str, str]

SURVEY = {
    "name": "Satisfaction with a resolved incident",
    "evaluation_method": "survey",
    "description": "",
    "table": "incident",
    "active": "true",
}
"""The one row of ``asmt_metric_type``."""

_SCORE, _COMMENT = 1, 2
QUESTIONS = {
    _SCORE: ("Satisfaction", "How satisfied are you with the way it was solved?", "scale"),
    _COMMENT: ("Comment", "What should we know?", "string"),
}
"""Name, question and data type by key."""

_LOWEST, _HIGHEST = 1, 5
_DUE = timedelta(days=14)


def question(key: int) -> Row:
    """A row of ``asmt_metric``."""
    name, asked, datatype = QUESTIONS[key]
    return {
        "name": name,
        "question": asked,
        "metric_type": sys_id("survey", 1),
        "category": sys_id("survey_category", 1),
        "datatype": datatype,
        "active": "true",
    }


def questionnaire(values: Values) -> Row:
    """A row of ``asmt_assessment_instance``: one person's answered questionnaire about one incident."""
    answered = values["answered_at"]
    due = day(answered + _DUE) if isinstance(answered, datetime) else ""
    incident = reference("incident", values["incident"])
    return {
        "number": f"AINST{10000 + int(text(values['key'])):07}",
        "metric_type": sys_id("survey", 1),
        "state": "complete",
        "user": reference("person", values["person"]),
        "trigger_table": "incident",
        "trigger_id": incident,
        "task_id": incident,
        "taken_on": text(answered),
        "due_date": due,
        "expiration_date": due,
        "sys_domain": "global",
    }


def answers(satisfied: Iterable[Record]) -> Iterator[Record]:
    """One record for each answer: the score, and the comment where there is one."""
    for record in satisfied:
        for place, name in ((_SCORE, "score"), (_COMMENT, "comment")):
            if record.values[name]:
                values: dict[str, Value] = {
                    "questionnaire": record.key,
                    "question": place,
                    "person": record.values["person"],
                    "answer": record.values[name],
                }
                key = record.key * 2 + place
                yield Record("answer", key, record.home, record.created_at, record.created_by, values)


def answer(values: Values) -> Row:
    """A row of ``asmt_metric_result``. The scaled value runs from 0 to 10."""
    given = values["answer"]
    is_score = isinstance(given, int)
    scaled = 10 * (given - _LOWEST) / (_HIGHEST - _LOWEST) if isinstance(given, int) else 0.0
    return {
        "instance": reference("satisfaction", values["questionnaire"]),
        "instance_question": sys_id("asked_question", text(values["key"])),
        "metric": reference("survey_question", values["question"]),
        "user": reference("person", values["person"]),
        "string_value": "" if is_score else text(given),
        "actual_value": text(given) if is_score else "",
        "normalized_value": "",
        "scaled_value": f"{scaled:g}" if is_score else "",
    }


def articles(problems: Iterable[Record]) -> Iterator[Record]:
    """One article for each problem that became a known error, from then on; retired when the problem is closed."""
    for problem in problems:
        truth = dict(problem.values)
        article: Record | None = None
        for at, by, changes in (
            (problem.created_at, problem.created_by, {}),
            *((event.at, event.by, dict(event.changes)) for event in problem.events),
        ):
            truth |= changes
            if article is None and truth["is_known_error"]:
                values: dict[str, Value] = {
                    "problem": problem.key,
                    "title": truth["title"],
                    "author": by,
                    "published_at": at,
                    "state": "published",
                }
                article = Record("article", problem.key, problem.home, at, by, values)
            elif article is not None and (changes.get("closed_at") or changes.get("is_known_error") is False):
                article.events.append(Event(at, by, {"state": "retired"}))
        if article is not None:
            yield article


def article(values: Values) -> Row:
    """A row of ``kb_knowledge``."""
    return {
        "number": f"KB{10000 + int(text(values['key'])):07}",
        "short_description": text(values["title"]),
        "sys_class_name": "kb_template_known_error_article",
        "sys_domain": "global",
        "workflow_state": text(values["state"]),
        "kb_knowledge_base": sys_id("knowledge_base", 1),
        "kb_category": "",
        "article_type": "text",
        "source": reference("problem", values["problem"]),
        "author": reference("person", values["author"]),
        "version": "",
        "published": day(values["published_at"]),
        "valid_to": "2100-01-01",
        "active": text(values["state"] == "published"),
    }
