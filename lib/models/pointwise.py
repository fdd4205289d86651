"""1×1 convolutions with a stride."""

import torch.nn.functional as F
from torch import Tensor, nn


class PointwiseConv2d(nn.Conv2d):
    """A 1×1 convolution of every `stride`-th pixel: `[n, a, h, w]` to `[n, b, h/stride, w/stride]`.

    What `nn.Conv2d` computes, but with the pixels picked first: without AVX-512 the layer's own
    backward pass in channels_last writes past its memory where fewer than eight channels come in
    (uxlfoundation/oneDNN#6035, in PyTorch 2.14), and crashes, hangs or gives wrong gradients.
    """

    def __init__(self, a: int, b: int, *, stride: int) -> None:
        super().__init__(a, b, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of the picked pixels."""
        down, across = self.stride
        return F.conv2d(x[..., ::down, ::across], self.weight)
