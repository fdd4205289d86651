"""Networks whose training is over: one file each, found again by what their training depended on.

A checkpoint belongs to one version of the code and goes with its run. These files outlive both, so
that trainings of many hours, made in pieces or on another machine, serve every later measurement.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.training.checkpoint import load_checkpoint, save_checkpoint
from lib.training.loop import History


class Trained(NamedTuple):
    """Weights and buffers by name, and one entry of history per epoch."""

    weights: dict[str, Tensor]
    history: History


def trained_path(folder: Path, identity: Mapping[str, Any]) -> Path:
    """Where `folder` keeps the network of this identity: readable words and a hash of all of it.

    `identity` holds plain values: everything that the trained weights depend on but the code, with
    `network`, `dataset`, `seed` and `epochs` among it.
    """
    text = json.dumps(identity, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    words = (identity[name] for name in ("dataset", "network", "seed", "epochs"))
    return folder / ("-".join(str(word).replace(" ", "-") for word in words) + f"-{digest}.pt")


def save_trained(
    path: Path, identity: Mapping[str, Any], *, weights: Mapping[str, Tensor], history: History
) -> None:
    """Write a network's file, whole or not at all."""
    content = {"identity": dict(identity), "weights": dict(weights), "history": history}
    save_checkpoint(path, content)


def load_trained(path: Path, identity: Mapping[str, Any]) -> Trained | None:
    """The network of this identity, to the CPU, or None where it is not there.

    Raises DataCorrupt for a damaged file, BadInput for one that was made for another identity or
    holds weights that are not finite.
    """
    if not path.exists():
        return None
    content = load_checkpoint(path)
    if content.get("identity") != dict(identity):
        raise BadInput(f"{path.name} holds a network trained otherwise than its name says.")
    weights: dict[str, Tensor] = content["weights"]
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise BadInput(f"{path.name} holds weights that are not finite.")
    return Trained(weights, content["history"])
