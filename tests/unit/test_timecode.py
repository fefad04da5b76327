"""Timecode: labels counted by hand, against labels worked out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studioflow.delivery.timecode import advance
from studioflow.errors import StudioFlowError


def labels(base: int, dropped: int) -> Iterator[str]:
    """The labels of 71 minutes as ST 12-1 says it: each minute but every tenth begins without its first numbers."""
    separator = ";" if dropped else ":"
    for minute in range(71):
        for second in range(60):
            left_out = dropped if second == 0 and minute % 10 else 0
            for frame in range(left_out, base):
                yield f"{minute // 60:02}:{minute % 60:02}:{second:02}{separator}{frame:02}"


@pytest.mark.parametrize(
    ("rate", "base", "dropped"), [(24, 24, 0), (23.976, 24, 0), (25, 25, 0), (29.97, 30, 2), (59.94, 60, 4)]
)
def test_every_label(rate: float, base: int, dropped: int) -> None:
    expected = list(labels(base, dropped))
    for count in range(0, len(expected) - 1, 97):  # a prime, so that all places of seconds, minutes and tens come up
        assert advance(expected[0], count, rate) == expected[count]
        assert advance(expected[count], 1, rate) == expected[count + 1]
    for minute in range(1, 70):
        last = expected.index(f"00:{minute % 60:02}:59{';' if dropped else ':'}{base - 1}") if minute < 60 else 0
        assert advance(expected[last], 1, rate) == expected[last + 1]
    midnight = f"23:59:59{';' if dropped else ':'}{base - 1}"
    assert advance(midnight, 1, rate) == expected[0] and advance(midnight, 1801, rate) == expected[1800]


def test_dropped_numbers_keep_up_with_the_clock() -> None:
    # 107892 frames of 1001/30000 s are an hour but for 3.6 ms.
    assert advance("00:00:00;00", 107892, 29.97) == "01:00:00;00"
    assert 107892 * 1001 / 30000 == pytest.approx(3600, abs=0.004)


@pytest.mark.parametrize(
    ("timecode", "rate", "told"),
    [
        ("10:00", 24, "this is no timecode"),
        ("10:00:00:24", 24, "23:59:59:23"),
        ("24:00:00:00", 24, "23:59:59:23"),
        ("10:61:00:00", 24, "23:59:59:23"),
        ("10:00:00;00", 24, "29.97 and 59.94"),
        ("10:01:00;01", 29.97, "frame 2 first"),
        ("10:00:00:00", 0, "frame rate"),
        ("١٠:00:00:00x", 24, "this is no timecode"),
    ],
)
def test_what_is_no_timecode_is_told(timecode: str, rate: float, told: str) -> None:
    with pytest.raises(StudioFlowError, match="this is no timecode") as caught:
        advance(timecode, 1, rate)
    assert told in str(caught.value)
