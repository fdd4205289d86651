"""The gradient of GradCon's objective J, with its second-order part written out.

J contains gradients, so its own gradient asks how the weights move them. Autograd finds that by
walking back through the graph of a walk back. Here it is the derivative of one inner product: with
g = dL/dw, and v how J moves with g, held still, dJ/dw is the gradient of L(w) + <g(w), v>, and
<g, v> is the change of L as w goes along v. One pass forwards with the change that this makes in
the activations, and one pass back, are all; what both need of a layer is one convolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

from lib.models import CAE
from lib.models.transposed import decoder_layers, subpixel_convolution
from lib.models.vae import Reconstruction
from lib.training.reconstruction import encoded
from lib.training.reference import gradient_cosines

SHORTEST = 1e-8  # what `torch.cosine_similarity` takes a shorter vector's length to be
FEW_CHANNELS = 4  # of the output: up to here a transposed convolution is the slower way


def objective_backward(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    *,
    alpha: float,
    reconstruction: Reconstruction = "squared",
    noise: Tensor | None = None,
) -> tuple[float, float]:
    """Leave dJ/dw in each parameter's `.grad`, and return L and the mean cosine of dL/dw.

    J = L - alpha · mean cosine over the decoder's weights. An empty `reference` makes the cosine
    NaN and leaves J = L. `x` `[n, c, 28, 28]`; `noise` `[n, 576]` is a VAE's.
    Equal to autograd's second-order gradient but for rounding.
    Raises BadInput for images of another shape and a decoder built of other layers than CAE's.
    Source: kwon2020gradcon, objective J.
    """
    layers = decoder_layers(model)
    x = x.contiguous(memory_format=torch.channels_last)  # the order that a CPU likes
    h, divergence = encoded(model, x, noise)
    passed = _there_and_back(layers, h.detach(), x, reconstruction)
    cosine = float("nan")
    if reference:
        cosines = gradient_cosines(passed.gradients, reference)
        cosine = float(cosines.mean())
    if reference and alpha != 0:
        pairs = zip(passed.gradients, reference, strict=True)
        slopes = [-alpha / len(layers) * _slope(g, r) for g, r in pairs]
        at_latent, gradients, biases = _second_order(layers, passed, slopes)
    else:
        at_latent, gradients, biases = _first_order(layers, passed)
    for parameter in model.parameters():
        parameter.grad = None
    for layer, w, b in zip(layers, gradients, biases, strict=True):
        # in the weight's own order of memory: a fused Adam reads both as they lie there
        layer.weight.grad = w.contiguous()
        if layer.bias is not None:
            layer.bias.grad = b
    loss = passed.error
    if divergence is None:
        h.backward(at_latent)
    else:
        share = torch.full_like(divergence, 1 / x[0].numel())
        torch.autograd.backward([h, divergence], [at_latent, share])
        loss = loss + divergence.detach() * share
    return float(loss), cosine


@dataclass(frozen=True)
class _Passed:
    """One pass there and back: what enters each layer and the gradient of L at what leaves it.

    `gradients` are dL/dw, and `bend` is the second derivative of L in the logits.
    """

    error: Tensor
    entered: list[Tensor]
    left: list[Tensor]
    gradients: list[Tensor]
    bend: Tensor


@torch.no_grad()
def _there_and_back(
    layers: list[nn.ConvTranspose2d], h: Tensor, x: Tensor, reconstruction: Reconstruction
) -> _Passed:
    entered = [h]
    for layer in layers[:-1]:
        entered.append(F.relu_(layer(entered[-1])))
    logits = _spread(layers[-1], entered[-1], layers[-1].weight, layers[-1].bias)
    drawn, n = logits.sigmoid(), x.numel()
    difference, steepness = drawn - x, drawn * (1 - drawn)
    if reconstruction == "bce":
        error = F.binary_cross_entropy_with_logits(logits, x)
        g, bend = difference / n, steepness / n
    else:
        error = difference.square().mean()
        g = difference * steepness * (2 / n)
        bend = steepness * (steepness + difference * (1 - 2 * drawn)) * (2 / n)
    left = [g]
    for layer, inside in zip(layers[:0:-1], entered[:0:-1], strict=True):
        g = F.conv2d(g, layer.weight, stride=2, padding=layer.padding)
        g *= inside.sign()  # what the ReLU let through was positive
        left.append(g)
    left.reverse()
    gradients = [_for_weight(*three) for three in zip(layers, entered, left, strict=True)]
    return _Passed(error, entered, left, gradients, bend)


def _slope(g: Tensor, r: Tensor) -> Tensor:
    """d cos(g, r) / dg."""
    length, other = g.norm().clamp_min(SHORTEST), r.norm().clamp_min(SHORTEST)
    cosine = (g * r).sum() / (length * other)
    slope: Tensor = (r / other - g * (cosine / length)) / length
    return slope


@torch.no_grad()
def _first_order(
    layers: list[nn.ConvTranspose2d], passed: _Passed
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The gradient of L at the decoder's input, at its weights and at its biases."""
    at_latent = F.conv2d(passed.left[0], layers[0].weight, stride=2, padding=layers[0].padding)
    return at_latent, passed.gradients, [g.sum((0, 2, 3)) for g in passed.left]


@torch.no_grad()
def _second_order(
    layers: list[nn.ConvTranspose2d], passed: _Passed, directions: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The same of L + <dL/dw, directions>, the directions held still."""
    # how what leaves each layer changes as the weights go along the directions; the latents don't
    changes: list[Tensor] = []
    for layer, v, inside in zip(layers, directions, passed.entered, strict=True):
        w = v
        if changes:
            inside, w = torch.cat([inside, changes[-1]], 1), torch.cat([v, layer.weight])
        changes.append(_spread(layer, inside, w, None))
        if layer is not layers[-1]:
            changes[-1] *= passed.entered[len(changes)].sign()
    p = passed.left[-1] + passed.bend * changes[-1]
    weights, biases = [], []
    for i in reversed(range(len(layers))):
        layer, inside, left = layers[i], passed.entered[i], passed.left[i]
        pair = inside, p
        if i > 0:
            pair = torch.cat([inside, changes[i - 1]]), torch.cat([p, left])
        weights.append(_for_weight(layer, *pair))
        biases.append(p.sum((0, 2, 3)))
        w = torch.cat([layer.weight, directions[i]], 1)
        p = F.conv2d(torch.cat([p, left], 1), w, stride=2, padding=layer.padding)
        if i > 0:
            p *= inside.sign()
    return p, weights[::-1], biases[::-1]


def _spread(layer: nn.ConvTranspose2d, h: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
    """`layer` with other weights."""
    padding = int(layer.padding[0])
    if layer.out_channels <= FEW_CHANNELS:
        return subpixel_convolution(h, w, bias, padding=padding)
    return F.conv_transpose2d(h, w, bias, stride=2, padding=padding)


def _for_weight(layer: nn.ConvTranspose2d, entered: Tensor, left: Tensor) -> Tensor:
    """The gradient of the layer's weight, from its input and the gradient at its output."""
    # a transposed convolution is a convolution read backwards, so input and output change places
    shape = list(layer.weight.shape)
    found: Tensor = conv2d_weight(left, shape, entered, stride=2, padding=layer.padding)
    return found
