"""The denoising autoencoder's tables and sentences: the right numbers, or honest words without."""

import math
from itertools import product

import pandas as pd
import pytest

from lib import results
from lib.pages import (
    dae,
    dae_attack_tables,
    dae_attack_words,
    dae_open_words,
    dae_tables,
    dae_words,
)

BUILD = results.BUILD
LOW, HIGH = 0.9, 0.99
DISTANCE = dae_attack_tables.NEAREST | {"class_": dae.at(LOW)}


def built(fill, title="MNIST-5k"):
    """The rows that `fill` adds, as of seed 0 over 10 images where it does not say otherwise."""
    add, made = results.collector(run="planted", dataset=title)

    def plain(value, **cells):
        add(value, **({"seed": 0, "n": 10} | cells))

    fill(plain)
    return results.frame(made)


def sources(fill, *, published=None, reference=None):
    told = results.published("dae-slides") if published is None else published
    reference = {title: built(rows, title) for title, rows in (reference or {}).items()}
    return results.Sources(
        published=told, reference=reference, build=built(fill), title="MNIST-5k", full="MNIST"
    )


def nothing(add):
    add(1.0, table="other", method="other", metric="other")


NONE = sources(nothing)


def test_a_network_is_told_with_what_the_slides_print():
    def fill(add):
        for level, value in ((0.0, 0.95), (HIGH, 0.005)):
            add(value, method=dae.SYM, **dae.cells(dae.ACCURACY, level))
        add(7.84, **dae_words.ALPHA)
        add(10.0, **dae_tables.CLUTTER, method=dae.SYM, score="clean, whole")

    of = sources(fill)
    printed = [dae_words.printed(of, BUILD, dae.SYM, dae.ACCURACY, level) for level in (0.0, HIGH)]
    assert dae_words.accuracy(of, HIGH) == (
        "What the confidence costs: accuracy of dAE sym (this build) in this build (MNIST-5k) "
        f"0.950 without threshold (published {printed[0]}) and 0.005 at 99 % (published "
        # exp(-7.84 * 10 / 784) = exp(-0.1) = 0.905
        f"{printed[1]}). Our rule for alpha leaves the usual test image a confidence of 0.90 in "
        "this build (MNIST-5k), so that at 99 % nearly all are refused."
    )
    assert float(printed[0]) > float(printed[1]) > 0.5
    assert dae_words.usual_confidence(of, BUILD) == pytest.approx(math.exp(-0.1), rel=1e-12)
    assert dae_words.printed(of, BUILD, "no network", dae.ACCURACY, 0.0) == "not printed"
    assert dae_words.accuracy_line(of, HIGH) == (
        "Right at 99 % (this build): CNN not measured; COOL not measured; "
        "dAE sym in this build (MNIST-5k) 0.005."
    )
    assert dae_words.alpha_line(of) == (
        "For dAE sym the rule gives 7.8 in this build (MNIST-5k). A test image of mean error then "
        "has a confidence of 0.90 in this build (MNIST-5k)."
    )
    assert dae_words.alpha_line(of, fixed=7.84).startswith("In this build alpha is set to 7.84. A")


def test_a_confidence_that_lets_images_through_needs_no_excuse():
    of = sources(lambda add: add(0.5, method=dae.SYM, **dae.cells(dae.ACCURACY, HIGH)))
    assert "nearly all are refused" not in dae_words.accuracy(of, HIGH)


def test_the_reference_is_told_before_the_build():
    def fill(add):
        add(3.0, **dae_words.ALPHA)
        add(0.0, **dae_tables.CLUTTER, method=dae.SYM, score="clean, whole")

    of = sources(nothing, reference={"MNIST": fill, "Fashion-MNIST": fill})
    assert dae_words.alpha_line(of) == (
        "For dAE sym the rule gives 3.0 on MNIST and Fashion-MNIST (in this build nan). A test "
        "image of mean error then has a confidence of 1.00 on MNIST and Fashion-MNIST."
    )


