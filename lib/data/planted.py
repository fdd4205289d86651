"""Images in which the novel region is known, made from real ones."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from lib.data.images import check_ink
from lib.errors import BadInput, UnknownName, nearest

INK = 0.5  # a pixel of at least this value is ink: halfway between ground and full stroke
WINDOW = 10  # pixels, even: a third of a digit's side holds a bend or a crossing, never a digit
REACH = 4  # pixels: a pasted window of 10 then touches the ink that it was placed by, or nearly
RADIUS = 3.5  # pixels: wider than any stroke, so that the erased one is cut through
SQUARE = 7  # pixels, odd: a quarter of a digit's side
GREY = 0.5  # as far from ground as from ink
CHANGED = 0.1  # a smaller change is hardly seen and hides in the set's own grey levels
LEAST = 8  # pixels: fewer are no region, and top-10 pixels could not find them
DRAWS = 100  # positions tried per image; nearly all images take one or two

Change = tuple[Tensor, Tensor]
Plant = Callable[[Tensor, Tensor, torch.Generator], Change]


def plant(
    kind: str, normals: Tensor, novels: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Copies of `normals` with a novel region each, and where: `[n, 1, h, w]` and bool `[n, h, w]`.

    `normals` `[n, 1, h, w]` and `novels` `[m, 1, h, w]`, bright ink on dark ground in [0, 1]; the
    copies are float32. Kinds, each in a random place at the ink:
    "stroke": the ink in a 10×10 window of a random novel image is added (pixelwise maximum);
    "patch": that window replaces the pixels there;
    "erased stroke": a disk of radius 3.5 becomes black;
    "cut-out": a 7×7 square becomes grey, 0.5.
    The last two do not look at `novels`. The region is the whole square of a "cut-out", else the
    pixels that change by more than 0.1; what would change by less stays as it was, so that image
    and original differ in the region alone. Regions have at least 8 pixels; smaller ones are drawn
    again. Raises UnknownName for another kind; BadInput for empty sets, several channels, images
    of unequal size, values outside [0, 1], an image without ink, and one in which 100 draws gave
    no region.
    """
    if kind not in PLANTED:
        raise UnknownName(
            f"There is no planted kind {kind!r}; known are {', '.join(PLANTED)}."
            + nearest(kind, PLANTED)
        )
    check_ink("normal", normals, ink=INK)
    pasted = kind in _PASTED
    if pasted:
        check_ink("novel", novels, ink=INK)
        if normals.shape[2:] != novels.shape[2:]:
            raise BadInput(
                f"Normal and novel images must have one size, but {list(normals.shape[2:])} and "
                f"{list(novels.shape[2:])} came."
            )
    make = PLANTED[kind]
    given = normals.detach().cpu().float()[:, 0]
    sources = novels.detach().cpu().float()[:, 0] if pasted else given
    images, masks = given.clone(), torch.zeros(given.shape, dtype=torch.bool)
    for i, image in enumerate(given):
        for _ in range(DRAWS):
            changed, mask = make(image, sources, generator)
            if mask.sum() >= LEAST:
                break
        else:
            raise BadInput(
                f"Normal image {i} got no {kind} of at least {LEAST} pixels in {DRAWS} draws."
            )
        images[i], masks[i] = torch.where(mask, changed, image), mask
    return images[:, None].to(normals.device), masks.to(normals.device)


def _stroke(image: Tensor, novels: Tensor, generator: torch.Generator) -> Change:
    return _paste(image, novels, generator, torch.maximum)


def _patch(image: Tensor, novels: Tensor, generator: torch.Generator) -> Change:
    return _paste(image, novels, generator, lambda _, window: window)


def _erased_stroke(image: Tensor, _: Tensor, generator: torch.Generator) -> Change:
    row, column = _ink_pixel(image, generator)
    rows, columns = _distances(image, row, column)
    inside = rows**2 + columns**2 <= RADIUS**2
    changed = image.masked_fill(inside, 0.0)
    return changed, (changed - image).abs() > CHANGED


def _cut_out(image: Tensor, _: Tensor, generator: torch.Generator) -> Change:
    row, column = _ink_pixel(image, generator)
    rows, columns = _distances(image, row, column)
    inside = torch.maximum(rows, columns) <= SQUARE // 2
    return image.masked_fill(inside, GREY), inside


PLANTED: dict[str, Plant] = {
    "stroke": _stroke,
    "patch": _patch,
    "erased stroke": _erased_stroke,
    "cut-out": _cut_out,
}
_PASTED = ("stroke", "patch")


def _paste(
    image: Tensor,
    novels: Tensor,
    generator: torch.Generator,
    combine: Callable[[Tensor, Tensor], Tensor],
) -> Change:
    """A window around a random ink pixel of a random novel image, put near the image's ink."""
    novel = novels[_below(len(novels), generator)]
    window = _window(pad(novel, [WINDOW // 2] * 4), *_ink_pixel(novel, generator))
    row, column = (
        min(max(at + _below(2 * REACH + 1, generator) - REACH, 0), side - 1)
        for at, side in zip(_ink_pixel(image, generator), image.shape, strict=True)
    )
    padded = pad(image, [WINDOW // 2] * 4)
    there = _window(padded, row, column)
    there.copy_(combine(there, window))
    edge = WINDOW // 2
    changed = padded[edge:-edge, edge:-edge]
    return changed, (changed - image).abs() > CHANGED


def _window(padded: Tensor, row: int, column: int) -> Tensor:
    """View of a window around a pixel, which is named by its place before the padding."""
    return padded[row : row + WINDOW, column : column + WINDOW]


def _ink_pixel(image: Tensor, generator: torch.Generator) -> tuple[int, int]:
    found = (image >= INK).nonzero()
    row, column = found[_below(len(found), generator)].tolist()
    return row, column


def _distances(image: Tensor, row: int, column: int) -> tuple[Tensor, Tensor]:
    """Of each pixel, in rows and in columns; they broadcast to the image."""
    h, w = image.shape
    return (torch.arange(h) - row).abs()[:, None], (torch.arange(w) - column).abs()[None]


def _below(end: int, generator: torch.Generator) -> int:
    drawn = torch.randint(end, (), generator=generator, device=generator.device)
    return int(drawn)
