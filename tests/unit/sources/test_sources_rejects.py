"""Rejected rows are counted, ordered and told whatever the order they came in, in a few bytes each."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from exchange.sources.rejects import Rejects
from exchange.sources.rows import Rejected

rejected = st.builds(
    Rejected, st.integers(0, 10**9), st.sampled_from(["bsn", "day", "amount"]), st.sampled_from(["a", "b", "c"])
)


def kept(rows: list[Rejected]) -> Rejects:
    rejects = Rejects()
    rejects.extend(rows)
    return rejects


@given(st.lists(rejected, max_size=40), st.integers(0, 40))
def test_they_come_back_in_order_of_line_field_and_rule(rows: list[Rejected], cut: int) -> None:
    rejects = kept(rows[:cut])
    list(rejects)  # what is asked in between changes nothing
    rejects.extend(rows[cut:])
    ordered = sorted(rows, key=lambda row: (row.line, row.field, row.rule))
    assert list(rejects) == ordered
    assert rejects[:5] == tuple(ordered[:5])
    assert len(rejects) == len(rows)
    assert rejects.lines() == len({row.line for row in rows})
    assert bool(rejects) == bool(rows)
    if rows:
        assert rejects[-1] == ordered[-1]


@given(st.lists(rejected, max_size=40))
def test_reasons_count_every_row_once(rows: list[Rejected]) -> None:
    counts = Counter((row.field, row.rule) for row in rows)
    found = kept(rows).reasons()
    assert {(field, rule): count for field, rule, count, _ in found} == counts
    assert [count for _, _, count, _ in found] == sorted(counts.values(), reverse=True)
    for field, rule, _, first in found:
        assert first == min(row.line for row in rows if (row.field, row.rule) == (field, rule))


def test_a_hundred_thousand_rows_take_about_a_megabyte() -> None:
    tracemalloc.start()
    rejects = Rejects()
    for line in range(100_000):
        rejects.append(Rejected(line, "bsn", "sources.bsn"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_500_000
