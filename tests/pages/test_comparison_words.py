"""Sentences of the comparison: who stands above GradCon, and nothing where rows are lacking."""

import pandas as pd
import pytest

from lib.pages import comparison_words as told
from lib.results import frame, row

NONE = frame([])


def cell(value, method, class_, *, seed=0, **cells):
    given = {"run": "r", "table": "sota-auroc", "dataset": "MNIST", "metric": "AUROC", "n": 10}
    return row(**given | cells, method=method, class_=class_, seed=seed, value=value)


def test_standing_is_over_the_classes_that_gradcon_has():
    rows = frame(
        [
            *(cell(v, "GradCon", c) for c, v in (("1", 0.8), ("2", 0.6))),
            *(cell(v, "KDE", c) for c, v in (("1", 0.9), ("2", 0.7), ("3", 0.0))),
            *(cell(v, "OCSVM", c) for c, v in (("1", 0.7), ("2", 0.7))),
            cell(0.95, "LSA", "1"),
        ]
    )
    assert told.standing(rows, "MNIST", "Here:") == (
        "Here: GradCon has a mean AUROC of 0.700 (classes: 2, seeds that all have: 1). Above it: "
        "KDE 0.800. Not above it: OCSVM 0.700. On some classes only: LSA 0.950, GradCon 0.800 (1)."
    )
    assert told.standing(rows[rows["method"] == "GradCon"], "MNIST", "") == ""
    assert told.standing(rows[rows["method"] == "KDE"], "MNIST", "") == ""


def test_dead_networks_are_ranked_apart():
    drawn = {"table": "training", "metric": "explained variance"}
    rows = frame(
        [
            *(cell(v, "CAE+Grad", c, **drawn) for c, v in (("1", -0.1), ("2", 0.5), ("3", 0.0))),
            *(cell(v, "GradCon", c) for c, v in (("1", 0.4), ("2", 0.8), ("3", 0.9))),
        ]
    )
    text = told.dead_networks(rows, "MNIST")
    assert text.startswith("Of GradCon's 3 reference networks on MNIST 1 are dead")
    assert "With these GradCon has a mean AUROC of 0.400." in text
    assert text.endswith("With the others GradCon has a mean AUROC of 0.850.")


def test_shares_are_told_from_the_smallest_to_the_largest():
    at = {"table": "fashion-mnist"}
    rows = frame(
        [
            cell(value, method, f"outliers={share}%", metric=metric, **at)
            for method, metric, values in (
                ("GradCon", "F1", (0.9, 0.8, 0.7)),
                ("GradCon", "AUC", (0.6, 0.5, 0.4)),
                ("accept everything", "F1", (0.95, 0.85, 0.67)),
            )
            for share, value in zip((10, 30, 50), values, strict=True)
        ]
    )
    assert told.over_shares(rows, "MNIST", "Here:") == (
        "Here: GradCon has F1 0.900 at 10 % outliers (accepting everything 0.950) and AUC 0.600; "
        "F1 0.700 at 50 % outliers (accepting everything 0.670) and AUC 0.400."
    )
    assert told.over_shares(NONE, "MNIST", "Here:") == ""


def test_times_have_a_ratio_of_their_own():
    found = pd.DataFrame({"GradCon": [1.0, 2.0], "GPND": [10.0, 22.0]})
    # ratios 10 and 11: half width 12.706 * 0.7071 / sqrt(2) = 6.353
    assert told.time_ratio(found, "This run") == (
        "This run: GradCon 1.50 ms, GPND 16.00 ms, ratio 10.50 ± 6.35 (n = 2)."
    )
    assert told.time_ratio(found[["GPND"]], "This run") == ""


@pytest.mark.parametrize(
    ("images", "batch_size", "text"), [(128, 64, "2,000"), (129, 64, "3,000"), (1, 64, "1,000")]
)
def test_updates_count_the_last_smaller_batch(images, batch_size, text):
    assert told.updates(images, 1000, batch_size) == text
