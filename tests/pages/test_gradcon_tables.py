"""The table of the baseline experiment: whose numbers each line holds, and on which images."""

import pandas as pd
import pytest

from lib import results
from lib.pages.gradcon import BASELINE
from lib.pages.gradcon_tables import baseline_table


def rows(dataset, by_seed, *, method="CAE", score="recon"):
    """One row per class and seed; `by_seed` holds a value per class."""
    found = [
        results.row(
            run="planted",
            table=BASELINE,
            dataset=dataset,
            method=method,
            score=score,
            class_=digit,
            seed=seed,
            metric="AUROC",
            value=value,
            n=10,
        )
        for seed, values in enumerate(by_seed)
        for digit, value in zip(("0", "1", "average"), (*values, sum(values) / 2), strict=True)
    ]
    return results.frame(found)


@pytest.fixture
def shown():
    """The table on MNIST, read beside a build on MNIST-5k, as it is laid out on the page."""
    build = rows("MNIST-5k", [[0.2, 0.4]])
    reference = rows("MNIST", [[0.5, 0.7], [0.6, 0.9]])
    printed = reference[reference["seed"] == 0].assign(kind="measured", value=0.99)
    styler = baseline_table(build, reference, printed, "MNIST", "MNIST-5k")
    return styler, pd.DataFrame(styler.data)


def test_lines_say_whose_numbers_they_hold(shown):
    styler, table = shown
    assert table["numbers"].tolist() == ["published", "reference", "this build, MNIST-5k"]
    assert set(table["method"]) == {"CAE"} and set(table["score"]) == {"recon"}
    assert table.columns.tolist() == ["method", "score", "numbers", "average", "0", "1"]
    assert "activation against gradient, MNIST" in styler.caption


def test_numbers_are_means_over_seeds_and_the_average_has_an_interval(shown):
    _, table = shown
    lines = table.set_index("numbers")
    assert lines.loc["reference", ["0", "1"]].tolist() == ["0.550", "0.800"]
    # two means 0.6 and 0.75: half width 12.706 · 0.10607 / sqrt(2)
    assert lines.loc["reference", "average"] == "0.675 ± 0.953"
    assert lines.loc["this build, MNIST-5k", "average"] == "0.300"


def test_networks_come_before_what_is_trivial_whatever_the_order_of_the_rows():
    methods = ("distance to mean", "VAE+Grad", "untrained CAE", "CAE")
    build = pd.concat([rows("MNIST", [[0.5, 0.7]], method=name) for name in methods])
    nothing = build.iloc[:0]
    styler = baseline_table(build, nothing, nothing.assign(kind=""), "MNIST", "MNIST")
    table = pd.DataFrame(styler.data)
    assert table["method"].tolist() == ["CAE", "VAE+Grad", "untrained CAE", "distance to mean"]
    assert set(table["numbers"]) == {"this build"}
