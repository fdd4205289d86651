"""One table of all scores: direction, shape and that they leave no trace."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lib import scores
from lib.errors import BadInput
from lib.scores import LOGIT_TABLE, decoder_gradients, gradcon_scores, gradient_cosines

# from inputs by name; each takes what it needs
OF_NETWORKS = {
    "recon": lambda model, x, **_: scores.reconstruction_error(model, x),
    "cross-entropy": lambda model, x, **_: scores.cross_entropy_error(model, x),
    "grad": lambda model, x, reference, **_: scores.gradient_score(model, x, reference),
    "recon+beta*grad": lambda model, x, reference, **_: scores.gradcon_score(model, x, reference),
    "fisher": lambda model, x, train, **_: scores.fisher_score(
        model,
        x,
        scores.mean_fisher_score(model, train[:8]),
        scores.fisher_diagonal(model, train[:8]),
    ),
    "deep SVDD": lambda x, train, **_: scores.deep_svdd_score(
        nn.Flatten().eval(), x, train.flatten(1).mean(0)
    ),
    "LSA": lambda model, x, train, **_: scores.lsa_scores(
        copy.deepcopy(model).eval(), None, x, validation=train
    )["recon"],
}
OF_IMAGES = {
    "mean brightness": lambda x, **_: scores.mean_brightness(x),
    "distance to mean": lambda x, train, **_: scores.distance_to_mean(x, train),
    "distance to nearest": lambda x, train, **_: scores.distance_to_nearest(x, train),
}
OF_LOGITS = {
    **{name: lambda logits, f=f, **_: f(logits) for name, f in LOGIT_TABLE.items()},
    "ensemble, max logit": lambda logits, **_: scores.ensemble_max_logit(
        torch.stack([logits, 0.5 * logits])
    ),
}
OF_FEATURES = {
    "one-class SVM": lambda z, known, y, **_: scores.fit_one_class_svm(known[y == 0]).score(z),
    "kernel density": lambda z, known, y, **_: scores.fit_kde(
        known[y == 0], rng=np.random.default_rng(0), bandwidths=[0.5]
    ).score(z),
    "nominal neighbours": lambda z, known, y, **_: scores.nominal_neighbour_distance(
        known[y == 0], z, k=3
    ),
    "linear probe": lambda z, known, y, **_: scores.linear_probe_score(known, y, z),
    "forest": lambda z, known, y, **_: scores.forest_score(
        known, y, z, rng=np.random.default_rng(0), trees=200
    ),
}
ALL = OF_NETWORKS | OF_IMAGES | OF_LOGITS | OF_FEATURES
TRACELESS = OF_NETWORKS | OF_IMAGES | OF_LOGITS
TRACELESS |= {
    "all at once": lambda model, x, reference, **_: gradcon_scores(model, x, reference),
    "cosines": lambda model, x, reference, **_: gradient_cosines(model, x, reference),
    "gradients": lambda model, x, **_: decoder_gradients(model, x),
}
PLACE = 17


@pytest.fixture
def planted(trained, bars):
    """Thirty normal images and, in the middle, one that is bright, far from the mean and new.

    A classifier of six classes would be sure of the normal ones and nearly undecided on this one;
    of features, it lies six deviations off in one of four numbers, as do labelled anomalies.
    """
    model, reference, train = trained
    x = bars(31, 5)
    x[PLACE] = 0.1
    x[PLACE, :, :, 15:25] = 1.0  # a broad vertical bar far to the right
    g = torch.Generator().manual_seed(5)
    logits = torch.randn((31, 6), generator=g)
    logits[torch.arange(31), torch.randint(6, (31,), generator=g)] += 12.0
    logits[PLACE] = 0.1 * torch.randn(6, generator=g)
    rng = np.random.default_rng(5)
    z, known, y = rng.normal(size=(31, 4)), rng.normal(size=(80, 4)), np.arange(80) % 4 // 3
    z[PLACE, 2] += 6
    known[y == 1, 2] += 6
    inputs = {"model": model, "x": x, "reference": reference, "train": train, "logits": logits}
    return inputs | {"z": z, "known": known, "y": y}


@pytest.mark.parametrize("name", ALL)
def test_each_score_ranks_the_planted_anomaly_first(planted, name):
    values = np.asarray(ALL[name](**planted))
    assert values.shape == (31,)
    assert np.isfinite(values).all()
    assert values.argmax() == PLACE
    assert (values == values.max()).sum() == 1


def test_each_logit_score_says_its_direction():
    for name, score in LOGIT_TABLE.items():
        assert "more anomalous" in score.__doc__.split(".")[0], name


def tensors(values):
    if isinstance(values, dict):
        return list(values.values())
    return values if isinstance(values, list) else [values]


def others(inputs):
    """The tensors that a score is given beside its network."""
    return [inputs["x"], inputs["train"], inputs["logits"], *inputs["reference"]]


@pytest.fixture
def untouched(network, bars):
    """A network in training mode with gradients of its own."""
    model, reference = network()
    x = bars(3, 0)
    model(x).sum().backward()
    model.train()
    logits = torch.randn((3, 6), generator=torch.Generator().manual_seed(5))
    inputs = {"model": model, "x": x, "reference": reference, "train": bars(4, 1)}
    return inputs | {"logits": logits}


@pytest.mark.parametrize("name", TRACELESS)
@pytest.mark.parametrize("state", ["training", "evaluating, frozen"])
def test_scores_leave_no_trace(snapshot, untouched, name, state):
    model = untouched["model"]
    if state == "evaluating, frozen":
        model.eval().requires_grad_(False)
    else:
        untouched["x"].requires_grad_()
        untouched["logits"].requires_grad_()
    before = snapshot(model, *others(untouched))
    result = TRACELESS[name](**untouched)
    assert snapshot(model, *others(untouched)) == before
    for values in tensors(result):
        assert not values.requires_grad  # no graph hangs on to the batch
        assert values.grad_fn is None


def test_no_trace_is_left_after_an_error(snapshot, untouched):
    before = snapshot(untouched["model"], *others(untouched))
    with pytest.raises(BadInput):
        gradcon_scores(untouched["model"], untouched["x"], untouched["reference"][:2])
    assert snapshot(untouched["model"], *others(untouched)) == before
