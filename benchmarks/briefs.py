"""Briefs read by rules: precision and recall of every field on the labelled briefs, and how many are read a second.

Targets: in English at least 0.95 precision and recall in every field, and at least 500 briefs a second on one core.

    python dev.py bench
    python benchmarks/briefs.py
    python benchmarks/briefs.py --differences en_dev     # where rules and labels disagree, brief by brief
"""

from __future__ import annotations

import sys
import time

from _common import ROOT

sys.path.insert(0, str(ROOT / "tests" / "unit"))
import brief_set

RUNS = 5
TARGET_SCORE = 0.95
TARGET_A_SECOND = 500


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--differences":
        show_differences(sys.argv[2])
        return
    sets = {}
    for name in (*brief_set.ENGLISH, *brief_set.LANGUAGES):
        briefs = brief_set.load(name)
        sets[name] = brief_set.score(briefs, fields=brief_set.fields_of(name))
        print(f"{name}: {len(briefs)} briefs, {sum(entry['awkward'] for entry in briefs)} of them awkward")
    english = brief_set.score([entry for name in brief_set.ENGLISH for entry in brief_set.load(name)])
    print(brief_set.table({**{name: sets[name] for name in brief_set.ENGLISH}, "English": english}))
    weak = [field for field, one in english.items() if min(one.precision, one.recall) < TARGET_SCORE]
    verdict = f"MISSED in {', '.join(weak)}" if weak else "met"
    print(f"target in English at least {TARGET_SCORE} in every field: {verdict}\n")
    print(brief_set.table({name: sets[name] for name in brief_set.LANGUAGES}), end="\n\n")
    for name in (*brief_set.ENGLISH, *brief_set.LANGUAGES):
        speed(name)


def speed(name: str) -> None:
    texts = [entry["brief"] for entry in brief_set.load(name)]
    rates = []
    for _ in range(RUNS):
        start = time.process_time()
        for text in texts:
            brief_set.read_by_rules(text)
        rates.append(len(texts) / (time.process_time() - start))
    rates.sort()
    middle = rates[len(rates) // 2]
    verdict = "met" if middle >= TARGET_A_SECOND else "MISSED"
    characters = sum(map(len, texts)) / len(texts)
    print(
        f"{name}, {characters:.0f} characters a brief: median {middle:.0f} briefs/s "
        f"({rates[0]:.0f} to {rates[-1]:.0f}, {RUNS} runs)   target at least {TARGET_A_SECOND}: {verdict}"
    )


def show_differences(name: str) -> None:
    for brief, field, missed, extra in brief_set.differences(brief_set.load(name), fields=brief_set.fields_of(name)):
        print(f"{field}: expected {[*missed]}, found {[*extra]}\n    {brief!r}")


if __name__ == "__main__":
    main()
