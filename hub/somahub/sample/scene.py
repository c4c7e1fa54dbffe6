"""The picture of a walk: an arena from above, lit from one side, with a dark mouse in it. Pure numpy.

Every shape is a signed distance field (px, negative inside) sampled at pixel centres and turned into
coverage over two pixels, so edges are anti-aliased and a shape lies where its numbers say, to a
fraction of a pixel. Grey values are 0 (black) to 255 (white).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from somahub.sample.trajectory import FLOOR, HEIGHT, WIDTH, Floats, Walk

Picture = NDArray[np.float32]
Frame = NDArray[np.uint8]

NOISE = 1.6  # grey values: standard deviation of the sensor's noise
FUR = 30.0
EAR = 122.0
EAR_DIP = 44.0  # grey values by which an ear is darker in its middle
EAR_RADIUS = 6.0  # px
_SKIN = 112.0
_SHADOW = (5, 6)  # px: where the animal's shadow falls, right and down
_ROOM = 36  # px around the chain that the drawn animal may take

# Radius of the body (px) by the way from snout (0) to tail base (1).
_ALONG = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.9, 0.95, 1.0)
_RADIUS = (2.6, 6.0, 8.8, 10.4, 11.0, 11.4, 14.0, 17.0, 19.4, 20.8, 20.6, 17.0, 13.4, 8.6, 4.0)


def frames(walk: Walk, seed: int) -> Iterator[Frame]:
    """Each frame of ``walk`` as the camera saw it: (480, 640) grey values; the same seed gives the same noise."""
    rng = np.random.default_rng([seed, 2])
    empty = arena(rng)
    # One large field of noise, seen through a window that jumps from frame to frame.
    noise = rng.standard_normal((2 * HEIGHT, 2 * WIDTH), dtype=np.float32) * np.float32(NOISE)
    for frame in range(len(walk.heading)):
        picture = draw(empty, walk, frame)
        top, left = int(rng.integers(HEIGHT)), int(rng.integers(WIDTH))
        picture += noise[top : top + HEIGHT, left : left + WIDTH]
        yield np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def arena(rng: np.random.Generator) -> Picture:
    """The empty arena, (480, 640): a bright scuffed floor, four walls in perspective, light from the upper right."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    left, top, right, bottom = FLOOR
    light = np.exp(-(((x - 420) / 430) ** 2) - ((y - 200) / 330) ** 2)
    floor = 112 + 120 * light + 2.2 * _blur(rng.standard_normal((HEIGHT, WIDTH)), 9) + _scuffs(rng, x, y)
    edge = np.minimum.reduce([x - left, right - x, y - top, bottom - y])  # px to the nearest wall, negative on it
    floor -= 34 * np.exp(-np.maximum(edge, 0) / 9)  # walls keep light from the floor beside them
    ways = [(left - x) / left, (x - right) / (WIDTH - right), (top - y) / top, (y - bottom) / (HEIGHT - bottom)]
    sides = np.stack(ways)  # 0 at the foot of each wall, 1 at the picture's edge
    facing = np.array([74.0, 98.0, 124.0, 66.0])[sides.argmax(axis=0)]  # west, east, north, south wall
    wall = facing + 26 * np.clip(sides.max(axis=0), 0, 1) + 8 * light
    picture = np.where(edge > 0, floor, wall) - 52 * np.exp(-((edge + 1.0) ** 2) / 5)  # the seam
    return _blur(picture, 2)


def draw(empty: Picture, walk: Walk, frame: int) -> Picture:
    """``empty`` (480, 640) with the animal of one frame in it, without noise; ``empty`` is left as it was."""
    picture = empty.copy()
    chain = np.concatenate([walk.keypoints[frame], walk.spine[frame], walk.tail[frame]])
    low = np.maximum(np.floor(chain.min(axis=0)).astype(int) - _ROOM, 0)
    high = np.minimum(np.ceil(chain.max(axis=0)).astype(int) + _ROOM, (WIDTH, HEIGHT))
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    picture[box] = _Animal(walk, frame, low, high).over(picture[box])
    return picture


