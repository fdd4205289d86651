"""Runs within a time limit: most wanted first, cut short and gone on with, and refused on a CPU."""

import pytest
import torch

from lib.run import paper, parameters


@pytest.mark.notebook
def test_jobs_run_in_order_until_the_time_is_up(tiny_project, capfd):
    jobs = [
        paper.Job("one", "tiny", {"digit": 1}),
        paper.Job("two", "tiny", {"digit": 2, "behave": "wait"}),  # for a gate that stays shut
        paper.Job("three", "tiny", {"digit": 3}),
    ]
    done = tiny_project / "_build/paper/one/rows.csv"  # of an earlier call
    done.parent.mkdir(parents=True)
    done.touch()
    assert paper.run_jobs(jobs, seconds=3, profile="smoke", root=tiny_project) == ["one"]
    assert capfd.readouterr().out == "two: stopped at the time limit\n"
    assert not (tiny_project / "_build/paper/three").exists()


def test_large_files_come_back_from_their_parts_byte_by_byte(tmp_path):
    content = bytes(range(256)) * 5
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/net.pt").write_bytes(content)
    (tmp_path / "small.pt").write_bytes(b"x")
    paper.split_files(tmp_path, largest=100)
    parts = sorted(tmp_path.rglob("*.part*"))
    assert len(parts) == 13  # of 1,280 bytes, so the parts' order is not that of their names
    assert max(part.stat().st_size for part in parts) == 100
    paper.join_files(tmp_path)
    assert (tmp_path / "deep/net.pt").read_bytes() == content
    assert sorted(p.name for p in tmp_path.rglob("*.pt*")) == ["net.pt", "small.pt"]


def test_every_wanted_run_has_parameters_that_its_chapter_takes():
    for job in paper.WANTED:
        parameters.check(job.chapter, parameters.profile("paper", job.chapter) | job.values)


def test_without_a_gpu_one_sentence_says_so(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert paper.main(["--minutes", "1"]) == 1
    assert capsys.readouterr().err == (
        "Error: These runs need a CUDA device, and PyTorch finds none.\n"
    )
