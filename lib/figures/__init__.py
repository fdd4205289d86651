"""Plots used by more than one chapter, all in one style."""

from lib.figures.curves import learning_curves, roc_curves, score_histograms
from lib.figures.images import map_grid, reconstruction_grid, titled_grid
from lib.figures.style import COLOURS, use_style

__all__ = [
    "COLOURS",
    "learning_curves",
    "map_grid",
    "reconstruction_grid",
    "roc_curves",
    "score_histograms",
    "titled_grid",
    "use_style",
]
