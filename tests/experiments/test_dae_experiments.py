"""The three chapters on the denoising autoencoder: settings, networks, rows, small cases."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lib import data, errors, experiments, metrics, models, scores
from lib.data import ImageSet
from lib.experiments import digit_networks
from lib.experiments.confidence import chosen_alpha, largest_alpha
from lib.experiments.open_set import baseline_scores
from lib.training import Criterion

SIDE = 28
SHARED = {
    "profile": "test",
    "dataset": "mnist-5k",
    "data_root": "",
    "trust": False,
    "networks": ["CNN", "dAE sym"],
    "noise": 0.2,
    "l2": 0.0,
    "reconstruction": 1.0,
    "pixel_error": "cross-entropy",
    "omega": 3,
    "thresholds": [0.1, 0.2],
    "alphas": [2.0, 1.0],
    "seeds": [0],
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 0.003,
    "class_images": 2,
    "missing": "train",
    "device": "cpu",
}
DAE = {
    "beta": 10.0,
    "traced": 1,
    "probes": 2,
    "sample": 6,
    "plane": True,
    "toy_steps": 5,
    "toy_noises": [0.2],
    "ring_steps": 5,
    "ring_noise": 0.2,
    "ring_alpha": 40.0,
    "ring_beta": 5.0,
}
FOOLING = {
    "controls": ["dAE sym, L2 10", "CNN, sigmoid"],
    "attempts": 10,
    "max_steps": 3,
    "rate": 1e-3,
    "fast_rate": 0.02,
    "fast_steps": 2,
    "clamped_steps": 2,
    "scaled_steps": 2,
    "attacks": 10,
    "attack_steps": 2,
    "restarts": 2,
}
OPENSET = {
    "known_counts": [2],
    "draws": 1,
    "baselines": False,
    "one_classes": [0],
    "one_noise": 0.3,
    "one_l2": 10.0,
}
KINDS = {
    "dae": (experiments.dae, SHARED | DAE),
    "fooling": (experiments.fooling, SHARED | FOOLING),
    "openset": (experiments.openset, SHARED | OPENSET),
}


@pytest.fixture(scope="module", autouse=True)
def few_digits(tmp_path_factory):
    """Thirty training and two test images of each digit, and a store of their networks."""
    full = data.load("mnist-5k")
    chosen = [
        np.flatnonzero((full.labels == digit) & (full.is_test == is_test))[:n]
        for digit in range(10)
        for is_test, n in ((False, 30), (True, 2))
    ]
    members = np.sort(np.concatenate(chosen))
    few: ImageSet = replace(
        full, **{name: getattr(full, name)[members] for name in ("images", "labels", "is_test")}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", lambda *args, **options: few)
        patch.setattr(scores, "jacobian_trace", rough_trace)  # exact: 784 backward passes
        patch.setenv(digit_networks.TRAINED, str(tmp_path_factory.mktemp("trained")))
        yield


exact_trace = scores.jacobian_trace


def rough_trace(model, x, **options):
    if x.ndim == 2:
        return exact_trace(model, x, **options)
    fixed = torch.Generator().manual_seed(0)
    return scores.hutchinson_trace(model, x, probes=2, generator=fixed).mean(1)


def measured(kind, **changed):
    module, values = KINDS[kind]
    return module.measure(module.Settings(**values | changed))


# --- settings


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        ("dae", {"networks": []}, "networks must name at least one"),
        ("dae", {"networks": ["CNN", "CNN"]}, "networks must name each network once"),
        ("dae", {"networks": ["dAE simm"]}, "no network.*Did you mean 'dAE sym'"),
        ("dae", {"networks": ["CNN, tanh"]}, "'tanh' in 'CNN, tanh' is no setting"),
        ("dae", {"thresholds": [0.9, 0.1]}, "thresholds must ascend"),
        ("dae", {"alphas": [1.0]}, "alphas needs one number for each"),
        ("dae", {"alphas": [1.0, -1.0]}, "alphas must be numbers of at least 0"),
        ("dae", {"noise": -0.1}, "noise should be greater than or equal to 0"),
        ("dae", {"toy_noises": [0.0]}, "toy_noises needs numbers above 0"),
        ("dae", {"missing": "wait"}, "missing should be 'train' or 'skip'"),
        ("fooling", {"attempts": 15}, "attempts must be a multiple of the 10 classes"),
        ("fooling", {"controls": ["nothing"]}, "controls holds a name of no network"),
        ("openset", {"known_counts": [11]}, "known_counts needs numbers from 1 to 10"),
        ("openset", {"one_classes": [10]}, "one_classes needs classes from 0 to 9"),
        ("openset", {"colour": 1}, "no parameter 'colour'"),
    ],
)
def test_settings_refuse_in_words(kind, changed, words):
    module, values = KINDS[kind]
    with pytest.raises(errors.CompanionError, match=words):
        module.Settings(**values | changed)


# --- networks


def test_a_finished_training_is_found_by_what_it_depends_on_and_nothing_else():
    settings = experiments.dae.Settings(**SHARED | DAE | {"networks": ["dAE sym"]})
    digits = digit_networks.load_digits(settings, torch.device("cpu"))
    first = digit_networks.digit_network(settings, "dAE sym", 7, digits)
    skip = settings.model_copy(update={"missing": "skip", "alphas": [9.0, 9.0], "sample": 4})
    again = digit_networks.digit_network(skip, "dAE sym", 7, digits)
    for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert again.history == first.history and not again.model.training
    for other in ({"noise": 0.1}, {"l2": 1.0}, {"epochs": 2}, {"reconstruction": 2.0}):
        changed = skip.model_copy(update=other)
        assert digit_networks.digit_network(changed, "dAE sym", 7, digits) is None
    assert digit_networks.digit_network(skip, "dAE sym", 7, digits, classes=[1]) is None
    # what a plain classifier does not depend on does not count
    digit_networks.digit_network(settings, "CNN", 7, digits)
    changed = skip.model_copy(update={"noise": 0.5, "reconstruction": 9.0, "omega": 5})
    assert digit_networks.digit_network(changed, "CNN", 7, digits) is not None


def test_names_carry_settings():
    assert digit_networks.described("dAE sym, L2 10") == ("dAE sym", {"l2": 10.0})
    assert digit_networks.described("COOL, omega 5") == ("COOL", {"omega": 5})
    assert digit_networks.described("CNN, sigmoid") == ("CNN", {"activation": "sigmoid"})


# --- rows


@pytest.fixture(scope="module")
def rows():
    return {kind: measured(kind).rows for kind in KINDS}


def test_equal_settings_give_equal_rows(rows):
    for kind in ("dae", "openset"):
        again = measured(kind).rows
        assert again.equals(rows[kind])


@pytest.mark.parametrize(
    ("kind", "changed", "table"),
    [
        ("dae", {"alphas": [50.0, 50.0]}, "fooling"),
        ("dae", {"thresholds": [0.1, 0.12]}, "fooling"),
        ("dae", {"sample": 4}, "clutter"),
        ("dae", {"probes": 3}, "curvature"),
        ("dae", {"ring_alpha": 1.0, "ring_beta": 0.0}, "rings"),
        ("fooling", {"rate": 0.1}, "alpha-curve"),
        ("fooling", {"attack_steps": 12}, "fooling-images"),
        ("openset", {"one_noise": 0.0}, "one-class"),
        ("openset", {"known_counts": [3]}, "open-set"),
    ],
)
def test_another_value_moves_its_rows(rows, kind, changed, table):
    def numbers(found):
        return found.loc[found["table"] == table, ["class", "variant", "value"]].to_numpy().tolist()

    assert numbers(measured(kind, **changed).rows) != numbers(rows[kind])


def test_an_attack_of_no_steps_is_left_out_and_a_skipped_network_has_no_rows():
    none = dict.fromkeys(
        ("max_steps", "fast_steps", "clamped_steps", "scaled_steps", "attack_steps"), 0
    )
    found = measured("fooling", controls=[], **none).rows
    assert set(found["table"]) == {"fooling-images"}
    left = measured("dae", missing="skip", epochs=9, plane=False).rows
    assert set(left["method"]) == {"untrained CNN", "untrained dAE sym", "most frequent class"}


# --- by hand


class Planted(models.DenoisingClassifier):
    """Names the class in an image's first pixel, and redraws all its pixels too bright."""

    def both(self, x):
        return self.forward(x), self.reconstruct(x).logit()

    def forward(self, x):
        place = (x[:, 0, 0, 0] * 10).round().long().clamp(max=self.classes - 1)
        return 8.0 * nn.functional.one_hot(place, self.classes).float()

    def reconstruct(self, x):
        return x + x[:, :, :1, 1:2]  # by the second pixel of the first row


