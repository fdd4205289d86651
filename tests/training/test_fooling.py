"""Fooling: the short cut takes the generator's steps; clamp, thresholds and limits by hand."""

import math

import pytest
import torch

from lib import training
from lib.errors import BadInput
from lib.models import FoolingGenerator, build

SIDE = 4
WEIGHTS = torch.randn(3, SIDE * SIDE, generator=torch.Generator().manual_seed(1))
BOTH = {"thresholds": [0.6, 0.9], "max_steps": 400}


def linear(x):
    """A classifier of three classes that is linear in the image."""
    return (2 * x.flatten(1) @ WEIGHTS.to(x).T).log_softmax(1)


def start(n, seed=0):
    return training.generator_start(n, side=SIDE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("objective", ["clamped", "log"])
def test_the_short_cut_takes_the_steps_of_the_generator(objective):
    """In float64, so that only Adam's epsilon tells the two apart."""
    draw = torch.Generator().manual_seed(2)
    given = 0.1 + 0.9 * torch.rand(4, SIDE * SIDE, generator=draw, dtype=torch.float64)
    networks = [
        build(lambda u=u: FoolingGenerator(u).double(), torch.Generator().manual_seed(i))
        for i, u in enumerate(given)
    ]
    logits = torch.cat([network.logits().detach() for network in networks])
    targets = torch.tensor([0, 1, 2, 0])
    rate = training.generator_rate(given, learning_rate=1e-3)
    quick = training.fool(linear, logits, targets, learning_rate=rate, objective=objective, **BOTH)
    for i, network in enumerate(networks):
        literal = training.fool_with_generator(
            linear, network, int(targets[i]), objective=objective, **BOTH
        )
        assert literal.steps[0].tolist() == quick.steps[i].tolist()
        assert (literal.steps >= 0).all()
        # epsilon of 1e-8 against gradients of about 1e-2, over some hundred steps
        torch.testing.assert_close(literal.images[0], quick.images[i], rtol=0, atol=1e-4)


def test_the_start_is_that_of_a_dense_layer_on_a_uniform_input():
    logits, given = start(50)
    assert logits.shape == (50, 1, SIDE, SIDE)
    assert ((given >= 0) & (given < 1)).all()
    # each weight has variance 1/(3·16), so a logit sum(u²)/48 + 1/48: about (16/3 + 1)/48
    wanted = (SIDE**2 / 3 + 1) / (3 * SIDE**2)
    assert float(logits.var()) == pytest.approx(wanted, rel=0.2)  # 800 draws: 5 % each way


def test_attempts_do_not_see_each_other():
    logits, given = start(6)
    targets, rate = torch.arange(6) % 3, training.generator_rate(given)
    together = training.fool(linear, logits, targets, learning_rate=rate, **BOTH)
    for i in range(6):
        alone = training.fool(
            linear, logits[i : i + 1], targets[i : i + 1], learning_rate=rate[i : i + 1], **BOTH
        )
        assert alone.steps[0].tolist() == together.steps[i].tolist()


def test_an_image_that_fools_from_the_start_needs_no_step():
    logits = 20 * WEIGHTS[1].view(1, 1, SIDE, SIDE)
    found = training.fool(linear, logits, torch.tensor([1]), learning_rate=0.1, **BOTH)
    assert found.steps.tolist() == [[0, 0]]
    torch.testing.assert_close(found.images, logits.sigmoid())
    assert float(found.outputs) >= 0.9


def test_the_kept_image_reaches_the_output_that_is_told():
    logits, given = start(5)
    targets = torch.arange(5) % 3
    options = BOTH | {"max_steps": 3000, "learning_rate": training.generator_rate(given)}
    found = training.fool(linear, logits, targets, **options)
    told = linear(found.images).exp().gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(told, found.outputs, rtol=0, atol=1e-6)  # float32
    assert (found.outputs >= 0.9).all()
    assert (found.steps[:, 0] <= found.steps[:, 1]).all()


def test_below_the_clamp_the_attack_stands_still_and_in_log_space_it_moves():
    def hopeless(x):  # output e^-20 of the mean, below 1e-7
        return (x.flatten(1).mean(1, keepdim=True) - 21).expand(-1, 2)

    logits, targets = torch.zeros(1, 1, SIDE, SIDE), torch.tensor([0])
    options = {"thresholds": [0.9], "max_steps": 3, "learning_rate": 0.1}
    still = training.fool(hopeless, logits, targets, **options)
    assert torch.equal(still.images, logits.sigmoid())
    assert float(still.gradients[0]) == 0
    moved = training.fool(hopeless, logits, targets, objective="log", **options)
    assert (moved.images > 0.5).all()
    # d(-mean of sigmoid)/d logit is -(1/16)·(1/4) in each of 16 places: norm 4/64
    assert float(moved.gradients[0]) == pytest.approx(1 / 16, abs=1e-6)
    assert still.steps.tolist() == moved.steps.tolist() == [[-1]]


def test_an_attempt_without_a_gradient_leaves_the_batch_and_changes_nothing_for_others():
    seen = []

    def half_hopeless(x):  # outputs of mean + threshold: below the clamp for black starts only
        seen.append(len(x))
        return (25 * x.flatten(1).mean(1, keepdim=True) - 25).expand(-1, 2)

    logits = torch.cat([torch.full((2, 1, SIDE, SIDE), -1.0), torch.full((1, 1, SIDE, SIDE), 1.0)])
    options = {"thresholds": [0.9], "max_steps": 3, "learning_rate": 0.1, "record": (0, 2)}
    found = training.fool(half_hopeless, logits, torch.zeros(3, dtype=torch.int64), **options)
    assert seen == [3, 1, 1, 1]
    # as Adam would leave them: a zero gradient with zero moments makes a step of zero
    assert torch.equal(found.images[:2], logits[:2].sigmoid())
    assert found.gradients[2][:2].tolist() == [0, 0]
    alone = training.fool(half_hopeless, logits[2:], torch.zeros(1, dtype=torch.int64), **options)
    assert torch.equal(found.images[2:], alone.images)
    assert found.gradients[2][2] == alone.gradients[2][0] > 0
    assert found.steps.tolist() == [[-1]] * 3


def test_above_the_clamp_both_objectives_have_one_gradient():
    logits, given = start(4)
    options = {"learning_rate": training.generator_rate(given), **BOTH}
    first, second = (
        training.fool(linear, logits, torch.arange(4) % 3, objective=o, **options).gradients[0]
        for o in ("clamped", "log")
    )
    torch.testing.assert_close(first, second, rtol=1e-5, atol=0)  # float32


def test_the_limit_is_kept_and_those_that_ended_have_no_gradient():
    logits, _ = start(6)
    logits = torch.zeros_like(logits)  # grey: far from sure of anything
    targets = linear(logits.sigmoid()).argmin(1)
    logits[0] = 20 * WEIGHTS[targets[0]].view(SIDE, SIDE)  # done at once
    found = training.fool(
        linear,
        logits,
        targets,
        learning_rate=1e-4 * torch.ones(6),
        thresholds=[0.99],
        max_steps=2,
        record=(0, 1),
    )
    assert found.steps[0].tolist() == [0]
    assert (found.steps[1:] == -1).all()
    assert not torch.isnan(found.gradients[0]).any()
    assert math.isnan(found.gradients[1][0])
    assert not torch.isnan(found.gradients[1][1:]).any()


@pytest.mark.parametrize("thresholds", [[], [-0.1], [0.5, 1.1], [0.9, 0.5], [0.9, 0.9]])
def test_thresholds_outside_the_range_or_not_ascending_are_refused(thresholds):
    with pytest.raises(BadInput, match="hreshold"):
        training.fool(
            linear,
            start(1)[0],
            torch.tensor([0]),
            thresholds=thresholds,
            max_steps=1,
            learning_rate=0.1,
        )


@pytest.mark.parametrize("target", [-1, 3])
def test_a_target_outside_the_classes_is_refused(target):
    with pytest.raises(BadInput, match="Targets must lie between 0 and 2"):
        training.fool(linear, start(1)[0], torch.tensor([target]), learning_rate=0.1, **BOTH)
    with pytest.raises(BadInput, match="Targets must lie between 0 and 2"):
        training.fool_with_generator(linear, FoolingGenerator(torch.rand(SIDE**2)), target, **BOTH)


def test_other_bad_input_is_refused_in_words():
    logits, targets = start(1)[0], torch.tensor([0])
    with pytest.raises(BadInput, match="max_steps must be a whole number"):
        training.fool(linear, logits, targets, thresholds=[0.9], max_steps=0, learning_rate=0.1)
    with pytest.raises(BadInput, match="learning rate must be above 0"):
        training.fool(linear, logits, targets, learning_rate=0.0, **BOTH)
    with pytest.raises(BadInput, match="objective must be one of"):
        training.fool(linear, logits, targets, learning_rate=0.1, objective="hinge", **BOTH)
