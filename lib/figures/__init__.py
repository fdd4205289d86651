"""Plots used by more than one chapter or too long for one, all in one style."""

from lib.figures.agreement import agreement_scatter as agreement_scatter
from lib.figures.angles import angle_rose as angle_rose
from lib.figures.changes import change_lines as change_lines
from lib.figures.classes import class_scatter as class_scatter
from lib.figures.curves import course_curves as course_curves
from lib.figures.curves import learning_curves as learning_curves
from lib.figures.images import map_grid as map_grid
from lib.figures.images import reconstruction_grid as reconstruction_grid
from lib.figures.images import titled_grid as titled_grid
from lib.figures.plane import field_arrows as field_arrows
from lib.figures.plane import plane_maps as plane_maps
from lib.figures.style import COLOURS as COLOURS
from lib.figures.style import use_style as use_style