def test_the_plane_is_told_at_its_strongest_noise():
    def fill(add):
        theory = {"table": "theory", "method": "denoising autoencoder"}
        for noise, against in product((0.1, 0.4), ("smoothed density", "clean density")):
            for metric, value in (("slope", noise), ("cosine", 2 * noise)):
                add(value, **theory, score=against, metric=metric, noise=noise)
        share = {
            "table": "rings",
            "method": "rings",
            "metric": "share of the off-ring plane at 0.5",
        }
        for score, value in (
            ("classifier", 1.0),
            ("scaled output without Γ", 0.3),
            ("scaled output", 0.02),
        ):
            add(value, **share, score=score)
            add(0.7, **share, score=score, beta=5)

    rows = built(fill, "toy 2-D")
    slope = "is 0.40 (cosine 0.80), on that of the clean density 0.40 (cosine 0.80)"
    assert dae_words.slopes(rows, 0.4).endswith(slope)
    assert "at noise 0.1 the slope" in dae_words.slopes(rows, 0.1)
    text = dae_words.theory(rows, "this build")
    assert text.startswith("In the plane, where the truth is known (this build), at noise 0.4 the")
    assert text.endswith(
        "Off the rings the classifier gives 0.5 or more to 100 % of the plane, scaled by the "
        "confidence to 30 % without Γ and 2 % with it."
    )
    assert dae_words.theory(rows, "x", setting={"beta": 5}).count("70 %") == 3
    means = dae_tables.theory_means(rows)
    assert means.loc[("denoising autoencoder", "0.1"), ("clean density", "cosine")] == 0.2


def test_the_curvature_is_told_with_the_shares_below_one():
    def fill(add):
        cells = {"table": "curvature", "method": dae.SYM}
        add(-0.9, **cells, score="exact", metric="mean gamma")
        add(-0.5, **cells, score="exact", metric="largest gamma")
        for method, score in product(
            (dae.SYM, dae.ASYM), ("estimate", "estimate, attacked images")
        ):
            value = 0.0 if method == dae.SYM else 0.04 * len(score) / 8
            where = {"table": "curvature", "method": method, "score": score, "probes": 32}
            add(value, **where, metric="share with Γ below 1")
        for count in (2, 32):
            where = cells | {"score": "estimate", "metric": "relative error of the trace"}
            add(1 / count, **where, probes=count)

    assert dae_words.curvature_line(sources(fill), probes=32) == (
        "Mean γ of test images for dAE sym (this build): in this build (MNIST-5k) -0.90 (largest "
        "-0.50). Γ is below 1 for these shares of test images and of what the document's attack "
        # means over both networks: 0.04 / 2, and 0.125 / 2 rounded to even
        "ends with, both dAEs: in this build (MNIST-5k) 2.0 % and 6.2 %. Relative error of the "
        "trace with 32 random vectors: in this build (MNIST-5k) 0.03."
    )


def test_errors_are_told_kind_by_kind():
    def fill(add):
        kinds = ("clean, whole", "cluttered, whole", "cluttered, within the mask")
        kinds += ("two digits, whole", "two digits, sum of masked errors")
        kinds += ("two digits, each drawn alone, sum",)
        for value, score in enumerate(kinds):
            add(value, **dae_tables.CLUTTER, method=dae.SYM, score=score)

    of = sources(fill)
    assert dae_words.clutter_line(of) == (
        "Mean error of dAE sym (this build): in this build (MNIST-5k) clean images 0.00, in "
        "clutter 1.00, in clutter but within the mask 2.00."
    )
    assert dae_words.sum_line(of) == (
        "With two images at half size: in this build (MNIST-5k) whole error 3.00, sum within the "
        "masks 4.00, sum with each drawn alone 5.00."
    )
    lines = dae_tables.clutter_lines(of)
    assert next(iter(lines)) == ("MNIST", "clean, whole") and len(lines) == 6


def test_training_is_told_at_the_last_two_epochs_there_are():
    def fill(add):
        for epoch in (1, 2, 5):
            where = {"table": "training", "method": dae.CNN, "metric": "validation accuracy"}
            add(epoch / 10, **where, epochs_shown=epoch)

    of = sources(fill, reference={"MNIST": nothing})
    assert dae_words.training_line(of, epochs={5, 1, 2, 40}) == (
        "Held-out accuracy by the number of epochs, mean over seeds: in this build (MNIST-5k) CNN "
        "0.200 after 2, 0.500 after 5. The reference on MNIST kept none."
    )
    both = sources(nothing, reference={"MNIST": fill})
    assert dae_words.training_line(both, epochs={5}).endswith("on MNIST CNN 0.500 after 5.")


