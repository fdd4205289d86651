"""The three chapters on the denoising autoencoder: settings, networks, rows, small cases."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lib import data, errors, experiments, models, scores
from lib.data import ImageSet
from lib.experiments import digit_networks
from lib.experiments.openset import baseline_scores
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
    "controls": ["dAE sym, L2 10"],
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


def test_settings_refuse_in_words():
    for kind, changed, words in (
        ("dae", {"networks": []}, "networks .*at least 1 item"),
        ("dae", {"networks": ["CNN", "CNN"]}, "networks must name each network once"),
        ("dae", {"networks": ["dAE simm"]}, "no network.*Did you mean 'dAE sym'"),
        ("dae", {"networks": ["CNN, L2 x"]}, "'x' in 'CNN, L2 x' is no weight"),
        ("dae", {"thresholds": [0.9, 0.1]}, "thresholds must ascend"),
        ("dae", {"alphas": [1.0]}, "alphas needs one number of at least 0 for each"),
        ("dae", {"alphas": [1.0, -1.0]}, "alphas needs one number of at least 0"),
        ("dae", {"toy_noises": [0.0]}, "toy_noises needs numbers from"),
        ("fooling", {"attempts": 15}, "attempts must be a multiple of the 10 classes"),
        ("fooling", {"controls": ["nothing"]}, "controls holds a name of no network"),
        ("openset", {"known_counts": [11]}, "known_counts needs numbers from 1 to 10"),
        ("openset", {"colour": 1}, "no parameter 'colour'"),
    ):
        module, values = KINDS[kind]
        with pytest.raises(errors.CompanionError, match=words):
            module.Settings(**values | changed)


# --- networks


def test_a_finished_training_is_found_by_what_it_depends_on_and_nothing_else():
    settings = experiments.dae.Settings(**SHARED | DAE | {"networks": ["dAE sym"]})
    digits, _, _ = digit_networks.prepared("dae", settings, "cpu")
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


def test_a_name_may_carry_an_l2_weight_and_identities_stay_as_stores_know_them():
    assert digit_networks.described("dAE sym, L2 10") == ("dAE sym", 10.0)
    settings = experiments.dae.Settings(**SHARED | DAE)
    images = data.load("mnist-5k")
    common = {
        "protocol": 2,
        "dataset": "MNIST-5k",
        "data": images.sha256,
        "class_images": 2,
        "seed": 3,
        "epochs": 1,
        "batch_size": 8,
        "learning_rate": 0.003,
    }
    decoder = {"noise": 0.2, "weight": 1.0, "error": "cross-entropy"}
    for name, classes, own in (
        ("CNN", None, {"classes": list(range(10)), "l2": 0.0}),
        ("COOL", [4, 1], {"classes": [1, 4], "l2": 0.0, "omega": 3}),
        ("dAE sym, L2 10", None, {"classes": list(range(10)), "l2": 10.0} | decoder),
    ):
        wanted = common | {"network": name} | own
        assert digit_networks.identity(settings, name, 3, images, classes) == wanted


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
        ("dae", {"sample": 4}, "clutter"),
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
    assert set(found["method"]) == {"test images", "noise"}
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


def test_accuracy_counts_images_named_rightly_that_the_confidence_lets_through():
    x, labels = images([0, 1, 2, 0], [0.1, 0.2, 0.4, 0.1]), np.array([0, 1, 2, 1])
    digits = digit_networks.Digits(None, x, x, labels)
    network = digit_networks.Network("dAE sym", 0, planted(), 1, [])
    sure = math.exp(8) / (math.exp(8) + 2)
    # an error e in all 784 pixels has the norm 28 e, so the output is y · exp(-alpha e / 28)
    for threshold, alpha, share in (
        (0.5, 0.0, 0.75),
        (sure * math.exp(-0.3), 28.0, 0.5),  # 0.1 and 0.2 pass, 0.4 does not
        (sure * math.exp(-0.05), 28.0, 0.0),
    ):
        assert network.accuracies(digits, [(threshold, alpha)]) == [share]


def test_the_curves_over_alpha_by_hand():
    x, labels = images([0, 1, 2, 0], [0.1, 0.2, 0.4, 0.1]), np.array([0, 1, 2, 1])
    digits = digit_networks.Digits(None, x, x, labels)
    network = digit_networks.Network("dAE sym", 0, planted(), 1, [])
    rows = []
    experiments.fooling._over_alpha(
        lambda value, **cells: rows.append((cells["score"], cells["alpha"], float(value))),
        *(0.9, torch.tensor([-1.0, 0.0, 20.0, 600.0]), network, digits),
    )
    rates = {alpha: value for score, alpha, value in rows if score == "fooling rate"}
    assert (rates[0], rates[0.5], rates[20], rates[30]) == (0.75, 0.5, 0.5, 0.25)
    for score, alpha, value in rows:
        if score == "accuracy":
            assert [value] == network.accuracies(digits, [(0.9, alpha)])
    assert len(rows) == 2 * len(experiments.fooling.ALPHAS)


def test_rates_and_steps_by_hand():
    steps = np.array([-1, 0, 10, 50])
    assert experiments.fooling.rate_and_steps(steps, 20) == (0.5, 5.0)
    assert experiments.fooling.rate_and_steps(steps, 100) == (0.75, 20.0)
    assert experiments.fooling.rate_and_steps(np.array([-1, -1]), 100) == (0.0, None)


def test_naming_an_unseen_class_is_a_rejection():
    outputs = np.full((4, 10), 0.001)
    outputs[[0, 1, 2, 3], [3, 7, 2, 7]] = [0.995, 0.8, 0.999, 0.992]
    found = experiments.openset.recognised(np.log(outputs), [3, 7], 0.99)
    assert found.tolist() == [0, -1, -1, 1]


def test_criteria_pair_thresholds_with_alphas():
    settings = experiments.fooling.Settings(**SHARED | FOOLING)
    wanted = [Criterion(0.1, 2.0), Criterion(0.2, 1.0)]
    assert settings.criteria == wanted


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
