import math

import pytest

from photoenhance.metrics.summary import summarise

VALUES = {"a": 4.0, "b": 1.0, "c": 3.0, "d": 10.0}


def test_four_values_by_hand():
    summary = summarise(VALUES, "higher")

    assert (summary.count, summary.mean, summary.median) == (4, 4.5, 3.5)
    assert summary.inflated_mean == 6  # 18 / 3
    assert summary.worst == (("b", 1), ("c", 3), ("a", 4))


def test_the_highest_are_the_worst_where_lower_is_better():
    assert summarise(VALUES, "lower").worst == (("d", 10), ("a", 4), ("c", 3))


def test_nothing_is_worst_in_matters_of_taste():
    assert summarise(VALUES).worst == ()


def test_what_could_not_be_judged_is_left_out():
    summary = summarise(VALUES | {"e": math.nan}, "higher")

    assert (summary.count, summary.mean) == (4, 4.5)


def test_infinity_counts():
    summary = summarise({"a": 20.0, "b": math.inf, "c": 30.0}, "higher")

    assert (summary.mean, summary.median) == (math.inf, 30)
    assert summary.worst[0] == ("a", 20)


def test_one_value_has_no_inflated_mean():
    assert math.isnan(summarise({"a": 20.0}).inflated_mean)


def test_no_values_have_no_mean():
    summary = summarise({"a": math.nan}, "lower")

    assert summary.count == 0
    assert math.isnan(summary.mean)
    assert summary.worst == pytest.approx(())
