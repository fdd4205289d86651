"""The README's numbers are those of the committed reference rows."""

import pandas as pd

from lib import results
from lib.pages import glance as page
from lib.pages import oracle
from lib.pages.glance import END, START
from lib.paths import ROOT

RUN = dict.fromkeys(results.RUN_COLUMNS, "") | {
    "run": "r",
    "profile": "full",
    "chapter": "gradcon",
    "parameters": '{"epochs": 20}',
    "seconds": 1.0,
    "threads": 1,
}


def rows(*values: float):
    """Averages of one method on MNIST, one per seed."""
    return results.frame(
        results.row(
            run="r",
            table="sota-auroc",
            dataset="MNIST",
            method="GradCon",
            score="recon+beta*grad",
            class_="average",
            metric="AUROC",
            value=value,
            n=10,
            seed=seed,
        )
        for seed, value in enumerate(values)
    )


def test_readme_shows_the_committed_rows() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = page.at_a_glance(
        results.reference_rows(), results.reference_runs(), results.published()
    )
    assert text == page.with_glance(text, table), "run `make accept`"


def test_a_changed_row_changes_the_table() -> None:
    told, runs = results.published("gradcon-slides"), results.runs_frame([RUN])
    # mean 0.9; half width t(2) * 0.01 / sqrt(3) = 4.303 * 0.00577 = 0.025
    first = page.glance(rows(0.89, 0.90, 0.91), runs, told)
    assert "| MNIST | GradCon, recon+beta*grad | 0.973 | 0.900 ± 0.025 | 3, 20 |" in first
    assert page.glance(rows(0.79, 0.80, 0.81), runs, told) != first


def test_the_budget_is_that_of_the_runs_behind_the_line() -> None:
    told = results.published("gradcon-slides")
    longer = RUN | {"run": "longer", "parameters": '{"epochs": 150}'}
    runs = results.runs_frame([RUN, longer])
    found = rows(0.89, 0.90, 0.91)
    arm = found.iloc[:1].assign(run="longer", variant="epochs=150")  # a control, no main row
    assert "| 3, 20 |" in page.glance(pd.concat([found, arm]), runs, told)
    both = pd.concat([found.iloc[:2], found.iloc[2:].assign(run="longer")])
    assert "| 3, 20 and 150 |" in page.glance(both, runs, told)  # by size, not as text


def test_what_is_not_trained_has_no_epochs() -> None:
    told, runs = results.published("gradcon-slides"), results.runs_frame([RUN])
    plain = {"table": "baseline-auroc", "method": "distance to mean", "score": ""}
    found = pd.concat([rows(0.9), rows(0.8).assign(**plain)])
    lines = page.glance(found, runs, told).splitlines()[2:]
    assert lines == [
        "| MNIST | GradCon, recon+beta*grad | 0.973 | 0.900 | 1, 20 |",
        "| MNIST | distance to mean |  | 0.800 | 1, none |",
    ]


def test_only_the_part_between_the_marks_is_replaced() -> None:
    text = f"before {START} old {END} after"
    assert page.with_glance(text, "new") == f"before {START}\n\nnew\n\n{END} after"


def test_methods_stand_beside_each_other_where_they_have_all_classes() -> None:
    told = results.published("gradcon-slides")

    def of(method: str, classes: str, value: float, score: str = "", **cells: object):
        place = {"run": "r", "table": "sota-auroc", "dataset": "MNIST", "method": method}
        place |= {"score": score, "metric": "AUROC", "n": 10, "seed": 0} | cells
        return [results.row(class_=name, value=value, **place) for name in classes]

    found = of("KDE", "01", 0.9) + of("KDE", "01", 0.8, variant="test=full") + of("LSA", "0", 0.9)
    found += of("GradCon", "0", 0.7, "recon+beta*grad") + of("GradCon", "1", 0.8, "recon+beta*grad")
    found += of("GradCon", "01", 0.1, "recon+beta*grad", seed=1)  # a seed that KDE does not have
    found += of("LSA", "01", 0.6, variant="form=without estimator")
    text = page.glance_comparison(results.frame(found), told)
    assert text.splitlines()[2:] == [
        "| KDE | 0.610 |  |  | 0.814 | 0.900 | 0.800 |",
        "| LSA (without estimator) |  |  |  |  | 0.600 |  |",
        "| GradCon | 0.664 |  |  | 0.973 | 0.750 |  |",
    ]
    assert page.glance_comparison(results.frame(found[:0]), told) == ""