def attacked(add, rates, *, method=dae.SYM, arm=None, limit=30):
    """Rows of the document's attack on a network at both thresholds."""
    setting = {"arm": arm} if arm else {}
    for level, rate in zip((LOW, HIGH), rates, strict=True):
        add(rate, method=method, n=20, **dae.cells(dae.RATE, level), **setting)
        add(limit, method=method, n=20, **dae.cells(dae.LIMIT, level), **setting)
        if rate:
            add(100 * rate, method=method, n=20, **dae.cells(dae.MEAN_STEPS, level), **setting)


def test_fooling_is_told_over_all_attempts():
    def fill(add):
        attacked(add, (0.5, 0.0))
        attacked(add, (1.0, 1.0), method=dae.CNN, limit=100)

    of = sources(fill)
    half, none = "0.50 [0.30, 0.70]", "0.00 [0.00, 0.16]"  # Wilson of 10 and of 0 of 20
    assert dae_attack_words.fooling(of, LOW, HIGH) == (
        f"The document's attack fools dAE sym at a rate of {half} (published 0.000) in this build "
        f"(MNIST-5k) at 90 %, and {none} (published 0.000) in this build (MNIST-5k) at 99 % (this "
        "build; steps allowed: 30 in this build (MNIST-5k))."
    )
    line = dae_attack_words.fooling_line(of, LOW)
    assert f"dAE sym in this build (MNIST-5k) {half} (published 0.000). Steps allowed to" in line
    assert "COOL not measured." in line
    assert line.endswith(
        "to dAE sym: 30 in this build (MNIST-5k); to the others: 100 in this build (MNIST-5k)."
    )
    limits = {dae.SYM: 1000, dae.CNN: 100}
    assert dae_attack_words.build(of, LOW, epochs=3, seeds=[0], limits=limits) == (
        f"This build, on MNIST-5k with 3 epochs and seeds [0], fools dAE sym at 90 % at a rate of "
        f"{half} of 20 attempts (limit of 1,000 steps), the CNN at 1.00 [0.84, 1.00] of 20 (limit "
        "of 100)."
    )


def test_other_steps_are_told_beside_the_usual_ones():
    def fill(add):
        for method in (dae.CNN, dae.SYM):
            attacked(add, (0.5, 0.25), method=method)
            attacked(add, (0.75, 0.0), method=method, arm="step x 2")

    table = dae_attack_tables.step_table(sources(fill), (LOW, HIGH), seed=0)
    assert table.loc[BUILD, dae.SYM].to_dict("index") == {
        "ours": {"at 90 %": "50.0 (rate 0.50)", "at 99 %": "25.0 (rate 0.25)"},
        "2 times as long": {"at 90 %": "75.0 (rate 0.75)", "at 99 %": "none"},
    }
    # only a reference set is told with the slides' own number
    of = sources(nothing, reference={"MNIST": fill})
    printed = dae.printed_value(of.published, "MNIST", dae.CNN, dae.MEAN_STEPS, LOW)
    table = dae_attack_tables.step_table(of, (LOW, HIGH), seed=0)
    assert table.loc[("MNIST", dae.CNN, "the slides'"), "at 90 %"] == f"{printed:,.1f}"
    assert ("MNIST", dae.CNN, "2 times as long") in table.index
    assert dae_attack_tables.step_table(NONE, (LOW, HIGH), seed=0).empty


