"""Keys that never collide, and two caches that stay in their bounds and give back exactly what they got."""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studioflow.fibo.cache import PictureCache, TextCache, digest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

KEYS = [digest(index) for index in range(6)]
MODES = pytest.mark.parametrize("inference", [True, False])


def image(mode: str = "RGB", size: tuple[int, int] = (4, 6), seed: int = 0) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    count = size[0] * size[1] * channels
    return Image.frombytes(mode, size, bytes((seed + index) % 256 for index in range(count)))


def with_palette(*colours: int) -> Image.Image:
    drawn = image("P")
    drawn.putpalette(colours)
    return drawn


def kib(count: float, value: float = 0.0) -> torch.Tensor:
    return torch.full((int(count * 1024),), int(value), dtype=torch.uint8)


# Few different leaves, so that structures which look alike are found.
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, -0.0, 1.0]), st.text("ab", max_size=2)
) | st.sampled_from([b"", b"a", b"ab"])
PARTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text("ab"), inner),
    max_leaves=5,
)


def spelled(part: Any) -> str:
    """A text that tells types and order apart, made without any hash."""
    if isinstance(part, dict):
        return "{" + ", ".join(sorted(f"{spelled(key)}: {spelled(value)}" for key, value in part.items())) + "}"
    if isinstance(part, list | tuple):
        return type(part).__name__ + "(" + ", ".join(spelled(inner) for inner in part) + ")"
    return repr(part)


@given(st.lists(PARTS, max_size=3), st.lists(PARTS, max_size=3))
@settings(max_examples=200, deadline=None)
def test_digests_are_equal_exactly_where_the_parts_are(one: list[Any], other: list[Any]) -> None:
    assert (digest(*one) == digest(*other)) == (spelled(one) == spelled(other))


def test_look_alikes_have_digests_of_their_own() -> None:
    zeros = torch.zeros(2, 3)
    alike = [
        ("ab", "c"), ("a", "bc"), ("abc",), (("ab", "c"),), (["ab", "c"],), ("c", "ab"), (),
        (None,), ("None",), ("",), (b"",), (b"abc",), ((),), ([],), ({},),
        (1,), (1.0,), (True,), ("1",), (0.0,), (-0.0,), (float("nan"),), (float("inf"),), (0.1,),
        ({"a": 1, "b": 2},), ({"a": 2, "b": 1},), ((("a", 1), ("b", 2)),), ({"a": {"b": 1}},), ({"a": 1},),
        (zeros,), (zeros.T,), (zeros.reshape(6),), (zeros.int(),), (zeros.bfloat16(),), (zeros.half(),), (-zeros,),
        (zeros[:0],), (torch.zeros(0, 2),), (torch.tensor(0.0),), (torch.zeros(1),), (zeros.tolist(),),
        (image(),), (image(seed=1),), (image(size=(6, 4)),), (image("L", (12, 6)),), (image("HSV"),), (image("L"),),
        (image("P"),), (with_palette(1, 2, 3),), (with_palette(3, 2, 1),), (image().tobytes(),),
    ]  # fmt: skip
    digests = [digest(*parts) for parts in alike]
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in digests)
    assert len(set(digests)) == len(alike)


def test_equal_contents_have_one_digest_however_they_are_held(tmp_path: Path) -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    values = torch.arange(12.0).reshape(3, 4)
    with torch.inference_mode():
        inferred = values.clone()
    column_major = values.T.contiguous().T
    with_gradient = values.clone().requires_grad_()
    view = torch.arange(-4.0, 20).reshape(6, 4)[1:4]
    assert len({digest(tensor) for tensor in (values, inferred, column_major, with_gradient, view)}) == 1
    image().save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as not_read_yet:
        assert digest(not_read_yet) == digest(image()) == digest(image().copy())


@pytest.mark.parametrize("part", [object(), {1, 2}, Path(), (1, [print])])
def test_no_digest_of_what_has_no_contents(part: object) -> None:
    with pytest.raises(TypeError, match="no digest of"):
        digest(part)


