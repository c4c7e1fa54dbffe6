"""What `make bench` says of its figures."""

from __future__ import annotations

import pytest

from tests.bench.figures import Row, Samples, table


def seconds(*values: float) -> Samples:
    return Samples("s", values)


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("a limit kept", seconds(1.0, 1.2, 9.0), at_most=1.5), True),
        (Row("a limit passed", seconds(1.0, 1.6, 1.7), at_most=1.5), False),
        (Row("half of the other's", seconds(1.0), seconds(2.0), share=0.5), True),
        (Row("under its limit, over half of the other's", seconds(1.0), seconds(1.9), at_most=1.5, share=0.5), False),
        (Row("nothing to compare with", seconds(1.0), share=0.5), False),
        (Row("nothing promised", seconds(1.0)), None),
        (Row("the slowest count", Samples("ms", (10.0,) * 90 + (60.0,) * 10), at_most=40, by_p95=True), False),
        (Row("a few slow ones do not", Samples("ms", (10.0,) * 98 + (60.0,) * 2), at_most=40, by_p95=True), True),
    ],
    ids=lambda value: value.name if isinstance(value, Row) else "",
)
def test_a_promise_holds_only_when_each_part_of_it_does(row: Row, holds: bool | None) -> None:
    assert row.holds is holds


def test_a_row_shows_median_range_ratio_and_promise() -> None:
    cells = Row("start", seconds(1.0, 1.2, 9.0), seconds(8.0, 6.0, 7.0), at_most=1.5, share=0.5).cells()
    assert cells == (
        "start",
        "1.20 s (1.00–9.00 s, n = 3)",
        "7.00 s (6.00–8.00 s, n = 3)",
        "0.17",
        "≤ 1.50 s, ≤ 0.5 × the other's",
        "holds",
    )


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
