"""Scores and one training step give on a GPU what they give on the CPU."""

import copy

import pytest
import torch

from lib.scores import gradcon_scores
from lib.training import ReferenceGradient, fit
from lib.training.gradcon import gradients


def step(model, x, reference, optimiser, alpha, **options):
    """One update of the weights and the reference: J, L and the mean cosine."""
    figures = gradients(model, x, reference, alpha, **options)
    optimiser.step()
    return figures


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    # TF32 keeps ten bits of mantissa: the comparison is of float32
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


# Float32 with other kernels: cosines near one differ by some 1e-6, and by 1e-5 after sums of
# thousands of terms that cancel.
TOLERANCE = 1e-4


def test_scores(trained, bars):
    model, reference, _ = trained
    x = torch.cat([bars(20, 0), bars(20, 1).transpose(2, 3)])
    wanted = gradcon_scores(model, x, reference)
    there = copy.deepcopy(model).cuda()
    found = gradcon_scores(there, x, [r.cuda() for r in reference])  # images stay on the CPU
    for name, values in found.items():
        assert values.device.type == "cpu"
        torch.testing.assert_close(values, wanted[name], rtol=0, atol=TOLERANCE)


def test_training_steps(network, bars):
    first, second = bars(16, 0).split(8)
    ends = []
    for device in ("cpu", "cuda"):
        model, reference = network()[0].to(device), ReferenceGradient()
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        step(model, first.to(device), reference, optimiser, 0.03)
        numbers = step(model, second.to(device), reference, optimiser, 0.03)
        parameters = [p.detach().cpu() for p in model.parameters()]
        ends.append((numbers, parameters, [m.cpu() for m in reference.mean]))
    assert ends[1][0] == pytest.approx(ends[0][0], abs=TOLERANCE)
    for a, b in zip(ends[1][1], ends[0][1], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=TOLERANCE)
    for a, b in zip(ends[1][2], ends[0][2], strict=True):
        assert (a - b).norm() < 1e-3 * b.norm()  # second-order terms: a few roundings more


def test_resumed_training_stays_on_the_device(network, bars, tmp_path):
    x = bars(16, 0).cuda()

    def run(epochs):
        g = torch.Generator().manual_seed(0)
        options = {"epochs": epochs, "batch_size": 8, "checkpoint": tmp_path / "fit.pt"}
        return fit(network()[0].cuda(), x, x, generator=g, **options)

    run(1)
    found = run(2)
    assert len(found.history) == 2
    assert all(m.device.type == "cuda" for m in found.reference.mean)