@pytest.mark.parametrize("weight", [0.0, 2.5])
def test_the_arm_of_the_printed_loss_is_explained_where_nothing_is_left(weight):
    of = sources(lambda add: add(weight, **dae_words.ALPHA, arm="printed loss"))
    text = dae_attack_words.arms_line(of)
    told = f"The alpha that meets the printed loss is {weight} in this build (MNIST-5k)."
    assert text.startswith(told) and ("without a confidence" in text) == (weight == 0)
    table = dae_tables.arms_table(of, (LOW,))
    assert table.index.tolist() == [(BUILD, "alpha by the rule"), (BUILD, "printed loss")]
    assert table["alpha"].tolist() == ["", f"{weight:.3g}"]
    assert table.columns.tolist() == ["alpha", "accuracy at 90 %", "fooled at 90 %"]
    assert dae_attack_words.arms_line(NONE).endswith("is not measured.")


def stronger_rows(add):
    where = {"table": dae.STRONGER, "class_": dae.at(LOW)}
    rates = {"generator": 0.0, "generator log": 0.5, "image of another class": 0.9}
    rates |= {"image with restarts": 1.0, "blend of two images": 0.8, "image clamped": 0.1}
    for method, (attack, rate) in product((dae.CNN, dae.COOL, dae.SYM), rates.items()):
        for seed in (0, 1):
            cells = where | {"method": method, "attack": attack, "seed": seed}
            add(rate, **cells, score=dae.RATE, metric=dae.RATE)
            cells["score"] = "gradient"
            add(0.123, **cells, metric="median norm at the start")
            add(0.25, **cells, metric="share of zero at the start")
    for method, value in (("black image", 0.1), ("test images", 0.2), ("noise", 0.5)):
        add(value, **DISTANCE, method=method)
    add(0.4, **DISTANCE, method=dae.SYM, attack="generator log")


def test_stronger_attacks_are_told_by_their_least():
    of = sources(stronger_rows)
    half, none = "0.50 [0.30, 0.70]", "0.00 [0.00, 0.16]"  # 10 and 0 of twice 10 attempts
    assert dae_attack_words.stronger_line(of, LOW) == (
        "The least rate at 90 % of an attack in log space on dAE sym (this build): in this build "
        f"(MNIST-5k) {half} (generator log), from images with the clamp 0.10 [0.03, 0.30]."
    )
    assert dae_attack_words.stronger(of, LOW) == (
        "An attack may fail for its own sake: without the clamp in its objective COOL's rate at 90 "
        f"% goes in this build (MNIST-5k) from {none} to {half} (this build). Distance to the "
        "nearest training image: in this build (MNIST-5k) what fools dAE sym 0.40, test images "
        "0.20."
    )
    assert dae_attack_words.distance_line(of, LOW) == (
        "By the attack without the clamp (generator log): in this build (MNIST-5k) what fools dAE "
        "sym 0.40, test images 0.20, noise 0.50, black image 0.10. A black image is nearer than "
        "test images in this build (MNIST-5k): a small distance alone makes no image of a class."
    )
    assert "nearer" not in dae_attack_words.distance_line(NONE, LOW)
    assert dae_attack_words.stronger_line(NONE, LOW).endswith("(this build): not measured.")
    assert dae_attack_tables.attempts_words(of, BUILD) == "20 in this build (MNIST-5k)"


def test_tables_of_stronger_attacks_have_only_what_was_attacked():
    of = sources(stronger_rows)
    table = dae_attack_tables.attack_table(
        of, lambda *cells: dae_attack_tables.attack_gradient(of, LOW, *cells)
    )
    assert table.columns.tolist() == [dae.CNN, dae.COOL, dae.SYM]
    assert table.index.names == ["set", "attack"] and len(table) == 6
    assert set(table.to_numpy().ravel()) == {"0.12 (25 %)"}
    distances = dae_attack_tables.distance_table(of, LOW)
    assert distances[BUILD].to_dict() == {
        "black image": "0.100",
        "test images": "0.200",
        "noise": "0.500",
        "what fools dAE sym, generator log": "0.400",
    }


