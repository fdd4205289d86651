"""Sentences on our runs beside the document: the right numbers, and none where there are none."""

import pandas as pd
import pytest

from lib.pages import gradcon_reference as told
from lib.pages.gradcon import GRADCON
from lib.results import frame, published, row

EMPTY = frame([])
RUNS = pd.DataFrame({"run": ["r"], "parameters": ['{"epochs": 60}']})


def cell(value, method, score, *, class_="average", seed=0, title="CIFAR-10", **more):
    cells = {"run": "r", "table": "baseline-auroc", "metric": "AUROC", "n": 10, "variant": ""}
    cells |= {"table": "sota-auroc"} if method == "GradCon" else {}
    place = {"method": method, "score": score, "class_": class_, "seed": seed, "dataset": title}
    return row(**(cells | more), **place, value=value)


def document(*lines):
    """Published rows of (method, score, class, value)."""
    cells = {"dataset": "CIFAR-10", "metric": "AUROC", "source": "gradcon-slides"}
    return pd.DataFrame(
        [
            cells | {"method": m, "score": s, "class": c, "value": v, "table": "sota-auroc"}
            for m, s, c, v in lines
        ]
    )


def others():
    """Two third-party runs on two classes, and a line of the slides."""
    slides = document(("GradCon", GRADCON, "car", 0.7), ("GradCon", GRADCON, "dog", 0.5))
    mean = document(("GradCon", GRADCON, "average", 0.6))
    by_run = {"run 1": (0.4, 0.6, 0.5), "run 2": (0.6, 0.8, 0.7)}
    runs = document(
        *(
            ("GradCon", name, class_, value)
            for name, values in by_run.items()
            for class_, value in zip(("car", "dog", "average"), values, strict=True)
        )
    )
    runs = runs.assign(source="issue", table="third-party rerun of official code")
    return told.printed(pd.concat([slides, mean, runs, slides.assign(dataset="MNIST", value=0.0)]))


def test_what_others_print():
    found = others()
    assert found.slides.to_dict() == {"car": 0.7, "dog": 0.5}
    assert found.others.to_dict() == pytest.approx({"car": 0.5, "dog": 0.7}, abs=1e-12)  # float64
    assert (found.slides_mean, found.other_means) == (0.6, [0.5, 0.7])
    assert found.others_words() == "0.5 and 0.7"
    committed = told.printed(published())
    assert committed.slides_mean == 0.664 and committed.others_words() == "0.616 and 0.6215"
    assert len(committed.slides) == len(committed.others) == 10


def test_changes_stand_beside_the_numbers_of_their_own_classes():
    moved = pd.DataFrame({"what": ["a", "b", "c"], "classes": [("car",), ("car", "dog"), ("7",)]})
    found = others().beside(moved)
    assert found["published"].tolist() == pytest.approx([0.7, 0.6, float("nan")], nan_ok=True)
    assert found["third party"].tolist() == pytest.approx([0.5, 0.6, float("nan")], nan_ok=True)


def test_means_of_one_setting_only():
    rows = frame(
        [
            cell(0.5, "CAE", "recon"),
            cell(0.7, "CAE", "recon", seed=1),
            cell(0.1, "CAE", "recon", variant="lr=0.0001"),
            cell(0.2, "CAE", "recon", class_="car"),
            cell(0.3, "CAE", "recon", title="MNIST"),
            cell(0.4, "CAE", "recon", metric="explained variance"),
        ]
    )
    assert told.average(rows, "CIFAR-10", "CAE", "recon").tolist() == [0.5, 0.7]
    assert told.average(rows, "CIFAR-10", "CAE", "recon", setting=told.SLOW).tolist() == [0.1]
    printed = document(("CAE", "recon", "average", 0.564))
    text = told.beside_document(rows, printed, "CIFAR-10", "CAE", "recon")
    # two values 0.2 apart: half width 12.706 * 0.1414 / sqrt(2) = 1.271
    assert text == "0.600 ± 1.271 (published 0.564)"
    assert told.beside_document(rows, printed, "MNIST", "CAE", "recon") == "0.300"


def test_the_budget_names_epochs_and_seeds():
    rows = frame(
        [
            cell(0.5, "CAE", "recon"),
            cell(0.5, "CAE", "recon", seed=1),
            cell(0.5, "VAE", "recon"),
            cell(0.5, "GradCon", GRADCON, class_="car"),
        ]
    )
    assert told.budget(rows, RUNS, "CIFAR-10") == (
        "Reference runs: 60 epochs; seeds with all ten classes: CAE 2, VAE 1."
    )
    assert told.budget(rows, RUNS, "MNIST").startswith("There are no reference runs")


