"""The README's numbers are those of the committed reference rows."""

from lib import results
from lib.paths import ROOT
from lib.results.glance import END, START

RUN = dict.fromkeys(results.RUN_COLUMNS, "") | {
    "run": "r",
    "profile": "full",
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
    table = results.glance(
        results.reference_rows(), results.reference_runs(), results.published("gradcon-slides")
    )
    assert text == results.with_glance(text, table), "run `make accept`"


def test_a_changed_row_changes_the_table() -> None:
    told, runs = results.published("gradcon-slides"), results.runs_frame([RUN])
    # mean 0.9; half width t(2) * 0.01 / sqrt(3) = 4.303 * 0.00577 = 0.025
    first = results.glance(rows(0.89, 0.90, 0.91), runs, told)
    assert "| MNIST | GradCon, recon+beta*grad | 0.973 | 0.900 ± 0.025 | 3, 20 |" in first
    assert results.glance(rows(0.79, 0.80, 0.81), runs, told) != first


def test_only_the_part_between_the_marks_is_replaced() -> None:
    text = f"before {START} old {END} after"
    assert results.with_glance(text, "new") == f"before {START}\n\nnew\n\n{END} after"
