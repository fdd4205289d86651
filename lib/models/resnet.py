"""ResNet-34 for images of 32×32 pixels, at any width."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.classifier import Classifier, check_whole
from lib.models.pointwise import PointwiseConv2d

SIZE = 32
STAGES = ((1, 3, 1), (2, 4, 2), (4, 6, 2), (8, 3, 2))  # times the width, blocks, first stride
# per channel over CIFAR-10's training images; of the author's code (methods.md 4.2)
CIFAR_MEAN = (125.3 / 255, 123.0 / 255, 113.9 / 255)
CIFAR_DEVIATION = (63.0 / 255, 62.1 / 255, 66.7 / 255)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: `[n, a, s·h, s·w]` to `[n, b, h, w]`, stride s."""

    def __init__(self, a: int, b: int, *, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(a, b, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(inplace=True),  # saves a pass through memory, which bounds a CPU here
            nn.Conv2d(b, b, 3, padding=1, bias=False),
            nn.BatchNorm2d(b),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or a != b:
            self.shortcut = nn.Sequential(PointwiseConv2d(a, b, stride=stride), nn.BatchNorm2d(b))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Both branches added, then ReLU."""
        found: Tensor = self.activation(self.branch(x) + self.shortcut(x))
        return found


class GlobalMean(nn.Module):
    """Mean over the pixels of each channel: `[n, c, h, w]` to `[n, c]`."""

    def forward(self, x: Tensor) -> Tensor:
        """The mean itself; unlike PyTorch's adaptive pooling it is deterministic on a GPU."""
        return x.mean((2, 3))


class ResNet34(Classifier):
    """ResNet-34 for images `[n, channels, 32, 32]` in [0, 1], with z of 8·`width` numbers.

    21,282,122 parameters for ten classes and three channels at width 64. `head` makes the head
    from the length of z and the number of classes. Images are normalised inside by `mean` and
    `deviation`, by default 0 and 1. Batch norm mixes the images of a batch in training mode: call
    `eval()` before scoring. Takes `channels_last` memory, which is faster on a CPU. Raises BadInput
    for a width, number of classes or of channels that is not whole or below 1, and as `Classifier`.
    Source: he2016resnet; first layer and strides as in the author's code (methods.md 4.2).
    """

    def __init__(
        self,
        classes: int,
        *,
        width: int = 64,
        channels: int = 3,
        head: Callable[[int, int], nn.Module] = nn.Linear,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
    ) -> None:
        check_whole(classes=classes, width=width, channels=channels)
        blocks, a = [], width
        for times, count, stride in STAGES:  # sizes 32, 16, 8, 4
            for i in range(count):
                blocks.append(BasicBlock(a, times * width, stride=1 if i else stride))
                a = times * width
        trunk = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            *blocks,
            GlobalMean(),
        )
        mean = [0.0] * channels if mean is None else mean
        deviation = [1.0] * channels if deviation is None else deviation
        if len(mean) != channels:
            raise BadInput(f"{channels} channels need as many means, but {len(mean)} came.")
        super().__init__(
            trunk, head(a, classes), classes=classes, size=SIZE, mean=mean, deviation=deviation
        )
