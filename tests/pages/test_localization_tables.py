"""What is read off several rows of the localization chapter at once, on small hand-made rows."""

import numpy as np
import pandas as pd
import pytest

from lib.pages import localization as lo
from lib.pages import localization_tables as tables
from lib.pages.localization_measured import large_place
from lib.results import frame, row

MNIST = "MNIST"


def lo_row(value, *, seed=0, variant="", class_="normal", **cells):
    given = {"run": "r", "table": "training", "dataset": MNIST, "method": lo.METHOD}
    given |= {"score": "", "metric": "validation error", "n": 10, "class_": class_}
    return row(**given | cells | {"variant": variant, "seed": seed, "value": value})


def digit(value, class_, *, arm="", seed=0, lr=""):
    settings = ";".join(filter(None, [f"arm={arm}" if arm else "", f"lr={lr}" if lr else ""]))
    place = lo.agreement_place(5, most=True)._replace(table="digits-top5-agreement")
    return lo_row(value, class_=class_, variant=settings, seed=seed, **place._asdict())


def source(rows, base=""):
    return tables.Source(frame(rows), MNIST, base)


def test_a_source_reads_its_own_setting():
    rows = [lo_row(1.0), lo_row(3.0, seed=1), lo_row(9.0, variant="lr=0.1")]
    rows += [lo_row(5.0, dataset="Fashion-MNIST"), lo_row(7.0, method="chance")]
    where = {"table": "training", "metric": "validation error", "class": "normal"}
    assert source(rows).values(**where).to_dict() == {0: 1.0, 1: 3.0}
    assert source(rows).mean(**where) == 2.0
    assert source(rows, "lr=0.1").mean(**where) == 9.0
    assert source(rows).mean(**where, method="chance") == 7.0
    assert np.isnan(source(rows).mean(**where, score="other"))
    assert len(source(rows).of_method()) == 3
    given = source(rows, "arm=5-9;lr=0.1").beside_base("arm=5-9;lr=0.2;noise=0.3")
    assert given == {"lr": "0.2", "noise": "0.3"}


def test_published_reference_and_build_stand_beside_each_other():
    place = large_place("saliency")
    cells = place._asdict()
    reference = source([lo_row(0.5, **cells), lo_row(0.7, seed=1, **cells)])
    own = [lo_row(0.4, variant="arm=5-9", **cells), lo_row(0.9, **cells)]
    own += [lo_row(0.1, variant="arm=5-9", method=lo.UNTRAINED, **cells)]
    own = [each | {"dataset": "MNIST-5k"} for each in own]
    build = tables.Source(frame(own), "MNIST-5k", "arm=5-9")
    document = pd.DataFrame(
        [{**lo.cells(place, "normal"), "dataset": MNIST, "method": lo.METHOD, "value": 0.6}]
    ).assign(kind="measured", source="", origin="", note="")
    lines = {"a": lo.cells(place, "normal")}
    found = tables.beside_document(lines, reference, build, document, decimals=1)
    # two values 0.2 apart: half width 12.706 · 0.1414 / sqrt(2) = 1.27
    assert found.loc["a"].to_dict() == {
        "published": "0.6",
        "reference": "0.6 ± 1.3",
        "this build": "0.4",
        "untrained": "0.1",
    }
    bare = tables.beside_document(lines, reference, build, document, beside={})
    assert list(bare.columns) == ["published", "reference", "this build"]


def test_classes_by_arm_in_the_base_setting_only():
    rows = [digit(0.1, "0"), digit(0.2, "0", arm="5-9"), digit(0.3, "0", arm="5-9", lr="0.1")]
    rows += [digit(0.9, "average")]
    found = tables.by_class(source(rows), 5, first="0-4")
    assert found[["arm", "value"]].to_numpy().tolist() == [["0-4", 0.1], ["5-9", 0.2]]
    found = tables.by_class(source(rows, "lr=0.1"), 5, first="0-4")
    assert found[["arm", "value"]].to_numpy().tolist() == [["5-9", 0.3]]
    assert tables.by_class(source(rows), 10, first="0-4").empty


