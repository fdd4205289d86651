"""Making golden notebooks and expectations: nbval passes them, and nothing bad is stored."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib import accept
from lib.errors import BadInput
from lib.results import load_expected


def test_accepted_notebook_passes_nbval_and_leaves_nothing_behind(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goldens = tmp_path / "goldens"
    monkeypatch.setattr(accept, "GOLDEN", goldens)
    monkeypatch.setattr(accept, "BUILD", tmp_path / "build")
    target = accept.accept("tiny", progress=False)
    assert "said" not in target.read_text() and "# A tiny chapter" not in target.read_text()

    def nbval() -> int:
        line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
        env = {k: v for k, v in os.environ.items() if k != "COMPANION_WORK"}
        run = [*line, "--rootdir", str(goldens), str(target)]
        return subprocess.run(run, env=env, cwd=tmp_path, capture_output=True).returncode

    assert nbval() == 0
    assert [path.name for path in goldens.iterdir()] == ["tiny.ipynb"]
    target.write_text(target.read_text().replace("rows 1", "rows 2"))
    assert nbval() == 1

    # digit 9 is off: the run is refused with the line, and the old golden stays
    before = target.read_text()
    (tiny / "profiles/smoke.yml").write_text("tiny: {digit: 9}\n")
    with pytest.raises(BadInput, match=r"a number is off: 'digit: expected 3.000 ± 1.000: OFF'"):
        accept.accept("tiny", progress=False)
    assert target.read_text() == before


def test_expectations_are_measured_over_the_seeds_of_the_smoke_profile(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def instant(chapter: str, *, profile: str, values: dict, output: Path, progress: bool) -> Path:
        asked.append((profile, copy.deepcopy(values)))
        output.mkdir(parents=True)
        (output / "checked.csv").write_text(f"name,value\nrecon,{0.9 + values['seeds'][0] / 100}\n")
        return output

    monkeypatch.setattr(accept, "execute", instant)
    monkeypatch.setattr(accept, "EXPECTED", tmp_path / "expected")
    monkeypatch.setattr(accept, "BUILD", tmp_path / "build")
    target = accept.measure_expectations("tiny")
    assert asked == [("smoke", {"profile": "custom", "seeds": [seed]}) for seed in range(8)]
    # 0.90 to 0.97: squared deviations in hundredths 2 · (0.5² + 1.5² + 2.5² + 3.5²) = 42
    found = load_expected(target)["recon"]
    assert found.mean == pytest.approx(0.935, abs=1e-12)  # float64 sums
    assert found.width == pytest.approx(2 * (42e-4 / 7) ** 0.5, abs=1e-12)


def test_a_chapter_that_checks_nothing_has_no_expectations(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "execute", lambda *args, **kwargs: tmp_path)
    monkeypatch.setattr(accept, "EXPECTED", tmp_path / "expected")
    with pytest.raises(BadInput, match="Chapter tiny leaves no checked numbers"):
        accept.measure_expectations("tiny")
    text = (tiny / "tiny.py").read_text()
    (tiny / "tiny.py").write_text(text.replace("seeds = [0]", "starts = [0]"))
    with pytest.raises(BadInput, match="no parameter seeds"):
        accept.measure_expectations("tiny")
    assert not (tmp_path / "expected").exists()
