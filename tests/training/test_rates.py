"""Learning rates by step: the repository's steps by hand, one-cycle against PyTorch's own."""

import pytest
import torch

from lib.training.rates import rate_at


def rates(schedule, epochs, steps, peak=0.1):
    options = {"peak": peak, "epochs": epochs, "steps_per_epoch": steps}
    return [rate_at(schedule, i, **options) for i in range(epochs * steps)]


@pytest.mark.parametrize(
    ("epochs", "high", "middle", "low"),
    [(8, 4, 2, 2), (300, 150, 75, 75), (5, 3, 1, 1), (1, 1, 0, 0)],
)
def test_steps_divide_by_ten_at_one_half_and_three_quarters(epochs, high, middle, low):
    found = rates("steps", epochs, 3)
    wanted = [0.1] * 3 * high + [0.01] * 3 * middle + [0.001] * 3 * low
    assert found == pytest.approx(wanted, rel=1e-12)  # float64


@pytest.mark.parametrize(("epochs", "steps"), [(15, 7), (1, 40), (30, 169), (2, 2)])
def test_one_cycle_is_pytorchs(epochs, steps):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 0.3, total_steps=epochs * steps, cycle_momentum=False
    )
    wanted = []
    for i in range(epochs * steps):
        wanted.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if i + 1 < epochs * steps:
            cycle.step()
    assert rates("one-cycle", epochs, steps, 0.3) == pytest.approx(wanted, rel=1e-9)  # float64


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_one_cycle_of_very_few_steps_is_still_above_0(steps):
    found = rates("one-cycle", 1, steps)
    assert all(0 < rate <= 0.1 for rate in found)
    assert found[0] == pytest.approx(0.1)  # no room to rise
