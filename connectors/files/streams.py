"""The registers that are read: one CSV file each, with its columns, and the words of its status columns.

Kept here because ISO/IEC 20000-1:2018 asks for them and the ticket tools seldom have them: clauses 6.1, 7.2, 7.5,
8.3.4, 8.7.2, 9.2, 9.3, 10.1 and 10.2. Dates are YYYY-MM-DD, numbers have a point, and no cell is ever computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from connectors import Column, Stream

FieldKind = Literal["text", "date", "integer", "double", "word"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a register. ``links`` names the register whose ids stand in it."""

    name: str
    kind: FieldKind = "text"
    is_required: bool = False
    links: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """One file. Of the columns in ``one_of`` each row fills at least one."""

    name: str
    fields: tuple[Field, ...]
    one_of: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.csv"

    @property
    def required(self) -> list[str]:
        """The columns that every file of the register has."""
        return [field.name for field in self.fields if field.is_required]


def _register(
    name: str, required: str, optional: str, links: Mapping[str, str] | None = None, one_of: str = ""
) -> Register:
    """Columns as ``name`` or ``name:kind``; ``..._on`` and ``..._until`` are dates, ``status`` is a word."""
    fields = [_field(text, is_required, links or {}) for text, is_required in _listed(required, optional)]
    return Register(name, tuple(fields), tuple(one_of.split()))


def _listed(required: str, optional: str) -> list[tuple[str, bool]]:
    return [(text, True) for text in required.split()] + [(text, False) for text in optional.split()]


def _field(text: str, is_required: bool, links: Mapping[str, str]) -> Field:
    name, _, stated = text.partition(":")
    usual = "date" if name.endswith(("_on", "_until")) else "word" if name == "status" else "text"
    return Field(name, _KINDS[stated or usual], is_required, links.get(name, ""))


_KINDS: Mapping[str, FieldKind] = MappingProxyType({kind: kind for kind in get_args(FieldKind)})


REGISTERS: Mapping[str, Register] = MappingProxyType(
    {
        register.name: register
        for register in (
            # 7.5: documented information and its control
            _register(
                "documents",
                "id title status owner version",
                "kind approver created_on approved_on reviewed_on review_on withdrawn_on location service clauses",
            ),
            # 9.2: an audit names the clauses that it looks at
            _register(
                "audits",
                "id title status planned_on clauses",
                "kind owner auditor started_on held_on report service",
            ),
            _register(
                "audit_findings",
                "id audit_id title grade:word status raised_on owner",
                "clauses cause due_on closed_on service",
                {"audit_id": "audits"},
            ),
            # 9.3, and the reviews with customers of 8.3.2: kind service_review, with the customer
            _register(
                "management_reviews",
                "id title status planned_on",
                "kind:word customer owner held_on minutes inputs service clauses",
            ),
            # actions of a review, of a nonconformity (10.1) or of a service report (9.4; the month as 2026-09)
            _register(
                "management_review_actions",
                "id title status owner decided_on due_on",
                "review_id nonconformity_id report_period closed_on effectiveness_reviewed_on effectiveness:word"
                " service",
                {"review_id": "management_reviews", "nonconformity_id": "nonconformities"},
                one_of="review_id nonconformity_id report_period",
            ),
            # 8.3.4
            _register(
                "suppliers",
                "id name status owner",
                "kind:word criticality service contract contract_from_on contract_until review_interval_months:integer"
                " reviewed_on review_on amount:double currency contact",
            ),
            # 8.7.2: a test of kind invocation is the plan used in earnest
            _register(
                "continuity_plans",
                "id title status owner",
                "service version approved_on reviewed_on review_on test_interval_months:integer"
                " recovery_hours:double configuration_items",
            ),
            _register(
                "continuity_tests",
                "id plan_id title status planned_on",
                "kind:word owner held_on result:word recovery_hours:double cause impact change actions"
                " actions_due_on actions_closed_on reviewed_on report",
                {"plan_id": "continuity_plans"},
            ),
            # 6.1
            _register(
                "risks",
                "id title status owner identified_on",
                "kind:word service likelihood:integer impact:integer treatment:word due_on reviewed_on review_on"
                " closed_on clauses",
            ),
            # 10.1: effectiveness_reviewed_on is the review of the corrective action, action_closed_on its end
            _register(
                "nonconformities",
                "id title status owner raised_on",
                "finding_id clauses cause grade:word action due_on action_closed_on closed_on"
                " effectiveness_reviewed_on effectiveness:word service",
                {"finding_id": "audit_findings"},
            ),
            # 10.2: one date for each stage
            _register(
                "improvements",
                "id title status owner proposed_on",
                "origin service approved_on due_on done_on reviewed_on closed_on benefit benefit_achieved:word"
                " amount:double currency clauses",
            ),
            # 7.2 and 7.3
            _register(
                "training",
                "id person title status planned_on",
                "kind role owner held_on valid_until evaluated_on result:word service",
            ),
        )
    }
)
"""By name, in the order of reading."""


def _stream(register: Register) -> Stream:
    columns = {field.name: _column(field) for field in register.fields}
    # a row that only moved within its file is the same version
    return Stream(register.name, MappingProxyType(columns), volatile=("line",))


def _column(field: Field) -> Column:
    path = f"fields.{field.name}"
    return Column(path, "text" if field.kind == "word" else field.kind)


STREAMS: tuple[Stream, ...] = tuple(_stream(register) for register in REGISTERS.values())
