"""What is seen in the films: landscapes drawn at an instant `t`, from 0 at the beginning to 1.

No letter and no word is in them, so they are for everybody; what is asked about them (models/seeds/
films.json) can be answered by whoever has looked.
"""

import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1280, 720  # twice what is kept: edges are smooth

Colour = tuple[int, int, int]
Point = tuple[float, float]


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two."""
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(top: Colour, bottom: Colour) -> Image.Image:
    """A sky."""
    column = Image.new("RGB", (1, 64))
    for y in range(64):
        column.putpixel((0, y), blend(top, bottom, y / 63))
    return column.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def disc(draw: ImageDraw.ImageDraw, at: Point, radius: float, colour: Colour) -> None:
    """A sun, a moon, a snowflake."""
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def hills(
    draw: ImageDraw.ImageDraw,
    base: float,
    waves: Sequence[tuple[float, float, float]],
    colour: Colour,
) -> None:
    """A line of hills: waves of (height, length, where they begin), filled below."""
    line = [
        (x, base - sum(h * math.sin(x / length + shift) for h, length, shift in waves))
        for x in range(0, WIDTH + 20, 20)
    ]
    draw.polygon([(0, HEIGHT), *line, (WIDTH + 20, HEIGHT)], fill=colour)


def stars(draw: ImageDraw.ImageDraw, share: float, below: float, sky: Colour) -> None:
    """The same stars in each picture, as bright as the night is dark."""
    random = Random(7)  # noqa: S311
    for _ in range(90):
        at = (random.uniform(0, WIDTH), random.uniform(0, below))
        disc(draw, at, random.uniform(1, 2.6), blend(sky, (255, 250, 230), share))


def bay(t: float) -> Image.Image:
    """Evening in a bay: three boats cross it, the sun sets, a lighthouse begins to shine."""
    dusk = min(1.0, max(0.0, (t - 0.3) / 0.45))
    top = blend((86, 160, 220), (14, 20, 52), dusk)
    picture = gradient(top, blend((255, 214, 160), (92, 52, 96), dusk))
    draw = ImageDraw.Draw(picture)
    stars(draw, max(0.0, dusk * 1.6 - 0.6), 300, top)
    disc(
        draw, (420, 200 + 330 * min(1.0, t / 0.72)), 62, blend((255, 232, 150), (240, 96, 60), dusk)
    )
    draw.rectangle((0, 430, WIDTH, HEIGHT), fill=blend((42, 128, 168), (14, 32, 66), dusk))
    for row in range(12):
        y = 446 + row * 23
        for n in range(9):
            x = (n * 170 + row * 67 + 90 * math.sin(6.28 * t * 2 + row)) % (WIDTH + 120) - 60
            draw.line((x, y, x + 46, y), fill=blend((96, 176, 206), (40, 62, 100), dusk), width=3)
    for begins, y, sail in (
        (0.02, 500, (214, 44, 44)),
        (0.27, 545, (245, 245, 240)),
        (0.5, 590, (246, 198, 48)),
    ):
        _boat(
            draw,
            -120 + (WIDTH + 240) * (t - begins) / 0.42,
            y + 5 * math.sin(40 * t + y),
            sail,
            dusk,
        )
    rock = blend((86, 74, 70), (24, 24, 36), dusk)
    draw.polygon(
        [
            (960, HEIGHT),
            (1010, 500),
            (1090, 430),
            (1180, 440),
            (1240, 520),
            (1280, 540),
            (1280, HEIGHT),
        ],
        fill=rock,
    )
    return _lighthouse(picture, t, dusk)


def _boat(draw: ImageDraw.ImageDraw, x: float, y: float, sail: Colour, dusk: float) -> None:
    shade = dusk * 0.45
    draw.polygon(
        [(x - 52, y), (x + 56, y), (x + 36, y + 24), (x - 38, y + 24)],
        fill=blend((120, 72, 40), (20, 20, 40), shade),
    )
    draw.line((x, y, x, y - 118), fill=(70, 50, 40), width=5)
    draw.polygon(
        [(x + 5, y - 116), (x + 5, y - 8), (x + 70, y - 8)], fill=blend(sail, (20, 20, 40), shade)
    )
    draw.polygon(
        [(x - 5, y - 96), (x - 5, y - 8), (x - 42, y - 8)],
        fill=blend(sail, (20, 20, 40), shade + 0.15),
    )


def _lighthouse(picture: Image.Image, t: float, dusk: float) -> Image.Image:
    draw = ImageDraw.Draw(picture)
    wall, band = (
        blend((240, 236, 228), (90, 92, 116), dusk),
        blend((196, 60, 50), (84, 40, 60), dusk),
    )
    draw.polygon([(1094, 440), (1106, 236), (1154, 236), (1166, 440)], fill=wall)
    for y in (270, 340, 410):
        draw.polygon(
            [
                (1104 - (y - 270) / 16, y),
                (1156 + (y - 270) / 16, y),
                (1158 + (y - 270) / 16, y + 30),
                (1102 - (y - 270) / 16, y + 30),
            ],
            fill=band,
        )
    shines = t > 0.76
    draw.rectangle((1108, 196, 1152, 236), fill=(255, 244, 170) if shines else (70, 84, 100))
    draw.polygon([(1098, 196), (1130, 162), (1162, 196)], fill=band)
    if not shines:
        return picture
    light = Image.new("L", picture.size, 0)
    beam = math.pi + 0.9 * math.sin((t - 0.76) * 26)
    ends = [
        (1130 + 2600 * math.cos(beam + spread), 216 + 1040 * math.sin(beam + spread))
        for spread in (-0.09, 0.09)
    ]
    ImageDraw.Draw(light).polygon([(1130, 216), *ends], fill=120)
    return Image.composite(Image.new("RGB", picture.size, (255, 246, 190)), picture, light)


BALLOONS: tuple[tuple[float, float, Colour], ...] = (
    (0.04, 250, (206, 52, 48)),
    (0.24, 620, (240, 190, 40)),
    (0.44, 1010, (52, 96, 196)),
    (0.64, 430, (52, 152, 72)),
)


def dunes(t: float) -> Image.Image:
    """Morning over dunes: the sun rises, and four balloons; two palms stand by the water."""
    day = min(1.0, t * 1.8)
    picture = gradient(
        blend((58, 60, 120), (104, 182, 232), day), blend((244, 150, 110), (246, 226, 190), day)
    )
    draw = ImageDraw.Draw(picture)
    disc(
        draw, (880, 560 - 420 * min(1.0, t * 1.1)), 66, blend((250, 130, 70), (255, 240, 180), day)
    )
    for begins, x, colour in BALLOONS:
        risen = (t - begins) / 0.36
        if risen > 0:
            y = 620 - 470 * (1 - math.exp(-1.9 * risen))
            _balloon(draw, (x + 26 * math.sin(9 * t + x), y), colour)
    hills(draw, 560, ((46, 210, 0.4), (18, 90, 2.0)), blend((150, 92, 70), (232, 180, 112), day))
    hills(draw, 640, ((38, 260, 2.6), (12, 70, 1.0)), blend((120, 70, 58), (214, 154, 88), day))
    draw.ellipse((150, 636, 470, 700), fill=blend((60, 76, 120), (84, 170, 190), day))
    for x, lean in ((140, 26), (486, -22)):
        _palm(draw, x, 668, lean, day)
    return picture


def _balloon(draw: ImageDraw.ImageDraw, at: Point, colour: Colour) -> None:
    x, y = at
    draw.line((x - 30, y + 50, x - 11, y + 108), fill=(90, 70, 60), width=3)
    draw.line((x + 30, y + 50, x + 11, y + 108), fill=(90, 70, 60), width=3)
    draw.polygon(
        [(x - 60, y + 18), (x + 60, y + 18), (x + 16, y + 84), (x - 16, y + 84)], fill=colour
    )
    draw.ellipse((x - 66, y - 76, x + 66, y + 56), fill=colour)
    draw.ellipse((x - 26, y - 76, x + 26, y + 60), fill=blend(colour, (255, 255, 255), 0.28))
    draw.rectangle((x - 14, y + 104, x + 14, y + 126), fill=(122, 78, 44))


def _palm(draw: ImageDraw.ImageDraw, x: float, y: float, lean: float, day: float) -> None:
    trunk, leaf = blend((60, 40, 40), (126, 88, 52), day), blend((30, 56, 50), (52, 124, 62), day)
    draw.line(
        [(x, y), (x + lean * 0.4, y - 70), (x + lean, y - 142)], fill=trunk, width=13, joint="curve"
    )
    top_x, top_y = x + lean, y - 142
    for angle in range(-200, 40, 34):
        reach = math.radians(angle)
        middle = (top_x + 46 * math.cos(reach), top_y + 34 * math.sin(reach) - 10)
        tip = (top_x + 88 * math.cos(reach), top_y + 40 * math.sin(reach) + 26)
        draw.line([(top_x, top_y), middle, tip], fill=leaf, width=11, joint="curve")


def night_train(t: float) -> Image.Image:
    """Night in the mountains: a train of four wagons crosses a bridge; then it snows."""
    night = min(1.0, t / 0.3)
    top = blend((120, 140, 196), (10, 14, 36), night)
    picture = gradient(top, blend((250, 188, 160), (44, 54, 96), night))
    draw = ImageDraw.Draw(picture)
    stars(draw, night * (1 if t < 0.68 else max(0.2, 1 - (t - 0.68) * 8)), 330, top)
    disc(
        draw,
        (1010, 400 - 280 * min(1.0, t / 0.5)),
        46,
        blend((250, 220, 190), (246, 244, 226), night),
    )
    for peak, half, y in ((250, 330, 150), (640, 380, 90), (1060, 340, 180)):
        stone = blend((112, 110, 140), (34, 40, 70), night)
        draw.polygon([(peak - half, 560), (peak, y), (peak + half, 560)], fill=stone)
        cap = [
            (peak - half * 0.22, y + 90),
            (peak, y),
            (peak + half * 0.22, y + 90),
            (peak + half * 0.08, y + 70),
            (peak - half * 0.06, y + 104),
        ]
        draw.polygon(cap, fill=blend((244, 240, 244), (150, 160, 196), night))
    hills(draw, 620, ((26, 190, 0.0), (10, 60, 1.0)), blend((70, 96, 80), (16, 28, 38), night))
    wall = blend((150, 128, 112), (58, 56, 72), night)
    draw.rectangle((0, 470, WIDTH, 500), fill=wall)
    for n in range(9):
        draw.rectangle((n * 160 - 14, 500, n * 160 + 14, HEIGHT), fill=wall)
        draw.pieslice((n * 160 - 10, 470, n * 160 + 170, 560), 180, 360, fill=wall)
    _train(draw, -80 + (WIDTH + 1100) * (t - 0.24) / 0.46)
    _snow(draw, t)
    return picture


def _train(draw: ImageDraw.ImageDraw, front: float) -> None:
    for place in range(5):
        x = front - place * 196
        body: Colour = (176, 44, 44) if place == 0 else (40, 92, 132)
        draw.rounded_rectangle((x - 178, 396, x, 458), 12, fill=body)
        if place == 0:
            draw.polygon([(x - 4, 398), (x + 34, 456), (x - 4, 456)], fill=body)
            disc(draw, (x + 20, 444), 8, (255, 246, 190))
        for n in range(4):
            draw.rectangle((x - 162 + n * 40, 408, x - 136 + n * 40, 432), fill=(255, 224, 140))
        for wheel in (-150, -110, -60, -24):
            disc(draw, (x + wheel, 460), 12, (24, 24, 30))
        if place < 4:
            draw.line((x - 178, 450, x - 196, 450), fill=(24, 24, 30), width=6)


def _snow(draw: ImageDraw.ImageDraw, t: float) -> None:
    random = Random(11)  # noqa: S311
    for _ in range(round(260 * min(1.0, max(0.0, (t - 0.7) / 0.12)))):
        x, y, speed = random.uniform(0, WIDTH), random.uniform(0, HEIGHT), random.uniform(900, 1500)
        sway = 24 * math.sin(t * 30 + x)
        disc(
            draw,
            ((x + sway) % WIDTH, (y + speed * t) % HEIGHT),
            random.uniform(3, 6),
            (244, 246, 252),
        )


SCENES: dict[str, Callable[[float], Image.Image]] = {
    "evening-bay": bay,
    "desert-balloons": dunes,
    "night-train": night_train,
}
