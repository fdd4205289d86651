"""Reading pickled image arrays without letting the pickle run anything."""

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.data.files import reading
from lib.errors import DataCorrupt


def read_plain_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle of numbers, texts, lists and uint8 arrays.

    Raises DataCorrupt for damaged files and for a pickle that names anything else: a pickle is a
    program, and an unknown file must not be run to find out what it is.
    """
    with reading(path):
        # latin1 maps each byte to one character, so arrays pickled by Python 2 survive
        entry = _PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        if not isinstance(entry, dict):
            raise DataCorrupt(f"{path} holds a {type(entry).__name__} where a dictionary belongs.")
        return {k: v.to_numpy() if isinstance(v, _Array) else v for k, v in entry.items()}


class _Dtype:
    """Stands in for numpy.dtype and remembers its code."""

    def __init__(self, code: str, *flags: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        pass  # byte order and field names: a byte has none


class _Array:
    """Stands in for numpy.ndarray, so that no numpy code runs before the parts are checked."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.dtype, self.column_major, self.raw = state

    def to_numpy(self) -> NDArray[np.uint8]:
        raw = self.raw.encode("latin1") if isinstance(self.raw, str) else self.raw
        if self.dtype.code not in ("u1", "|u1") or len(raw) != math.prod(self.shape):
            raise ValueError(f"not an array of bytes: {self.dtype.code}, {self.shape}")
        array: NDArray[np.uint8] = np.frombuffer(raw, np.uint8)
        return array.reshape(tuple(self.shape), order="F" if self.column_major else "C")


def _reconstruct(*arguments: object) -> _Array:
    return _Array()


_ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # numpy 1
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,  # numpy 2
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, refused") from None
