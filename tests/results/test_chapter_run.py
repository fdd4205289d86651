"""The run in a chapter's folder, as the pages read it that are assembled from rows."""

from datetime import UTC, datetime

import pytest

from lib import results
from lib.errors import BadInput, DataMissing


def left(folder, *, runs=1, rows=True):
    """Leave rows of MNIST-5k behind a count of no image set, and so many runs."""
    common = {"run": "r0", "table": "sizes", "method": "CAE", "metric": "parameters"}
    common |= {"seed": 0}
    found = [results.row(**common, value=9, n=1)]
    found.append(results.row(**(common | {"metric": "AUROC"}), dataset="MNIST-5k", value=0.5, n=4))
    results.write_rows(folder / "rows.csv", results.frame(found if rows else []))
    parameters = {"profile": "smoke", "epochs": 2, "seeds": [0]}
    started = datetime(2026, 1, 1, tzinfo=UTC)
    of_run = {"chapter": "gradcon", "profile": "smoke", "parameters": parameters}
    of_run |= {"started": started, "seconds": 1, "device": "cpu"}
    of_run |= {"data_sha256": "", "data_origin": ""}
    made = [results.provenance(run=f"r{i}", **of_run) for i in range(runs)]
    results.write_runs(folder / "runs.csv", results.runs_frame(made))


def test_a_run_is_read_as_it_was_left(tmp_path):
    left(tmp_path)
    found = results.read_chapter_run(tmp_path)
    assert found.title == "MNIST-5k"
    assert found.settings == {"profile": "smoke", "epochs": 2, "seeds": [0]}
    assert found.provenance["run"] == "r0" and tuple(found.provenance) == results.RUN_COLUMNS
    assert found.rows["value"].tolist() == [9, 0.5]
    # what is read is what a board of verdicts takes
    assert results.runs_frame([found.provenance]).equals(results.read_runs(tmp_path / "runs.csv"))


def test_no_file_two_runs_and_no_rows_are_refused(tmp_path):
    with pytest.raises(DataMissing, match=r"no file of runs named runs\.csv: run the"):
        results.read_chapter_run(tmp_path)
    left(tmp_path, runs=2)
    with pytest.raises(BadInput, match="must hold rows of one run; it has 2 runs"):
        results.read_chapter_run(tmp_path)
    left(tmp_path, rows=False)
    with pytest.raises(BadInput, match="must hold rows of one run"):
        results.read_chapter_run(tmp_path)
