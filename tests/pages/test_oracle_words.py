"""The oracle's sentences: the right numbers, and something honest where rows are lacking."""

import pandas as pd
import pytest

from lib.pages import oracle
from lib.pages import oracle_run_words as of_run
from lib.pages import oracle_words as told
from lib.pages.oracle_tables import Source
from lib.results import frame, row

AUC, EER = oracle.AUC, oracle.EER
FOREST, SMALL, PIXELS = oracle.FOREST, oracle.SMALL_FOREST, oracle.PIXEL_FOREST
LOGIT = {"method": oracle.BASE, "score": "max logit"}


def planted(value, *, metric=AUC, table="networks", **cells):
    names = {"dataset": "CIFAR-10", "class_": oracle.CLASS, "n": 9, "seed": 0} | LOGIT | cells
    return row(run="planted", table=table, metric=metric, value=value, **names)


def sources(*reference, own=()):
    """A reference and a build on CIFAR-10; by default the build has no rows."""
    return {
        "reference": Source(frame(reference), "CIFAR-10", {}),
        "this build": Source(frame(own), "CIFAR-10", {}),
    }


def steps(*values):
    places = [(oracle.BASE, "max logit"), (oracle.DETECTOR, FOREST)]
    places.append((oracle.REPRESENTATION, FOREST))
    return [
        planted(value, table=oracle.Q1_Q2, method=method, score=score)
        for value, (method, score) in zip(values, places, strict=False)
    ]


def gap(value, method):
    cells = {"table": oracle.GAPS, "metric": oracle.GAP_METRIC, "score": oracle.GAP_SCORE}
    return planted(value, method=method, **cells)


DOCUMENT = pd.DataFrame(
    [
        *(("CIFAR-10", AUC, value) for value in (0.7, 0.8, 0.9)),
        *(("CIFAR-100", AUC, value) for value in (0.5, 0.6, 0.65)),
        *(("CIFAR-10", oracle.GAP_METRIC, value) for value in (0.1, 0.11)),
        *(("CIFAR-100", oracle.GAP_METRIC, value) for value in (0.1, 0.05)),
        ("insects", "equal error rate in 2011", 0.2),
    ],
    columns=["dataset", "metric", "value"],
)
NOTHING = sources()


def test_three_steps_are_a_chain():
    source = sources(*steps(0.5, 0.6, 0.7))["reference"]
    assert told.chain(source) == "0.500 → 0.600 → 0.700"
    assert told.chain(NOTHING["reference"]) == ""
    assert told.printed(DOCUMENT, "CIFAR-10", oracle.GAP_METRIC) == "0.100 → 0.110"


def test_gaps_tell_of_the_reference_only_where_there_is_one():
    talk = (
        "The talk has 0.700 → 0.800 → 0.900 for CIFAR-10 and 0.500 → 0.600 → 0.650 for CIFAR-100, "
        "with wider networks."
    )
    own = "CIFAR-10: 0.500 → 0.600 in this build"
    start = "Score → oracle detector → oracle representation. "
    both = sources(*steps(0.7, 0.8, 0.9), own=steps(0.5, 0.6))
    assert told.gaps(both, DOCUMENT) == (
        f"{start}CIFAR-10: 0.700 → 0.800 → 0.900 in our reference; {own}. {talk}"
    )
    alone = told.gaps(sources(own=steps(0.5, 0.6)), DOCUMENT)
    assert alone == f"{start}{own}. {talk}"


def test_a_question_is_answered_by_the_reference_or_else_by_this_build():
    both = sources(gap(0.12, oracle.Q1_GAP), own=[gap(0.3, oracle.Q1_GAP), gap(0.4, oracle.Q2_GAP)])
    assert told.question(both, DOCUMENT, oracle.Q1_GAP) == (
        "Q1, from the score to an oracle detector on the same z: 0.120 of AUC (CIFAR-10, our "
        "reference); published for CIFAR-10: 0.100."
    )
    second = told.question(both, DOCUMENT, oracle.Q2_GAP)
    assert second.endswith("0.400 of AUC (CIFAR-10, this build); published for CIFAR-10: 0.110.")
    assert "not measured of AUC" in told.question(NOTHING, DOCUMENT, oracle.Q2_GAP)


