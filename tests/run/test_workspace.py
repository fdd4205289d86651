"""What a run leaves in its work folder: rows, and where they come from."""

import json
import time
from datetime import UTC, datetime

import pytest

from lib import numbers
from lib.data import load
from lib.run import workspace

SETTINGS = {"profile": "smoke", "dataset": "mnist-5k", "epochs": 2}


@pytest.fixture(scope="module")
def images():
    return load("mnist-5k")


@pytest.fixture
def rows():
    name = workspace.run_name("gradcon", SETTINGS)
    where = {"table": "baseline-auroc", "dataset": "MNIST", "method": "CAE", "score": "recon"}
    return numbers.frame(
        [numbers.row(run=name, **where, class_=3, metric="AUROC", value=0.5, n=10, seed=0)]
    )


def leave(rows, images, **changes):
    given = {"began": workspace.begin(), "device": "cpu", "images": images} | changes
    return workspace.leave_run("gradcon", SETTINGS, rows, **given)


def test_rows_and_their_run_are_left_under_one_name(rows, images, tmp_path, monkeypatch):
    monkeypatch.setenv(workspace.WORK, str(tmp_path))
    given = leave(rows, images)
    run = numbers.read_runs(tmp_path / "runs.csv").iloc[0]
    left = numbers.read_rows(tmp_path / "rows.csv")
    assert left.equals(rows)
    assert run["run"] == given["run"] == left["run"][0] == workspace.run_name("gradcon", SETTINGS)
    assert (run["chapter"], run["profile"], run["device"]) == ("gradcon", "smoke", "cpu")
    assert json.loads(run["parameters"]) == SETTINGS
    assert (run["data_sha256"], run["data_origin"]) == (images.sha256, images.origin)


def test_a_run_without_a_folder_leaves_nothing_and_is_told_all_the_same(
    rows, images, tmp_path, monkeypatch
):
    monkeypatch.delenv(workspace.WORK, raising=False)
    monkeypatch.chdir(tmp_path)
    assert set(leave(rows, images)) == set(numbers.runs.RUN_COLUMNS)
    assert not list(tmp_path.iterdir())


def test_the_time_is_that_since_the_beginning_or_that_of_training(rows, images):
    began = workspace.Beginning(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), time.monotonic() - 100)
    run = leave(rows, images, began=began)
    assert run["started"] == "2026-01-02T03:04:05+00:00"
    assert 100 <= run["seconds"] < 130  # a loaded machine may be slow to get here
    # parts of an interrupted run count as well, and do not add to what is counted already
    assert leave(rows, images, began=began, trained=1000.0)["seconds"] == 1000
    assert 100 <= leave(rows, images, began=began, trained=50.0)["seconds"] < 130
