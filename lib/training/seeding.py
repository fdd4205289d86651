"""Random streams by seed and purpose, and the switches that make a run repeatable."""

import os
import random
import zlib

import numpy as np
import torch


def deterministic(seed: int) -> None:
    """Turn PyTorch's deterministic algorithms on and seed every global random state.

    The experiments themselves draw from generators; the global seeds only catch what a library
    draws behind our back.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by CUDA's matmul
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A numpy generator for one purpose: other words, other numbers, whatever ran before."""
    return np.random.default_rng(_entropy(seed, purpose))


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A torch generator (on the CPU, so that every device sees the same draws)."""
    state = np.random.SeedSequence(_entropy(seed, purpose)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def _entropy(seed: int, purpose: tuple[str | int, ...]) -> list[int]:
    return [seed, *(zlib.crc32(str(word).encode()) for word in purpose)]
