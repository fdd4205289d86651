"""The device that a chapter was asked to run on; nothing else in `lib` chooses one."""

import torch

from lib.errors import BadInput


def named_device(word: str) -> str:
    """What the parameter `device` means here: a torch device's name, for "auto" a GPU if there is.

    Raises BadInput for another word than auto, cpu, cuda or cuda:N, or where PyTorch finds no GPU
    of that name.
    """
    if word == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    number = word.removeprefix("cuda").removeprefix(":") or "0"
    known = word.startswith("cuda") and number.isdecimal()
    if word != "cpu" and not (known and int(number) < torch.cuda.device_count()):
        raise BadInput(
            "device must be auto, cpu or cuda, and cuda needs a GPU that PyTorch finds; "
            f"it was {word!r}."
        )
    return word
