"""
What happens in one storm, all of it decided by one seed before it begins: no operation asks what time or server have
made of another. Actors: A and B are other mail programs, C is the ATS. Each has messages of its own, which nobody else
touches, so that the end is known; and there are contested ones, which everybody touches, whose end only has to be the
same on both sides.
"""

import random
from dataclasses import dataclass, field

# Kept by everybody and renamed by nobody.
STABLE = [("INBOX",), ("Sent",), ("Drafts",), ("Trash",), ("Kunden & Co",), ("Kunden & Co", "Büro Süd"), ('A "quoted" one',)]
# What A and B make, rename and delete.
NAMES = ["plain", "with space", "R&D", "&", "&-", "Ämter", "日本語 の箱", "it's", 'say "hi"', "back\\slash", "50", "tilde~",
         "(paren)", "a+b", "Ω", "trailing-", "😀 fun", "comma, semi;", "#hash", "Sent Items", "Papierkorb"]
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "$Work", "Later", "\\Draft"]
KEYWORDS = {"\\Seen": "$seen", "\\Flagged": "$flagged", "\\Answered": "$answered", "\\Draft": "$draft"}
RICH = ()
SERVERS = [RICH, RICH, ("QRESYNC",), ("CONDSTORE", "QRESYNC"), ("MOVE",), ("MOVE", "CONDSTORE", "QRESYNC"),
           ("UIDPLUS",), ("UIDPLUS", "MOVE"), ("IDLE",), ("ESEARCH",), ("NOTIFY", "LIST-STATUS"),
           ("SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS"), ("LITERAL+", "ENABLE", "QRESYNC"),
           ("CONDSTORE", "QRESYNC", "IDLE", "MOVE", "UIDPLUS", "LIST-EXTENDED", "LIST-STATUS", "ESEARCH", "NOTIFY",
            "SPECIAL-USE", "LITERAL+", "ENABLE", "SEARCHRES", "UNSELECT", "STATUS=SIZE")]
CONTESTED = 4


@dataclass
class Copy:
    """One message in one folder as it has to be in the end."""
    flags: set = field(default_factory=set)
    deleted: bool = False


@dataclass
class Plan:
    seed: int
    hide: tuple
    bursts: list = field(default_factory=list)  # [{"A": [op], "B": [op], "C": [op]}, ...]
    first: list = field(default_factory=list)   # what is there before the link
    pauses: list = field(default_factory=list)  # what is awaited after each burst
    settle: str = "pause"
    where: dict = field(default_factory=dict)   # label -> {folder: [Copy]}, the end of what has an owner
    folders: set = field(default_factory=set)
    loose: set = field(default_factory=set)     # labels whose end is only the same on both sides
    doubled: set = field(default_factory=set)   # labels that were in one folder twice at some time
    nameless: set = field(default_factory=set)  # no Message-ID

    def text(self):
        lines = [f"seed {self.seed}, hidden: {' '.join(self.hide) or 'nothing'}, settled by {self.settle}"]
        lines += [f"  first {op}" for op in self.first]
        for n, burst in enumerate(self.bursts):
            lines += [f"  burst {n} {who} {op}" for who, ops in burst.items() for op in ops]
            lines.append(f"  burst {n} then {self.pauses[n]}")
        return "\n".join(lines)


def make(seed, ops=40, kills=True):
    """The plan of a seed; ops: how many operations about."""
    return _Maker(seed, ops, kills).plan


