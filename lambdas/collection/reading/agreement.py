"""Finds the values that all members of an archive have in common."""

import json
from collections import Counter, defaultdict
from typing import Any


class Agreement:
    """Counts the members per value, so that a member costs the same however many came before."""

    def __init__(self) -> None:
        self._members = 0
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._latest: dict[str, str] = {}
        """The values of the latest member, which may still change."""

    def start_member(self) -> bool:
        """Begin with the next member; returns whether it is the first."""
        self._members += 1
        self._latest = {}
        return self._members == 1

    def holds(self, name: str, value: Any) -> bool:
        """Record a value of the latest member; returns whether all members have it."""
        text = json.dumps(value, sort_keys=True)
        counts = self._counts[name]
        if name in self._latest:
            counts[self._latest[name]] -= 1
        self._latest[name] = text
        counts[text] += 1
        return counts[text] == self._members
