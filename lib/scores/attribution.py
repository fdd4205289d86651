"""Other answers to which pixels an image's error depends on, to be compared with saliency.

All attribute the mean squared error F(x) = mean (x - model(x))² and run through both places where
x stands, as `input_gradient` does.
"""

import copy
import math
import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.scores.maps import (
    Network,
    check_map_inputs,
    gradient_in_batches,
    input_gradient,
    mean_errors,
)

with warnings.catch_warnings():
    # captum looks for Jupyter's progress bars, and says with a path that they are not installed
    warnings.filterwarnings("ignore", message="IProgress not found")
    from captum.attr import GuidedBackprop, IntegratedGradients


def gradient_times_input(model: Network, x: Tensor, *, batch_size: int = 256) -> Tensor:
    """Absolute value of gradient times pixel, `[n, h, w]`, from 0 up; black pixels are 0.

    High says that the error depends on the pixel, not that the pixel is anomalous. `x`
    `[n, c, h, w]` in [0, 1]; of several channels the largest value counts. Parameters, their
    `.grad`, the mode and the random state stay as they were. Raises BadInput as `saliency_map`
    does. Source: adebayo2018sanity, "Gradient ⊙ Input".
    """
    return _strength(input_gradient(model, x, batch_size=batch_size) * x.detach())


def integrated_gradients(
    model: Network, x: Tensor, *, steps: int = 32, batch_size: int = 256
) -> Tensor:
    """Pixel times the mean gradient on the way from a black image, `[n, h, w]`, from 0 up.

    The absolute value; high, `x` and traces as in `gradient_times_input`. Before it is taken, an
    image's pixels add up to F(x) - F(0), as closely as `steps` Gauss-Legendre points allow. Costs
    `steps` backward passes per image, of which `batch_size` are made at once. Raises BadInput as
    `saliency_map` does, and for steps below 1.
    Source: sundararajan2017axiomatic, equation 1; computed by kokhlikyan2020captum.
    """
    return _strength(_integrated(model, x, steps=steps, batch_size=batch_size))


def guided_backpropagation(model: Network, x: Tensor, *, batch_size: int = 256) -> Tensor:
    """Gradient of which every ReLU passes back the positive part only, `[n, h, w]`, from 0 up.

    The absolute value; high, `x` and traces as in `gradient_times_input`. LeakyReLU follows the
    rule as well, and keeps its slope where its input is negative. Only activations that are
    modules are found, and one whose input also goes elsewhere cuts the other way too; neither
    occurs in this project's autoencoders. Raises BadInput as `saliency_map` does, and for a model
    that is no `nn.Module`.
    Source: springenberg2015striving; computed by kokhlikyan2020captum.
    """
    check_map_inputs(model, x, batch_size)
    if not isinstance(model, nn.Module):
        raise BadInput("Guided back-propagation needs an nn.Module, to find the activations in it.")
    method = GuidedBackprop(_guided(model))
    parts = []
    with warnings.catch_warnings():
        # captum announces the hooks that it sets and removes; they touch our copy alone
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        for part in x.split(batch_size):
            leaf = part.detach().clone().requires_grad_()  # captum would warn, then switch x itself
            parts.append(method.attribute(leaf))
    return _strength(torch.cat(parts))


def smooth_gradient(
    model: Network,
    x: Tensor,
    *,
    generator: torch.Generator,
    samples: int = 16,
    noise: float = 0.1,
    batch_size: int = 256,
) -> Tensor:
    """SmoothGrad: the mean gradient of noisy copies of each image, `[n, h, w]`, from 0 up.

    The absolute value, taken after the mean; high, `x` and traces as in `gradient_times_input`.
    `noise` is the standard deviation where black to white is 1; copies are not clipped to [0, 1].
    `generator` draws the noise, the same whatever the batch size. Costs `samples` backward passes
    per image. Raises BadInput as `saliency_map` does, for samples below 1 and a noise below 0.
    Source: smilkov2017smoothgrad.
    """
    # captum's NoiseTunnel would draw from the global random state
    check_map_inputs(model, x, batch_size)
    _check_count("samples", samples)
    if not 0 <= noise < math.inf:
        raise BadInput(f"noise must be a number of at least 0, but {noise} came.")
    images, total = x.detach(), torch.zeros_like(x)
    for _ in range(samples):
        drawn = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device)
        noisy = images + noise * drawn.to(x.device)
        total += gradient_in_batches(model, noisy, batch_size)
    return _strength(total / samples)


class _LeakyReLU(nn.ReLU):
    """LeakyReLU under a name by which captum's guided rule finds it."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.slope)


class _MeanError(nn.Module):
    """F as a module, which captum needs to find the activations in it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return mean_errors(self.model, x)


def _guided(model: nn.Module) -> nn.Module:
    """F of a copy, so that the model itself never sees a hook."""
    error = _MeanError(copy.deepcopy(model))
    for path, module in list(error.named_modules(remove_duplicate=False)):
        if isinstance(module, nn.LeakyReLU):
            parent, _, name = path.rpartition(".")
            setattr(error.get_submodule(parent), name, _LeakyReLU(module.negative_slope))
    return error


def _integrated(model: Network, x: Tensor, *, steps: int, batch_size: int) -> Tensor:
    """Integrated gradients with their signs, `[n, c, h, w]`."""
    check_map_inputs(model, x, batch_size)
    _check_count("steps", steps)
    method = IntegratedGradients(lambda inputs: mean_errors(model, inputs))
    parts = [
        method.attribute(part, n_steps=steps, internal_batch_size=batch_size)
        for part in x.detach().split(max(1, batch_size // steps))
    ]
    return torch.cat(parts)


def _strength(attribution: Tensor) -> Tensor:
    return attribution.abs().amax(1)


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise BadInput(f"{name} must be at least 1, but {value} came.")
