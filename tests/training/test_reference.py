"""The reference gradient is a plain mean, and its cosines are those of school geometry."""

import pytest
import torch

from lib.training import (
    ReferenceGradient,
    gradient_cosines,
)

ROUNDING = 1e-14  # float64 sums of a few dozen terms of size one


def drawn_gradients(steps, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = [(2, 3), (4,)]
    return [
        [torch.randn(shape, generator=g, dtype=torch.float64) for shape in shapes]
        for _ in range(steps)
    ]


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_running_mean_is_the_plain_mean(steps):
    gradients = drawn_gradients(steps)
    reference = ReferenceGradient()
    for step in gradients:
        reference.update(step)
    assert reference.steps == steps
    for layer, found in enumerate(reference.mean):
        wanted = sum(step[layer] for step in gradients) / steps
        torch.testing.assert_close(found, wanted, rtol=0, atol=ROUNDING)


def test_running_mean_by_hand():
    reference = ReferenceGradient()
    for value in (1.0, 2.0, 6.0):
        reference.update([torch.tensor([value])])
    assert reference.mean[0].item() == (1 + 2 + 6) / 3


def test_update_keeps_no_hold_on_the_gradient_and_leaves_it():
    gradient = torch.ones(2, requires_grad=True)
    reference = ReferenceGradient()
    reference.update([gradient])
    reference.update([3 * gradient])
    assert gradient.tolist() == [1, 1]
    assert reference.mean[0].tolist() == [2, 2]
    assert not reference.mean[0].requires_grad


def test_copy_is_independent():
    reference = ReferenceGradient()
    reference.update([torch.zeros(1)])
    copy = reference.copy()
    reference.update([torch.ones(1)])
    assert (copy.mean[0].item(), copy.steps) == (0, 1)
    assert (reference.mean[0].item(), reference.steps) == (0.5, 2)


def test_cosines_by_hand():
    # (3, 4)·(4, 3) / (5·5), a right angle, opposite directions whatever the length
    gradients = [torch.tensor([[3.0, 4.0]]), torch.tensor([1.0, 0.0]), torch.tensor([2.0, 2.0])]
    reference = [torch.tensor([[4.0, 3.0]]), torch.tensor([0.0, 9.0]), torch.tensor([-1.0, -1.0])]
    found = gradient_cosines(gradients, reference)
    assert found.tolist() == pytest.approx([24 / 25, 0, -1], abs=1e-6)  # float32


def test_cosines_refuse_another_number_of_layers():
    with pytest.raises(ValueError):
        gradient_cosines([torch.ones(2)], [torch.ones(2), torch.ones(2)])
