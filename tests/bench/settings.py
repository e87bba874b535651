"""What the environment says about a run of the bench."""

import os
from dataclasses import dataclass


@dataclass
class Settings:
    count: int
    runs: int
    links: int
    big: bool
    figures: list
    wanted: list    # peers

    @classmethod
    def from_environment(cls, figures):
        def words(name, all_):
            return [w for w in os.environ.get(name, "").split(",") if w] or list(all_)

        def number(name, default):
            return int(os.environ.get(name) or default)
        return cls(number("COUNT", 20000), number("RUNS", 5), min(number("LINKS", 100), 1000), number("BIG", 0) > 0,
                   [f for f in figures if f in words("FIGURES", figures)], words("PEERS", ("mbsync", "imapflow")))

    def packages(self, packages):
        """{peer: where it is} of the peers that are wanted and can be had."""
        found = {name: getattr(packages, name)() for name in ("mbsync", "imapflow") if name in self.wanted}
        return {name: where for name, where in found.items() if where}
