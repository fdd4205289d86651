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
    """The dictionary in a pickle of numbers, texts, lists and arrays of whole numbers.

    Any protocol, from Python 2 or 3; keys in bytes become text. Raises DataCorrupt for damaged
    files and for a pickle that names anything else: a pickle is a program, and an unknown file must
    not be run to find out what it is. (Recovered sets have no official checksum to trust.)
    """
    with reading(path):
        # latin1 maps each byte to one character, so arrays pickled by Python 2 survive
        entry = _PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        if not isinstance(entry, dict):
            raise DataCorrupt(f"{path} holds a {type(entry).__name__} where a dictionary belongs.")
        named = {k.decode() if isinstance(k, bytes) else k: v for k, v in entry.items()}
        return {k: v.to_numpy() if isinstance(v, _Array) else v for k, v in named.items()}


class _Dtype:
    """Stands in for numpy.dtype and remembers its code with the byte order."""

    def __init__(self, code: str, *flags: object) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        # of byte order, field names and flags; a byte has no order, "|"
        self.code = self.code if state[1] == "|" else state[1] + self.code


class _Array:
    """Stands in for numpy.ndarray, so that no numpy code runs before the parts are checked."""

    axes: tuple[int, ...] | None = None  # the order in which the axes lie, where it is told

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.dtype, self.column_major, self.raw = state

    def to_numpy(self) -> NDArray[Any]:
        raw = self.raw.encode("latin1") if isinstance(self.raw, str) else self.raw
        dtype = np.dtype(self.dtype.code if isinstance(self.dtype, _Dtype) else "O")
        if dtype.kind not in "iu" or len(raw) != dtype.itemsize * math.prod(self.shape):
            raise ValueError(f"not an array of whole numbers: {dtype}, {self.shape}")
        array: NDArray[Any] = np.frombuffer(raw, dtype)
        found = array.reshape(tuple(self.shape), order="F" if self.column_major else "C")
        return found if self.axes is None else found.transpose(self.axes)


def _reconstruct(*arguments: object) -> _Array:
    return _Array()


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: str, axes: Any = None) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", bytes(raw)))
    array.axes = axes if order == "K" else None
    return array


def _encode(text: str, coding: str = "latin1") -> bytes:
    return text.encode(coding)


_ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,  # how protocols 0 to 2 keep bytes
    # numpy 1, numpy 2; protocol 5 keeps arrays as buffers
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, refused") from None
