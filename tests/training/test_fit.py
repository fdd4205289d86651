"""Training trains, says what it did, depends on its generator alone and refuses nonsense."""

import math

import pytest
import torch

from lib import scores
from lib.errors import BadInput
from lib.metrics import auroc
from lib.training import fit

KEYS = {"epoch", "train_J", "train_L", "train_cosine"}
KEYS |= {"validation_J", "validation_L", "validation_cosine"}


@pytest.mark.parametrize("alpha", [0.0, 0.03])
def test_training_trains(network, bars, alpha):
    model, start = network(), network()
    found = fit(
        model,
        bars(96, 1),
        bars(32, 2),
        generator=torch.Generator().manual_seed(0),
        epochs=6,
        alpha=alpha,
        batch_size=8,
    )
    assert found.model is model
    # every tensor moved, by more than rounding
    for a, b in zip(model.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-3
    losses = [entry["train_L"] for entry in found.history]
    validated = [entry["validation_L"] for entry in found.history]
    # to a quarter or less in twelve seeds
    assert losses[-1] < 0.5 * losses[0]
    assert validated[-1] < 0.5 * validated[0]
    # horizontal bars were trained on, vertical ones are the anomaly
    x, labels = torch.cat([bars(40, 3), bars(40, 4, vertical=True)]), [0] * 40 + [1] * 40
    trained, untrained = (
        auroc(labels, scores.reconstruction_error(m, x).double().numpy()) for m in (model, start)
    )
    # an untrained network draws grey whatever it sees, and the two kinds of bars have the same
    # pixels: one half, with a standard error of 0.065 for 40 against 40
    assert untrained < 0.5 + 3 * 0.065
    assert trained > 0.95  # 1.000 in twelve seeds
    gradient = scores.gradient_score(model, x, found.reference.mean)
    assert len(set(gradient.tolist())) > 70  # not constant
    if alpha > 0:  # the plain network owes its gradients nothing
        assert auroc(labels, gradient.double().numpy()) > 0.95


# --- randomness


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *[({"epochs": v}, "epochs must be") for v in (0, 2.0)],
        *[({"batch_size": v}, "batch_size must be") for v in (0,)],
        *[({"learning_rate": v}, "learning_rate must be") for v in (0, math.nan)],
        *[({"alpha": v}, "alpha must be") for v in (-0.03,)],
        ({"selection": "bset"}, "selection must be one of .*best.*'bset'"),
    ],
)
def test_nonsense_is_refused_before_anything_happens(train, tmp_path, change, words):
    path = tmp_path / "fit.pt"
    with pytest.raises(BadInput, match=words) as caught:
        train(checkpoint=path, **change)
    assert "\n" not in str(caught.value)
    assert not path.exists()