def localization_row(value: float, class_: str, seed: int) -> dict[str, object]:
    return results.row(
        run="r",
        table="finding5-max-distance-top10",
        dataset="MNIST",
        method="LSA autoencoder, no estimator",
        score="saliency to reconstruction error",
        class_=class_,
        metric="mean over images of maximum distance to best match, pixels",
        value=value,
        n=10,
        seed=seed,
    )


def test_localization_shows_both_kinds_of_images() -> None:
    told = results.published("localization-paper")
    runs = results.runs_frame([RUN | {"chapter": "localization"}])
    # normal: mean 6, half width 4.303 * 1 / sqrt(3) = 2.48; novel: three equal values
    values = [(v, "normal", i) for i, v in enumerate((5.0, 6.0, 7.0))]
    values += [(8.5, "novel", i) for i in range(3)]
    found = results.frame(localization_row(*value) for value in values)
    text = page.glance_localization(found, runs, told)
    line = "| maximum distance, top 10, pixels | 8.14 / 8.90 | 6.00 ± 2.48 / 8.50 ± 0.00 | 3, 20 |"
    assert text.splitlines()[2:] == [line]
    assert page.glance_localization(found.iloc[:0], runs, told) == ""


def test_the_oracle_shows_each_image_set_with_its_width() -> None:
    told = results.published("oracle-slides")
    parameters = '{"epochs": 12, "width": 16}'
    runs = results.runs_frame([RUN | {"chapter": "oracle", "parameters": parameters}])
    place = {"table": "results-q1-q2", "method": "ResNet34 classifier", "score": "max logit"}
    place |= {"class_": "nominal vs anomaly", "metric": "AUC", "run": "r", "n": 10}
    # mean 0.75; half width t(2) * 0.01 / sqrt(3) = 4.303 * 0.00577 = 0.025
    values = [("CIFAR-10", seed, value) for seed, value in enumerate((0.74, 0.75, 0.76))]
    values.append(("Fashion-MNIST", 0, 0.9))
    found = results.frame(
        results.row(dataset=title, seed=seed, value=value, **place) for title, seed, value in values
    )
    assert page.glance_oracle(found, runs, told).splitlines()[2:] == [
        "| CIFAR-10 | max logit | 0.776 | 0.750 ± 0.025 | 3, 16, 12 |",
        "| Fashion-MNIST | max logit |  | 0.900 | 1, 16, 12 |",
    ]
    pixels = {"table": "networks", "method": oracle.PIXELS, "score": oracle.PIXEL_FOREST}
    no_network = page.glance_oracle(found.iloc[3:].assign(**pixels), runs, told)
    assert no_network == ""  # a set is told of where the classifiers have rows
    both = pd.concat([found.iloc[3:], found.iloc[3:].assign(**pixels)])
    last = page.glance_oracle(both, runs, told).splitlines()[-1]
    assert last == "| Fashion-MNIST | forest on pixels |  | 0.900 | 1, none, none |"
    assert page.glance_oracle(found.iloc[:0], runs, told) == ""


def dae_row(value: float, seed: int) -> dict[str, object]:
    return results.row(
        run="r",
        table="fooling",
        dataset="MNIST",
        method="dAE sym",
        score="fooling rate",
        class_="threshold=90%",
        metric="fraction",
        value=value,
        n=200,
        seed=seed,
    )


def test_fooling_rates_stand_beside_the_printed_ones() -> None:
    told, runs = results.published("dae-slides"), results.runs_frame([RUN])
    table = page.glance_dae(
        results.frame(dae_row(value, seed) for seed, value in enumerate((0.49, 0.50, 0.51))),
        runs,
        told,
    )
    # half width as above
    assert "| MNIST | dAE sym: fooling rate at 90 % | 0.000 | 0.500 ± 0.025 | 3, 20 |" in table
    assert page.glance_dae(results.frame([]), runs, told) == ""