@pytest.mark.parametrize(
    ("title", "published"),
    [("CIFAR-100", "CIFAR-100: 0.050"), ("Fashion-MNIST", "CIFAR-10: 0.110")],
)
def test_a_gap_stands_beside_that_of_its_own_images_where_there_is_one(title, published):
    both = {word: Source(frame([]), title, {}) for word in NOTHING}
    assert told.question(both, DOCUMENT, oracle.Q2_GAP).endswith(f"published for {published}.")


def test_the_baseline_names_each_number_once():
    rows = [
        planted(0.7),
        planted(0.5, method=oracle.UNTRAINED_BASE),
        planted(0.6, method="trivial", score="distance to mean"),
        planted(0.3, metric=EER),
    ]
    assert told.baseline(sources(*rows, own=[planted(0.9)]), DOCUMENT) == (
        "The AUC of the max logit is 0.700 [0.900]; of the same score before training 0.500; of "
        "the distance to the mean training image 0.600. The max logit's equal error rate is 0.300; "
        "the talk's insects had 0.20 in 2011."
    )


def test_controls_and_doubt_have_the_same_four_numbers():
    rows = [
        planted(0.9, score=FOREST),
        planted(0.8, score=oracle.PROBE),
        planted(0.7, method=oracle.UNTRAINED, score=FOREST),
        planted(0.6, method=oracle.PIXELS, score=PIXELS),
    ]
    assert told.controls(sources(*rows)) == (
        "On the classifier's z the forest's AUC is 0.900 and the linear probe's 0.800. On z of the "
        "untrained network the forest has 0.700, on the pixels 0.600."
    )
    assert told.doubt(sources(*rows)) == (
        "What the same forest reads elsewhere: its AUC is 0.700 on an untrained network, and 0.600 "
        "on the pixels; a linear probe on z has 0.800, the forest 0.900."
    )
    assert told.doubt(NOTHING).count("not measured") == 4


def test_open_space_takes_the_fewest_and_the_most_labels():
    of_small = {"method": oracle.DETECTOR, "score": SMALL}
    rows = [
        *(
            planted(value, table="few-labels", variant=f"labelled={count}", **of_small)
            for count, value in ((10, 0.6), (30, 0.1), (100, 0.8))
        ),
        planted(0.5, table="left-out-average", variant="arm=unseen", **of_small),
        planted(0.9, table="left-out-average", variant="arm=seen", **of_small),
        planted(0.7, table="far-average"),
        planted(0.75, table="far-average", method=oracle.DETECTOR, score=FOREST),
    ]
    found = told.open_space(sources(*rows), [30, 100, 10])
    assert found == (
        "With 10 labelled anomalies: 0.600; with 100 labelled anomalies: 0.800. A class left out "
        "of the labelled ones: AUC 0.500; when it is among them, 0.900. Far images, mean over the "
        "sets: max logit 0.700; the forest, which learnt from other classes what an anomaly is, "
        "0.750."
    )


def test_hybrids_stand_beside_the_plain_network_of_the_first_split():
    of_hybrid = {"method": oracle.HYBRID, "score": FOREST}
    rows = [
        planted(0.8, score=FOREST),
        planted(0.2, score=FOREST, seed=1),  # hybrids have the first split alone
        planted(0.7, variant="lambda=15.4", **of_hybrid),
        planted(0.6, variant="lambda=2765", **of_hybrid),
    ]
    assert told.third_question(sources(*rows)) == (
        "Q3: λ = 15.4: 0.700; λ = 2765: 0.600 (AUC of the forest on the hybrid's z; first split, "
        "so without an interval); the plain network has 0.800 there."
    )
    assert told.third_question(NOTHING).startswith("Q3: no hybrid was trained (")