def test_dead_networks_are_counted_by_kind():
    drawn = {"metric": "explained variance", "title": "MNIST", "table": "training"}
    rows = frame(
        [
            cell(-0.1, "CAE", "", class_="1", **drawn),
            cell(0.0, "CAE", "", class_="2", **drawn),
            cell(-0.1, "CAE+Grad", "", class_="1", variant="lr=0.0001", **drawn),
        ]
    )
    assert told.worse_than_mean(rows, {}) == "1 of 2 (CAE)"
    assert told.worse_than_mean(rows, {}, told.SLOW) == "1 of 2 (CAE), 1 of 1 (CAE+Grad)"
    assert told.dead(rows).endswith("as one that draws black does: 1 of 2 (CAE).")
    assert told.dead(EMPTY) == "There are no reference runs on MNIST yet."


def test_the_slow_control_stands_beside_the_official_rate():
    slow, place = {"title": "MNIST", "variant": "lr=0.0001"}, ("GradCon", GRADCON)
    rows = [cell(0.9, *place, class_=name, title="MNIST") for name in ("average", "1")]
    known = len(rows)
    rows += [cell(0.8, *place, class_=name, **slow) for name in ("average", "1")]
    drawn = {"table": "training", "metric": "explained variance"} | slow
    rows += [cell(value, "CAE", "", class_=str(value), **drawn) for value in (-0.1, 0.2)]
    assert told.slow(frame(rows), RUNS) == (
        "At 0.0001, after 60 epochs (at the official rate after 60 epochs), networks that draw "
        "worse than the mean image would: 1 of 2 (CAE)."
    )
    assert "has not been run yet" in told.slow(frame(rows[:known]), RUNS)


def test_the_sacrifice_is_over_the_seeds_that_both_have():
    rows = frame(
        [
            cell(0.5, "CAE", "recon"),
            cell(0.9, "CAE", "recon", seed=1),
            cell(0.4, "VAE", "recon"),
        ]
    )
    printed = document(("CAE", "recon", "average", 0.564), ("VAE", "recon", "average", 0.526))
    assert told.sacrifice(rows, printed, "CIFAR-10") == (
        "Recon of CAE against VAE, CIFAR-10: 0.500 against 0.400 (1 seed, ten classes); published "
        "0.564 against 0.526."
    )
    assert told.sacrifice(rows, printed, "MNIST").startswith("No reference runs of the VAE")


def test_the_gap_is_told_with_its_sign_and_its_classes():
    rows = frame(
        [
            cell(0.65, "GradCon", GRADCON),
            cell(0.5, "GradCon", GRADCON, class_="car"),
            cell(0.8, "GradCon", GRADCON, class_="dog"),
        ]
    )
    assert told.gap(rows, others()) == (
        "Ours is 0.650 (1 seed): 0.050 above the published mean and 0.050 above the mean of the "
        "two. By class the published numbers less ours are largest for car +0.200, dog -0.300."
    )
    assert told.gap(EMPTY, others()) == "There is no reference mean over all ten classes yet."


def test_headlines():
    rows = frame(
        [
            cell(0.61, "GradCon", GRADCON),
            cell(0.59, "CAE+Grad", "grad"),
            cell(0.56, "CAE", "recon"),
            cell(0.58, "untrained CAE", "grad"),
            cell(0.5, "GradCon", GRADCON, class_="car"),
            cell(0.9, "GradCon", GRADCON, title="MNIST"),
            cell(0.9, "GradCon", GRADCON, title="MNIST", class_="1"),
        ]
    )
    printed = document(("CAE", "recon", "average", 0.564))
    text = told.on_cifar(rows, printed, RUNS, others=others(), verdict="partly")
    assert text.startswith("On CIFAR-10 (60 epochs of the document's 1000) the gradient score")
    assert "AUROC of 0.590, the reconstruction error of the plain autoencoder 0.560 (pub" in text
    assert "detects better: partly). GradCon, both combined, has 0.610; two runs" in text
    assert text.endswith(
        "gave 0.5 and 0.7. The gradient score of the network before any training has 0.580."
    )
    assert told.on_mnist(rows, printed, RUNS) == (
        "On MNIST (60 epochs) GradCon has 0.900. There are no reference runs on MNIST yet."
    )
    none = told.on_cifar(EMPTY, printed, RUNS, others=others(), verdict="partly")
    assert none == "No reference runs on all classes of CIFAR-10 yet."
    assert told.on_mnist(EMPTY, printed, RUNS) == "No reference runs on all digits of MNIST yet."
