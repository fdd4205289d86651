"""Abnormal conditions: settings, rows by hand, and real conditions where a reader has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lib import data, errors, numbers, training
from lib.data import cure_tsr
from lib.experiments import conditions
from lib.experiments.conditions import Settings, measure
from lib.run import parameters

BASE: dict[str, Any] = {
    "conditions": ["noise", "haze"],
    "levels": [1, 5],
    "train_limit": 48,
    "test_limit": 20,
    "batch_size": 16,
}


def settings(**values: Any) -> Settings:
    defaults = {name: p.default for name, p in parameters.declared("conditions").items()}
    return Settings(**defaults | BASE | values)


@pytest.fixture(autouse=True)
def small(monkeypatch, few_digits):
    """A few digits in place of all."""
    monkeypatch.setattr(conditions.data, "load", lambda *args, **kwargs: few_digits)


@pytest.fixture
def fits(monkeypatch) -> list[dict[str, Any]]:
    """The arguments of each training, none of which trains."""
    calls = []

    def untrained(model, train, validation, **options):
        calls.append({"train": train, "validation": validation, **options})
        reference = training.mean_gradient(model, train[:8])
        return training.Fitted(model, reference, 1, [{"validation_L": 0.0}])

    monkeypatch.setattr(training, "fit", untrained)
    return calls


def rows_of(**values: Any) -> pd.DataFrame:
    return measure(settings(**values), progress=lambda line: None).rows.drop(columns="run")


def test_the_chapter_s_parameters_are_the_settings() -> None:
    assert list(parameters.declared("conditions")) == list(Settings.model_fields)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"conditions": ["haze", "haze"]}, "conditions must have each entry once"),
        ({"levels": [0]}, "levels"),
        ({"levels": [6]}, "levels"),
        ({"levels": []}, "levels"),
        ({"seeds": []}, "seeds"),
        ({"epochs": 0}, "epochs should be greater than or equal to 1"),
        ({"alpha": 0.0}, "alpha should be greater than 0"),
        ({"learning_rate": 0.0}, "learning_rate should be greater than 0"),
        ({"train_limit": -1}, "train_limit"),
        ({"test_limit": 1.5}, "test_limit"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_settings_are_refused_in_one_sentence(values, sentence) -> None:
    with pytest.raises(errors.CompanionError, match=sentence) as caught:
        settings(**values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["decolorization"])
def test_conditions_that_change_nothing_are_refused_before_any_training(fits, name) -> None:
    with pytest.raises(errors.BadInput, match=f"conditions must be among lens blur.*{name!r}"):
        measure(settings(conditions=[name]))
    assert not fits


def test_a_training_is_given_its_settings(fits) -> None:
    rows_of(seeds=[0, 1], epochs=9, alpha=0.3, learning_rate=0.5, batch_size=5)
    assert [call["alpha"] for call in fits] == [0.0, 0.3, 0.0, 0.3]
    for call in fits:
        assert (call["epochs"], call["learning_rate"], call["batch_size"]) == (9, 0.5, 5)
        assert len(call["train"]) == 48 and len(call["validation"]) == 5  # a ninth of 48
    (a, b), (c, d) = [[call["train"] for call in fits[i : i + 2]] for i in (0, 2)]
    assert a.equal(b) and c.equal(d) and not a.equal(c)  # a split for each seed, not each network


def test_brightness_by_counting_pairs(fits) -> None:
    measured = measure(settings(), progress=lambda line: None)
    split = measured.splits[0]
    aurocs = []
    for level in (1, 5):
        drawn = training.numpy_generator(0, "condition", "noise")
        noisy = data.apply_condition(split.test, "noise", level=level, rng=drawn)
        clean, changed = (x.mean((1, 2, 3)).tolist() for x in (split.test, noisy))
        aurocs.append(np.mean([(a > b) + (a == b) / 2 for a in changed for b in clean]))
    rows = measured.rows[measured.rows["method"] == "mean brightness"]
    rows = rows[rows["class"] == "condition=noise"].set_index("variant")
    found = rows.loc[["level=1", "level=5", ""], "value"].tolist()
    # float32 sums in another order: one of 400 pairs may be nearly equal
    assert found == pytest.approx([*aurocs, np.mean(aurocs)], abs=3e-3)
    assert rows.loc["level=1", "n"] == 40 and rows.loc["", "n"] == 80


def test_an_average_is_over_all_conditions_and_levels(fits, monkeypatch) -> None:
    few = rows_of()
    assert "average" not in set(few["class"])
    # and conditions do not pass for classes, of which the scoreboard takes the mean
    assert len(numbers.with_averages(few.assign(run="any"))) == len(few)
    brightness = lambda split, x, beta: {("CAE", "recon"): x.mean((1, 2, 3)).numpy()}  # noqa: E731
    monkeypatch.setattr(conditions, "line_scores", brightness)
    rows = rows_of(conditions=[], levels=[1, 2, 3, 4, 5], test_limit=6)
    means = rows[rows["variant"] == ""].set_index("class")["value"]
    others = means.drop("average")
    assert len(others) == 11  # twelve, less the one that needs colour
    assert means["average"] == pytest.approx(others.mean(), abs=1e-12)  # float64


def test_changed_settings_stand_in_the_variants_they_concern(fits) -> None:
    rows = rows_of(alpha=0.3, beta=0.5, learning_rate=0.5, levels=[1])
    cells = rows[~rows["variant"].str.contains("level")][["method", "score", "variant"]]
    assert set(cells.itertuples(index=False, name=None)) == {
        ("CAE", "recon", "lr=0.5"),
        ("CAE+Grad", "grad", "alpha=0;lr=0.5"),  # the control
        ("CAE+Grad", "recon", "alpha=0.3;lr=0.5"),
        ("CAE+Grad", "grad", "alpha=0.3;lr=0.5"),
        ("GradCon", conditions.GRADCON, "alpha=0.3;beta=0.5;lr=0.5"),
        ("untrained CAE", "recon", "lr=0.5"),
        ("untrained CAE", "grad", "lr=0.5"),
        ("mean brightness", "", "lr=0.5"),
        ("distance to mean", "", "lr=0.5"),
    }


def test_beta_weighs_the_combined_score_alone(fits) -> None:
    base, other = rows_of(beta=0.0), rows_of(beta=9.0)
    moved = set(base["method"][base["value"].to_numpy() != other["value"].to_numpy()])
    assert moved == {"GradCon"}
    recon = base[(base["method"] == "CAE+Grad") & (base["score"] == "recon")]["value"]
    assert base[base["method"] == "GradCon"]["value"].tolist() == recon.tolist()


def test_checked_numbers_are_means_over_conditions(fits) -> None:
    rows = measure(settings(), progress=lambda line: None).rows
    found = conditions.checked(rows)
    assert len(found) == 9 and {"CAE grad", "CAE+Grad grad", "untrained recon"} < set(found)
    own = rows[(rows["method"] == "GradCon") & (rows["variant"] == "")]
    assert found["GradCon"] == pytest.approx(own["value"].mean(), abs=1e-12)


# --- real conditions


def write_signs(root: Path) -> Path:
    """A tiny CURE-TSR: twenty training and four test signs, clean and under all conditions."""
    rng = np.random.default_rng(0)
    for split, count in (("Real_Train", 20), ("Real_Test", 4)):
        for number, (condition, folder) in enumerate(cure_tsr.CONDITION_FOLDERS.items()):
            for level in (0,) if condition == cure_tsr.CLEAN else (1, 5):
                where = root / cure_tsr.FOLDER / split / (f"{folder}-{level}" if level else folder)
                where.mkdir(parents=True)
                for i in range(count if not level else 4):
                    name = f"01_{1 + i % 2:02}_{number:02}_{level:02}_{i:04}.bmp"
                    pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(where / name)
    return root


def test_real_conditions_are_read_where_the_reader_has_them(fits, tmp_path: Path) -> None:
    root = write_signs(tmp_path)
    rows = rows_of(dataset="cure-tsr", data_root=str(root))
    assert set(rows["dataset"]) == {"CURE-TSR"}
    assert set(rows["class"]) == {"condition=noise", "condition=haze"}
    assert set(rows["n"]) == {8, 16}  # four clean and four changed signs, at one and two levels
