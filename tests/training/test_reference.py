"""The reference gradient is a plain mean, and its cosines are those of school geometry."""

import pytest
import torch

from lib.errors import DataCorrupt
from lib.training import (
    ReferenceGradient,
    gradient_cosines,
    load_reference,
    save_checkpoint,
    save_reference,
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


def test_file_round_trip(tmp_path):
    reference = ReferenceGradient()
    for step in drawn_gradients(3):
        reference.update(step)
    weights = {"decoder.0.weight": torch.rand(2, 2), "decoder.0.bias": torch.rand(2)}
    save_reference(tmp_path / "deep" / "net.pt", weights, reference)
    found_weights, found = load_reference(tmp_path / "deep" / "net.pt")
    assert found_weights.keys() == weights.keys()
    assert all(torch.equal(found_weights[name], weights[name]) for name in weights)
    assert found.steps == 3
    assert len(found.mean) == 2
    assert all(torch.equal(a, b) for a, b in zip(found.mean, reference.mean, strict=True))


def test_layers_keep_their_order_past_nine(tmp_path):
    reference = ReferenceGradient([torch.tensor([float(i)]) for i in range(12)], 1)
    save_reference(tmp_path / "net.pt", {}, reference)
    assert [m.item() for m in load_reference(tmp_path / "net.pt")[1].mean] == list(range(12))


def test_another_file_of_ours_is_refused(tmp_path):
    save_checkpoint(tmp_path / "other.pt", {"history": []})
    with pytest.raises(DataCorrupt, match=r"other\.pt does not hold weights"):
        load_reference(tmp_path / "other.pt")
