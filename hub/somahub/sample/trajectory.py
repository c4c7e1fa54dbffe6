"""A mouse's walk through an open field: pure numbers from a seed, with exact keypoints.

Coordinates are image pixels (px): x to the right, y downward, the centre of the top left pixel at
(0, 0). Angles are radians from the x axis toward the y axis. Time is in seconds (s).

The head leads, as a correlated random walk (Kareiva & Shigesada 1983, Oecologia 56:234): its rate of
turning is an Ornstein-Uhlenbeck process in the exact discretisation of Gillespie (1996, Phys. Rev. E
54:2084), its speed follows bouts of pausing, walking and running. Body and tail are a chain of stiff
links that the head pulls along: each turns toward where its front end went, bends against the one
before it no further than a mouse does, and is kept off the walls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 640, 480  # px
FPS = 30  # frames a second
FRAMES = 600
FLOOR = (36.0, 40.0, 604.0, 448.0)  # px: left, top, right, bottom of the arena's floor
BODYPARTS = ("snout", "leftear", "rightear", "tailbase")

SNOUT_AHEAD = 24.0  # px from the neck, along the heading
EAR_AHEAD, EAR_ASIDE = 7.0, 9.0  # px from the neck, along and across the heading
SPINE_LINKS, SPINE_LINK = 3, 29.0  # links from neck to tail base, and the length of each in px
TAIL_LINKS, TAIL_LINK = 9, 10.0
SPINE_BEND, TAIL_BEND = 0.7, 0.3  # rad: the most that a link turns away from the one before it
MARGIN = SNOUT_AHEAD + 5.0  # px between the neck and the walls: the snout sniffs at them, no more

TAIL_MARGIN = 4.0  # px between the tail and the walls

TOP_SPEED = 330.0  # px/s of the neck, about 25 cm/s for a mouse of 8.5 cm
TOP_TURN = 4.5  # rad/s of the head
BEND = 0.9  # rad: the most that the head turns away from the shoulders; over π/4, or it could not leave a corner

LONGEST_REST = 3 * FPS  # frames that a mouse stands still at most
_MIDDLE = np.array([(FLOOR[0] + FLOOR[2]) / 2, (FLOOR[1] + FLOOR[3]) / 2])
_SPEEDS = ((0.0, 12.0), (70.0, 170.0), (190.0, TOP_SPEED))  # px/s: pausing, walking, running
_BOUT = (0.35, 1.5)  # s: the shortest and the longest bout
_NEXT = np.array([[0.0, 0.8, 0.2], [0.4, 0.2, 0.4], [0.25, 0.7, 0.05]])  # from a bout's kind to the next one's
_SPEED_LAG = 0.18  # s in which speed comes to 63 % of what a bout asks
_TURN_MEMORY, _TURN_SPREAD = 0.35, 2.0  # s, rad/s: correlation time and standard deviation of turning
_FEELER, _FEELER_ANGLE, _AVOID = 70.0, 0.6, 7.0  # px, rad, rad/s: how the animal feels walls ahead and turns away


@dataclass(frozen=True, slots=True)
class Walk:
    """A recording's truth, frame by frame.

    ``spine`` (frames, 4, 2) in px from neck to tail base; ``tail`` (frames, 10, 2) in px from tail
    base to tip; ``heading`` (frames,) in rad; ``stride`` (frames,) in rad, the phase of the gait;
    ``keypoints`` (frames, 4, 2) in px, in the order of :data:`BODYPARTS`, rounded to 0.001 px so that
    every file that holds them holds the same numbers.
    """

    spine: Floats
    tail: Floats
    heading: Floats
    stride: Floats
    keypoints: Floats


def walk(seed: int, frames: int = FRAMES) -> Walk:
    """Let a mouse walk for ``frames`` frames; the same seed gives the same walk.

    One walk in thousands ends in a corner for good: it is drawn anew.
    """
    for draw in count():
        walked = _drawn(np.random.default_rng([seed, 1, *([draw] if draw else [])]), frames)
        if _longest_rest(walked) < LONGEST_REST:
            return walked
    raise AssertionError("unreachable")


def _longest_rest(walked: Walk) -> int:
    """The longest stretch, in frames, in which the neck moves by less than 0.7 px a frame."""
    moving = np.linalg.norm(np.diff(walked.spine[:, 0], axis=0), axis=1) > 0.7
    return int(np.diff(np.flatnonzero(np.concatenate([[True], moving, [True]]))).max())


def _drawn(rng: np.random.Generator, frames: int) -> Walk:
    wanted = _wanted_speeds(rng, frames)
    turning = _ornstein_uhlenbeck(rng, frames)
    chain, heading = _first_pose(rng)
    chains, headings, strides = np.empty((frames, *chain.shape)), np.empty(frames), np.empty(frames)
    speed, stride = float(wanted[0]), 0.0
    for frame in range(frames):
        chains[frame], headings[frame], strides[frame] = chain, heading, stride
        speed += (float(wanted[frame]) - speed) * (1 - math.exp(-1 / (FPS * _SPEED_LAG)))
        heading = _turned(heading, float(turning[frame]), chain)
        before = chain[0]
        chain = _pulled(chain, _inside(before + speed / FPS * _unit(heading)))
        stride += float(np.hypot(*(chain[0] - before))) / 9.0  # a full gait cycle in 2π · 9 = 57 px
    spine, tail = chains[:, : SPINE_LINKS + 1], chains[:, SPINE_LINKS:]
    return Walk(spine, tail, headings, strides, keypoints(spine, headings))


def keypoints(spine: Floats, heading: Floats) -> Floats:
    """Where :data:`BODYPARTS` are, (frames, 4, 2) in px, from ``spine`` (frames, 4, 2) and ``heading`` (frames,).

    Left is the animal's own: with y downward and seen from above, the heading turned by -90°.
    """
    neck = spine[:, 0]
    ahead = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    left = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    ears = neck + EAR_AHEAD * ahead
    points = [neck + SNOUT_AHEAD * ahead, ears + EAR_ASIDE * left, ears - EAR_ASIDE * left, spine[:, -1]]
    exact: Floats = np.stack(points, axis=1).round(3)
    return exact


def _wanted_speeds(rng: np.random.Generator, frames: int) -> Floats:
    """The speed that each frame's bout asks for, (frames,) in px/s: a semi-Markov chain of bouts."""
    speeds, kind = np.empty(frames), 1
    start = 0
    while start < frames:
        end = start + round(FPS * rng.uniform(*_BOUT))
        speeds[start:end] = rng.uniform(*_SPEEDS[kind])
        start, kind = end, int(rng.choice(3, p=_NEXT[kind]))
    return speeds


