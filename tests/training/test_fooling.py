"""Fooling: the short cut takes the generator's steps; what descends, what judges, by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lib import training
from lib.errors import BadInput
from lib.models import build
from lib.training import Criterion, fooling

SIDE = 4
WEIGHTS = torch.randn(3, SIDE * SIDE, generator=torch.Generator().manual_seed(1))
BOTH = {"criteria": [Criterion(0.6), Criterion(0.9)], "max_steps": 400}


def linear(x):
    """A classifier of three classes that is linear in the image and redraws all without error."""
    return (2 * x.flatten(1) @ WEIGHTS.to(x).T).log_softmax(1), torch.zeros(len(x)).to(x)


def with_error(x):
    """The same with an error, the distance to a grey image over D."""
    return linear(x)[0], (x - 0.5).flatten(1).norm(dim=1) / SIDE**2


def start(n, seed=0):
    return training.generator_start(n, side=SIDE, generator=torch.Generator().manual_seed(seed))


def literal_attempt(evidence, layer, given, target, criteria, max_steps, weight, objective="log"):
    """One attempt as the document writes it: the generator's weights are trained by Adam."""
    adam = torch.optim.Adam(layer.parameters(), lr=1e-3)
    steps = [-1] * len(criteria)
    for step in range(max_steps + 1):
        image = layer(given).sigmoid().view(1, 1, SIDE, SIDE)
        log_y, error = evidence(image)
        y, e = log_y[0, target], error[0]
        for i, (threshold, alpha) in enumerate(criteria):
            if steps[i] == -1 and y.exp() * torch.exp(-alpha * e) >= threshold:
                steps[i] = step
        if step == max_steps or -1 not in steps:
            return steps, image.detach()[0]
        output = (y - weight * e).exp()
        loss = -(output.clamp(min=1e-7) if objective == "clamped" else output).log()
        adam.zero_grad()
        loss.backward()
        adam.step()
    raise AssertionError


@pytest.mark.parametrize(
    ("descend_on", "objective"),
    [("unscaled", "log"), ("unscaled", "clamped"), ("scaled", "log")],
)
def test_the_short_cut_takes_the_steps_of_the_generator(descend_on, objective):
    """In float64, so that only Adam's epsilon tells the two apart."""
    draw, alpha = torch.Generator().manual_seed(2), 2.0
    given = 0.1 + 0.9 * torch.rand(4, SIDE * SIDE, generator=draw, dtype=torch.float64)
    layers = [
        build(
            lambda: nn.Linear(SIDE * SIDE, SIDE * SIDE).double(), torch.Generator().manual_seed(i)
        )
        for i in range(4)
    ]
    logits = torch.stack([layer(u).detach() for layer, u in zip(layers, given, strict=True)])
    criteria, targets = [Criterion(0.5, alpha), Criterion(0.8, alpha)], [0, 1, 2, 0]
    options = {"criteria": criteria, "max_steps": 400, "objective": objective}
    quick = training.fool(
        with_error,
        logits.view(4, 1, SIDE, SIDE),
        torch.tensor(targets),
        learning_rate=training.generator_rate(given, learning_rate=1e-3),
        descend_on=descend_on,
        **options,
    )
    for i, layer in enumerate(layers):
        weight = alpha if descend_on == "scaled" else 0.0
        parts = (with_error, layer, given[i], targets[i], criteria, 400, weight, objective)
        steps, image = literal_attempt(*parts)
        assert steps == quick.steps[i].tolist()
        # epsilon of 1e-8 against gradients of about 1e-2, over some hundred steps
        torch.testing.assert_close(image, quick.images[i], rtol=0, atol=1e-4)
    assert (quick.steps >= 0).any()


def test_the_start_is_that_of_a_dense_layer_on_a_uniform_input():
    logits, given = start(50)
    assert logits.shape == (50, 1, SIDE, SIDE)
    assert ((given >= 0) & (given < 1)).all()
    # each weight has variance 1/(3·16), so a logit sum(u²)/48 + 1/48: about (16/3 + 1)/48
    wanted = (SIDE**2 / 3 + 1) / (3 * SIDE**2)
    assert float(logits.var()) == pytest.approx(wanted, rel=0.2)  # 800 draws: 5 % each way


def test_attempts_do_not_see_each_other():
    logits, given = start(3)
    targets, rate = torch.arange(3), training.generator_rate(given, learning_rate=1e-3)
    together = training.fool(linear, logits, targets, learning_rate=rate, **BOTH)
    for i in range(3):
        alone = training.fool(
            linear, logits[i : i + 1], targets[i : i + 1], learning_rate=rate[i : i + 1], **BOTH
        )
        assert alone.steps[0].tolist() == together.steps[i].tolist()