def test_improvements_list_the_ensembles_there_are():
    rows = [
        planted(0.9, method=oracle.GENERALIZED_ODIN, score="max cosine h"),
        planted(0.8),
        planted(
            *(0.7,),
            table="ensembles",
            method=oracle.ENSEMBLE,
            score="mean max logit",
            variant="members=3",
        ),
    ]
    start = "AUC of the largest h: 0.900; of the plain network's max logit: 0.800. "
    end = "Ensembles on the first split, mean max logit: "
    assert told.improvements(sources(*rows)) == f"{start}{end}3 members: 0.700."
    assert told.improvements(sources(*rows[:2])) == f"{start}{end}none was trained."


def test_auxiliary_tasks_are_told_or_missed():
    row_of = planted(0.7, method=oracle.METHODS["sobel"])
    assert told.auxiliary(sources(row_of)) == "AUC of the max logit, first split: with sobel 0.700."
    assert told.auxiliary(NOTHING).startswith("This build trains none of them")


def test_reflections_have_two_decimals_for_ranks():
    ranks = {"table": "reflection-accuracy", "metric": oracle.RANK}
    lost = {"table": "over-training-summary", "metric": oracle.LOST, "score": SMALL}
    rows = [
        planted(0.912, variant="arm=checkpoints", **ranks),
        planted(-0.5, variant="arm=networks", **ranks),
        planted(-0.0123, **lost),
    ]
    assert told.reflections(sources(*rows)) == (
        "Rank correlation of accuracy and AUC: over the epochs of one training 0.91, over finished "
        "networks -0.50. What the forest finds at the last epoch, less the most it found before: "
        "-0.012."
    )


def test_each_page_gets_its_sentences_under_their_words():
    found = told.sentences(NOTHING, DOCUMENT, [10])
    assert list(found) == ["gaps", "q1", "q2", "baseline", "controls", "doubt", "open", "q3"]
    of_changes = told.sentences_on_changes(NOTHING)
    assert list(of_changes) == ["q3", "improvements", "auxiliary", "reflections"]
    assert of_changes["q3"] == found["q3"]
    assert found["q2"] == told.question(NOTHING, DOCUMENT, oracle.Q2_GAP)
    assert found["open"] == told.open_space(NOTHING, [10])


def test_a_budget_is_told_with_its_accuracy_and_time():
    def of(title, variant, accuracy, minutes):
        where = {"table": "budget", "dataset": title, "variant": variant, "score": ""}
        both = (("validation accuracy", accuracy), (oracle.COST, minutes))
        return [planted(value, metric=metric, **where) for metric, value in both]

    rows = frame(
        [
            *of("CIFAR-10", "epochs=12;schedule=one-cycle;width=16", 0.85, 20.26),
            *of("MNIST-5k", "epochs=3;schedule=steps;width=4", 0.9, 0.5),
            planted(0.1, metric="validation accuracy"),
        ]
    )
    assert of_run.budget(rows, width=4, epochs=3, schedule="steps") == (
        "This build uses width 4 and 3 epochs with the schedule steps. Validation accuracy of the "
        "base network by budget, first split: CIFAR-10, width 16, 12 epochs, one-cycle: 0.850 in "
        "20.3 min; MNIST-5k, width 4, 3 epochs, steps: 0.900 in 0.5 min."
    )


def test_a_run_tells_what_it_found_and_what_it_was_given():
    source = sources(*steps(0.5, 0.6, 0.7))["reference"]
    assert of_run.build(source, width=4, epochs=3) == (
        "This build, on CIFAR-10 with width 4 and 3 epochs: 0.500 → 0.600 → 0.700 (score → "
        "detector → representation)."
    )
    given = {
        "networks": ["base"],
        "extra": ["hybrid 0.9"],
        "latents": False,
        "splits": [0, 1],
        "seeds": [0],
        "width": 4,
        "epochs": 3,
        "batch_size": 32,
        "learning_rate": 0.10,
        "schedule": "steps",
        "precision": "float32",
        "trees": 200,
    }
    assert of_run.settings(given) == (
        "networks base, hybrid 0.9, trained here; splits [0, 1], seeds [0]; width 4, 3 epochs, "
        "batches of 32, learning rate 0.1 (steps, float32); forests of 200 trees"
    )
    stored = of_run.settings(given | {"latents": True})
    assert "hybrid 0.9, z and logits from results/reference/latents; splits" in stored
