"""Training rules: plain loops, one file per rule."""

from lib.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from lib.training.gradcon import Fitted, fit, mean_gradient
from lib.training.reference import (
    ReferenceGradient,
    gradient_cosines,
    load_reference,
    save_reference,
)
from lib.training.seeding import deterministic, generator, numpy_generator

__all__ = [
    "Fitted",
    "ReferenceGradient",
    "deterministic",
    "fingerprint",
    "fit",
    "generator",
    "gradient_cosines",
    "load_checkpoint",
    "load_reference",
    "mean_gradient",
    "numpy_generator",
    "save_checkpoint",
    "save_reference",
]
