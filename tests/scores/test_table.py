"""One test over all scores: direction, shape and that they leave no trace."""

import pytest
import torch

from lib import scores
from lib.errors import BadInput
from lib.scores import (
    LOGIT_TABLE,
    TABLE,
    decoder_gradients,
    gradcon_scores,
    gradient_cosines,
)

ENTRIES = TABLE | LOGIT_TABLE
EVERYTHING = {name: entry.__call__ for name, entry in ENTRIES.items()} | {
    "all at once": lambda model, x, reference, **rest: gradcon_scores(model, x, reference),
    "cosines": lambda model, x, reference, **rest: gradient_cosines(model, x, reference),
    "gradients": lambda model, x, **rest: decoder_gradients(model, x),
}


@pytest.fixture
def planted(trained, bars):
    """Thirty normal images and, in the middle, one that is bright, far from the mean and new.

    A classifier of six classes would be sure of the normal ones and nearly undecided on this one.
    """
    model, reference, train = trained
    x = bars(31, 5)
    x[17] = 0.1
    x[17, :, :, 15:25] = 1.0  # a broad vertical bar far to the right
    g = torch.Generator().manual_seed(5)
    logits = torch.randn((31, 6), generator=g)
    logits[torch.arange(31), torch.randint(6, (31,), generator=g)] += 12.0
    logits[17] = 0.1 * torch.randn(6, generator=g)
    inputs = {"model": model, "x": x, "reference": reference, "train": train, "logits": logits}
    return inputs, 17


@pytest.mark.parametrize("name", ENTRIES)
def test_each_score_ranks_the_planted_anomaly_first(planted, name):
    inputs, place = planted
    found = ENTRIES[name](**inputs)
    assert found.shape == (31,)
    assert found.isfinite().all()
    assert found.argmax() == place
    assert found.unique().numel() > 20  # no constant


def test_each_score_at_once_ranks_the_planted_anomaly_first(planted):
    inputs, place = planted
    inputs = {k: v for k, v in inputs.items() if k in ("model", "x", "reference")}
    found = gradcon_scores(**inputs)
    for name in ("recon", "grad", "recon+beta*grad"):
        assert found[name].argmax() == place
        torch.testing.assert_close(found[name], TABLE[name](**inputs), rtol=0, atol=1e-6)  # float32


def test_each_score_says_its_direction_meaning_and_source():
    assert len(ENTRIES) == len(TABLE) + len(LOGIT_TABLE)  # no name stands in both
    for name, entry in ENTRIES.items():
        first = entry.function.__doc__.split(".")[0]
        assert "more anomalous" in first, name
        assert entry.meaning and entry.source
        assert entry.takes[0] in ("model", "x", "logits")
        assert entry.function.__name__ in vars(scores)


def test_a_missing_input_is_named(planted):
    inputs, _ = planted
    with pytest.raises(KeyError, match="reference"):
        TABLE["grad"](model=inputs["model"], x=inputs["x"])


def tensors(found):
    if isinstance(found, dict):
        return list(found.values())
    return found if isinstance(found, list) else [found]


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


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("state", ["training", "evaluating, frozen", "images with gradient"])
def test_scores_leave_no_trace(snapshot, untouched, name, state):
    model = untouched["model"]
    if state == "evaluating, frozen":
        model.eval().requires_grad_(False)
    if state == "images with gradient":
        untouched["x"].requires_grad_()
        untouched["logits"].requires_grad_()
    before = snapshot(model, *others(untouched))
    found = EVERYTHING[name](**untouched)
    assert snapshot(model, *others(untouched)) == before
    for values in tensors(found):
        assert not values.requires_grad  # no graph hangs on to the batch
        assert values.grad_fn is None


@pytest.mark.parametrize("name", EVERYTHING)
def test_frozen_networks_and_no_grad_change_no_score(untouched, name):
    free = tensors(EVERYTHING[name](**untouched))
    untouched["model"].requires_grad_(False)
    frozen = tensors(EVERYTHING[name](**untouched))
    with torch.no_grad():
        without = tensors(EVERYTHING[name](**untouched))
        assert not torch.is_grad_enabled()
    assert all(torch.equal(a, b) for a, b in zip(free, frozen, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(free, without, strict=True))


def test_no_trace_is_left_after_an_error(snapshot, untouched):
    before = snapshot(untouched["model"], *others(untouched))
    with pytest.raises(BadInput):
        gradcon_scores(untouched["model"], untouched["x"], untouched["reference"][:2])
    assert snapshot(untouched["model"], *others(untouched)) == before
