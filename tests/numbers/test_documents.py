"""The documents' numbers: their kinds, and whether their printed averages add up."""

import pytest

from lib.errors import BadInput, UnknownName
from lib.numbers import published
from lib.numbers.documents import PUBLISHED_COLUMNS


def test_every_file_is_read_and_kinds_follow_the_tables():
    table = published()
    assert tuple(table.columns) == PUBLISHED_COLUMNS
    assert {"gradcon-slides", "localization-paper", "oracle-slides", "dae-slides"} <= set(
        table["source"]
    )
    settings = {"settings", "hybrid-lambda", "class-split", "data-split", "rings"}
    kinds = {name: set(group["kind"]) for name, group in table.groupby("table")}
    assert {name for name, found in kinds.items() if found == {"setting"}} == settings
    assert kinds["background"] == {"background"}
    assert kinds["results-gaps"] == kinds["improvements"] == {"derived"}
    assert kinds["fooling"] == {"measured", "blank"}
    for name in ("baseline-auroc", "sota-auroc", "fashion-mnist", "results-q1-q2"):
        assert kinds[name] == {"measured"}


def test_blank_rows_and_only_they_have_no_value():
    table = published()
    blank = table[table["kind"] == "blank"]
    assert len(blank) == 8  # dashes below "average steps"
    assert blank["value"].isna().all()
    assert table["value"].notna().sum() == len(table) - 8


def test_keys_are_unique_so_that_joining_never_doubles_a_row():
    table = published()
    assert not table.duplicated(["table", "dataset", "method", "score", "class", "metric"]).any()


def test_printed_averages_agree_with_their_entries_but_for_ocgan():
    table = published("gradcon-slides")
    table = table[table["table"].isin(["baseline-auroc", "sota-auroc"])]
    off = {}
    keys = ["table", "dataset", "method", "score"]
    for key, group in table.groupby(keys, sort=False):
        printed = group[group["class"] == "average"]["value"].item()
        entries = group[group["class"] != "average"]["value"]
        assert len(entries) == 10
        # entries and average are rounded to three decimals: 0.0005 for each
        # two roundings could make 0.001; only the average's own, 0.0005, and half of another seen
        if abs(printed - entries.mean()) > 0.0006:
            off[key] = (printed, round(float(entries.mean()), 4))
    assert off == {("sota-auroc", "CIFAR-10", "OCGAN", ""): (0.657, 0.6563)}


def test_unknown_source_and_missing_or_broken_files(tmp_path):
    with pytest.raises(UnknownName, match=r"'gradcon'.* Did you mean 'gradcon-slides'"):
        published("gradcon")
    head = ",".join(PUBLISHED_COLUMNS)
    broken = {
        "no kind": "source,table\na,b\n",
        "unknown kind": f"{head}\ns,t,d,m,s,c,0.5,AUROC,seed,,guessed\n",
        "value missing": f"{head}\ns,t,d,m,s,c,,AUROC,seed,,measured\n",
        "blank with value": f"{head}\ns,t,d,m,s,c,0.5,AUROC,seed,,blank\n",
    }
    for text in broken.values():
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(BadInput, match=r"x\.csv"):
            published(folder=tmp_path)
