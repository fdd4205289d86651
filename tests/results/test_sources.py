"""The rows that a page reads: the right ones, pooled by hand, and told set by set."""

import math

import pandas as pd
import pytest

from lib import results
from lib.errors import BadInput, UnknownName
from lib.numbers.documents import PUBLISHED_COLUMNS

CELLS = {"table": "t", "method": "m", "score": "s", "class_": "c", "metric": "rate"}
M = {"method": "m"}
BUILD = results.BUILD


def rows_of(title, rates, trials=(10, 30), **setting):
    add, made = results.collector(run="planted", dataset=title)
    for seed, (rate, n) in enumerate(zip(rates, trials, strict=True)):
        add(rate, **CELLS, seed=seed, n=n, **setting)
    return results.frame(made)


def both(*frames):
    return pd.concat(frames, ignore_index=True)


PUBLISHED = pd.DataFrame(columns=list(PUBLISHED_COLUMNS))
OF = results.Sources(
    published=PUBLISHED,
    reference={
        "A": both(rows_of("A", (0.5, 1.0)), rows_of("A", (0.1, 0.1), arm="x")),
        "B": rows_of("B", (0.0, 1.0)),
        "C": rows_of("C", (0.0, 1.0)),
    },
    build=both(rows_of("small", (0.2, 0.2), noise=0.3), rows_of("small", (0.9, 0.9))),
    title="small",
    full="A",
    changed={"noise": 0.3},
)
ALONE = results.Sources(
    published=PUBLISHED, reference={}, build=OF.build, title="small", full="A", changed=OF.changed
)


def test_the_reference_is_told_where_there_is_one():
    assert OF.places == ["A", "B", "C", BUILD]
    assert OF.told == ["A", "B", "C"] and OF.words == "our reference"
    assert ALONE.told == [BUILD] == ALONE.places and ALONE.words == "this build"
    with pytest.raises(UnknownName, match="no rows of 'D'"):
        OF.rows("D")


def test_rows_are_chosen_with_all_that_varies():
    assert results.chosen(OF, "A", M)["value"].tolist() == [0.5, 1.0]
    assert results.chosen(OF, "A", M, setting={"arm": "x"})["value"].tolist() == [0.1, 0.1]
    # the build differs from its profile, so that its main rows have that setting
    assert results.chosen(OF, BUILD, {"class_": "c"})["value"].tolist() == [0.2, 0.2]
    assert results.chosen(OF, BUILD, {"class": "c"})["value"].tolist() == [0.2, 0.2]
    assert results.chosen(OF, BUILD, M, setting={"arm": "x"}).empty
    with pytest.raises(BadInput, match="no column 'methd'"):
        results.chosen(OF, "A", {"methd": "m"})


def test_means_over_seeds():
    assert results.mean_of(OF, "A", M) == 0.75
    assert math.isnan(results.mean_of(OF, "A", {"method": "other"}))
    # Student's t of two values: half width 12.706 * 0.35355 / sqrt(2) = 3.1766
    assert results.mean_words(OF, "A", M) == "0.750 ± 3.177"
    assert results.mean_words(OF, "A", M, decimals=0) == "1 ± 3"
    assert results.mean_words(OF, "A", {"method": "other"}) == ""


def test_trials_of_all_seeds_are_pooled():
    found = results.pooled_rate(OF, "A", M)
    assert (found.mean, found.n) == (35 / 40, 40)  # 5 of 10 and 30 of 30, not (0.5 + 1) / 2
    # Wilson by hand, z = 1.96: centre (35 + 1.92) / 43.84, half 1.96 / 43.84 * sqrt(4.375 + 0.96)
    assert results.rate_words(OF, "A", M, n=True) == "0.88 [0.74, 0.95] of 40"
    assert results.rate_words(OF, "A", M) == "0.88 [0.74, 0.95]"
    assert results.pooled_rate(OF, "A", {"method": "other"}) is None
    assert results.rate_words(OF, "A", {"method": "other"}) == ""


def test_sets_of_one_text_are_told_together():
    def rate(where):
        return results.rate_words(OF, where, M)[:4]

    assert results.over_sets(OF, rate) == "on A 0.88, on B and C 0.75"
    assert results.over_sets(OF, rate, after=True) == "0.88 on A, 0.75 on B and C"
    assert results.over_sets(OF, lambda where: "") == "not measured"
    assert results.over_sets(OF, lambda where: "1", ["B", BUILD]) == (
        "on B and in this build (small) 1"
    )
    assert results.over_sets(OF, lambda where: where if where < "C" else "") == "on A A, on B B"
    # commas within a text ask for semicolons between them
    assert results.over_sets(OF, lambda w: f"{w}, 1", ["A", "B"]) == "on A A, 1; on B B, 1"
    assert results.place_words(OF, "A", "C") == "on A and C"
    assert results.place_words(OF, BUILD) == "in this build (small)"


def test_three_columns_read_each_kind_of_number_apart():
    printed = {"source": "d", "table": "t", "dataset": "A", "method": "m", "score": "s"}
    printed |= {"class": "c", "value": 0.4, "metric": "rate", "kind": "measured"}
    told = pd.DataFrame([dict.fromkeys(PUBLISHED.columns, "") | printed])
    of = results.Sources(
        published=told,
        reference=OF.reference,
        build=OF.build,
        title="small",
        full="A",
        changed=OF.changed,
    )
    cells = {"table": "t", "score": "s", "class": "c", "metric": "rate"}
    lines = {
        (title, name): {"dataset": title, "method": name, **cells}
        for title in ("A", "B")
        for name in ("m", "none")
    }
    found = results.three_columns(of, lines, "set", "network", decimals=1)
    assert found.index.names == ["set", "network"]
    assert found.index.tolist() == [("A", "m"), ("B", "m")]  # lines without numbers are left out
    assert found.loc[("A", "m")].tolist() == ["0.4", "0.8 ± 3.2", "0.2 ± 0.0"]
    assert found.loc[("B", "m")].tolist() == ["", "0.5 ± 6.4", ""]  # the build stands in for A
    alone = results.three_columns(ALONE, lines, "set", "network", decimals=1)
    assert alone.columns.tolist() == ["this build"] and alone.index.tolist() == [("A", "m")]


def test_sources_of_a_chapter_leave_other_chapters_out():
    own, other = rows_of("A", (0.5, 1.0)), rows_of("B", (0.0, 1.0))
    committed = both(own.assign(run="dae-1"), other.assign(run="dae2-1"))
    rows = both(rows_of("small", (0.2, 0.2)), rows_of("toy", (0.3, 0.3)))
    of = results.sources_of(
        *("dae", committed, rows, PUBLISHED),
        sets=("B", "A", "C"),
        title="small",
        full="A",
        changed={},
    )
    assert list(of.reference) == ["A"] and of.rows("A")["value"].tolist() == [0.5, 1.0]
    assert of.rows(BUILD)["value"].tolist() == [0.2, 0.2]
    assert of.words == "our reference"
    nothing = results.sources_of(
        *("dae", results.frame([]), rows, PUBLISHED),
        sets=("A",),
        title="small",
        full="A",
        changed={},
    )
    assert nothing.told == [BUILD]
