"""Auxiliary tasks: what each shows and asks, what an answer costs, and what is refused."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.data import grey, rotated, sobel
from lib.errors import BadInput
from lib.models import Classifier, build
from lib.training.auxiliary import Auxiliary, auxiliary_error, draw_turns, shown
from lib.training.objective import batch_errors

PICTURES = ("reconstruction", "recolouring", "sobel")
K = 5


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def network():
    def make():
        trunk = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, K))
        mean, deviation = [0.4, 0.5, 0.6], [0.2, 0.3, 0.1]
        return Classifier(trunk, nn.Linear(K, 2), classes=2, size=8, mean=mean, deviation=deviation)

    return build(make, torch.Generator().manual_seed(0))


def task(name, weight=1.0):
    shape = {"rotation": (4,), "sobel": (1, 8, 8)}.get(name, (3, 8, 8))

    def make():
        return nn.Sequential(nn.Linear(K, math.prod(shape)), nn.Unflatten(1, shape))

    return Auxiliary(name, build(make, torch.Generator().manual_seed(1)), weight)


def test_what_each_task_shows():
    x, turns = drawn(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])
    assert torch.equal(shown(task("reconstruction"), x, turns), x)
    assert torch.equal(shown(task("sobel"), x, turns), x)
    assert torch.equal(shown(task("recolouring"), x, turns), grey(x))
    assert torch.equal(shown(task("rotation"), x, turns), rotated(x, turns))
    assert [task(n).changes_image for n in (*PICTURES, "rotation")] == [False, True, False, True]


def test_what_each_answer_costs():
    model, x, turns = network(), drawn(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])
    normalised = (x - model.mean) / model.deviation
    for name, wanted in (
        ("reconstruction", normalised),
        ("recolouring", normalised),  # the colours, not the grey that was shown
        ("sobel", sobel(x)),
    ):
        answer = drawn(*wanted.shape, seed=3)
        found = auxiliary_error(task(name), answer, model, x, turns)
        assert found.item() == pytest.approx((answer - wanted).square().mean().item(), rel=1e-6)
        assert auxiliary_error(task(name), wanted, model, x, turns) == 0
    logits = drawn(4, 4, seed=3)
    found = auxiliary_error(task("rotation"), logits, model, x, turns)
    wanted = -torch.log_softmax(logits, 1).diagonal().mean()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)  # float32


@pytest.mark.parametrize("name", ["recolouring", "rotation"])
@pytest.mark.parametrize(("weight", "classification"), [(0.7, 2.0), (0.0, 2.0), (0.7, 0.0)])
def test_the_objective_is_the_weighted_sum(name, weight, classification):
    model, auxiliary, x = network(), task(name, weight), drawn(4, 3, 8, 8)
    labels, turns = torch.tensor([0, 1, 1, 0]), torch.tensor([3, 2, 0, 1])
    options = {"classification": classification, "precision": "float32"}
    found = batch_errors(model, auxiliary, x, labels, turns, **options)
    logits = model(x)
    answer = auxiliary.head(model.features(shown(auxiliary, x, turns)))
    error = auxiliary_error(auxiliary, answer, model, x, turns)
    wanted = classification * F.cross_entropy(logits, labels) + weight * error
    assert found.objective.item() == pytest.approx(wanted.item(), rel=1e-5)  # float32
    assert found.auxiliary.item() == pytest.approx(error.item(), rel=1e-5)
    assert found.correct == (logits.argmax(1) == labels).sum()
    found.objective.backward()
    reached = [p.grad is not None for p in model.head.parameters()]
    assert reached == [bool(classification)] * 2
    reached = [p.grad is not None for p in auxiliary.head.parameters()]
    assert reached == [bool(weight)] * 2


def test_turns_are_drawn_for_rotation_alone():
    g = torch.Generator().manual_seed(0)
    state = g.get_state()
    for auxiliary in (None, *map(task, PICTURES)):
        assert draw_turns(auxiliary, 5, g).tolist() == [0] * 5
    assert torch.equal(g.get_state(), state)
    counts = torch.bincount(draw_turns(task("rotation"), 4000, g), minlength=4)
    # 1000 each with a deviation of 27
    assert (counts - 1000).abs().max() < 5 * 27


def test_an_answer_of_another_shape_is_refused():
    model, x, turns = network(), drawn(4, 3, 8, 8), torch.zeros(4, dtype=torch.int64)
    # one channel against three would broadcast without a word
    for name, shape in (("reconstruction", (4, 1, 8, 8)), ("sobel", (4, 3, 8, 8))):
        with pytest.raises(BadInput, match="must answer with the shape"):
            auxiliary_error(task(name), torch.zeros(shape), model, x, turns)
    with pytest.raises(BadInput, match=r"shape \[4, 4\], but \[4, 2\] came"):
        auxiliary_error(task("rotation"), torch.zeros(4, 2), model, x, turns)


def test_unknown_tasks_and_weights_below_0_are_refused():
    with pytest.raises(BadInput, match=r"task must be one of .*recolouring.*'colouring'"):
        Auxiliary("colouring", nn.Identity(), 1.0)
    for weight in (-1.0, float("nan"), True):
        with pytest.raises(BadInput, match="weight must be a number of at least 0"):
            Auxiliary("sobel", nn.Identity(), weight)
