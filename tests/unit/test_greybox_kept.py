"""Meshes kept between processes: the same again, made anew when their data changed, and never in the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studioflow.greybox.kept import kept_parts
from studioflow.greybox.parts import Mesh, Part


def made(scale: float = 1.0) -> tuple[Part, ...]:
    vertices = np.eye(3, dtype=np.float32) * scale
    normals = np.full((3, 3), 3**-0.5, dtype=np.float32)
    return tuple(
        Part(Mesh(vertices, np.array([[0, 1, 2]], dtype=np.uint32), normals), role) for role in ("body", "cap")
    )


def same(one: tuple[Part, ...], other: tuple[Part, ...]) -> bool:
    return [part.role for part in one] == [part.role for part in other] and all(
        np.array_equal(getattr(a.mesh, name), getattr(b.mesh, name))
        and getattr(a.mesh, name).dtype == getattr(b.mesh, name).dtype
        for a, b in zip(one, other, strict=True)
        for name in ("vertices", "faces", "normals")
    )


def refuse() -> tuple[Part, ...]:
    raise AssertionError("made again")


def test_they_come_back_as_they_were_without_being_made(tmp_path: Path) -> None:
    assert same(kept_parts("bust", ["data"], made, tmp_path / "new"), made())
    assert same(kept_parts("bust", ["data"], refuse, tmp_path / "new"), made())


def test_other_data_makes_them_anew_and_leaves_no_old_file(tmp_path: Path) -> None:
    kept_parts("bust", ["data"], made, tmp_path)
    kept_parts("figure", ["data"], made, tmp_path)
    assert same(kept_parts("bust", ["data", "code"], lambda: made(2.0), tmp_path), made(2.0))
    assert [path.name.partition("_")[0] for path in sorted(tmp_path.iterdir())] == ["bust", "figure"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive at all"])
def test_a_broken_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    kept_parts("bust", ["data"], made, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert same(kept_parts("bust", ["data"], made, tmp_path), made())
    assert same(kept_parts("bust", ["data"], refuse, tmp_path), made())


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert same(kept_parts("bust", ["data"], made, tmp_path / "file"), made())
