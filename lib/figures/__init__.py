"""Plots used by more than one chapter or too long for one, all in one style."""

from lib.figures.angles import angle_rose
from lib.figures.changes import change_lines
from lib.figures.classes import class_scatter
from lib.figures.curves import (
    course_curves,
    course_grid,
    learning_curves,
    range_curve,
    roc_curves,
    score_histograms,
)
from lib.figures.images import map_grid, reconstruction_grid, titled_grid
from lib.figures.kernels import kernel_ratios_by_class, kernel_shares
from lib.figures.plane import field_arrows, plane_maps
from lib.figures.style import COLOURS, use_style

__all__ = [
    "COLOURS",
    "angle_rose",
    "change_lines",
    "class_scatter",
    "course_curves",
    "course_grid",
    "field_arrows",
    "kernel_ratios_by_class",
    "kernel_shares",
    "learning_curves",
    "map_grid",
    "plane_maps",
    "range_curve",
    "reconstruction_grid",
    "roc_curves",
    "score_histograms",
    "titled_grid",
    "use_style",
]
