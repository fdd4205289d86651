"""The gradient that each image alone would send into the decoder's weights."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.models import CAE


def decoder_gradients(model: CAE, x: Tensor) -> list[Tensor]:
    """dL/dw of each image's own reconstruction error, one `[n, *w.shape]` per decoder weight.

    `x` `[n, c, 28, 28]` in [0, 1]. Costs one pass over the batch, not n: a weight's gradient is a
    sum of products of the layer's input and the gradient at its output, and before that sum is
    taken the images are still apart. Exact, since no layer mixes images.
    Parameters, their `.grad` and the random state stay as they were.
    Source: kwon2020gradcon, gradient representation.
    """
    with torch.enable_grad():
        # a leaf that needs a gradient, so that frozen networks can be scored too
        h = model.encode(x).detach().requires_grad_()
        layers, inputs, outputs = [], [], []
        for layer in model.decoder:
            if isinstance(layer, nn.ConvTranspose2d):
                layers.append(layer)
                inputs.append(h.detach())
                h = layer(h)
                outputs.append(h)
            else:
                h = layer(h)
        loss = (h - x).square().flatten(1).mean(1).sum()  # the sum keeps each image's own gradient
        at_outputs = torch.autograd.grad(loss, outputs)
    triples = zip(layers, inputs, at_outputs, strict=True)
    return [_weight_gradient(layer, a, g) for layer, a, g in triples]


def _weight_gradient(layer: nn.ConvTranspose2d, a: Tensor, g: Tensor) -> Tensor:
    """Per-image weight gradient from a layer's input `a` and the gradient `g` at its output."""
    n, c_in = a.shape[:2]
    kernel = layer.kernel_size
    # each input pixel was spread over one kernel-sized window of the output: collect that window
    windows = F.unfold(g, kernel, padding=layer.padding, stride=layer.stride)  # type: ignore[arg-type]
    gradient = torch.bmm(a.flatten(2), windows.transpose(1, 2))  # [n, c_in, c_out·k·k]
    return gradient.view(n, c_in, layer.out_channels, *kernel)