def planted(classes=3):
    return models.build(lambda: Planted(classes), torch.Generator().manual_seed(0)).eval()


def images(places, errors_):
    x = torch.full((len(places), 1, SIDE, SIDE), 0.01)  # a logit needs more than 0
    x[:, 0, 0, 0] = torch.tensor(places) / 10 + 0.01
    x[:, 0, 0, 1] = torch.tensor(errors_)
    return x


def test_our_rule_for_alpha_looks_at_images_named_rightly():
    # the last image is named wrongly and must not count, though its error is the largest
    held = images([0, 1, 2, 0], [0.1, 0.2, 0.4, 0.5]), torch.tensor([0, 1, 2, 1])
    # norm of 784 equal errors e is 28 e; 99 of 100 of three images are all three
    found = chosen_alpha(planted(), held)
    assert found == pytest.approx(-math.log(0.9) / (28 * 0.4 / 784), rel=1e-4)  # float32 errors
    squared = chosen_alpha(planted(), held, squared=True)
    assert squared == pytest.approx(-math.log(0.9) / 0.4**2, rel=1e-4)
    with pytest.raises(errors.BadInput, match="needs at least one image"):
        chosen_alpha(planted(), (held[0][3:], held[1][3:]))


def test_rates_and_steps_by_hand():
    steps = np.array([-1, 0, 10, 50])
    assert experiments.fooling.rate_and_steps(steps, 20) == (0.5, 5.0)
    assert experiments.fooling.rate_and_steps(steps, 100) == (0.75, 20.0)
    assert experiments.fooling.rate_and_steps(np.array([-1, -1]), 100) == (0.0, None)


