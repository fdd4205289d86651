"""The book from chapters that ran elsewhere: all of them, or a sentence and nothing changed."""

import subprocess
from pathlib import Path

import pytest

from lib import assemble, parameters
from lib.errors import DataMissing


def leave(folder: Path, text: str = "executed") -> Path:
    folder.mkdir(parents=True)
    for name in (f"{folder.name}.ipynb", "rows.csv", "runs.csv"):
        (folder / name).write_text(text)
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def book(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two chapters, of which the board reads the rows of the tiny one."""
    text = (tiny / "tiny.py").read_text()
    header = "# jupyter:\n#   companion:\n#     assembled: true\n"
    (tiny / "board.py").write_text(text.replace("# jupyter:\n", header))
    monkeypatch.setattr(parameters, "book_chapters", lambda: ["board", "tiny"])
    monkeypatch.setattr(assemble, "CHAPTERS", tiny)
    monkeypatch.setattr(assemble, "BOOK", tmp_path / "_build/book")
    monkeypatch.setattr(assemble, "RUNS", tmp_path / "_build/runs")
    return tmp_path


def test_runs_are_taken_over_the_board_is_executed_and_the_book_built(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(book / "_build/runs/tiny")
    done = []

    def execute(name: str, *, profile: str, output: Path) -> Path:
        done.append(f"{name} with {(book / '_build/book/tiny/rows.csv').read_text()} rows")
        return leave(output, "assembled")

    def build(line: list[str], *, check: bool) -> None:
        done.append(" ".join([Path(line[0]).name, *line[1:5]]))
        assert Path(line[0]).exists()
        assert check

    monkeypatch.setattr(assemble, "execute", execute)
    monkeypatch.setattr(subprocess, "run", build)
    assert assemble.main() == 0
    assert done == ["board with executed rows", "jupyter-book build -W -n --keep-going"]
    assert (book / "chapters/tiny.ipynb").read_text() == "executed"
    assert (book / "chapters/board.ipynb").read_text() == "assembled"


def test_a_missing_chapter_is_told_before_anything_changes(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    before = files(book)
    assert assemble.main() == 1
    told = capsys.readouterr().err
    assert told.startswith("Error: There is no executed notebook with rows of chapter tiny")
    assert "python -m lib.execute tiny" in told and told.count("\n") == 1
    assert files(book) == before


def test_a_failed_build_fails(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(book / "_build/book/tiny")

    def build(line: list[str], *, check: bool) -> None:
        raise subprocess.CalledProcessError(2, line)

    monkeypatch.setattr(assemble, "execute", lambda name, profile, output: leave(output))
    monkeypatch.setattr(subprocess, "run", build)
    assert assemble.main() == 2


def test_the_books_own_folder_comes_first_and_half_a_run_counts_for_nothing(
    tmp_path: Path,
) -> None:
    book, runs = tmp_path / "book", tmp_path / "runs"
    ours, theirs = leave(book / "tiny"), leave(runs / "tiny")
    assert assemble.executed("tiny", book=book, runs=runs) == ours
    (ours / "rows.csv").unlink()
    assert assemble.executed("tiny", book=book, runs=runs) == theirs
    (theirs / "tiny.ipynb").unlink()
    with pytest.raises(DataMissing):
        assemble.executed("tiny", book=book, runs=runs)
