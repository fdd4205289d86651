"""One module per document: `Settings` and `measure(settings)`, which gives rows and figures' data.

They join data, networks, training, scores and metrics. Nothing else of lib imports this.
"""

from lib.experiments import dae as dae
from lib.experiments import fooling as fooling
from lib.experiments import gradcon as gradcon
from lib.experiments import localization as localization
from lib.experiments import openset as openset
from lib.experiments import oracle as oracle
from lib.experiments.cascading import cascading_maps as cascading_maps
from lib.experiments.chapter import begin as begin
from lib.experiments.chapter import leave as leave
