"""ODIN: by hand on a linear network, image by image with autograd, and no trace left."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import GeneralizedOdinHead, ResNet34, build
from lib.scores import (
    generalized_odin,
    max_logit,
    max_probability,
    odin,
)

# Other batch sizes sum in another order: float32 rounding through 34 layers of a narrow network.
ROUNDING = 1e-4


def network(head=nn.Linear, seed=0):
    model = build(lambda: ResNet34(4, width=2, head=head), torch.Generator().manual_seed(seed))
    return model.eval()


def images(n=5, seed=1):
    return torch.rand((n, 3, 32, 32), generator=torch.Generator().manual_seed(seed))


SCORES = {
    "odin": lambda model, x, **options: odin(model, x, **{"temperature": 10.0} | options),
    "generalized": lambda model, x, **options: generalized_odin(model, x, **options),
}


def made(name, seed=0):
    return network(nn.Linear if name == "odin" else GeneralizedOdinHead, seed)


class Planes(nn.Module):
    """Logits (a · x, 0) of images with two pixels."""

    def __init__(self, a):
        super().__init__()
        self.register_buffer("a", torch.tensor(a))

    def forward(self, x):
        s = (x.flatten(1) * self.a).sum(1)
        return torch.stack([s, torch.zeros_like(s)], dim=1)


def test_by_hand():
    model = Planes([3.0, -1.0]).eval()
    x = torch.tensor([[0.5, 0.5], [0.0, 0.5]]).view(2, 1, 1, 2)
    # a · x is 1 and -0.5: the first image is of class 0 and steps by (e, -e), which adds 4e; the
    # second is of class 1 and steps by (-e, e), which takes 4e away. The larger logit less the
    # other is then 1 + 4e and 0.5 + 4e, and the smaller probability 1 / (1 + exp of it / T)
    for e in (0.0, 0.01, 0.2):
        for t in (1.0, 5.0):
            found = odin(model, x, temperature=t, epsilon=e)
            wanted = [1 / (1 + math.exp((margin + 4 * e) / t)) for margin in (1.0, 0.5)]
            assert found.tolist() == pytest.approx(wanted, rel=1e-6)  # x in float32


@pytest.mark.parametrize("name", SCORES)
def test_equals_one_image_after_the_other_by_autograd(name):
    epsilon, model, x = 0.02, made(name), images()
    wanted = []
    for image in x:
        leaf = image[None].clone().requires_grad_()
        if name == "odin":
            best = torch.softmax(model(leaf).double() / 10, 1).max().log()
        else:
            best = model.head.cosines(model.features(leaf)).max()
        # x - e · sign(-gradient)
        moved = leaf - epsilon * torch.sign(-torch.autograd.grad(best, leaf)[0])
        with torch.no_grad():
            if name == "odin":
                wanted.append(1 - torch.softmax(model(moved).double() / 10, 1).max().item())
            else:
                wanted.append(-model.head.cosines(model.features(moved)).max().item())
    found = SCORES[name](model, x, epsilon=epsilon)
    assert found.tolist() == pytest.approx(wanted, rel=ROUNDING)


@pytest.mark.parametrize("name", SCORES)
def test_without_a_step_it_is_the_plain_score(name):
    model, x = made(name), images()
    found = SCORES[name](model, x, epsilon=0.0)
    with torch.no_grad():
        if name == "odin":
            wanted = max_probability(model(x).double() / 10)
        else:
            wanted = max_logit(model.head.cosines(model.features(x)))
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("name", SCORES)
def test_batches_and_order_do_not_matter(name):
    model, x = made(name), images(7)
    together = SCORES[name](model, x, epsilon=0.01)
    parts = SCORES[name](model, x, epsilon=0.01, batch_size=3)
    torch.testing.assert_close(parts, together, rtol=ROUNDING, atol=0)
    mirrored = SCORES[name](model, x.flip(0), epsilon=0.01)
    torch.testing.assert_close(mirrored.flip(0), together, rtol=ROUNDING, atol=0)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("state", ["with gradients", "no grad"])
def test_no_trace_is_left(leaves_no_trace, name, state):
    leaves_no_trace(partial(SCORES[name], epsilon=0.01), made(name), images(), state)


@pytest.mark.parametrize("name", SCORES)
def test_nonsense_is_refused_in_words(name):
    score, model, x = SCORES[name], made(name), images()
    with pytest.raises(BadInput, match="epsilon must be a number of at least 0"):
        score(model, x, epsilon=math.nan)
    with pytest.raises(BadInput, match="batch size must be at least 1, but 0"):
        score(model, x, batch_size=0)
    with pytest.raises(BadInput, match="at least one of them"):
        score(model, x[:0])
    model.head.train()
    with pytest.raises(BadInput, match="evaluation mode"):
        score(model, x)


def test_each_needs_what_it_is_made_for():
    for temperature in (0, -1, math.nan):
        with pytest.raises(BadInput, match="temperature must be above 0"):
            odin(network(), images(), temperature=temperature)
    with pytest.raises(BadInput, match="but the head is Linear"):
        generalized_odin(network(), images())