def test_variants_stand_side_by_side_without_other_alphas():
    def fill(value):
        def rows(add):
            cells = dae.cells(dae.ACCURACY, LOW) | {"method": dae.SYM}
            for seed in (0, 1):
                add(value, **cells, seed=seed)
            for arm in ("alpha x 4", "printed loss"):
                add(0.0, **cells, arm=arm)
            add(0.0, **cells, arm="step x 2")

        return rows

    of = sources(fill(0.5), reference={"MNIST": fill(0.25)})
    table = dae_tables.variant_table(of, dae.cells(dae.ACCURACY, LOW), decimals=2)
    assert table.columns.tolist() == ["MNIST", BUILD]
    assert table.loc[(dae.SYM, "")].tolist() == ["0.25 ± 0.00", "0.50 ± 0.00"]
    assert table.index.tolist() == [(dae.SYM, ""), (dae.SYM, "arm=step x 2")]
    lines = dae_tables.fooling_lines(of, dae.RATE, [LOW, HIGH], [dae.CNN])
    assert list(lines) == [("MNIST", dae.CNN, "90 %"), ("MNIST", dae.CNN, "99 %")]
    assert lines["MNIST", dae.CNN, "90 %"]["class"] == "threshold=90%"


def open_set_rows(add):
    aurocs = {dae.CNN: 0.7, dae.SYM: 0.8, "OpenMax": 0.9}
    for count, orders in ((1, 2), (4, 2), (8, 2), (6, 1)):
        where = {"table": dae.OPEN_SET, "class_": dae.classes_of(count)}
        for seed in range(orders):
            for method, value in aurocs.items():
                ranked = {"score": "rejection score", "metric": "AUROC"}
                add(value + count / 100, **where, **ranked, method=method, seed=seed)
            told = {"score": "accuracy with reject", "metric": "accuracy at 99 %", "seed": seed}
            add(0.5, **where, **told, method=dae.SYM)
            add(0.5 + count / 100, **where, **told, method="refuse all")


def test_open_sets_are_told_at_a_middle_number_of_classes():
    of = sources(open_set_rows)
    # 6 has one order only; of 1, 4 and 8 the middle is 4
    assert dae_tables.known_counts(of, BUILD) == [1, 4, 8]
    start = "AUROC of unknown classes (this build, mean over orders of the classes): "
    assert dae_open_words.open_line(of) == (
        f"{start}in this build (MNIST-5k) with 4 classes known: CNN 0.740, dAE sym 0.840; best of "
        "all OpenMax 0.940."
    )
    assert dae_open_words.open_threshold(of, HIGH).endswith(
        "at 99 % differs from that of refusing every image by at most 0.080 in this build "
        "(MNIST-5k)."
    )
    assert dae_open_words.open_line(NONE) == f"{start}not measured."
    assert dae_open_words.open_threshold(NONE, HIGH).endswith("by at most not measured.")


def one_class_rows(add, spreads):
    for class_, spread in enumerate(spreads):
        where = {"table": dae.ONE_CLASS, "class_": class_}
        add(spread, **where, method=dae.SYM, score="reconstruction", metric=dae.SPREAD)
        add(0.1, **where, method="autoencoder", score="reconstruction", metric=dae.SPREAD)
        pairs = (dae_open_words.CONFIDENCE, 0.6), (dae_open_words.SVM, 0.9)
        for (method, score), value in pairs:
            add(value + class_ / 100, **where, method=method, score=score, metric="AUROC")


def test_collapsed_networks_are_named_and_the_others_compared():
    of = sources(lambda add: one_class_rows(add, [1e-9, 0.1, 0.1]))
    table = dae_tables.one_class_table(of)
    assert table.index.tolist() == [(BUILD, name) for name in ("0", "1", "2", "mean")]
    assert dae_open_words.one_line(of, table) == (
        "With one class known (this build, one seed), mean AUROC of dAE sym against that of a "
        "one-class SVM on pixels: 0.610 against 0.910 in this build (MNIST-5k)."
    )
    text = dae_open_words.dead_line(of, table)
    assert "That is so in this build (MNIST-5k) for 1 of 6 (dAE sym of class 0)." in text
    # over classes 1 and 2: 0.615 and 0.915
    assert text.endswith("of the one-class SVM, in this build (MNIST-5k) 0.615 against 0.915.")


@pytest.mark.parametrize("spread", [1e-9, 0.1])
def test_networks_that_are_all_alike_are_not_compared(spread):
    of = sources(lambda add: one_class_rows(add, [spread, spread]))
    text = dae_open_words.dead_line(of, dae_tables.one_class_table(of))
    assert "Over the other classes" not in text
    assert ("for 2 of 4 (" in text) == (spread < dae.COLLAPSED)


