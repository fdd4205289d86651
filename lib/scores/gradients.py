"""The gradient that each image alone would send into the decoder's weights."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.data import check_range
from lib.errors import BadInput
from lib.models import CAE
from lib.models.transposed import decoder_layers, subpixel_convolution
from lib.models.vae import Reconstruction

CHUNK = 64  # images: fewer keep a core less busy, and the products of more leave its cache
FEW_POSITIONS = 16  # so few, and forming a gradient is mostly writing it: measured up to twice
FEW_IMAGES = 16  # up to here a network is asked as it is: measured, a third less time for one image


def decoder_gradients(
    model: CAE, x: Tensor, *, reconstruction: Reconstruction = "squared"
) -> list[Tensor]:
    """dL/dw of each image's own reconstruction loss, one `[n, *w.shape]` per decoder weight.

    `x` `[n, c, 28, 28]` in [0, 1]. L is the squared error averaged over pixels and channels, or
    with `reconstruction="bce"` the binary cross-entropy averaged alike. Costs one pass over the
    images, not n, since no layer mixes images; but the answer takes half a megabyte an image.
    Parameters, their `.grad` and the random state stay as they were. Raises BadInput for images of
    another shape, outside [0, 1] or none, an unknown reconstruction, and a decoder built of other
    layers than CAE's.
    Source: kwon2020gradcon, gradient representation.
    """
    chunks = traced(model, x, reconstruction=reconstruction)
    parts = [[trace.gradient() for trace in traces] for _, traces in chunks]
    return [torch.cat(layer) for layer in zip(*parts, strict=True)]


def gradient_magnitudes(
    model: CAE, x: Tensor, *, reconstruction: Reconstruction = "squared"
) -> Tensor:
    """Length of each image's gradient in every decoder weight, `[n, layers]`, 0 or more.

    What the cosine of `gradient_cosines` leaves out; not a score. Inputs, loss and refusals as in
    `decoder_gradients`, without its memory.
    """
    chunks = traced(model, x, reconstruction=reconstruction)
    return torch.cat([torch.stack([t.length() for t in traces], 1) for _, traces in chunks])


@dataclass(frozen=True)
class Trace:
    """The gradients of one decoder weight for a few images, kept as the two factors of a product.

    `entered` `[n, c_in, h, w]` is the input of the transposed convolution (kernel 4, stride 2,
    padding 1 or 2), `left` `[n, c_out, ...]` the gradient at its output of each image's own loss.
    """

    entered: Tensor
    left: Tensor

    def gradient(self) -> Tensor:
        """The gradients themselves, `[n, c_in, c_out, 4, 4]`."""
        (n, c_in), c_out, side = self.entered.shape[:2], self.left.shape[1], self._padding
        split = self._product.view(n, side, side, c_in, 4 // side, 4 // side, c_out)
        return split.flip(1, 2).permute(0, 3, 6, 1, 4, 2, 5).reshape(n, c_in, c_out, 4, 4)

    def length(self) -> Tensor:
        """Their lengths, `[n]`."""
        if not self._few:
            found: Tensor = torch.linalg.vector_norm(self._product, dim=(1, 2))
            return found
        # |A'B|² is the sum over AA'∘BB', two small matrices where A and B have few rows
        a, b = (part @ part.mT for part in self._factors)
        return (a * b).sum((1, 2)).clamp_min(0).sqrt()

    def product_with(self, w: Tensor) -> Tensor:
        """Their inner products with one tensor `w` `[c_in, c_out, 4, 4]`, `[n]`."""
        if self._few:
            # <A'B, w> = <A, Bw'>, and Bw' is what a step back through the layer gives with weight w
            back = F.conv2d(self.left, w, stride=2, padding=self._padding)
            return (self.entered * back).sum((1, 2, 3))
        (c_in, c_out), side = w.shape[:2], self._padding
        split = w.view(c_in, c_out, side, 4 // side, side, 4 // side).flip(2, 4)
        found: Tensor = self._product.flatten(1) @ split.permute(2, 4, 0, 3, 5, 1).flatten()
        return found

    @property
    def _padding(self) -> int:  # and, as it happens, the side of A's patches
        return 1 + self.entered.shape[2] - self.left.shape[2] // 2

    @property
    def _few(self) -> bool:
        return self._factors[0].shape[1] <= FEW_POSITIONS

    @cached_property
    def _factors(self) -> tuple[Tensor, Tensor]:
        """A and B, each `[n, positions, numbers]`, whose product A'B is the gradient."""
        if self._padding == 2:
            # each 2×2 outputs hear exactly 2×2 inputs, none over the edge: fewer positions to sum
            return _patches(self.entered, 2, 1), _patches(self.left, 2, 2)
        # each input was spread over 4×4 outputs, some of them over the edge
        return _patches(self.entered, 1, 1), _patches(F.pad(self.left, [1] * 4), 4, 2)

    @cached_property
    def _product(self) -> Tensor:
        a, b = self._factors
        return a.mT @ b


