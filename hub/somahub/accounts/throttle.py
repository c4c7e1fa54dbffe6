"""How long somebody waits after failed log-ins. In memory of a bounded size; the clock is the caller's.

What is counted, each forgotten after a quarter of an hour without a failure:

- a name at an address: three tries are free, then the wait grows to half a minute;
- an address: as above after ten more tries, against trying one password on many names; not this machine's own,
  by which everybody comes who comes through a tunnel or a web server beside us;
- a name, from anywhere: an address that is new to a name under attack waits once before its first try, and of
  all together, however many addresses somebody claims to have, one may try each second.

A device from which the person has logged in before is counted for itself alone. So nobody shuts a person out:
not from another address, and not from the same one where they have been in before.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

FREE_TRIES: Final = 3
LONGEST_WAIT: Final = 30.0
FORGOTTEN_AFTER: Final = 900.0
# Different names that one address may get wrong before it waits, whichever it tries next.
FREE_TRIES_OF_ADDRESS: Final = 10
# What an address waits that is new to a name under attack, at most; and from one turn of that name to the next.
LONGEST_FIRST_WAIT: Final = 15.0
PACE: Final = 1.0
MOST_KEYS: Final = 10_000

_HERE: Final = "this machine"

_Key = tuple[str, ...]


def delay(failures: int) -> float:
    """Seconds to wait before the next try after ``failures`` failed ones: 0, 0, 0, 1, 2, 4 … 30."""
    if failures < FREE_TRIES:
        return 0.0
    return min(LONGEST_WAIT, 2.0 ** min(failures - FREE_TRIES, 10))


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last: float = 0.0
    free_at: float = 0.0
    # Whether ``free_at`` is a turn that was given, and not yet taken.
    promised: bool = False


class Throttle:
    """Failed log-ins of names and addresses. Times in seconds, of any clock that never goes back."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._counts: OrderedDict[_Key, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def attempt(self, name: str, address: str, now: float, *, device: str = "") -> float:
        """Seconds that ``name`` at ``address`` has still to wait; 0 when it may try now.

        ``device`` names a device from which ``name`` has logged in before. A try that may be made counts as
        failed from here until :meth:`succeeded`, so that many at once are counted one by one. One that has to
        wait is not counted.
        """
        pair, *others = (self._count(key, now) for key in _keys(name, address, device))
        if others and not pair.promised and not _give_turn(pair, others[0], now):
            return LONGEST_WAIT
        # The name's own time is only for giving turns: one that was given is kept.
        wait = max(count.free_at for count in (pair, *others[1:])) - now
        if wait > 0:
            return wait
        for count in (pair, *others):
            count.failures += 1
            count.last = now
        pair.free_at, pair.promised = now + delay(pair.failures), False
        for place in others[1:]:
            place.free_at = now + delay(place.failures - FREE_TRIES_OF_ADDRESS)
        return 0.0

    def succeeded(self, name: str, address: str, *, device: str = "") -> None:
        """The last try of ``name`` at ``address`` was right: those before it there were a person's slips."""
        pair, *others = _keys(name, address, device)
        slips = self._counts.pop(pair, None)
        for key in others:
            count = self._counts.get(key)
            if slips and count:
                count.failures = max(0, count.failures - slips.failures)
                count.free_at = 0.0

    def _count(self, key: _Key, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or now - count.last > FORGOTTEN_AFTER:
            count = self._counts[key] = _Count(last=now)
        self._counts.move_to_end(key)
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return count


def _keys(name: str, address: str, device: str) -> list[_Key]:
    """What a try counts for: the pair, then the name and, where it tells people apart, the address."""
    if device:
        return [("device", name, device)]
    block = _block(address)
    keys: list[_Key] = [("pair", name, block), ("name", name)]
    return keys if block == _HERE else [*keys, ("address", block)]


def _give_turn(pair: _Count, name: _Count, now: float) -> bool:
    """Promise the pair a time from which it may try; False when those of the next half minute are all given."""
    first_wait = 0.0 if pair.failures else min(delay(name.failures), LONGEST_FIRST_WAIT)
    turn = max(now + first_wait, name.free_at)
    if turn - now > LONGEST_WAIT:
        return False
    pair.free_at, pair.promised = max(pair.free_at, turn), True
    if name.failures >= FREE_TRIES:
        name.free_at = turn + PACE
    return True


def _block(address: str) -> str:
    """What one client can take addresses from: an IPv4 address, or the /64 of an IPv6 one; or this machine."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback:
        return _HERE
    return str(IPv6Address(int(parsed) >> 64 << 64) if isinstance(parsed, IPv6Address) else parsed)
