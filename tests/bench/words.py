"""
Text that looks like people's: a vocabulary with few common and many rare words, sentences, paragraphs.
It compresses as letters do (zstd alone: to about two fifths), not as one repeated line and not as noise.
"""

import random

SYLLABLES = ("an be ca de el fi ge ho in ja ka lo mi no or pa qui ra se ta un ve wa xe yo zu bre cla dri fle gro "
             "ker lin mar nen pre sto tra ung ver wert schaf ter lich keit tion ment able ing ous ive").split()
COMMON = ("the and to of a in for is on that with as we you it be this are or have by from at not your our will can "
          "was if an all has but they more one which would please position team interview thanks regards experience "
          "und die der das mit für nicht ist ein eine wir Sie auf zu im von über bitte Grüße möchte würde").split()


def _vocabulary(size=9000):
    rnd = random.Random("vocabulary")
    words = list(COMMON)
    seen = set(words)
    while len(words) < size:
        word = "".join(rnd.choices(SYLLABLES, k=rnd.choice((1, 2, 2, 3, 3, 4))))
        if word not in seen:
            seen.add(word)
            words.append(word.capitalize() if rnd.random() < 0.1 else word)
    return words


WORDS = _vocabulary()
_total, CUMULATIVE = 0.0, []
for _rank in range(len(WORDS)):
    _total += 1 / (_rank + 8)
    CUMULATIVE.append(_total)


def words(rnd, count):
    return rnd.choices(WORDS, cum_weights=CUMULATIVE, k=count)


def paragraph(rnd):
    """Two to seven sentences in one line."""
    out = []
    for _ in range(rnd.randrange(2, 8)):
        sentence = words(rnd, rnd.randrange(5, 22))
        sentence[0] = sentence[0].capitalize()
        if rnd.random() < 0.25:
            sentence[rnd.randrange(len(sentence))] = str(rnd.randrange(10, 99999))
        if len(sentence) > 9:
            sentence[len(sentence) // 2] += ","
        out.append(" ".join(sentence) + rnd.choice("....?!"))
    return " ".join(out)


def paragraphs(rnd, size):
    """Paragraphs of together about size characters."""
    out, have = [], 0
    while have < size:
        out.append(paragraph(rnd))
        have += len(out[-1]) + 2
    return out


def wrapped(text, width=74, prefix=""):
    """text in lines, as a mail program breaks it."""
    lines, line = [], prefix
    for word in text.split():
        if len(line) + len(word) >= width:
            lines.append(line.rstrip())
            line = prefix
        line += word + " "
    return lines + [line.rstrip()]
