"""Tables as people see them: aligned, cut to the terminal, never wider."""

import contextlib
import datetime as dt
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.cli.output import print_object, print_table


def printed(capsys: pytest.CaptureFixture[str], *arguments: object, **options: object) -> list[str]:
    print_table(*arguments, **options)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


def test_points_of_one_column_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, ["cash"], [[1_234_567.891], [0.5], [None], [-3.0]])
    assert lines == ["      cash", "──────────", "1234567.89", "      0.50", "      NULL", "     -3.00"]


def test_tiny_and_huge_numbers_keep_their_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, ["x"], [[1.5e-9], [2e-5]])[2:] == ["1.5e-09", "  2e-05"]
    assert printed(capsys, ["x"], [[1.5e18]])[2:] == ["1.5e+18"]
    assert printed(capsys, ["x"], [[float("nan")], [float("inf")]])[2:] == ["nan", "inf"]


def test_times_dates_and_booleans_read_naturally(capsys: pytest.CaptureFixture[str]) -> None:
    row = [dt.datetime(2020, 1, 2, 21, tzinfo=dt.UTC), dt.date(2020, 1, 2), True]
    assert printed(capsys, ["at", "day", "ok"], [row])[2] == "2020-01-02 21:00:00Z  2020-01-02  true"


def test_wide_characters_take_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, ["name", "n"], [["東京", 1], ["é", 2]])[2:] == ["東京  1", "é     2"]


def test_long_text_is_cut_before_columns_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, ["text", "n"], [["x" * 100, 7]], width=30)
    assert lines[2] == "x" * 26 + "…  7"
    assert lines[-1] == "… some cells are cut; widen the terminal, or use --csv or --json for all of them."


def test_columns_that_do_not_fit_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, ["first", "second", "third"], [[1, 2, 3]], width=14)
    assert lines[:3] == ["first  second", "─────  ──────", "    1       2"]
    assert lines[3].startswith("… 1 more column(s): third;")


@given(
    st.lists(st.text(max_size=20), min_size=1, max_size=6).flatmap(
        lambda names: st.tuples(
            st.just(names),
            st.lists(
                st.lists(
                    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60), min_size=len(names), max_size=len(names)
                ),
                max_size=5,
            ),
            st.integers(10, 200),
        )
    )
)
def test_no_row_is_wider_than_the_terminal(case: tuple[list[str], list[list[object]], int]) -> None:
    names, rows, width = case
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_table(names, rows, width=width)
    lines = out.getvalue().split("\n")[: 2 + len(rows)]
    assert len(lines) == 2 + len(rows)
    assert all(len(line) <= width for line in lines)


def test_an_object_has_no_nan_and_keeps_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_object({"a": float("nan"), "b": [float("-inf"), "ü"], "c": dt.date(2020, 1, 2), "d": b"\xff", "e": {1: None}})
    assert capsys.readouterr().out == '{"a": null, "b": [null, "ü"], "c": "2020-01-02", "d": "ff", "e": {"1": null}}\n'
