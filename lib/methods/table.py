"""All methods of the comparison by the names of the published tables, and those left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from lib.errors import UnknownName, nearest
from lib.methods.dae import fit_dae
from lib.methods.deep_svdd import fit_deep_svdd
from lib.methods.gradcon import fit_gradcon
from lib.methods.kde import fit_kde
from lib.methods.lsa import fit_lsa, lsa_size
from lib.methods.ocsvm import fit_ocsvm
from lib.methods.task import Scorer, usual_size
from lib.methods.vae import fit_vae


class Protocol(NamedTuple):
    """Where a published row came from, and the test images it was measured on."""

    origin: str
    test: str


OWN = Protocol("the slides' own", "as many abnormal as normal test images, 28×28")
LSA_TABLE = Protocol("LSA's table", "all test images, CIFAR-10 at 32×32")
SVDD_TABLE = Protocol(
    "Deep SVDD's table", "all test images, contrast normalised, mean of ten seeds"
)
OCGAN_TABLE = Protocol("OCGAN's table", "the official training and test images")
GPND_TABLE = Protocol("GPND's table", "five folds of training and test images together")


@dataclass(frozen=True)
class Method:
    """How a method is run, and where its published rows came from (methods.md 2.1).

    `fit` takes a Task and options of its own, and returns a Scorer. `size` says how large its
    images are, by their channels. `source` is a citation key, `score` the name of the main score in
    the published tables. `own_on` are data sets whose published row is the slides' own after all.
    """

    fit: Callable[..., Scorer]
    size: Callable[[int], int]
    source: str
    protocol: Protocol
    score: str = ""
    own_on: tuple[str, ...] = ()


class NotRerun(NamedTuple):
    """A method with published rows only: where they came from, and why it is not run here."""

    protocol: Protocol
    reason: str


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "OCSVM": Method(fit_ocsvm, usual_size, "scholkopf2001estimating", LSA_TABLE),
        "KDE": Method(fit_kde, usual_size, "parzen1962estimation", LSA_TABLE),
        "DAE": Method(fit_dae, lsa_size, "vincent2008extracting", LSA_TABLE),
        "VAE": Method(fit_vae, usual_size, "kingma2014auto", LSA_TABLE, own_on=("CIFAR-10",)),
        "LSA": Method(fit_lsa, lsa_size, "abati2019lsa", LSA_TABLE),
        "DSVDD": Method(fit_deep_svdd, usual_size, "ruff2018deep", SVDD_TABLE),
        "GradCon": Method(fit_gradcon, usual_size, "kwon2020gradcon", OWN, "recon+beta*grad"),
    }
)
NOT_RERUN: Mapping[str, NotRerun] = MappingProxyType(
    {
        "PixelCNN": NotRerun(
            LSA_TABLE, "its depth and width are not known, and colour images need a GPU"
        ),
        "AnoGAN": NotRerun(
            SVDD_TABLE, "each test image takes hundreds of gradient steps through a GAN"
        ),
        "OCGAN": NotRerun(OCGAN_TABLE, "four networks against each other, hours of a GPU"),
        "GPND": NotRerun(GPND_TABLE, "four networks against each other, hours of a GPU"),
    }
)


def method(name: str) -> Method:
    """The method of that name. Raises UnknownName, with those there are, or why it is not run."""
    if name in NOT_RERUN:
        raise UnknownName(
            f"{name} has published rows only and is not run here: {NOT_RERUN[name].reason}."
        )
    if name not in METHODS:
        raise UnknownName(
            f"There is no method {name!r}; known are {', '.join(METHODS)}."
            + nearest(str(name), METHODS)
        )
    return METHODS[name]


def published_protocol(name: str, dataset: str) -> Protocol | None:
    """The protocol of a published row, by its method and the title of its data set.

    None for what no published table has. Source: methods.md 2.1 and, for the VAE, 1.8.
    """
    if name in NOT_RERUN:
        return NOT_RERUN[name].protocol
    if name not in METHODS:
        return None
    return OWN if dataset in METHODS[name].own_on else METHODS[name].protocol