def test_an_image_that_fools_from_the_start_needs_no_step():
    logits = 20 * WEIGHTS[1].view(1, 1, SIDE, SIDE)
    found = training.fool(linear, logits, torch.tensor([1]), learning_rate=0.1, **BOTH)
    assert found.steps.tolist() == [[0, 0]]
    torch.testing.assert_close(found.images, logits.sigmoid())
    assert float(found.outputs[0]) >= 0.9


def test_success_is_judged_on_the_scaled_output_with_the_alpha_of_its_criterion():
    logits, _ = start(5)
    criteria = [Criterion(0.6, 3.0), Criterion(0.9, 0.5)]
    found = training.fool(
        with_error,
        logits,
        torch.arange(5) % 3,
        criteria=criteria,
        max_steps=600,
        learning_rate=0.02,
    )
    log_y, error = with_error(found.images)
    y = log_y.exp().gather(1, (torch.arange(5) % 3)[:, None])[:, 0]
    torch.testing.assert_close(y.double(), found.outputs, rtol=0, atol=1e-6)  # float32
    torch.testing.assert_close(error.double(), found.errors, rtol=0, atol=1e-6)
    done = found.steps[:, 1] >= 0
    assert done.any()
    assert (y * torch.exp(-0.5 * error) >= 0.9 - 1e-6)[done].all()  # float32


def test_the_reach_is_the_largest_alpha_that_would_have_succeeded():
    """Against the whole path, walked with one call for each number of steps."""
    logits, targets = start(3)[0], torch.tensor([0, 1, 2])
    options = {"learning_rate": 0.1, "to_the_end": True}
    found = training.fool(
        with_error, logits, targets, criteria=[Criterion(0.6)], max_steps=30, **options
    )
    log_y, error = with_error(logits.sigmoid())
    y, e = [log_y.diagonal().double().exp()], [error.double()]
    for steps in range(1, 31):
        # a threshold that is never met keeps the image at the last step
        part = training.fool(
            with_error, logits, targets, criteria=[Criterion(1.0, 1e9)], max_steps=steps, **options
        )
        y.append(part.outputs)
        e.append(part.errors)
    y, e = torch.stack(y), torch.stack(e)
    largest = torch.where(y >= 0.6, (y.log() - math.log(0.6)) / e, -1.0).amax(0)
    torch.testing.assert_close(found.reach[:, 0], largest, rtol=1e-5, atol=0)  # float32
    for alpha, fooled in ((0.99, True), (1.01, False)):  # a touch below and above
        for i in range(3):
            one = slice(i, i + 1)
            again = training.fool(
                with_error,
                logits[one],
                targets[one],
                criteria=[Criterion(0.6, alpha * float(largest[i]))],
                max_steps=30,
                learning_rate=0.1,
            )
            assert (int(again.steps) >= 0) == fooled


def test_the_unscaled_attack_does_not_see_the_error_and_the_scaled_one_does():
    logits, targets = start(4)[0], torch.arange(4) % 3
    options = {"max_steps": 50, "learning_rate": 0.05}
    for alpha in (0.0, 50.0):
        found = training.fool(
            with_error, logits, targets, criteria=[Criterion(1.0, alpha)], **options
        )
        plain = training.fool(linear, logits, targets, criteria=[Criterion(1.0, 0.0)], **options)
        assert torch.equal(found.images, plain.images)
    seen = training.fool(
        with_error, logits, targets, criteria=[Criterion(1.0, 50.0)], descend_on="scaled", **options
    )
    assert (seen.errors < found.errors).all()


def test_below_the_clamp_the_attack_stands_still_and_in_log_space_it_moves():
    def hopeless(x):  # output e^-20 of the mean, below 1e-7
        return (x.flatten(1).mean(1, keepdim=True) - 21).expand(-1, 2), torch.zeros(len(x))

    logits, targets = torch.zeros(1, 1, SIDE, SIDE), torch.tensor([0])
    options = {"criteria": [Criterion(0.9)], "max_steps": 3, "learning_rate": 0.1}
    still = training.fool(hopeless, logits, targets, objective="clamped", **options)
    assert torch.equal(still.images, logits.sigmoid())
    moved = training.fool(hopeless, logits, targets, **options)
    assert (moved.images > 0.5).all()
    assert still.steps.tolist() == moved.steps.tolist() == [[-1]]