@torch.no_grad()
def traced(
    model: CAE,
    x: Tensor,
    *,
    reconstruction: Reconstruction = "squared",
    chunk: int = CHUNK,
) -> Iterator[tuple[Tensor, list[Trace]]]:
    """Some images at a time, each one's loss `[n]` and a trace per decoder weight.

    `x` may live on another device than the model. Refusals as in `decoder_gradients`.
    """
    if reconstruction not in get_args(Reconstruction):
        raise BadInput(
            f"reconstruction must be one of {get_args(Reconstruction)}; it was {reconstruction!r}."
        )
    if chunk < 1:
        raise BadInput(f"The batch size must be at least 1; it was {chunk!r}.")
    if len(x) == 0:
        raise BadInput("There is no image whose gradient could be taken.")
    check_range(given=x)
    decoder_layers(model)  # refuses others, before anything is copied
    front, layers = _taken_apart(model, fast=len(x) > FEW_IMAGES)
    to = next(model.parameters()).device
    for part in x.split(chunk):
        images = part.to(to, memory_format=torch.channels_last)
        yield _traces(layers, front(images), images, reconstruction)


def _taken_apart(model: CAE, *, fast: bool) -> tuple[CAE, list[nn.ConvTranspose2d]]:
    """A network of the same weights whose answer is what enters the decoder, and its layers.

    `fast` makes both anew in the order of memory that a CPU likes; a copy that few images don't
    pay for.
    """
    if fast:
        front = copy.deepcopy(model).to(memory_format=torch.channels_last)
        for layer in front.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = True
    else:
        front = copy.copy(model)
        front._modules = dict(model._modules)  # else the decoder would be taken from the model
    layers, front.decoder = decoder_layers(front), nn.Sequential()
    return front, layers


def _traces(
    layers: list[nn.ConvTranspose2d], h: Tensor, x: Tensor, reconstruction: Reconstruction
) -> tuple[Tensor, list[Trace]]:
    """One pass there and back, written out: autograd would keep no image's gradient apart."""
    inputs = [h.contiguous(memory_format=torch.channels_last)]
    for layer in layers[:-1]:
        inputs.append(F.relu_(layer(inputs[-1])))
    last = layers[-1]
    logits = subpixel_convolution(inputs[-1], last.weight, last.bias, padding=int(last.padding[0]))
    drawn = logits.sigmoid()
    difference, size = drawn - x, x[0].numel()
    if reconstruction == "bce":
        losses = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        g = difference / size
    else:
        losses = difference.square()
        g = difference * drawn * (1 - drawn) * (2 / size)
    traces = []
    for layer, entered in zip(reversed(layers), reversed(inputs), strict=True):
        traces.append(Trace(entered, g))
        if entered is not inputs[0]:
            g = F.conv2d(g, layer.weight, stride=2, padding=layer.padding)
            g *= entered.sign()  # what the ReLU let through was positive
    return losses.mean((1, 2, 3)), traces[::-1]


def _patches(t: Tensor, side: int, step: int) -> Tensor:
    """Square patches of `t` `[n, c, h, w]`, row by row, each flat: `[n, patches, side·side·c]`."""
    views = t.permute(0, 2, 3, 1).unfold(1, side, step).unfold(2, side, step)  # [n, h, w, c, s, s]
    return views.permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(1, 2)
