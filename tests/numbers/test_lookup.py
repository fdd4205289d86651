"""An address names a number: cells, settings of the variant, defaults."""

import pytest

from lib.errors import BadInput, UnknownName
from lib.metrics import Interval
from lib.numbers import Lookup, address, frame, interval_text
from tests.numbers.conftest import AVERAGE, rows_of


def test_an_address_has_every_column_as_text() -> None:
    found = address({"method": "A", "class_": 3, "layer": 2.0, "alpha": 0}, {"dataset": "MNIST"})
    assert found == {
        "table": "",
        "dataset": "MNIST",
        "method": "A",
        "score": "",
        "class": "3",
        "variant": "alpha=0;layer=2",
        "metric": "",
    }
    joined = address({"variant": "layer=2", "alpha": 0})
    assert joined["variant"] == "alpha=0;layer=2"
    assert address({"lambda": 0.9})["variant"] == "lambda=0.9"
    with pytest.raises(UnknownName, match=r"no column 'methd'\. Did you mean 'method'"):
        address({"methd": "A"})
    with pytest.raises(BadInput, match="must be text, but None came"):
        address({"method": None})  # type: ignore[dict-item]


def test_entries_and_intervals() -> None:
    rows = Lookup(frame(rows_of("A", [0.5, 0.25], n=200) + rows_of("A", [1.0], variant="layer=1")))
    cells = AVERAGE | {"method": "A"}
    assert [entry.value for entry in rows.entries(cells)] == [0.5, 0.25]
    mean = rows.interval(cells)
    assert mean is not None and mean.mean == 0.375 and mean.n == 2
    rate = rows.interval(cells, rate=True)
    # 100 + 50 of 400, Wilson at 95 %: (0.375 + z²/800 ± ...) / (1 + z²/400)
    assert rate is not None and rate.n == 400
    assert (rate.low, rate.high) == pytest.approx((0.3289, 0.4234), abs=1e-4)  # typed digits
    assert rows.interval(cells | {"layer": 1}) == Interval(1.0, -float("inf"), float("inf"), 1)
    assert rows.interval(AVERAGE | {"method": "B"}) is None


def test_texts() -> None:
    for interval, more, text in [
        (Interval(0.9684, 0.9644, 0.9724, 3), {}, "0.968 ± 0.004"),
        (Interval(0.9684, -1, 1, 1), {}, "0.968"),
        (Interval(0.51, 0.47, 0.55, 600), {"rate": True, "decimals": 2}, "0.51 [0.47, 0.55]"),
        (Interval(17525.4, 14692, 20358, 3), {}, "17,525 ± 2,833"),
    ]:
        assert interval_text(interval, **more) == text  # type: ignore[arg-type]