def test_effects_need_both_roles_of_a_seed():
    rows = [digit(0.5, "0"), digit(0.25, "1"), digit(0.25, "0", arm="1"), digit(0.5, "1", arm="1")]
    rows += [digit(0.9, "0", seed=1), digit(0.9, "1", seed=1)]  # never swapped
    shares = tables.by_class(source(rows), 5, first="0")
    roles = {"first": "0", "second": "1", "inside": ["0"]}
    found = tables.effects(shares, **roles)
    # each class 0.25 higher where it is normal; both classes 0.375 on average
    assert found.to_numpy().tolist() == [[0.25, 0.0]]
    assert tables.effects(shares[shares["seed"] == 1], **roles).empty
    assert tables.effects(shares[:0], **roles).empty


def test_numbers_over_epochs_tell_what_else_is_set():
    rows = [
        lo_row(0.1, variant="epochs_shown=2"),
        lo_row(0.2, variant="epochs_shown=5;lr=0.1;noise=0.3"),
        lo_row(0.3, variant="arm=5-9;epochs_shown=2"),
        lo_row(0.4),
    ]
    found = tables.over_epochs(source(rows))
    told = found[["epoch", "other", "value"]].to_numpy().tolist()
    assert told == [[2, "", 0.1], [5, "lr 0.1 noise 0.3", 0.2]]
    # to a build of the other arm, its own networks are the plain ones
    found = tables.over_epochs(source(rows, "arm=5-9"))
    assert found["other"].tolist() == ["", "lr 0.1 noise 0.3", ""]
    assert tables.over_epochs(source(rows[3:])).empty


def region(value, score, method=lo.METHOD, metric="AUPRO"):
    cells = {"table": "planted-average", "class_": "novel", "metric": metric}
    return lo_row(value, score=score, method=method, **cells)


def test_regions_have_a_line_per_map_and_a_column_per_measure():
    rows = [region(0.5, "saliency"), region(0.25, "saliency", metric="mean pixel AUROC")]
    rows += [region(0.1, "input intensity", "trivial"), region(0.2, "saliency", lo.UNTRAINED)]
    rows += [region(0.15, "", "chance")]
    methods = {"saliency": lo.METHOD, "product": lo.METHOD, "input intensity": "trivial"}
    found = tables.regions(source(rows), methods)
    assert list(found.index) == ["saliency", "input intensity"]
    assert found.loc["saliency"].to_dict() == {"pixel AUROC": "0.250", "AUPRO": "0.500"}
    board = tables.region_board(source(rows[:2]), source(rows), methods)
    assert board["AUPRO"].to_dict() == {
        ("reference", "saliency"): "0.500",
        ("this build", "saliency"): "0.500",
        ("this build", "input intensity"): "0.100",
        ("this build, untrained", "saliency"): "0.200",
        ("chance", ""): "0.150",
    }
    assert tables.region_board(source([lo_row(1.0)]), source([lo_row(1.0)]), methods).empty


def test_similarities_are_averaged_over_kinds_and_seeds():
    names = list(tables.metrics.SIMILARITIES)
    rows = [
        lo_row(value + i, table="section2.3-self", metric=name, class_=class_, variant=variant)
        for i, name in enumerate(names)
        for variant in ("", "transform=squared")
        for class_, value in (("normal", 0.0), ("novel", 1.0))
    ]
    found = tables.under_change(frame(rows), "against itself")
    assert list(found.index) == ["as it is", "squared"]
    assert list(found.columns) == [tables.SHORT.get(name, name) for name in names]
    assert found.loc["squared"].tolist() == [0.5 + i for i in range(len(names))]


@pytest.mark.parametrize("seed", [0, 1])
def test_rates_are_those_of_seed_0(seed):
    rows = [lo_row(0.3, seed=seed), lo_row(0.2, seed=seed, variant="lr=0.003")]
    rows += [lo_row(0.1, seed=seed, variant="lr=0.003;noise=0.2")]
    found = tables.rates_tried(source(rows), own=0.01)
    assert found == ({0.01: 0.3, 0.003: 0.2} if seed == 0 else {})
