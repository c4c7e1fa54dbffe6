"""How long somebody waits after failed log-ins. In memory of a bounded size; the clock is the caller's.

What is counted, each forgotten after a quarter of an hour without a failure:

- a name at an address: three tries are free, then the wait grows to half a minute;
- an address: as above after ten more tries, against trying one password on many names;
- a name, from anywhere: an address that is new to a name under attack waits once before its first try.

That wait is a promise to one address: what others do meanwhile cannot make it longer, so nobody can shut a
person out from afar.
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
MOST_KEYS: Final = 10_000


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


class Throttle:
    """Failed log-ins of names and addresses. Times in seconds, of any clock that never goes back."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def attempt(self, name: str, address: str, now: float) -> float:
        """Seconds that ``name`` at ``address`` has still to wait; 0 when it may try now.

        A try that may be made counts as failed from here until :meth:`succeeded`, so that many at
        once are counted one by one. One that has to wait is not counted.
        """
        address = _block(address)
        known = (name, address) in self._counts
        pair, place, person = (self._count(key, now) for key in ((name, address), ("", address), (name, "")))
        if not known:
            pair.free_at = now + delay(person.failures)
        wait = max(pair.free_at, place.free_at) - now
        if wait > 0:
            return wait
        for count in (pair, place, person):
            count.failures += 1
            count.last = now
        pair.free_at = now + delay(pair.failures)
        place.free_at = now + delay(place.failures - FREE_TRIES_OF_ADDRESS)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """The last try of ``name`` at ``address`` was right: those before it there were a person's slips."""
        address = _block(address)
        pair = self._counts.pop((name, address), None)
        for key in (("", address), (name, "")):
            count = self._counts.get(key)
            if pair and count:
                count.failures = max(0, count.failures - pair.failures)
                count.free_at = 0.0

    def _count(self, key: tuple[str, str], now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or now - count.last > FORGOTTEN_AFTER:
            count = self._counts[key] = _Count(last=now)
        self._counts.move_to_end(key)
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return count


def _block(address: str) -> str:
    """What one client can take addresses from: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
