"""Making golden notebooks and expectations: nbval passes them, and nothing bad is stored."""

import copy
import os
from pathlib import Path

import pytest

from lib.errors import BadInput
from lib.numbers import load_expected
from lib.run import accept, golden


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
    monkeypatch.setattr(golden, "EXPECTED", tmp_path / "expected")
    monkeypatch.setattr(accept, "BUILD", tmp_path / "build")
    target = accept.measure_expectations("tiny")
    assert asked == [("smoke", {"seeds": [seed]}) for seed in range(8)]
    assert golden.MEASURING not in os.environ
    # 0.90 to 0.97: squared deviations in hundredths 2 · (0.5² + 1.5² + 2.5² + 3.5²) = 42
    found = load_expected(target)["recon"]
    assert found.mean == pytest.approx(0.935, abs=1e-12)  # float64 sums
    assert found.width == pytest.approx(2 * (42e-4 / 7) ** 0.5, abs=1e-12)


def test_a_chapter_that_checks_nothing_has_no_expectations(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "execute", lambda *args, **kwargs: tmp_path)
    monkeypatch.setattr(golden, "EXPECTED", tmp_path / "expected")
    with pytest.raises(BadInput, match="Chapter tiny leaves no checked numbers"):
        accept.measure_expectations("tiny")
    text = (tiny / "tiny.py").read_text()
    (tiny / "tiny.py").write_text(text.replace("seeds = [0]", "starts = [0]"))
    with pytest.raises(BadInput, match="no parameter seeds"):
        accept.measure_expectations("tiny")
    assert not (tmp_path / "expected").exists()
