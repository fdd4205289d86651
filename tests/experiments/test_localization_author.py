"""The author's weights in our network, and the numbers that they give."""

import csv
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lib import numbers
from lib.errors import BadInput, DataMissing
from lib.experiments.localization_author import FILES, author_network, author_networks, renamed
from lib.models import LSAAutoencoder
from lib.paths import RESULTS

RUNS = {  # the words of localization-code.csv: method and epoch of our rows
    "weights of March 2021 (blob cc20f89c), no noise, digits 0-4": ("March 2021", 500),
    "weights of April 2021 (blob d85c0627), no noise, digits 0-4": ("April 2021", 500),
    "the run of March 2021 after 100 epochs": ("March 2021", 100),
}
MAPS = "mean squared error between max-scaled maps"
FAR = "mean over images of maximum distance to best match, pixels"
ADDRESSES = {  # and its metrics: table, score and metric of our rows
    **{
        f"fraction of test images with top-{k} agreement 0-{half}": (
            f"table1-top{k}-agreement",
            "saliency vs reconstruction error",
            f"fraction of test images with agreement 0-{half}",
        )
        for k, half in ((5, 2), (10, 5))
    },
    **{
        f"mean max distance, K={k}": (
            f"finding5-max-distance-top{k}",
            "saliency to reconstruction error",
            FAR,
        )
        for k in (5, 10)
    },
    "map mean squared error": ("finding6-map-mse", "saliency vs reconstruction error", MAPS),
    "map mean squared error, squared saliency": (
        "finding6-map-mse",
        "squared saliency vs reconstruction error",
        MAPS,
    ),
}
BLOCKS = {"encoder": ((1, 32), (32, 64)), "decoder": ((64, 32), (32, 16))}


def drawn_weights() -> dict[str, Tensor]:
    """Random weights under the author's names."""
    draw = torch.Generator().manual_seed(0)
    weights: dict[str, Tensor] = {}

    def norm(name: str, n: int) -> None:
        for part in ("weight", "running_var"):
            weights[f"{name}.{part}"] = torch.rand(n, generator=draw) + 0.5
        for part in ("bias", "running_mean"):
            weights[f"{name}.{part}"] = torch.randn(n, generator=draw) / 4
        weights[f"{name}.num_batches_tracked"] = torch.tensor(3)

    def matrix(name: str, *shape: int) -> None:
        weights[f"{name}.weight"] = torch.randn(*shape, generator=draw) / shape[1] ** 0.5

    for side, sizes in BLOCKS.items():
        for i, (a, b) in enumerate(sizes):
            block, turned, width = f"{side}.conv.{i}", side == "decoder", 3 + 2 * (side[0] == "d")
            first = (a, b) if turned else (b, a)
            matrix(f"{block}.conv1a", *first, width, width)
            matrix(f"{block}.conv1b", b, b, 3, 3)
            matrix(f"{block}.conv2a", *first, 1, 1)
            for name in ("bn1a", "bn1b", "bn2a"):
                norm(f"{block}.{name}", b)
    matrix("decoder.conv.2", 1, 16, 1, 1)
    layers = {"encoder.fc.0": (64, 3136), "encoder.fc.3": (64, 64)}
    layers |= {"decoder.fc.0": (64, 64), "decoder.fc.3": (3136, 64)}
    for name, shape in layers.items():
        matrix(name, *shape)
        weights[f"{name}.bias"] = torch.randn(shape[0], generator=draw) / 4
    for name, n in (("encoder.fc.1", 64), ("decoder.fc.1", 64), ("decoder.fc.4", 3136)):
        norm(name, n)
    return weights


