"""The network that makes fooling images: one layer on a fixed random input."""

from torch import Tensor, nn

from lib.errors import BadInput


class FoolingGenerator(nn.Module):
    """Image `[1, 1, side, side]` in (0, 1) as a sigmoid of one dense layer of a fixed input.

    `given` `[side²]`, usually uniform in [0, 1], is a buffer; only the layer is trained. Raises
    BadInput for an input of another shape. Source: spigler2019denoising, fooling 1.
    """

    given: Tensor

    def __init__(self, given: Tensor) -> None:
        super().__init__()
        side = round(given.numel() ** 0.5)
        if given.ndim != 1 or side**2 != len(given):
            raise BadInput(
                "The generator's input must be one vector with a square number of entries, "
                f"but {list(given.shape)} came."
            )
        self.register_buffer("given", given)
        self.layer = nn.Linear(len(given), len(given))
        self.side = side

    def logits(self) -> Tensor:
        """The image before its sigmoid, `[1, 1, side, side]`."""
        drawn: Tensor = self.layer(self.given)
        return drawn.view(1, 1, self.side, self.side)

    def forward(self) -> Tensor:
        """The image."""
        return self.logits().sigmoid()
