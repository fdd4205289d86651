"""The networks behind two rows of the slides' size table, AnoGAN's and GPND's.

Only counted, but for GPND's encoder and generator, which are timed too.
"""

from torch import nn

NOISE, LATENT = 100, 32  # numbers that the generators start from


def dcgan_generator() -> nn.Sequential:
    """Images `[n, 1, 64, 64]` in (-1, 1) from noise `[n, 100]`; 3,574,656 parameters.

    Source: kwon2020gradcon, size table, "AnoGAN"; the layers follow from the count.
    """
    return nn.Sequential(  # sizes 1 → 4 → 8 → 16 → 32 → 64
        nn.Unflatten(1, (NOISE, 1, 1)),
        *_up(NOISE, 512, stride=1, padding=0, bias=False),
        *_up(512, 256, bias=False),
        *_up(256, 128, bias=False),
        *_up(128, 64, bias=False),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1, bias=False),
        nn.Tanh(),
    )


def dcgan_discriminator() -> nn.Sequential:
    """Chance that each image `[n, 1, 64, 64]` is real, `[n]`; 2,763,520 parameters.

    Source: kwon2020gradcon, size table, "AnoGAN"; the layers follow from the count.
    """
    return nn.Sequential(  # sizes 64 → 32 → 16 → 8 → 4 → 1
        *_down(1, 64, norm=False, bias=False),
        *_down(64, 128, bias=False),
        *_down(128, 256, bias=False),
        *_down(256, 512, bias=False),
        *_chance(nn.Conv2d(512, 1, 4, bias=False)),
    )


def gpnd_generator() -> nn.Sequential:
    """Images `[n, 1, 32, 32]` in (-1, 1) from latents `[n, 32]`; 1,707,905 parameters.

    Source: pidhorskyi2018gpnd, official code of 2018.
    """
    return nn.Sequential(  # sizes 1 → 4 → 8 → 16 → 32
        nn.Unflatten(1, (LATENT, 1, 1)),
        *_up(LATENT, 256, stride=1, padding=0),
        *_up(256, 256),
        *_up(256, 128),
        nn.ConvTranspose2d(128, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def gpnd_unused() -> nn.Sequential:
    """What GPND's generator has and never calls, and the published count holds; 41,728 parameters.

    A transposed convolution of ten class numbers with its norm.
    """
    return nn.Sequential(*_up(10, 256, stride=1, padding=0)[:2])


def gpnd_encoder() -> nn.Sequential:
    """Latents `[n, 32]` of images `[n, 1, 32, 32]` in [0, 1]; 2,624,864 parameters.

    Source: pidhorskyi2018gpnd, official code of 2018.
    """
    return nn.Sequential(*_trunk(), nn.Conv2d(512, LATENT, 4), nn.Flatten())


def gpnd_image_discriminator() -> nn.Sequential:
    """Chance that each image `[n, 1, 32, 32]` is real, `[n]`; 2,370,881 parameters.

    Source: pidhorskyi2018gpnd, official code of 2018.
    """
    return nn.Sequential(*_trunk(), *_chance(nn.Conv2d(512, 1, 4)))


def gpnd_latent_discriminator() -> nn.Sequential:
    """Chance that each latent `[n, 32]` was drawn from the prior, `[n]`; 20,865 parameters.

    Source: pidhorskyi2018gpnd, official code of 2018.
    """
    slope = nn.LeakyReLU(0.2)
    return nn.Sequential(
        nn.Linear(LATENT, 128), slope, nn.Linear(128, 128), slope, *_chance(nn.Linear(128, 1))
    )


def _trunk() -> tuple[nn.Module, ...]:
    """What GPND's encoder and image discriminator share: to `[n, 512, 4, 4]`."""
    return *_down(1, 64, norm=False), *_down(64, 256), *_down(256, 512)


def _chance(last: nn.Module) -> tuple[nn.Module, ...]:
    return last, nn.Sigmoid(), nn.Flatten(0)


def _up(
    a: int, b: int, *, stride: int = 2, padding: int = 1, bias: bool = True
) -> tuple[nn.Module, ...]:
    layer = nn.ConvTranspose2d(a, b, 4, stride=stride, padding=padding, bias=bias)
    return layer, nn.BatchNorm2d(b), nn.ReLU()


def _down(a: int, b: int, *, norm: bool = True, bias: bool = True) -> tuple[nn.Module, ...]:
    layer = nn.Conv2d(a, b, 4, stride=2, padding=1, bias=bias)
    return layer, *([nn.BatchNorm2d(b)] if norm else []), nn.LeakyReLU(0.2)