def author_forward(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """The author's network written out layer by layer, in evaluation mode."""

    def norm(name: str, x: Tensor) -> Tensor:
        mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        return F.batch_norm(x, mean, var, w[f"{name}.weight"], w[f"{name}.bias"])

    def block(name: str, x: Tensor) -> Tensor:
        if name.startswith("encoder"):
            a = F.conv2d(x, w[f"{name}.conv1a.weight"], stride=2, padding=1)
            b = F.conv2d(x, w[f"{name}.conv2a.weight"], stride=2)
        else:
            two = {"stride": 2, "output_padding": 1}
            a = F.conv_transpose2d(x, w[f"{name}.conv1a.weight"], padding=2, **two)
            b = F.conv_transpose2d(x, w[f"{name}.conv2a.weight"], **two)
        a = F.leaky_relu(norm(f"{name}.bn1a", a))
        a = norm(f"{name}.bn1b", F.conv2d(a, w[f"{name}.conv1b.weight"], padding=1))
        return F.leaky_relu(a + norm(f"{name}.bn2a", b))

    def dense(name: str, x: Tensor) -> Tensor:
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    h = block("encoder.conv.1", block("encoder.conv.0", x)).flatten(1)
    h = F.leaky_relu(norm("encoder.fc.1", dense("encoder.fc.0", h)))
    z = torch.sigmoid(dense("encoder.fc.3", h))
    h = F.leaky_relu(norm("decoder.fc.1", dense("decoder.fc.0", z)))
    h = F.leaky_relu(norm("decoder.fc.4", dense("decoder.fc.3", h))).unflatten(1, (64, 7, 7))
    h = block("decoder.conv.1", block("decoder.conv.0", h))
    return F.conv2d(h, w["decoder.conv.2.weight"])


def author_folder() -> Path:
    """Where a reader has put the author's files, or a skip."""
    root = os.environ.get("COMPANION_WEIGHTS") or Path(os.environ.get("COMPANION_DATA", "data"))
    folder = Path(root) if isinstance(root, str) else root / "localization-author"
    if not all((folder / name).is_file() for name in FILES):
        pytest.skip("the author's weights are not here: COMPANION_WEIGHTS names their folder")
    return folder


def published_numbers(folder_word: str) -> list[dict[str, str]]:
    with (RESULTS / "published/localization-code.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["table"] == folder_word]


def same_output(weights: dict[str, Tensor], model: LSAAutoencoder) -> bool:
    x = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return torch.equal(author_forward(weights, x), model(x))


def test_every_weight_has_a_place_in_our_network(tmp_path: Path) -> None:
    weights = drawn_weights()
    assert sorted(renamed(weights)) == sorted(LSAAutoencoder().state_dict())
    torch.save(weights, tmp_path / "drawn.pt")
    model = author_network(tmp_path / "drawn.pt")
    assert not model.training
    assert same_output(weights, model)  # to the last bit


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"no file away\.pt in the folder that `weights` names"):
        author_network(tmp_path / "away.pt")
    torch.save({"encoder.conv.0.conv9.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(BadInput, match=r"other\.pt does not hold the weights of this autoencoder"):
        author_network(tmp_path / "other.pt")


def test_the_committed_rows_are_the_published_numbers() -> None:
    """Each number that the file states to four decimals or more, from our rows."""
    rows = numbers.read_rows(RESULTS / "reference/localization-author.csv")
    checked = 0
    for line in published_numbers("public weights"):
        if line["note"] not in RUNS or line["metric"] not in ADDRESSES:
            continue  # of weights that are not public any more; the reconstruction's own error
        run, epoch = RUNS[line["note"]]
        table, score, metric = ADDRESSES[line["metric"]]
        found = numbers.pick(
            rows,
            table=table,
            score=score,
            metric=metric,
            method=f"LSA autoencoder, author's weights of {run}",
            variant="" if epoch == 500 else f"epochs_shown={epoch}",
            **{"class": line["class"]},
        )
        decimals = len(line["value"].partition(".")[2])
        # half a unit of the file's last decimal, and one of about 4,900 images whose largest pixels
        # another order of float32 sums picks otherwise: a share moves by 1 / 4,861, a mean
        # distance by ten pixels / 4,861
        one_image = (10 if "distance" in line["metric"] else 1) / 4_861
        within = 0.5 * 10**-decimals + one_image
        assert found.item() == pytest.approx(float(line["value"]), abs=within)
        checked += 1
    assert checked == len(RUNS) * len(ADDRESSES) * 2


def test_the_author_s_weights_give_the_author_s_output() -> None:
    folder = author_folder()
    for name, (_, _, model) in zip(FILES, author_networks(folder), strict=True):
        assert same_output(torch.load(folder / name, weights_only=True), model)
