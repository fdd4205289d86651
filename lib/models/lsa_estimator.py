"""The density estimator of latent space autoregression: masked dense layers over the code."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.build import count_parameters
from lib.models.lsa_network import CODE

BINS = 100
FLOOR = math.log(2.0**-52)  # smallest log-probability that counts, as in the official code


class MaskedDense(nn.Linear):
    """Dense layer between groups of `a` and `b` channels, one group for each number of the code.

    Input `[n, length·a]`, output `[n, length·b]`, the channels of a number side by side. Group i
    of the output sees groups up to i of the input, without i itself where `strict`. The other
    weights are stored, but count as 0.
    """

    mask: Tensor

    def __init__(self, length: int, a: int, b: int, *, strict: bool) -> None:
        super().__init__(length * a, length * b)
        numbers = torch.arange(length)
        seen = numbers.repeat_interleave(a)[None]
        seer = numbers.repeat_interleave(b)[:, None]
        # not persistent: it follows from the sizes
        self.register_buffer("mask", seen < seer if strict else seen <= seer, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        return F.linear(x, self.weight * self.mask, self.bias)


class LSAEstimator(nn.Module):
    """LSA's autoregressive density of a code of 64 numbers in (0, 1), in the order of the code.

    Codes `[n, length]` to logits `[n, bins, length]`: number i's distribution over equal bins of
    [0, 1] depends on the numbers before i only. Five masked dense layers, channels 1, 32, 32, 32,
    32, 100 for each number. 25,835,776 weights stored, of which the masks leave 13,124,864. Raises
    BadInput for codes of another shape.
    Source: abati2019lsa, layer list of the official code.
    """

    def __init__(self, *, length: int = CODE, width: int = 32, bins: int = BINS) -> None:
        super().__init__()
        self.length, self.bins = length, bins
        layers: list[nn.Module] = [MaskedDense(length, 1, width, strict=True), nn.LeakyReLU()]
        for _ in range(3):
            layers += [MaskedDense(length, width, width, strict=False), nn.LeakyReLU()]
        self.layers = nn.Sequential(*layers, MaskedDense(length, width, bins, strict=False))

    def forward(self, code: Tensor) -> Tensor:
        """Logits `[n, bins, length]`."""
        if code.ndim != 2 or code.shape[1] != self.length:
            raise BadInput(
                f"This estimator takes codes [n, {self.length}]; it was given {list(code.shape)}."
            )
        flat: Tensor = self.layers(code)
        return flat.view(-1, self.length, self.bins).transpose(1, 2)

    def log_likelihood(self, code: Tensor) -> Tensor:
        """Log-probability of each code's bins in nats, `[n]`, at most 0; high is normal.

        `code` `[n, length]` in [0, 1]. Gradients reach the code through the logits, not through
        the choice of bins. No number counts below log 2^-52, -36.04, where its gradient ends too.
        Raises BadInput for numbers outside [0, 1].
        """
        logs = self(code).log_softmax(1).clamp(min=FLOOR)
        target = code.detach()
        if not ((target >= 0) & (target <= 1)).all():  # NaN is neither
            raise BadInput("The numbers of a code must lie in [0, 1], but others came.")
        bins = (target * self.bins).long().clamp(max=self.bins - 1)  # 1 itself: the last bin
        found: Tensor = logs.gather(1, bins[:, None])[:, 0].sum(1)
        return found


def count_unmasked(network: nn.Module) -> int:
    """Number of trainable parameters without the masked weights of `MaskedDense` layers."""
    layers = [m for m in network.modules() if isinstance(m, MaskedDense)]
    masked = sum(int((~m.mask).sum()) for m in layers if m.weight.requires_grad)
    return count_parameters(network) - masked