@dataclass(frozen=True, slots=True)
class _Animal:
    """One frame's animal, drawn in the box of pixels from ``low`` to ``high`` (x, y)."""

    walk: Walk
    frame: int
    low: NDArray[np.int_]
    high: NDArray[np.int_]

    def over(self, picture: Picture) -> Picture:
        snout, left, right, _ = self.walk.keypoints[self.frame]
        line, radii = outline(self.walk, self.frame)
        body, tail = self._tube(line, radii), self._tail()
        picture = self._shaded(picture, np.minimum(body, tail + 2))
        picture = _blend(picture, tail, _SKIN - 22)
        for foot in self._feet(line):
            picture = _blend(picture, self._tube(foot, np.array([2.4, 3.0, 1.8])), _SKIN)
        picture = _blend(picture, body, self._fur(body))
        for ear in (left, right):
            distance = self._disc(ear, 0.0)
            picture = _blend(picture, distance - EAR_RADIUS, EAR - EAR_DIP * np.exp(-((distance / 3.0) ** 2)))
        return _blend(picture, self._disc(snout - 1.8 * self._ahead(), 1.8), _SKIN)

    def _ahead(self) -> Floats:
        heading = self.walk.heading[self.frame]
        return np.array([np.cos(heading), np.sin(heading)])

    def _axes(self) -> tuple[Picture, Picture]:
        return (
            np.arange(self.low[0], self.high[0], dtype=np.float32)[None, :],
            np.arange(self.low[1], self.high[1], dtype=np.float32)[:, None],
        )

    def _disc(self, centre: Floats, radius: float) -> Picture:
        x, y = self._axes()
        return np.sqrt((x - np.float32(centre[0])) ** 2 + (y - np.float32(centre[1])) ** 2) - np.float32(radius)

    def _tube(self, line: Floats, radii: Floats) -> Picture:
        """The union of cones with round ends along ``line`` (n, 2), of ``radii`` (n,) at its points, px."""
        x, y = self._axes()
        nearest = np.full((y.size, x.size), np.inf, dtype=np.float32)
        ends = np.concatenate([line, radii[:, None]], axis=1).astype(np.float32)
        for (left, top, radius), (right, bottom, other) in pairwise(ends):
            across, down = right - left, bottom - top
            t = ((x - left) * across + (y - top) * down) / (across**2 + down**2)
            np.clip(t, 0, 1, out=t)
            distance = np.sqrt((x - left - t * across) ** 2 + (y - top - t * down) ** 2)
            np.minimum(nearest, distance - (radius + t * (other - radius)), out=nearest)
        return nearest

    def _tail(self) -> Picture:
        line = _smooth(self.walk.tail[self.frame], 19)
        return self._tube(line, np.linspace(3.6, 1.1, len(line)))

    def _shaded(self, picture: Picture, distance: Picture) -> Picture:
        """``picture`` with a soft shadow of ``distance``, moved by :data:`_SHADOW`."""
        right, down = _SHADOW
        moved = np.full_like(distance, 99)
        moved[down:, right:] = distance[:-down, :-right]
        depth = np.clip((9 - moved) / np.float32(14), 0, 1) ** 2
        shaded: Picture = picture * (1 - np.float32(0.34) * depth)
        return shaded

    def _fur(self, distance: Picture) -> Picture:
        """Grey values of the fur: a rounded back, lit from the upper right."""
        depth = np.clip(-distance / np.float32(20), 0, 1)
        height = 20 * np.sqrt(1 - (1 - depth) ** 2)
        down, right = np.gradient(height)
        lit = np.clip((right * -0.35 + down * 0.55 + 0.75) / np.sqrt(1 + right**2 + down**2), 0, 1)
        grey: Picture = np.float32(FUR - 12) + np.float32(26) * lit.astype(np.float32)
        return grey

    def _feet(self, line: Floats) -> list[Floats]:
        """The four paws, each as points (3, 2) in px from heel to toes, swinging with the stride, diagonals in step."""
        stride = self.walk.stride[self.frame]
        paws = []
        for where, aside, phase in ((0.42, 15.5, 0.0), (0.42, -15.5, np.pi), (0.8, 21.5, np.pi), (0.8, -21.5, 0.0)):
            node = int(where * (len(line) - 1))
            along = line[node - 1] - line[node + 1]
            along /= np.hypot(*along)
            across = np.array([along[1], -along[0]])
            paw = line[node] + 8.0 * np.sin(stride + phase) * along + aside * across
            paws.append(paw + np.array([[-3.0], [0.0], [3.0]]) * along)
        return paws


def outline(walk: Walk, frame: int) -> tuple[Floats, Floats]:
    """The body of one frame: points (n, 2) and radii (n,) in px, from snout to tail base.

    The first disc touches the snout from behind, so the silhouette's tip is the keypoint; the last
    one is centred on the tail base.
    """
    heading = walk.heading[frame]
    nose = walk.keypoints[frame, 0] - _RADIUS[0] * np.array([np.cos(heading), np.sin(heading)])
    nodes = np.concatenate([nose[None], walk.spine[frame]])
    line = _smooth(nodes, 21)
    steps = np.hypot(*np.diff(line, axis=0).T)
    way = np.concatenate([[0.0], steps.cumsum()]) / steps.sum()
    return line, np.interp(way, _ALONG, _RADIUS)


def _smooth(nodes: Floats, count: int) -> Floats:
    """``count`` points (count, 2) on the Catmull-Rom spline through ``nodes`` (n, 2), ends included."""
    ends = np.concatenate([[2 * nodes[0] - nodes[1]], nodes, [2 * nodes[-1] - nodes[-2]]])
    at = np.linspace(0, len(nodes) - 1, count)
    span = np.minimum(at.astype(int), len(nodes) - 2)
    t = (at - span)[:, None]
    a, b, c, d = (ends[span + step] for step in range(4))
    smooth: Floats = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return smooth


def _blend(picture: Picture, distance: Picture, grey: Picture | float) -> Picture:
    """``picture`` with a shape over it: full where ``distance`` < -1 px, none beyond 1 px, as a lens would draw it."""
    cover = np.clip(np.float32(0.5) - distance / 2, 0, 1)
    return picture + cover * (np.float32(1) * grey - picture)


def _blur(picture: NDArray[np.floating], width: int) -> Picture:
    """A Gaussian blur of standard deviation about ``width`` px: three box blurs one after another."""
    size = 2 * width + 1
    for _ in range(6):  # along the rows, then, turned over, along the columns
        total = np.pad(picture, ((0, 0), (width + 1, width)), mode="edge").astype(np.float64).cumsum(axis=1)
        picture = ((total[:, size:] - total[:, :-size]) / size).T
    return picture.astype(np.float32)


def _scuffs(rng: np.random.Generator, x: Picture, y: Picture) -> Picture:
    """Faint straight scratches on the floor, in grey values to add."""
    scuffs = np.zeros_like(x)
    for _ in range(14):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-200, 200)
        centre, length = rng.uniform((60, 60), (580, 420)), rng.uniform(15, 110)
        along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        across = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle) - along**2 * offset / 2e5
        scuffs -= np.float32(rng.uniform(3, 11)) * np.exp(-(across**2)) * (np.abs(along) < length)
    return scuffs
