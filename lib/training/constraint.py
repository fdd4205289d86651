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
from lib.models.transposed import SHORTEST, decoder_layers, subpixel_convolution
from lib.models.vae import Reconstruction
from lib.training.reconstruction import encoded
from lib.training.reference import gradient_cosines

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
    done = _forward_backward(layers, h.detach(), x, reconstruction)
    cosine = float("nan")
    if reference:
        cosines = gradient_cosines(done.gradients, reference)
        cosine = float(cosines.mean())
    if reference and alpha != 0:
        pairs = zip(done.gradients, reference, strict=True)
        slopes = [-alpha / len(layers) * _slope(g, r) for g, r in pairs]
        at_latent, gradients, biases = _second_order(layers, done, slopes)
    else:
        at_latent, gradients, biases = _first_order(layers, done)
    for parameter in model.parameters():
        parameter.grad = None
    for layer, w, b in zip(layers, gradients, biases, strict=True):
        # contiguous like the weight: fused Adam assumes equal strides
        layer.weight.grad = w.contiguous()
        if layer.bias is not None:
            layer.bias.grad = b
    loss = done.error
    if divergence is None:
        h.backward(at_latent)
    else:
        share = torch.full_like(divergence, 1 / x[0].numel())
        torch.autograd.backward([h, divergence], [at_latent, share])
        loss = loss + divergence.detach() * share
    return float(loss), cosine


@dataclass(frozen=True)
class _Pass:
    """One pass forwards and backwards: each layer's input, and the gradient of L at its output.

    `gradients` are dL/dw, and `d2L_dlogits2` is the second derivative of L in the logits.
    """

    error: Tensor
    layer_in: list[Tensor]
    grad_out: list[Tensor]
    gradients: list[Tensor]
    d2L_dlogits2: Tensor


@torch.no_grad()
def _forward_backward(
    layers: list[nn.ConvTranspose2d], h: Tensor, x: Tensor, reconstruction: Reconstruction
) -> _Pass:
    layer_in = [h]
    for layer in layers[:-1]:
        layer_in.append(F.relu_(layer(layer_in[-1])))
    logits = _conv_transpose(layers[-1], layer_in[-1], layers[-1].weight, layers[-1].bias)
    drawn, n = logits.sigmoid(), x.numel()
    difference, steepness = drawn - x, drawn * (1 - drawn)
    if reconstruction == "bce":
        error = F.binary_cross_entropy_with_logits(logits, x)
        g, d2L_dlogits2 = difference / n, steepness / n
    else:
        error = difference.square().mean()
        g = difference * steepness * (2 / n)
        d2L_dlogits2 = steepness * (steepness + difference * (1 - 2 * drawn)) * (2 / n)
    grad_out = [g]
    for layer, h in zip(layers[:0:-1], layer_in[:0:-1], strict=True):
        g = F.conv2d(g, layer.weight, stride=2, padding=layer.padding)
        g *= h.sign()  # what the ReLU let through was positive
        grad_out.append(g)
    grad_out.reverse()
    gradients = [_weight_grad(*three) for three in zip(layers, layer_in, grad_out, strict=True)]
    return _Pass(error, layer_in, grad_out, gradients, d2L_dlogits2)


def _slope(g: Tensor, r: Tensor) -> Tensor:
    """d cos(g, r) / dg."""
    length, other = g.norm().clamp_min(SHORTEST), r.norm().clamp_min(SHORTEST)
    cosine = (g * r).sum() / (length * other)
    slope: Tensor = (r / other - g * (cosine / length)) / length
    return slope


@torch.no_grad()
def _first_order(
    layers: list[nn.ConvTranspose2d], done: _Pass
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The gradient of L at the decoder's input, at its weights and at its biases."""
    at_latent = F.conv2d(done.grad_out[0], layers[0].weight, stride=2, padding=layers[0].padding)
    return at_latent, done.gradients, [g.sum((0, 2, 3)) for g in done.grad_out]


@torch.no_grad()
def _second_order(
    layers: list[nn.ConvTranspose2d], done: _Pass, directions: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The same of L + <dL/dw, directions>, the directions held still."""
    # the change of each layer's output as the weights move along the directions; the latents stay
    changes: list[Tensor] = []
    for layer, v, h in zip(layers, directions, done.layer_in, strict=True):
        w = v
        if changes:
            h, w = torch.cat([h, changes[-1]], 1), torch.cat([v, layer.weight])
        changes.append(_conv_transpose(layer, h, w, None))
        if layer is not layers[-1]:
            changes[-1] *= done.layer_in[len(changes)].sign()
    p = done.grad_out[-1] + done.d2L_dlogits2 * changes[-1]
    weights, biases = [], []
    for i in reversed(range(len(layers))):
        layer, h, grad_out = layers[i], done.layer_in[i], done.grad_out[i]
        pair = h, p
        if i > 0:
            pair = torch.cat([h, changes[i - 1]]), torch.cat([p, grad_out])
        weights.append(_weight_grad(layer, *pair))
        biases.append(p.sum((0, 2, 3)))
        w = torch.cat([layer.weight, directions[i]], 1)
        p = F.conv2d(torch.cat([p, grad_out], 1), w, stride=2, padding=layer.padding)
        if i > 0:
            p *= h.sign()
    return p, weights[::-1], biases[::-1]


def _conv_transpose(layer: nn.ConvTranspose2d, h: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
    """The transposed convolution of `layer` with other weights."""
    padding = int(layer.padding[0])
    if layer.out_channels <= FEW_CHANNELS:
        return subpixel_convolution(h, w, bias, padding=padding)
    return F.conv_transpose2d(h, w, bias, stride=2, padding=padding)


def _weight_grad(layer: nn.ConvTranspose2d, layer_in: Tensor, grad_out: Tensor) -> Tensor:
    """The gradient of the layer's weight, from its input and the gradient at its output."""
    # a transposed convolution is a convolution read backwards, so input and output change places
    shape = list(layer.weight.shape)
    found: Tensor = conv2d_weight(grad_out, shape, layer_in, stride=2, padding=layer.padding)
    return found
