"""Tables of a page: published, reference and this build, side by side and never mixed."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from lib.errors import BadInput, UnknownName
from lib.numbers import Page, frame, open_page, styled, write_rows, write_runs
from tests.numbers.conftest import MakeBook, Rows, printed_of, rows_of, runs_of

HIGH, LOW = [0.90, 0.91, 0.92], [0.80, 0.82, 0.81]


def classes_of(method: str, values: dict[str, float], **cells: object) -> Rows:
    return [line for c, v in values.items() for line in rows_of(method, [v], class_=c, **cells)]


@pytest.fixture
def page(make: MakeBook) -> Page:
    book = make(
        {"p-first": {"rule": "A > B"}, "p-second": {"rule": "B > A"}, "q": {"rule": "A > B"}},
        rows_of("A", HIGH),
        rows_of("B", LOW),
        rows_of("untrained", [0.99]),
        rows_of("A", [0.1, 0.2], class_="3"),
        rows_of("A", [0.4], class_="12"),
        *[rows_of("A", [0.1 * k], variant=f"layer={k}") for k in (1, 2, 10)],
        rows_of("A", [0.7], variant="alpha=0;layer=1"),
        rows_of("F", [0.5, 0.25], n=200),
        names={"rate": {"method": "F", "rate": True}},
        printed=printed_of({"A": 0.661, "B": 0.7}),
        pages=["p"],
        stand_in={"MNIST": "MNIST-5k"},
    )
    build = rows_of("A", [0.6], dataset="MNIST-5k") + rows_of("B", [0.65], dataset="MNIST-5k")
    return open_page("p", frame(build), book=book)


def bold(table: object) -> list[tuple[int, int]]:
    """Places of the bold cells, by line and column."""
    table._compute()  # type: ignore[attr-defined]
    marks = table.ctx  # type: ignore[attr-defined]
    return sorted(place for place, css in marks.items() if ("font-weight", "bold") in css)


def test_a_line_per_number_and_a_column_per_source(page: Page) -> None:
    table = page.compare({"a": "A", "b": "B"}, caption="A caption.")
    assert table.data.to_dict("split")["data"] == [
        ["0.661", "0.910 ± 0.025", "0.600"],
        ["0.700", "0.810 ± 0.025", "0.650"],
    ]
    assert list(table.data.columns) == ["published", "reference", "this build"]
    assert bold(table) == [(0, 1), (1, 0), (1, 2)]
    assert table.caption == "A caption. This build: MNIST-5k in place of MNIST."


def test_the_lowest_or_nothing_may_be_best(page: Page) -> None:
    assert bold(page.compare({"a": "A", "b": "B"}, best="low")) == [(0, 0), (0, 2), (1, 1)]
    assert bold(page.compare({"a": "A", "b": "B"}, best="")) == []
    assert bold(page.compare({"a": "A"})) == []  # no rival


def test_baselines_come_last_and_are_never_best(page: Page) -> None:
    cells = {"table": "baseline-auroc", "dataset": "MNIST", "score": "recon", "class": "average"}
    line = {"method": "untrained", "metric": "AUROC", **cells}
    table = page.compare({"a": "A", "b": "B"}, baselines={"untrained": line})
    assert list(table.data.index) == ["a", "b", "untrained"]
    assert table.data.loc["untrained", "reference"] == "0.990"
    assert (0, 1) in bold(table) and (2, 1) not in bold(table)
    assert bold(page.compare({"a": "A", "b": "B"}, baselines={"u": line}, best="")) == []


def test_cells_and_columns_fill_what_a_name_leaves_open(page: Page) -> None:
    columns = {"3": {"class": "3"}, "12": {"class": "12"}, "none": {"class": "7"}}
    table = page.compare({"a": "A", "b": "B"}, columns=columns)
    assert list(table.data.columns) == [("3", "reference"), ("12", "reference")]
    assert table.data.iloc[0].tolist() == ["0.150 ± 0.635", "0.400"]
    assert table.data.iloc[1].tolist() == ["", ""]
    layers = page.compare({"a": "A"}, layer=2)
    assert layers.data.loc["a", "reference"] == "0.200"


def test_a_rate_pools_the_trials(page: Page) -> None:
    assert page.compare({"f": "rate"}).data.iloc[0, 0] == "0.375 [0.329, 0.423]"
    own = {"f": {"method": "F"}}
    cells = {"table": "baseline-auroc", "dataset": "MNIST", "score": "recon", "metric": "AUROC"}
    told = page.compare(own, rate=True, decimals=2, class_="average", **cells)
    assert told.data.iloc[0, 0] == "0.38 [0.33, 0.42]"


def test_unknown_names_and_columns_are_refused(page: Page) -> None:
    with pytest.raises(UnknownName, match="no number named 'C'"):
        page.compare({"c": "C"})
    with pytest.raises(UnknownName, match="no column 'colour'"):
        page.compare({"a": {"colour": "red"}})
    with pytest.raises(UnknownName, match="no column 'colour'"):
        page.values(colour="red")
    with pytest.raises(UnknownName, match=r"no source 'refrence'\. Did you mean 'reference'"):
        page.values("refrence")


def test_classes_put_the_average_first_and_digits_in_order(page: Page) -> None:
    table = page.classes(table="baseline-auroc", dataset="MNIST", methods=["B", "A"])
    assert list(table.data.columns) == ["method", "score", "source", "average", "3", "12"]
    lines = table.data[["method", "source", "average", "3"]].values.tolist()
    assert lines == [
        ["A", "published", "0.661", ""],
        ["A", "reference", "0.910 ± 0.025", "0.150 ± 0.635"],
        ["A", "this build", "0.600", ""],
        ["B", "published", "0.700", ""],
        ["B", "reference", "0.810 ± 0.025", ""],
        ["B", "this build", "0.650", ""],
    ]


def test_classes_of_another_setting(page: Page) -> None:
    table = page.classes(table="baseline-auroc", dataset="MNIST", layer=2)
    assert table.data[["source", "average"]].values.tolist() == [["reference", "0.200"]]


def test_grid_of_a_setting(page: Page) -> None:
    table = page.grid(rows="layer", columns="class", method="A", caption="c")
    assert table.data.index.tolist() == [1, 2, 10] and table.data.index.name == "layer"
    assert table.data["average"].tolist() == ["0.100", "0.200", "1.000"]
    plain = page.grid(rows="method", columns="class")
    assert plain.data.loc["A"].tolist() == ["0.910 ± 0.025", "0.150 ± 0.635", "0.400"]
    with pytest.raises(BadInput, match="Rows of one cell differ in method"):
        page.grid(rows="metric", columns="class")


def test_values_want_exactly_these_settings(page: Page) -> None:
    assert page.values(method="A", class_="average")["value"].tolist() == HIGH
    layers = page.values(method="A", layer="*")
    assert layers["layer"].tolist() == [1, 2, 10]
    assert page.values(method="A", layer=2)["value"].tolist() == [0.2]
    assert page.values(method="A", layer=[1, 10])["layer"].tolist() == [1, 10]
    both = page.values(method="A", layer=1, alpha="*")
    assert both["value"].tolist() == [0.7] and both["alpha"].tolist() == [0]
    assert page.values(method="A", variant="layer=2")["value"].tolist() == [0.2]
    assert set(page.values(method=["A", "B"])["method"]) == {"A", "B"}
    assert page.values("published", method="B")["value"].tolist() == [0.7]
    assert page.values("this build", dataset="MNIST", method="A")["value"].tolist() == [0.6]
    assert page.values("this build", dataset=["MNIST"])["dataset"].unique().tolist() == ["MNIST-5k"]


def test_verdicts_link_to_the_scoreboard(page: Page) -> None:
    table = page.verdicts("p-")
    assert len(table.data) == 2
    first = table.data.iloc[0]
    assert 'href="scoreboard.html#claim-p-first"' in first["verdict"]
    assert 'class="verdict reproduced">reproduced<' in first["verdict"]
    assert first["published"] == "0.661 against 0.700"
    assert first["reference"] == "0.910 ± 0.025 against 0.810 ± 0.025"
    assert first["this build"].startswith("0.600 against 0.650<br>")
    assert "not at this budget" in first["this build"]
    assert "Rule: A &gt; B." in first["why"] and "<script" not in table.to_html()
    assert len(page.verdicts("q", "p-second").data) == 2
    with pytest.raises(UnknownName, match="No claim begins with 'r'"):
        page.verdicts("r")


def test_a_build_on_the_full_set_stands_for_itself(page: Page) -> None:
    full = open_page("p", SimpleNamespace(rows=frame(rows_of("A", [0.5]))), book=page.book)
    table = full.compare({"a": "A"}, caption="c")
    assert table.data.loc["a", "this build"] == "0.500" and table.caption == "c"
    assert full.values("published", method="A")["value"].tolist() == [0.661]


def test_a_page_opens_what_a_run_has_left(page: Page, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", frame(rows_of("A", HIGH) + rows_of("B", LOW)))
    write_runs(tmp_path / "runs.csv", runs_of())
    opened = open_page("p", tmp_path, book=page.book)
    assert 'verdict reproduced">' in opened.verdicts("p-first").data.loc[0, "this build"]


def test_styled_tables() -> None:
    table = pd.DataFrame({"a": ["x"]})
    assert 'class="words"' in styled(table, kind="words").to_html()
    assert styled(table, "c").caption == "c"
