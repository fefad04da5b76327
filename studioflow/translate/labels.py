"""Labels of an English brief: what stands before a colon and says what comes behind it; and signatures."""

from __future__ import annotations

from .phrase import BACKGROUND, CLOTHING, SUBJECT
from .reading import Reading

LABELS = {"label_subject": SUBJECT, "label_background": BACKGROUND, "label_clothing": CLOTHING}
"""Lines of words that are labels, and what they announce."""
COLONS = ([":"], ["="], ["-"], ["\u2013"], ["\u2014"])
"""What stands between a label and what it announces."""
SLUGS = (["ext"], ["int"])
"""How a screenplay announces a place: EXT. DESERT ROAD."""


def is_label(reading: Reading, start: int, end: int) -> bool:
    """Whether a clause is nothing but a label before a colon; the words are then nobody's subject."""
    for name in (*LABELS, "label_other"):
        if reading.phrase(name, start) == end:
            reading.claim(start, end, "helper")
            return True
    return False


def announced_by_label(reading: Reading, start: int) -> str:
    """What the clause before announces with a colon: Subject: perfume bottle. "" where it is no such label."""
    before = start - 1
    if before < 1 or not ([reading.words[before]] in COLONS or reading.words[before - 1 : before] in SLUGS):
        return ""
    first = reading.clause_start(before - 1)
    for name, role in LABELS.items():
        if reading.phrase(name, first) == before:
            return role
    return ""


def is_signature(reading: Reading, start: int, end: int) -> bool:
    """Whether a clause is a name below a greeting: Best, Anna."""
    before = start - 1
    if end - start > 2 or end < len(reading.words) - 1 or before < 1:
        return False
    return reading.is_word(reading.clause_start(before), "chat") and reading.words[before] in (",", "\n", "!", ".")
