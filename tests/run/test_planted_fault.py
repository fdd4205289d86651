"""A fault in a score reaches the rows and the checked lines; one small chapter from end to end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib import numbers, scores
from lib.experiments import conditions
from lib.run import golden, parameters
from lib.run.execute import execute

SMALL = {"epochs": 1, "train_limit": 60, "test_limit": 20, "seeds": [0]}


def measured(**values: Any) -> pd.DataFrame:
    given = parameters.own_values("conditions", "smoke") | {"profile": "smoke"} | SMALL | values
    rows = conditions.measure(conditions.Settings(**given), progress=lambda line: None).rows
    return rows[(rows["metric"] == "AUROC") & (rows["score"] != "")]


def test_a_negated_score_turns_its_rows_and_its_checked_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = measured(conditions=["noise"], levels=[5])
    real = scores.gradcon_scores

    def faulty(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        return found | {"grad": -found["grad"]}

    monkeypatch.setattr(scores, "gradcon_scores", faulty)
    planted = measured(conditions=["noise"], levels=[5])
    gradient = honest["score"].str.startswith("grad").to_numpy()
    assert gradient.any()
    clean, wrong = honest["value"].to_numpy(), planted["value"].to_numpy()
    assert np.allclose(wrong[gradient], 1 - clean[gradient], atol=1e-12)  # float64 sums of ranks
    assert (abs(clean[gradient] - 0.5) > 0.1).any()

    # eight seeds that scatter by a hundredth around the honest values
    names = [f"{row.method} {row.score}" for row in honest.itertuples()]
    scatter = [-0.01, 0.01] * 4
    table = [
        {"name": name, "seed": seed, "value": value + shift}
        for name, value in dict(zip(names, clean, strict=True)).items()
        for seed, shift in enumerate(scatter)
    ]
    numbers.write_expected(tmp_path / "conditions.csv", pd.DataFrame(table))
    monkeypatch.setattr(golden, "EXPECTED", tmp_path)
    for values, off in ((clean, False), (wrong, True)):
        golden.check("conditions", dict(zip(names, values, strict=True)), profile="smoke")
        assert (": OFF" in capsys.readouterr().out) is off


@pytest.mark.notebook
def test_a_chapter_from_end_to_end(tmp_path: Path) -> None:
    folder = execute(
        "conditions", profile="smoke", values=SMALL, output=tmp_path / "out", progress=False
    )
    rows = numbers.read_rows(folder / "rows.csv")
    run = numbers.read_runs(folder / "runs.csv").iloc[0]
    given = json.loads(run["parameters"])
    assert set(rows["run"]) == {run["run"]}
    assert {name: given[name] for name in SMALL} == SMALL
    assert len(rows) > 50 and rows["value"].between(0, 1).all()
    assert (folder / "conditions.ipynb").exists() and (folder / "checked.csv").exists()
