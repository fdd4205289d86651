"""Crops and flips of a batch at once, against a loop over images and by counting."""

import pytest
import torch

from lib.training.augment import as_float, crop_and_flip


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=40, c=3, h=6, w=8, dtype=torch.uint8):
    x = torch.randint(1, 256, (n, c, h, w), generator=seeded(9), dtype=torch.uint8)
    return x if dtype == torch.uint8 else x.float() / 255


def slow(x, generator, padding, flip):
    """One image after the other, from the same draws in the same order."""
    n, _, h, w = x.shape
    places = torch.randint(2 * padding + 1, (2, n), generator=generator)
    mirrored = torch.randint(2, (n,), generator=generator) if flip else torch.zeros(n)
    found = torch.zeros_like(x)
    for i in range(n):
        for r in range(h):
            for s in range(w):
                top, left = r + int(places[0, i]) - padding, s + int(places[1, i]) - padding
                if 0 <= top < h and 0 <= left < w:
                    found[i, :, r, w - 1 - s if mirrored[i] else s] = x[i, :, top, left]
    return found


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(("padding", "flip"), [(4, True), (4, False), (1, True), (0, False)])
def test_equals_a_loop_over_images_and_pixels(dtype, padding, flip):
    x = images(dtype=dtype)
    before = x.clone()
    found = crop_and_flip(x, generator=seeded(3), padding=padding, flip=flip)
    assert torch.equal(found, slow(x, seeded(3), padding, flip))
    assert found.dtype == dtype
    assert torch.equal(x, before)


def test_neither_padding_nor_flip_is_no_change():
    x = images()
    assert torch.equal(crop_and_flip(x, generator=seeded(), padding=0, flip=False), x)


def test_all_places_and_both_sides_are_equally_likely():
    # one bright pixel in the middle of 9×9: its place tells shift and side
    x = torch.zeros(16_200, 1, 9, 9)
    x[:, :, 4, 4] = 1.0
    found = crop_and_flip(x, generator=seeded(1), flip=False)
    counts = found.sum((0, 1))
    # 81 places of 16,200 images: 200 each with a deviation of 14; five of them
    assert counts.sum() == 16_200
    assert (counts - 200).abs().max() < 5 * 14
    x[:, :, 4, 4], x[:, :, 4, 0] = 0.0, 1.0
    left = crop_and_flip(x, generator=seeded(2), padding=0)[:, 0, 4, 0].mean().item()
    assert left == pytest.approx(0.5, abs=5 * 0.5 / 16_200**0.5)  # five standard errors


def test_flips_of_images_differ_within_a_batch_and_channels_stay_together():
    x = images(n=64)
    found = crop_and_flip(x, generator=seeded(), padding=0)
    same = [torch.equal(a, b) for a, b in zip(found, x, strict=True)]
    turned = [torch.equal(a, b.flip(2)) for a, b in zip(found, x, strict=True)]
    assert all(a != b for a, b in zip(same, turned, strict=True))
    assert 10 < sum(same) < 54


def test_only_the_given_generator_draws():
    state = torch.get_rng_state()
    first, again, other = (crop_and_flip(images(), generator=seeded(s)) for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_crops_do_not_depend_on_the_flip_option():
    # the places come first, so that digits and photographs share them
    x = images()
    plain = crop_and_flip(x, generator=seeded(), flip=False)
    flipped = crop_and_flip(x, generator=seeded())
    either = [
        torch.equal(a, b) | torch.equal(a, b.flip(2)) for a, b in zip(flipped, plain, strict=True)
    ]
    assert all(either)


def test_bytes_become_numbers_from_0_to_1_and_numbers_stay():
    found = as_float(torch.tensor([0, 51, 255], dtype=torch.uint8))
    assert found.dtype == torch.float32
    assert found.tolist() == [0.0, pytest.approx(0.2), 1.0]
    x = images(dtype=torch.float32)
    assert as_float(x) is x
    content = images()
    before = content.clone()
    as_float(content)
    assert torch.equal(content, before)
