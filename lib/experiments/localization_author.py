"""The first author's public weights, in our network.

Three state dictionaries of the runs of March and April 2021 on digits 0-4, without noise, from
PatrickFeeney/autoencoder-saliency and tufts-ai-robotics-group/polycraft-novelty-detection.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from lib.errors import BadInput, DataMissing
from lib.models import LSAAutoencoder
from lib.training import load_checkpoint

# by the file's name: the method of its rows, and what sets it apart from the document's 500 epochs
MARCH, APRIL = (
    f"LSA autoencoder, author's weights of {month} 2021" for month in ("March", "April")
)
FILES: Mapping[str, tuple[str, dict[str, int]]] = {
    "march_2021_epoch_100.pt": (MARCH, {"epochs_shown": 100}),
    "march_2021_epoch_500.pt": (MARCH, {}),
    "april_2021_epoch_500.pt": (APRIL, {}),
}
_IN_BLOCK = {
    **{"conv1a": "branch.0", "bn1a": "branch.1", "conv1b": "branch.3", "bn1b": "branch.4"},
    **{"conv2a": "shortcut.0", "bn2a": "shortcut.1"},
}
_DECODER_END = {"0": "7", "1": "8", "2": "9"}  # two up blocks and the last convolution


def author_networks(folder: Path) -> Iterator[tuple[str, dict[str, int], LSAAutoencoder]]:
    """Method, setting and network of each of FILES. Raises as `author_network`."""
    for file, (method, setting) in FILES.items():
        yield method, setting, author_network(folder / file)


def author_network(path: Path) -> LSAAutoencoder:
    """The author's network from a file of weights, in evaluation mode.

    Its output equals the author's to the last bit. Raises DataMissing without the file,
    DataCorrupt for a damaged one and BadInput for weights of another network.
    """
    if not path.is_file():
        raise DataMissing(f"There is no file {path.name} in the folder that `weights` names.")
    model = LSAAutoencoder()
    try:
        model.load_state_dict(renamed(load_checkpoint(path)))
    except (KeyError, ValueError, RuntimeError) as problem:
        raise BadInput(f"{path.name} does not hold the weights of this autoencoder.") from problem
    return model.eval()


def renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The author's state dictionary under the names of our `LSAAutoencoder`."""
    return {_name(name): value for name, value in weights.items()}


def _name(name: str) -> str:
    side, part, number, *rest = name.split(".")
    if part == "fc":
        shifted = int(number) + (3 if side == "encoder" else 0)  # two blocks and a flattening first
        return ".".join([side, str(shifted), *rest])
    block = number if side == "encoder" else _DECODER_END[number]
    inside = [_IN_BLOCK[rest[0]], *rest[1:]] if len(rest) > 1 else rest
    return ".".join([side, block, *inside])