def test_shares_of_the_plane_are_means_over_seeds():
    def fill(add):
        for seed, value in enumerate((0.2, 0.4)):
            where = {"table": "rings", "method": "rings", "score": "classifier", "seed": seed}
            add(value, **where, metric="share of the rings at 0.5")

    found = dae_tables.ring_shares(built(fill, "toy 2-D"))
    assert found.loc["classifier", "share of the rings at 0.5"] == pytest.approx(0.3, rel=1e-12)
    assert isinstance(found, pd.DataFrame) and found.index.name is None


def test_rates_over_steps_end_at_the_limit():
    def fill(add):
        cells = dae.cells(dae.RATE, LOW) | {"method": dae.SYM}
        for seed, (early, end) in enumerate(((0.1, 0.4), (0.3, 0.6))):
            add(early, **(cells | {"table": dae.STEPS}), seed=seed, limit=30)
            add(end, **cells, seed=seed)
            add(50, **dae.cells(dae.LIMIT, LOW), method=dae.SYM, seed=seed)
        add(0.9, **(cells | {"table": dae.STEPS}), limit=100)  # the longer limit of one seed

    of = sources(fill)
    found = dae_tables.rates_over_steps(of, BUILD, dae.SYM, LOW, steps=(10, 30, 100, 300))
    assert found.index.tolist() == [30, 50, 100]
    assert found["mean"].tolist() == pytest.approx([0.2, 0.5, 0.9])
    assert found["min"].tolist() == [0.1, 0.4, 0.9] and found["max"].tolist() == [0.3, 0.6, 0.9]
    assert found["size"].tolist() == [2, 2, 1]
    assert dae_tables.rates_over_steps(of, BUILD, dae.CNN, LOW, steps=(30,)).empty


def test_open_set_numbers_by_the_number_of_classes():
    found = dae_tables.numbers_by_count(sources(open_set_rows), BUILD, ["AUROC", "other"])
    assert list(found) == [dae.CNN, dae.SYM, "OpenMax"]
    assert found[dae.CNN].index.tolist() == [1, 4, 6, 8]
    assert found[dae.CNN]["size"].tolist() == [2, 2, 1, 2]
    assert found[dae.CNN]["mean"].tolist() == pytest.approx([0.71, 0.74, 0.76, 0.78])


def test_open_sets_stand_by_method_and_number_of_classes():
    found = dae_tables.open_set_table(sources(open_set_rows))
    assert found.index.tolist() == ["OpenMax", dae.SYM, dae.CNN]  # the best first
    # 6 known classes have one order of the two, and are left to the figure
    assert found.columns.tolist() == [(BUILD, 1), (BUILD, 4), (BUILD, 8)]
    assert found.loc[dae.CNN].tolist() == pytest.approx([0.71, 0.74, 0.78])  # two equal orders
    assert dae_tables.open_set_table(NONE).empty


def test_checked_numbers_are_those_there_are():
    def fill(add):
        add(0.5, method=dae.CNN, **dae.cells(dae.ACCURACY, 0.0))
        add(12.0, method=dae.CNN, **dae.cells(dae.MEAN_STEPS, LOW))
        open_set_rows(add)

    def slope(add):
        theory = {"table": "theory", "method": "denoising autoencoder", "metric": "R²"}
        for seed, value in enumerate((0.5, 0.7)):
            add(value, **theory, score="smoothed density", noise=0.4, seed=seed)
            add(0.0, **theory, score="clean density", noise=0.4, seed=seed)

    toy_rows = built(slope, "toy 2-D")
    found = dae_tables.checked_numbers(sources(fill), toy_rows, threshold=LOW, noise=0.4, known=4)
    assert found == {
        "accuracy of the CNN": 0.5,
        "steps to fool the CNN, at 90 %": 12.0,
        "R² of the slope in the plane": pytest.approx(0.6),
        "open set, AUROC of dAE sym, 4 classes": pytest.approx(0.84),
    }