def test_an_attempt_without_a_gradient_leaves_the_batch_and_changes_nothing_for_others():
    seen = []

    def half_hopeless(x):  # outputs of mean + threshold: below the clamp for black starts only
        seen.append(len(x))
        log_y = (25 * x.flatten(1).mean(1, keepdim=True) - 25).expand(-1, 2)
        return log_y, torch.zeros(len(x))

    logits = torch.cat([torch.full((2, 1, SIDE, SIDE), -1.0), torch.full((1, 1, SIDE, SIDE), 1.0)])
    options = {"criteria": [Criterion(0.9)], "max_steps": 3, "learning_rate": 0.1}
    options["objective"] = "clamped"
    found = training.fool(half_hopeless, logits, torch.zeros(3, dtype=torch.int64), **options)
    assert seen == [3, 1, 1, 1]
    # as Adam would leave them: a zero gradient with zero moments makes a step of zero
    assert torch.equal(found.images[:2], logits[:2].sigmoid())
    alone = training.fool(half_hopeless, logits[2:], torch.zeros(1, dtype=torch.int64), **options)
    assert torch.equal(found.images[2:], alone.images)
    assert found.steps.tolist() == [[-1]] * 3


class Stopped(Exception):
    pass


def test_a_killed_attack_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(fooling, "SAVED_EVERY", 5)
    logits, targets, path = start(4)[0], torch.arange(4) % 3, tmp_path / "attack.pt"
    options = {"criteria": [Criterion(0.7, 1.0)], "max_steps": 23, "learning_rate": 0.02}
    whole = training.fool(with_error, logits, targets, **options)

    def killed(after):
        def evidence(x, calls=[]):  # noqa: B006 - counts its own calls
            calls.append(None)
            if len(calls) > after:
                raise Stopped
            return with_error(x)

        return evidence

    options |= {"checkpoint": path, "fingerprint": "a"}
    with pytest.raises(Stopped):
        training.fool(killed(12), logits, targets, **options)
    assert path.exists()
    # calls for steps 0 to 11, written at step 10: fourteen are left
    again = training.fool(killed(14), logits, targets, **options)
    for name, values in whole._asdict().items():
        assert torch.equal(values, getattr(again, name)), name
    with pytest.raises(Stopped):  # another attack's checkpoint is not gone on with
        training.fool(killed(14), logits, targets, **options | {"fingerprint": "b"})


def test_bad_input_is_refused_in_words():
    logits, target = start(1)[0], torch.tensor([0])
    options = {"learning_rate": 0.1} | BOTH
    for changed, words in (
        ({"max_steps": 0}, "max_steps must be a whole number"),
        ({"learning_rate": 0.0}, "learning rate must be above 0"),
        ({"criteria": []}, "Criteria need thresholds"),
        ({"criteria": [Criterion(1.1)]}, "Criteria need thresholds"),
        ({"criteria": [Criterion(0.9, -1.0)]}, "alphas of at least 0"),
        (
            {"criteria": [Criterion(0.9, 1.0), Criterion(0.9, 2.0)], "descend_on": "scaled"},
            "on one alpha only",
        ),
    ):
        with pytest.raises(BadInput, match=words):
            training.fool(linear, logits, target, **options | changed)
    for wrong in (-1, 3):
        with pytest.raises(BadInput, match="Targets must lie between 0 and 2"):
            training.fool(linear, logits, torch.tensor([wrong]), **options)


# --- starts


def test_every_class_is_wished_equally_often():
    assert training.class_targets(3, 6).tolist() == [0, 0, 1, 1, 2, 2]
    for classes, attempts in ((3, 7), (3, 0), (3, 2), (0, 2)):
        with pytest.raises(BadInput, match=f"{attempts} attempts are no multiple of {classes}"):
            training.class_targets(classes, attempts)


def test_images_show_another_class_than_the_target():
    labels = np.arange(40) % 4
    x = torch.arange(40.0).view(40, 1, 1, 1)
    targets = np.arange(4).repeat(25)
    found = training.images_of_others(x, labels, targets, np.random.default_rng(0))
    assert found.shape == (100, 1, 1, 1)
    shown = labels[found.flatten().long().numpy()]
    assert (shown != targets).all()
    for target in range(4):  # and any other class: all three come up in 25 draws with this seed
        assert set(shown[targets == target]) == set(range(4)) - {target}
    again = training.images_of_others(x, labels, targets, np.random.default_rng(0))
    assert torch.equal(found, again)
    other = training.images_of_others(x, labels, targets, np.random.default_rng(1))
    assert not torch.equal(found, other)
    with pytest.raises(BadInput, match="no image of another class than 2"):
        training.images_of_others(x[:1], labels[2:3], [2], np.random.default_rng(0))


def test_a_start_draws_the_image_but_for_black_and_white():
    x = torch.tensor([0.0, 0.02, 0.3, 0.5, 0.98, 1.0]).view(1, 1, 2, 3)
    logits = training.image_start(x)
    assert torch.isfinite(logits).all() and logits.abs().max() < 4
    wanted = torch.tensor([0.02, 0.02, 0.3, 0.5, 0.98, 0.98]).view(1, 1, 2, 3)
    torch.testing.assert_close(logits.sigmoid(), wanted, rtol=0, atol=1e-6)  # float32 rounding
