"""The lines that a GPU run is checked by, and the remark on a smaller budget."""

import pandas as pd
import pytest

from lib import results
from lib.results.agreement import agreement_lines

SIDE = {"table": "t", "dataset": "MNIST", "score": "s", "class": "average", "metric": "AUROC"}
CLAIM = {
    "id": "planted",
    "document": "a document",
    "where": "somewhere",
    "claim": "a is above b",
    "published": {},
    "rule": "greater",
    "left": SIDE | {"method": "a"},
    "right": SIDE | {"method": "b"},
    "scope": "a test",
}


def measured(gap: float, seeds: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of a and b that differ by about `gap`, from one full run."""
    rows = [
        results.row(
            run="r",
            table="t",
            dataset="MNIST",
            method=method,
            score="s",
            class_="average",
            metric="AUROC",
            value=0.5 + 0.001 * seed * shift + shift * gap,
            n=10,
            seed=seed,
        )
        for seed in range(seeds)
        for method, shift in (("a", 1), ("b", 0))
    ]
    run = dict.fromkeys(results.RUN_COLUMNS, "")
    run |= {"run": "r", "profile": "full", "parameters": "{}", "seconds": 1.0, "threads": 1}
    return results.frame(rows), results.runs_frame([run])


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        (measured(0.2), measured(0.1), "ok"),
        (measured(0.2), measured(-0.2), "OFF"),
        (measured(-0.2), measured(0.2), "OFF"),
        (measured(0.2), measured(0.2, seeds=1), "ok"),  # less sure is no contradiction
        (measured(-0.2, seeds=0), measured(0.2), "ok"),  # nothing to contradict
    ],
)
def test_only_opposite_verdicts_contradict(
    old: tuple[pd.DataFrame, pd.DataFrame], new: tuple[pd.DataFrame, pd.DataFrame], state: str
) -> None:
    (line,) = agreement_lines([results.claim_from(CLAIM)], old, new)
    assert line.endswith(f": {state}")


def test_a_smaller_budget_is_named_and_changes_no_verdict() -> None:
    rows, runs = measured(0.2)
    runs = runs.assign(parameters='{"epochs": 20}')
    claim = results.claim_from(CLAIM | {"budget": {"epochs": 1000}})
    found = results.verdict(claim, rows, runs=runs)
    assert found.verdict == "reproduced"
    assert "20 of the document's 1000 epochs" in found.reason
    whole = results.verdict(claim, rows, runs=runs.assign(parameters='{"epochs": 1000}'))
    assert "epochs" not in whole.reason
