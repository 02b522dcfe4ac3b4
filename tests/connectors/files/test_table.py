"""Records of a CSV file: exact text, line numbers, and a stray quotation mark that costs one row and no more."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.table import MOST_LINES, records

CELL = st.text(alphabet='ab",;\n\r\t =<é\x00\u2028', max_size=6)


def listed(text: str, delimiter: str = ",") -> list[tuple[int, str, list[str], bool]]:
    return [(row.line, row.text, row.cells, bool(row.fault)) for row in records(text, delimiter)]


@given(
    st.lists(st.tuples(CELL, CELL, CELL), max_size=6), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_what_a_writer_wrote_comes_back_with_its_exact_text(
    rows: list[tuple[str, str, str]], delimiter: str, end: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("x", "y", "z"), *rows])
    found = list(records(out.getvalue(), delimiter))
    full = [list(row) for row in rows if any(cell.strip() for cell in row)]
    assert [row.cells for row in found] == [["x", "y", "z"], *full]
    assert not any(row.fault for row in found)
    written = [list(row) for row in csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter)]
    again = [next(csv.reader(io.StringIO(row.text, newline=""), delimiter=delimiter)) for row in found]
    assert again == [row for row in written if any(cell.strip() for cell in row)]
    assert all(row.text in out.getvalue() for row in found)


@given(st.text(alphabet='ab",\n\r', max_size=60))
def test_every_line_with_text_is_in_one_record(text: str) -> None:
    found = list(records(text, ",", width=2))
    lines = list(io.StringIO(text, newline=""))
    covered = [n for row in found for n in range(row.line, row.line + len(list(io.StringIO(row.text, newline=""))))]
    assert len(covered) == len(set(covered))
    left = [line for n, line in enumerate(lines, start=1) if n not in covered]
    assert not any(set(line) & set("ab") for line in left), "a line with text is never lost"


def test_a_record_of_several_lines_has_the_number_of_its_first() -> None:
    text = 'a,b\r\n1,"two\r\nlines"\r\n\r\n,\r\n2,x'
    assert listed(text) == [
        (1, "a,b", ["a", "b"], False),
        (2, '1,"two\r\nlines"', ["1", "two\r\nlines"], False),
        (6, "2,x", ["2", "x"], False),
    ]


@pytest.mark.fault(
    "files",
    "C1",
    "A quotation mark is opened and never closed: a reader takes all rows behind it for one cell",
    "The row with the mark is quarantined and named; every row behind it is read.",
)
@pytest.mark.parametrize("broken", ['2,"x', '2,x"y"z,"', '2,"x"y', '2,"x\n'])
def test_a_stray_quotation_mark_costs_its_own_row_only(broken: str) -> None:
    behind = "".join(f"{n},name {n}\n" for n in range(3, 400))
    found = listed(f"a,b\n1,one\n{broken.strip()}\n{behind}")
    assert [cells[0] for _, _, cells, is_faulty in found if not is_faulty] == ["a", "1", *map(str, range(3, 400))]
    assert [(line, cells[0]) for line, _, cells, is_faulty in found if is_faulty] == [(3, "2")]


def test_a_stray_mark_that_meets_another_far_behind_does_not_swallow_what_is_between() -> None:
    behind = "".join(f"{n},name\n" for n in range(MOST_LINES + 50))
    found = listed(f'a,b\nfirst,"x\n{behind}last,"y"\n')
    assert [cells[0] for _, _, cells, is_faulty in found if is_faulty] == ["first"]
    assert len(found) == MOST_LINES + 53


def test_a_line_for_a_spreadsheet_is_passed_over() -> None:
    assert listed("sep=;\na;b\n1;2\n", ";") == [(2, "a;b", ["a", "b"], False), (3, "1;2", ["1", "2"], False)]


def test_a_cell_larger_than_the_reader_takes_is_a_fault_of_its_row() -> None:
    found = listed(f"a,b\n1,{'x' * 200_000}\n2,y\n")
    assert [is_faulty for *_, is_faulty in found] == [False, True, False]
