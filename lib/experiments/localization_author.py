"""The first author's public weights, in our network.

Three state dictionaries of the runs of March and April 2021 on digits 0-4, without noise, from
PatrickFeeney/autoencoder-saliency and tufts-ai-robotics-group/polycraft-novelty-detection.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lib import data, metrics, numbers, scores
from lib.errors import BadInput, DataMissing
from lib.experiments import localization_rows as lo
from lib.experiments.localization_networks import DOCUMENT, SIDE, maps_of
from lib.models import LSAAutoencoder
from lib.training import load_checkpoint

# the file's name: the method of its rows, and the epoch
AUTHOR = "LSA autoencoder, author's weights of"
EPOCHS = 500  # of the document's networks
FILES = {
    "march_2021_epoch_100.pt": (f"{AUTHOR} March 2021", 100),
    "march_2021_epoch_500.pt": (f"{AUTHOR} March 2021", EPOCHS),
    "april_2021_epoch_500.pt": (f"{AUTHOR} April 2021", EPOCHS),
}
_IN_BLOCK = {
    **{"conv1a": "branch.0", "bn1a": "branch.1", "conv1b": "branch.3", "bn1b": "branch.4"},
    **{"conv2a": "shortcut.0", "bn2a": "shortcut.1"},
}
_DECODER_END = {"0": "7", "1": "8", "2": "9"}  # two up blocks and the last convolution


def author_rows(
    folder: Path, images: data.ImageSet, *, ks: Sequence[int], run: str
) -> list[dict[str, object]]:
    """Result rows of the author's networks through our maps and metrics, on all test images.

    `folder` holds the FILES; raises as `author_network` where one is missing or another's.
    """
    add, rows = numbers.collector(run=run, dataset=images.title)
    pixels = data.to_float(data.resize(images.images, SIDE))
    x, labels = pixels[np.flatnonzero(images.is_test)], images.labels[images.is_test]
    for file, (method, epoch) in FILES.items():
        setting = {} if epoch == EPOCHS else {"epochs_shown": epoch}
        for place, class_, n, value in author_numbers(
            author_network(folder / file), x, labels, images.class_names, ks=ks
        ):
            add(value, **place._asdict(), method=method, class_=class_, n=n, seed=0, **setting)
    return rows


def author_numbers(
    model: LSAAutoencoder,
    x: Tensor,
    labels: NDArray[np.int64],
    names: Sequence[str],
    *,
    ks: Sequence[int],
) -> list[lo.Number]:
    """The document's numbers of one network, digits 0-4 normal; `x` `[n, 1, 28, 28]`."""
    kinds, maps = data.normal_and_novel(labels, DOCUMENT), maps_of(model, x)
    shared = metrics.correspondence(*maps, ks=ks)
    found = lo.kind_numbers(shared, kinds, ks=ks, whole=True)
    found += lo.class_numbers(shared, labels, names, ks=ks)
    pictures = lo.picture_findings(x[:, 0].numpy(), *maps)
    errors = scores.reconstruction_error(model, x).numpy()
    for kind, members in kinds.items():
        found += lo.picture_numbers(pictures, members, class_=kind)
        mean = {lo.RECONSTRUCTED: errors[members].mean()}
        found += lo.over(mean, kind, int(members.sum()))
    return found


def renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The author's state dictionary under the names of our `LSAAutoencoder`."""
    return {_name(name): value for name, value in weights.items()}


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


def _name(name: str) -> str:
    side, part, number, *rest = name.split(".")
    if part == "fc":
        shifted = int(number) + (3 if side == "encoder" else 0)  # two blocks and a flattening first
        return ".".join([side, str(shifted), *rest])
    block = number if side == "encoder" else _DECODER_END[number]
    inside = [_IN_BLOCK[rest[0]], *rest[1:]] if len(rest) > 1 else rest
    return ".".join([side, block, *inside])