class _Maker:
    def __init__(self, seed, ops, kills):
        self.rng = random.Random(seed)
        self.plan = Plan(seed, self.rng.choice(SERVERS))
        self.plan.folders = set(STABLE)
        self.kills = kills
        self.labels = 0
        self.mine = {"A": [], "B": [], "C": []}
        self.private = {"A": [], "B": []}
        self.rebuilt = {}
        self.names = self.rng.sample(NAMES, len(NAMES))
        self.plan.settle = self.rng.choice(["pause", "pause", "cut", "kill"])
        self._begin()
        for _ in range(4):
            self._burst(ops // 4)

    # ---- the model -----------------------------------------------------------

    def _new(self, owner, folder, flags=()):
        self.labels += 1
        label = f"m{self.labels}"
        self.plan.where[label] = {}
        self._put(label, folder, Copy(set(flags)))
        self.mine[owner].append(label)
        return label

    def _put(self, label, folder, copy):
        there = self.plan.where[label].setdefault(folder, [])
        there.append(copy)
        if len(there) > 1:
            self.plan.doubled.add(label)

    def _take(self, label, folder):
        there = self.plan.where[label][folder]
        copy = there.pop(0)
        if not there:
            del self.plan.where[label][folder]
        return copy

    def _living(self, owner):
        return [m for m in self.mine[owner] if self.plan.where[m]]

    # ---- before the link ---------------------------------------------------------

    def _begin(self):
        rng, first = self.rng, self.plan.first
        for folder in STABLE[4:]:
            first.append(("create", folder))
        for owner, n in (("C", 10), ("A", 4), ("B", 4)):
            for _ in range(n):
                folder, flags = rng.choice(STABLE), self._flags()
                first.append(("append", folder, self._new(owner, folder, flags), flags))
        for n in range(CONTESTED):
            label = f"k{n}"
            self.plan.loose.add(label)
            self.plan.where[label] = {}
            first.append(("append", ("INBOX",), label, ()))

    def _flags(self):
        return tuple(self.rng.sample(FLAGS, self.rng.choice([0, 0, 1, 1, 2])))

    # ---- a burst -------------------------------------------------------------------

    def _burst(self, n):
        burst = {"A": [], "B": [], "C": []}
        for _ in range(n):
            who = self.rng.choice("AABBC")
            ops = self._ats() if who == "C" else self._other(who)
            burst[who] += ops
        for _ in range(self.rng.choice([0, 1, 1])):
            who = self.rng.choice("AB")
            burst[who].insert(self.rng.randint(0, len(burst[who])), self._trouble())
        self.plan.bursts.append(burst)
        self.plan.pauses.append(self.rng.choice(["nothing", "live", "all seen"]))

    def _trouble(self):
        kinds = ["cut", "cut", "cut", "renumber", "kick"] + (["kill imapd-worker", "kill store"] if self.kills else [])
        kind = self.rng.choice(kinds)
        if kind == "cut":
            return ("cut", self.rng.choice(["in", "out"]), int(10 ** self.rng.uniform(0, 3.8)))
        if kind == "renumber":
            folder = self.rng.choice(STABLE[:5])
            self.rebuilt[folder] = self.rebuilt.get(folder, 0) + 1
            return ("renumber", folder) if self.rebuilt[folder] < 3 else ("kick",)
        if kind == "kill store" and self.rng.random() < 0.7:
            kind = "kill imapd-worker"
        return (kind,)

    # ---- the other programs ------------------------------------------------------------

    def _other(self, who):
        makers = [self._append, self._append, self._flag, self._flag, self._copy, self._move, self._expunge, self._mark,
                  self._contest, self._double, self._volley]
        if self.rng.random() < 0.2:
            makers = [self._create, self._rename, self._rmdir, self._remake, self._clear]
        return self.rng.choice(makers)(who) or self._append(who)

    def _folder(self, who):
        """The inbox most often: what happens there is to be seen while it happens."""
        return self.rng.choice(STABLE + [("INBOX",)] * 4 + self.private[who])

    def _pick(self, who):
        """(label, folder) of one of its messages, or None."""
        living = self._living(who)
        if not living:
            return None
        label = self.rng.choice(living)
        return label, self.rng.choice(sorted(self.plan.where[label]))

    def _append(self, who):
        folder, flags = self._folder(who), self._flags()
        label = self._new(who, folder, flags)
        if self.rng.random() < 0.1:
            self.plan.nameless.add(label)
        return [("append", folder, label, flags)]

    def _volley(self, who):
        """Many at once, as an import does."""
        folder = self._folder(who)
        return [("volley", folder, [(self._new(who, folder, f), f) for f in (self._flags() for _ in range(5))])]

    def _double(self, who):
        """The same bytes once more."""
        pick = self._pick(who)
        if not pick:
            return None
        self._put(*pick, Copy())
        return [("append", pick[1], pick[0], ())]

    def _flag(self, who):
        pick = self._pick(who)
        if not pick:
            return None
        label, folder = pick
        sign, flag = self.rng.choice("++-"), self.rng.choice(FLAGS)
        flags = self.plan.where[label][folder][0].flags
        flags.add(flag) if sign == "+" else flags.discard(flag)
        return [("flag", folder, label, sign, flag)]

    def _mark(self, who):
        """\\Deleted without EXPUNGE, or taken back."""
        pick = self._pick(who)
        if not pick:
            return None
        label, folder = pick
        copy = self.plan.where[label][folder][0]
        copy.deleted = not copy.deleted
        if "UIDPLUS" in self.plan.hide:  # marked at the wrong moment it may go with another
            self.plan.loose.add(label)
        return [("flag", folder, label, "+" if copy.deleted else "-", "\\Deleted")]

    def _copy(self, who):
        pick = self._pick(who)
        if not pick:
            return None
        label, folder = pick
        target, was = self._folder(who), self.plan.where[label][folder][0]
        self._put(label, target, Copy(set(was.flags), was.deleted))
        return [("copy", folder, label, target)]

    def _move(self, who):
        pick = self._pick(who)
        if not pick:
            return None
        label, folder = pick
        target = self._folder(who)
        if target == folder:
            return None
        self._put(label, target, self._take(label, folder))
        return [("move", folder, label, target)]

    def _expunge(self, who):
        pick = self._pick(who)
        if not pick:
            return None
        self._take(*pick)
        return [("expunge", pick[1], pick[0])]

    def _contest(self, who):
        label, folder = f"k{self.rng.randrange(CONTESTED)}", self.rng.choice(STABLE[:5])
        return [self.rng.choice([("flag", folder, label, self.rng.choice("+-"), self.rng.choice(FLAGS)),
                                 ("move", folder, label, self.rng.choice(STABLE[:5])),
                                 ("copy", folder, label, self.rng.choice(STABLE[:5])),
                                 ("expunge", folder, label)])]

    # ---- folders ---------------------------------------------------------------------------

    def _fresh(self, who):
        if not self.names:
            return None
        name, above = self.names.pop(), self.rng.choice([()] + self.private[who] + [("INBOX",), ("Kunden & Co",)])
        return above + (name,) if len(above) < 4 else (name,)

    def _create(self, who):
        path = self._fresh(who)
        if not path:
            return None
        self.private[who].append(path)
        self.plan.folders.add(path)
        return [("create", path)]

    def _leaves(self, who):
        return [p for p in self.private[who] if not any(q != p and q[:len(p)] == p for q in self.plan.folders)]

    def _rename(self, who):
        """With all that is below."""
        path = self._fresh(who)
        if not path or not self.private[who]:
            return None
        old = self.rng.choice(self.private[who])
        if path[:len(old)] == old:
            path = path[-1:]

        def now(p):
            return path + p[len(old):] if p[:len(old)] == old else p
        self.private[who] = [now(p) for p in self.private[who]]
        self.plan.folders = {now(p) for p in self.plan.folders}
        for places in self.plan.where.values():
            for folder in [p for p in places if now(p) != p]:
                places[now(folder)] = places.pop(folder)
        return [("rename", old, path)]

    def _empty(self, folder):
        for places in self.plan.where.values():
            places.pop(folder, None)

    def _rmdir(self, who):
        leaves = self._leaves(who)
        if not leaves:
            return None
        path = self.rng.choice(leaves)
        self._empty(path)
        self.private[who].remove(path)
        self.plan.folders.discard(path)
        return [("rmdir", path)]

    def _remake(self, who):
        """Another folder of the same name."""
        leaves = self._leaves(who)
        if not leaves:
            return None
        path = self.rng.choice(leaves)
        self._empty(path)
        label = self._new(who, path)
        return [("rmdir", path), ("create", path), ("append", path, label, ())]

    def _clear(self, who):
        """All of a folder of its own, by EXPUNGE."""
        if not self.private[who]:
            return None
        path = self.rng.choice(self.private[who])
        self._empty(path)
        return [("clear", path)]

    # ---- the ATS ---------------------------------------------------------------------------------

    def _ats(self):
        makers = [self._keywords, self._keywords, self._keywords, self._ats_move, self._ats_move, self._ats_copy,
                  self._destroy, self._draft, self._replace, self._ats_contest, self._record]
        return self.rng.choice(makers)() or self._keywords() or self._record()

    def _record(self):
        return [("record",)]

    def _single(self):
        living = self._living("C")
        return self.rng.choice(living) if living else None

    def _keywords(self):
        label = self._single()
        if not label:
            return None
        flag, on = self.rng.choice(FLAGS), self.rng.random() < 0.6
        for copies in self.plan.where[label].values():
            flags = copies[0].flags
            flags.add(flag) if on else flags.discard(flag)
        return [("keywords", label, KEYWORDS.get(flag, flag.lower()), on)]

    def _ats_move(self):
        label = self._single()
        if not label:
            return None
        places = self.plan.where[label]
        folder, target = self.rng.choice(sorted(places)), self.rng.choice(STABLE)
        if target in places:
            return None
        if {"UIDPLUS", "MOVE"} <= set(self.plan.hide):
            self.plan.loose.add(label)
        self._put(label, target, self._take(label, folder))
        return [("ats move", label, folder, target)]

    def _ats_copy(self):
        label = self._single()
        if not label:
            return None
        places = self.plan.where[label]
        target = self.rng.choice(STABLE)
        if target in places or len(places) > 1:
            return None
        flags = set(next(iter(places.values()))[0].flags)
        self._put(label, target, Copy(flags))
        return [("ats copy", label, target)]

    def _destroy(self):
        label = self._single()
        if not label:
            return None
        self._gone(label)
        return [("destroy", label)]

    def _gone(self, label):
        if "UIDPLUS" in self.plan.hide:
            self.plan.loose.add(label)
        self.plan.where[label] = {}

    def _draft(self):
        label = self._new("C", ("Drafts",), {"\\Draft", "\\Seen"})
        return [("draft", label)]

    def _replace(self):
        """A draft saved again: a new one and the old one destroyed, in one request."""
        old = [m for m in self._living("C") if list(self.plan.where[m]) == [("Drafts",)]]
        if not old:
            return None
        old = self.rng.choice(old)
        self._gone(old)
        return [("replace", old, self._new("C", ("Drafts",), {"\\Draft", "\\Seen"}))]

    def _ats_contest(self):
        label = f"k{self.rng.randrange(CONTESTED)}"
        return [self.rng.choice([("ats try", label, "keyword", self.rng.choice(FLAGS)),
                                 ("ats try", label, "move", self.rng.choice(STABLE[:5])),
                                 ("ats try", label, "destroy", None)])]