class Oldest:
    """The rules of the text cache, kept with a list: a size and whether it stays, by key, the oldest first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entries: list[tuple[str, int, bool]] = []

    def total(self, only_kept: bool = False) -> int:
        return sum(size for _, size, keep in self.entries if keep or not only_kept)

    def put(self, key: str, size: int, keep: bool) -> None:
        self.entries = [entry for entry in self.entries if entry[0] != key]
        if not keep and self.total(only_kept=True) + size > self.limit:
            return
        while self.total() + size > self.limit and any(not entry[2] for entry in self.entries):
            self.entries.remove(next(entry for entry in self.entries if not entry[2]))
        self.entries.append((key, size, keep))

    def get(self, key: str) -> bool:
        found = [entry for entry in self.entries if entry[0] == key]
        self.entries = [entry for entry in self.entries if entry[0] != key] + found
        return bool(found)


STEPS = st.tuples(st.sampled_from(["put", "put", "get", "keep"]), st.sampled_from(KEYS), st.integers(0, 12))


@given(st.integers(0, 20), st.lists(STEPS, max_size=30))
@settings(max_examples=200, deadline=None)
def test_text_cache_stays_in_its_bound(limit: int, steps: list[tuple[str, str, int]]) -> None:
    cache, rules = TextCache(limit), Oldest(limit)
    put: dict[str, list[torch.Tensor]] = {}
    hits = 0
    for number, (step, key, size) in enumerate(steps):
        if step == "get":
            found = cache.get(key)
            assert (found is not None) == rules.get(key)
            hits += found is not None
            assert found is None or all(torch.equal(*pair) for pair in zip(found, put[key], strict=True))
            continue
        # Views into something larger, of which only what they show may count.
        put[key] = [torch.full((50,), number, dtype=torch.uint8)[:size], torch.zeros(4, 4)[:0]]
        cache.put(key, put[key], keep=step == "keep")
        rules.put(key, size, step == "keep")
        held = [tensor for entry in cache._entries.values() for tensor in entry.tensors]
        assert cache.size_bytes == sum(tensor.untyped_storage().nbytes() for tensor in held) == rules.total()
        assert cache.size_bytes <= max(limit, rules.total(only_kept=True))
    assert (cache.hits, cache.misses) == (hits, sum(step == "get" for step, *_ in steps) - hits)
    assert list(cache._entries) == [key for key, *_ in rules.entries]


def test_an_entry_larger_than_the_bound_takes_nothing_away() -> None:
    cache = TextCache(10 * 1024)
    cache.put("small", [kib(9)])
    cache.put("large", [kib(11)])
    assert cache.get("small") is not None and cache.get("large") is None
    cache.clear()
    assert cache.get("small") is None and cache.size_bytes == 0


def test_nobody_can_change_what_the_text_cache_keeps() -> None:
    cache = TextCache()
    mine = torch.arange(6.0)
    cache.put("key", [mine])
    mine.zero_()
    first = cache.get("key")[0]
    assert torch.equal(first, torch.arange(6.0))
    first.zero_()
    assert torch.equal(cache.get("key")[0], torch.arange(6.0))


@MODES
@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("kind", ["text", "picture"])
def test_inference_mode_does_not_matter(inference: bool, later: bool, kind: str, tmp_path: Path) -> None:
    cache = TextCache() if kind == "text" else PictureCache(tmp_path, 10_000)
    with torch.inference_mode(inference):
        values = torch.arange(6.0)
        cache.put(KEYS[0], [values] if kind == "text" else {"values": values})
    with torch.inference_mode(later):
        (got,) = cache.get(KEYS[0]) if kind == "text" else cache.get(KEYS[0]).values()
        got += 1
    # Neither works with what inference mode made, outside of it.
    got -= 1
    got.requires_grad_()
    (got * got).sum().backward()
    assert torch.equal(got.grad, 2 * values)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.uint8, torch.int64, torch.bool, torch.float64]
)
def test_pictures_come_back_bit_for_bit(dtype: torch.dtype, tmp_path: Path) -> None:
    values = (torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1)) * 100).to(dtype)
    put = {
        "whole": values,
        "turned": values.permute(2, 0, 1),
        "again": values,
        "one": values[0, 0, 0],
        "no": values[:0],
    }
    assert PictureCache(tmp_path / "new" / "folder", 100_000).put(KEYS[0], put)
    got = PictureCache(tmp_path / "new" / "folder", 100_000).get(KEYS[0])
    assert got.keys() == put.keys()
    assert all(torch.equal(got[name], put[name]) and got[name].dtype == dtype for name in put)
    assert PictureCache(tmp_path, 100_000).get(KEYS[0]) is None


def sizes(folder: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_size for path in folder.iterdir()}


@given(st.integers(0, 20), st.lists(st.tuples(st.booleans(), st.sampled_from(KEYS), st.integers(0, 12)), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pictures_stay_in_their_bound_and_the_used_ones_stay(
    tmp_path: Path, limit: int, steps: list[tuple[bool, str, int]]
) -> None:
    cache = PictureCache(tmp_path / "cache", limit * 1024)
    cache.clear()
    used: dict[str, int] = {}
    for number, (put, key, size) in enumerate(steps):
        picture = {"picture": kib(size, number)}
        before = dict(used)
        if put and cache.put(key, picture):
            used.pop(key, None)
            used[key] = number
            left = sizes(cache.folder)
            assert sum(left.values()) <= cache.limit_bytes and key in left
            gone = set(used) - set(left)
            # Those that left are the ones used longest ago, and the last of them was one too many.
            assert list(used)[: len(gone)] == [name for name in used if name in gone]
            used = {name: value for name, value in used.items() if name in left}
        elif put:
            assert (size + 1) * 1024 > cache.limit_bytes and used == before
        else:
            got = cache.get(key)
            assert (got is not None) == (key in used)
            if got is not None:
                assert set(got["picture"].tolist()) <= {used[key]}
                used[key] = used.pop(key)


def test_no_more_pictures_leave_than_must(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 10_000)
    for key in KEYS[:4]:
        cache.put(key, {"picture": kib(2)})
    assert cache.get(KEYS[0]) is not None
    cache.put(KEYS[4], {"picture": kib(4)})
    assert sizes(tmp_path).keys() == {KEYS[0], KEYS[3], KEYS[4]}
    assert not cache.put(KEYS[5], {"picture": kib(10)})
    assert sizes(tmp_path).keys() == {KEYS[0], KEYS[3], KEYS[4]}


def test_files_of_others_are_never_counted_or_removed(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("lora.safetensors", f"{KEYS[1]}.png", ".x.part", f"{'g' * 64}.safetensors")]
    for path in others:
        path.write_bytes(bytes(5000))
        os.utime(path, (0, 0))
    cache = PictureCache(tmp_path, 3000)
    assert cache.put(KEYS[0], {"picture": kib(2)}) and cache.put(KEYS[1], {"picture": kib(2)})
    cache.clear()
    assert sorted(tmp_path.iterdir()) == sorted(others)


@pytest.mark.parametrize("key", ["", "../" + "0" * 61, "0" * 63, "0" * 65, "G" * 64, KEYS[0] + "\n"])
def test_only_digests_are_keys(key: str, tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 1000)
    for use in (cache.get, lambda key: cache.put(key, {"picture": kib(0)})):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            use(key)


def test_a_damaged_picture_is_absent_and_removed(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 10_000)
    picture = {"picture": torch.arange(20.0)}
    path = tmp_path / f"{KEYS[0]}.safetensors"
    cache.put(KEYS[0], picture)
    whole = path.read_bytes()
    assert cache.get(KEYS[0]) is not None
    flipped = [whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :] for at in range(len(whole)) for bit in (1, 128)]
    cut = [whole[:at] for at in range(0, len(whole), 7)]
    for damaged in [*flipped, *cut, whole + b"\0", b"{}", bytes(len(whole))]:
        path.write_bytes(damaged)
        got = cache.get(KEYS[0])
        # Blank space in the header may read the same; whatever reads otherwise must not be given out.
        assert got is None or (got.keys() == picture.keys() and torch.equal(got["picture"], picture["picture"]))
        assert path.exists() == (got is not None)
    path.write_bytes(whole)
    path.rename(tmp_path / f"{KEYS[1]}.safetensors")
    assert cache.get(KEYS[1]) is None


class Bomb:
    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (Path(self.folder),)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / f"{KEYS[0]}.safetensors"
    bomb = {"picture": Bomb(tmp_path / "went off")}
    for write in (lambda: path.write_bytes(pickle.dumps(bomb)), lambda: torch.save(bomb, path)):
        write()
        assert PictureCache(tmp_path, 1000).get(KEYS[0]) is None and not path.exists()
    assert not (tmp_path / "went off").exists()
    pickle.loads(pickle.dumps(bomb))
    assert (tmp_path / "went off").exists()


def test_a_folder_that_cannot_be_used_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    folder, other = tmp_path / "file" / "cache", tmp_path / "file" / "other"
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING):
        # Each render has a cache of its own.
        for cache in (PictureCache(folder, 10_000), PictureCache(str(folder), 10_000), PictureCache("file/cache", 9)):
            assert not cache.put(KEYS[0], {"picture": kib(1)})
            assert cache.get(KEYS[0]) is None
            cache.clear()
        assert PictureCache(other, 10_000).get(KEYS[0]) is None
    told = [record.getMessage() for record in caplog.records]
    assert [text.split(" cannot")[0] for text in told] == [
        f"StudioFlow: pictures are not cached, {path}" for path in (folder, other)
    ]


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    cache = PictureCache(tmp_path, 1 << 20)
    assert cache.put(KEYS[0], {"picture": kib(1)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, hard))
    try:
        assert not cache.put(KEYS[0], {"picture": kib(200)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sizes(tmp_path).keys() == {KEYS[0]}
    assert torch.equal(cache.get(KEYS[0])["picture"], kib(1))


def test_what_a_killed_server_left_goes_but_not_what_is_being_written(tmp_path: Path) -> None:
    old, new = (tmp_path / f".{key}.0123.part" for key in KEYS[:2])
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    cache = PictureCache(tmp_path, 10_000)
    cache.put(KEYS[2], {"picture": kib(1)})
    assert new.exists() and not old.exists()
    cache.clear()
    assert list(tmp_path.iterdir()) == [new]


def test_several_may_share_a_folder(tmp_path: Path) -> None:
    limit = 12 * 1024
    wrong: list[object] = []

    def serve(own: int) -> None:
        cache = PictureCache(tmp_path, limit)
        try:
            for number in range(60):
                key = KEYS[(own + number) % len(KEYS)]
                if not cache.put(key, {"picture": kib(3, KEYS.index(key))}):
                    wrong.append("not kept")
                for index, other in enumerate(KEYS):
                    got = cache.get(other)
                    if got is not None and not torch.equal(got["picture"], kib(3, index)):
                        wrong.append(other)
                if number % 20 == own:
                    cache.clear()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=serve, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    PictureCache(tmp_path, limit).put(KEYS[0], {"picture": kib(3)})
    assert sum(sizes(tmp_path).values()) <= limit