def _ornstein_uhlenbeck(rng: np.random.Generator, frames: int) -> Floats:
    """The rate of turning when no wall is near, (frames,) in rad/s."""
    keep = math.exp(-1 / (FPS * _TURN_MEMORY))
    kicks = rng.standard_normal(frames) * _TURN_SPREAD * math.sqrt(1 - keep**2)
    rates, rate = np.empty(frames), 0.0
    for frame in range(frames):
        rate = rate * keep + kicks[frame]
        rates[frame] = rate
    return rates


def _first_pose(rng: np.random.Generator) -> tuple[Floats, float]:
    """A straight animal near the middle of the floor: nodes from neck to tail tip (13, 2) in px, and the heading."""
    heading = float(rng.uniform(-math.pi, math.pi))
    links = np.array([0.0] + [SPINE_LINK] * SPINE_LINKS + [TAIL_LINK] * TAIL_LINKS).cumsum()
    middle = _MIDDLE + rng.uniform(-60, 60, 2)
    return middle + (links[-1] / 2 - links)[:, None] * _unit(heading), heading


def _turned(heading: float, rate: float, chain: Floats) -> float:
    """The next heading in rad: by its own ``rate`` (rad/s), away from walls, no further than the neck bends."""
    left, right = (_beyond(chain[0] + _FEELER * _unit(heading + side * _FEELER_ANGLE)) for side in (-1, 1))
    avoid = (left - right) / _FEELER
    if left > 0 and right > 0:  # a wall straight ahead, or a corner: round by the side of the middle
        middle, ahead = _MIDDLE - chain[0], _unit(heading)
        avoid += math.copysign(1.0, ahead[0] * middle[1] - ahead[1] * middle[0])
    rate = float(np.clip(rate + _AVOID * avoid, -TOP_TURN, TOP_TURN))
    x, y = chain[0] - chain[1]
    body = math.atan2(y, x)
    bend = math.remainder(heading + rate / FPS - body, 2 * math.pi)
    return body + min(max(bend, -BEND), BEND)


def _pulled(chain: Floats, head: Floats) -> Floats:
    """The chain after its first node moved to ``head``: each link follows, bent no further than it can be."""
    pulled = chain.copy()
    pulled[0] = head
    for node in range(1, len(chain)):
        body = node <= SPINE_LINKS
        link, most, margin = (SPINE_LINK, SPINE_BEND, MARGIN) if body else (TAIL_LINK, TAIL_BEND, TAIL_MARGIN)
        x, y = pulled[node] - pulled[node - 1]
        angle = math.atan2(y, x)
        if node > 1:
            u, v = pulled[node - 1] - pulled[node - 2]
            straight = math.atan2(v, u)
            angle = straight + min(max(math.remainder(angle - straight, 2 * math.pi), -most), most)
        pulled[node] = _inside(pulled[node - 1] + link * _unit(angle), margin)
    return pulled


def _inside(point: Floats, margin: float = MARGIN) -> Floats:
    """The nearest point to ``point`` (px) on the floor that is ``margin`` px or more from every wall."""
    return np.clip(point, np.array(FLOOR[:2]) + margin, np.array(FLOOR[2:]) - margin)


def _beyond(point: Floats) -> float:
    """How far ``point`` lies outside of where a neck may be, in px."""
    return float(np.hypot(*(point - _inside(point))))


def _unit(angle: float) -> Floats:
    return np.array([math.cos(angle), math.sin(angle)])
