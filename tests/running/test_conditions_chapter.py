"""The chapter on abnormal conditions: parameters, bad input, real conditions where given."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lib import errors, parameters, results
from lib.data import cure_tsr

BASE: dict[str, Any] = {
    "conditions": ["noise", "haze"],
    "levels": [1, 5],
    "epochs": 1,
    "train_limit": 48,
    "test_limit": 20,
    "batch_size": 16,
}
OTHER_VALUES: dict[str, Any] = {
    "conditions": ["noise", "rain"],
    "levels": [2, 5],
    "seeds": [1],
    "epochs": 2,
    "alpha": 0.3,
    "beta": 1.2,
    "learning_rate": 0.01,
    "batch_size": 8,
    "train_limit": 32,
    "test_limit": 16,
}
# tested below by what they do, since another value need not move a number
OTHERWISE = {"profile", "dataset", "data_root", "trust", "device"}


@pytest.fixture(scope="module")
def cells(chapter_cells):
    return partial(chapter_cells, "conditions")


@pytest.fixture(scope="module")
def base(cells) -> pd.DataFrame:
    return cells("provenance", **BASE)["rows"]


def test_every_parameter_is_tried() -> None:
    assert set(OTHER_VALUES) | OTHERWISE == set(parameters.declared("conditions"))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_changes_the_rows(cells, base: pd.DataFrame, name: str) -> None:
    rows = cells("provenance", **BASE | {name: OTHER_VALUES[name]})["rows"]
    assert len(rows) == len(base)
    assert not np.array_equal(rows["value"], base["value"])


def test_the_same_values_give_the_same_rows(cells, base: pd.DataFrame) -> None:
    again = cells("provenance", **BASE)["rows"]
    pd.testing.assert_frame_equal(again, base, check_exact=True)


def test_the_mean_over_levels_is_that_of_its_rows(base: pd.DataFrame) -> None:
    kept = base[(base["method"] == "CAE") & (base["class"] == "condition=haze")]
    single = kept[kept["variant"].str.contains("level=")]["value"]
    whole = kept[kept["variant"] == ""]["value"]
    # float64 sums of two numbers
    assert len(single) == 2 and float(whole.iloc[0]) == pytest.approx(single.mean(), abs=1e-12)
    assert "average" not in set(base["class"])  # some conditions and levels were left out


def test_conditions_do_not_pass_for_classes(base: pd.DataFrame) -> None:
    # the scoreboard takes the mean over all classes of a set, and conditions are none
    assert len(results.with_averages(base)) == len(base)


def test_all_conditions_and_levels_have_an_average(cells) -> None:
    values = BASE | {"conditions": [], "levels": [1, 2, 3, 4, 5], "test_limit": 6}
    rows = cells("no such name", **values)["rows"]
    kept = rows[(rows["method"] == "CAE") & (rows["variant"] == "")]
    average = kept[kept["class"] == "average"]["value"]
    others = kept[kept["class"] != "average"]["value"]
    assert len(others) == 11  # twelve, less the one that needs colour
    assert float(average.iloc[0]) == pytest.approx(others.mean(), abs=1e-12)  # float64


def write_signs(root: Path) -> Path:
    """A tiny CURE-TSR: six training and four test signs, clean and under all conditions."""
    rng = np.random.default_rng(0)
    for split, count in (("Real_Train", 20), ("Real_Test", 4)):
        for number, (condition, folder) in enumerate(cure_tsr.CONDITION_FOLDERS.items()):
            for level in (0,) if condition == cure_tsr.CLEAN else cure_tsr.LEVELS:
                where = root / cure_tsr.FOLDER / split / (f"{folder}-{level}" if level else folder)
                where.mkdir(parents=True)
                for i in range(count if not level else 4):
                    sign = 1 + i % 2
                    name = f"01_{sign:02}_{number:02}_{level:02}_{i:04}.bmp"
                    pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(where / name)
    return root


def test_real_conditions_are_read_where_the_reader_has_them(cells, tmp_path: Path) -> None:
    root = write_signs(tmp_path)
    values = BASE | {"dataset": "cure-tsr", "data_root": str(root), "batch_size": 4}
    found = cells("provenance", **values)
    assert set(found["rows"]["dataset"]) == {"CURE-TSR"}
    assert set(found["rows"]["class"]) == {"condition=noise", "condition=haze"}
    assert found["provenance"]["data_origin"] == "unverified"
    assert str(tmp_path) not in str(found["provenance"])


def test_without_the_real_set_the_reader_is_told_where_to_ask(cells, tmp_path: Path) -> None:
    with pytest.raises(errors.DataMissing, match="on request only"):
        cells("images", **BASE | {"dataset": "cure-tsr", "data_root": str(tmp_path)})


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        ({"conditions": ["fog"]}, errors.BadInput, "conditions must be among lens blur"),
        ({"conditions": ["decolorization"]}, errors.BadInput, "'decolorization' is not"),
        ({"conditions": ["haze", "haze"]}, errors.BadInput, "must not name one entry twice"),
        ({"levels": [0]}, errors.BadInput, "levels needs whole numbers from 1 to 5"),
        ({"levels": [6]}, errors.BadInput, "levels needs whole numbers from 1 to 5"),
        ({"levels": []}, errors.BadInput, "levels needs whole numbers from 1 to 5"),
        ({"seeds": []}, errors.BadInput, "seeds needs entries from 0 up"),
        ({"seeds": [-1]}, errors.BadInput, "seeds needs entries from 0 up"),
        ({"epochs": 0}, errors.BadInput, "epochs must be a whole number of at least 1; it was 0"),
        ({"alpha": 0.0}, errors.BadInput, "alpha must be above 0"),
        ({"learning_rate": 0.0}, errors.BadInput, "learning_rate must be a number above 0"),
        ({"train_limit": -1}, errors.BadInput, "train_limit must be at least 0; it was -1"),
        ({"test_limit": -1}, errors.BadInput, "test_limit must be at least 0; it was -1"),
        ({"device": "gpu"}, errors.CompanionError, "cuda"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_sentence(
    cells, values: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    parameters.check("conditions", values)  # so it is the chapter itself that refuses
    with pytest.raises(kind, match=sentence) as told:
        cells("provenance", **BASE | values)
    assert "\n" not in str(told.value)
