"""Networks whose weights are replaced by untrained ones, part by part from the output on."""

import copy
from collections.abc import Iterable, Iterator

from torch import nn

from lib.errors import BadInput

Part = tuple[str, ...]
BATCH_NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def cascade(model: nn.Module) -> list[Part]:
    """The model's parts that hold weights, from the output back to the input.

    Each part is a tuple of module names. Parts are the children of the model, and the children of
    those that are `nn.Sequential`; a batch norm directly behind another part of the same
    `nn.Sequential` belongs to that part. The order is that in which the modules were registered,
    reversed. Raises BadInput for a model with weights outside its children.
    Source: adebayo2018sanity, cascading randomization.
    """
    if [*model.parameters(recurse=False), *model.buffers(recurse=False)]:
        raise BadInput(f"{type(model).__name__} has weights of its own, outside all of its parts.")
    return list(_parts(model, ""))[::-1]


def randomised(model: nn.Module, fresh: nn.Module, parts: Iterable[Part]) -> nn.Module:
    """A copy of `model` in evaluation mode in which `parts` have the weights of `fresh`.

    `parts` are some of `cascade(model)`; `fresh` is an untrained network of the same class. Its
    buffers come along, so that a replaced batch norm has the running averages of the start.
    Neither network is changed. Raises BadInput for a part without weights or that does not exist,
    and for a `fresh` with other weights in name or shape.
    Source: adebayo2018sanity, cascading randomization.
    """
    ours, theirs = model.state_dict(), fresh.state_dict()
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        raise BadInput(
            f"The fresh {type(fresh).__name__} must have the weights of the "
            f"{type(model).__name__} in name and shape, but they differ."
        )
    mixed = dict(ours)
    for name in (name for part in parts for name in part):
        found = [key for key in ours if key.startswith(f"{name}.")]
        if not found:
            raise BadInput(f"{type(model).__name__} has no part {name!r} with weights.")
        mixed |= {key: theirs[key] for key in found}
    changed = copy.deepcopy(model)
    changed.load_state_dict(mixed)
    return changed.eval()


def _parts(parent: nn.Module, prefix: str) -> Iterator[Part]:
    """Parts in the order of registration."""
    part: Part = ()
    for name, child in parent.named_children():
        path = prefix + name
        if part and isinstance(parent, nn.Sequential) and isinstance(child, BATCH_NORMS):
            part += (path,)
            continue
        if part:
            yield part
        part = ()
        if isinstance(child, nn.Sequential):
            yield from _parts(child, f"{path}.")
        elif child.state_dict():
            part = (path,)
    if part:
        yield part
