"""One look for every figure: a colour per meaning, no decoration."""

import matplotlib.pyplot as plt
import seaborn as sns

# Told apart with the common forms of colour blindness and in print (seaborn's colour-blind set).
_PALETTE = sns.color_palette("colorblind")
COLOURS = {
    "normal": _PALETTE[0],
    "anomaly": _PALETTE[3],
    "recon": _PALETTE[7],
    "grad": _PALETTE[2],
    "recon+beta*grad": _PALETTE[4],
    "trivial": _PALETTE[5],
}


def use_style() -> None:
    """Set fonts, sizes and colours for all figures that follow."""
    sns.set_theme(
        context="notebook",
        style="ticks",
        palette="colorblind",
        rc={
            "figure.dpi": 110,
            "savefig.bbox": "tight",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "legend.frameon": False,
            "image.cmap": "gray",
        },
    )
    # PNG only: notebooks with vector figures cannot be compared from run to run
    plt.rcParams["savefig.format"] = "png"