def test_the_largest_alpha_keeps_the_accuracy_and_a_larger_one_does_not():
    log_y = np.log([[0.99, 0.01], [0.98, 0.02], [0.1, 0.9], [0.95, 0.05]])
    error, labels = np.array([0.01, 0.02, 0.01, 0.01]), np.array([0, 0, 1, 1])
    for accuracy, image in (
        (0.25, 0),
        (0.5, 2),
        (0.75, 1),
    ):  # the best of the three that are right, and so on
        alpha = largest_alpha(log_y, error, labels, threshold=0.8, accuracy=accuracy)
        assert alpha == pytest.approx((log_y[image].max() - math.log(0.8)) / error[image])
        for factor, enough in ((0.999, True), (1.001, False)):
            outputs = digit_networks.scaled(log_y, error, factor * alpha)
            share = metrics.thresholded_accuracy(outputs, labels, 0.8)
            assert (share >= accuracy) == enough
    none = {"threshold": 0.995, "accuracy": 0.5}
    assert largest_alpha(log_y, error, labels, **none) == -1


def test_scaled_outputs_agree_with_the_library():
    model, x = planted(), images([0, 1, 2], [0.1, 0.2, 0.4])
    network = digit_networks.Network("dAE sym", 0, model, 1, [])
    log_y, error = network.seen(x)
    for squared in (False, True):
        wanted = scores.log_outputs(model, x, alpha=3.0, squared=squared).exp().numpy()
        assert digit_networks.scaled(log_y, error, 3.0, squared=squared) == pytest.approx(wanted)


def test_naming_an_unseen_class_is_a_rejection():
    outputs = np.full((4, 10), 0.001)
    outputs[[0, 1, 2, 3], [3, 7, 2, 7]] = [0.995, 0.8, 0.999, 0.992]
    found = experiments.openset.recognised(np.log(outputs), [3, 7], 0.99)
    assert found.tolist() == [0, -1, -1, 1]


def test_criteria_pair_thresholds_with_alphas():
    settings = experiments.fooling.Settings(**SHARED | FOOLING)
    wanted = [Criterion(0.1, 2.0), Criterion(0.2, 1.0)]
    assert experiments.fooling.criteria_of(settings) == wanted


def test_baselines_rank_strange_images_behind_known_ones():
    rng = torch.Generator().manual_seed(0)
    network = models.build(lambda: models.digit_classifier(10), rng)
    known, n = [2, 5, 9], 16
    places = torch.arange(3).repeat_interleave(n)
    x = torch.zeros(len(places), 1, SIDE, SIDE)
    for place in range(3):
        x[places == place, :, :, 8 * place : 8 * place + 8] = 0.8
    x = (x + 0.2 * torch.rand(x.shape, generator=rng)).clamp(0, 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(8):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), torch.tensor(known)[places]).backward()
        optimiser.step()
    network.eval().requires_grad_(False)
    asked = torch.cat([x[::4], torch.rand(12, 1, SIDE, SIDE, generator=rng)])
    found = baseline_scores(network, x, places, asked, known=known)
    assert set(found) >= {"W-SVM", "1-vs-set machine", "k nearest neighbours"}
    near = found["k nearest neighbours"]
    assert near[:12].max() < near[12:].min()
    assert all(values.shape == (24,) and np.isfinite(values).all() for values in found.values())
