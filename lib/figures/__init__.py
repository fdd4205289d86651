"""Plots used by more than one chapter, all in one style."""

from lib.figures.angles import angle_rose
from lib.figures.changes import change_lines
from lib.figures.curves import course_curves, learning_curves, roc_curves, score_histograms
from lib.figures.images import map_grid, reconstruction_grid
from lib.figures.style import COLOURS, use_style

__all__ = [
    "COLOURS",
    "angle_rose",
    "change_lines",
    "course_curves",
    "learning_curves",
    "map_grid",
    "reconstruction_grid",
    "roc_curves",
    "score_histograms",
    "use_style",
]
