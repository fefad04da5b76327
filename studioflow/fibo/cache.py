"""What need not be computed twice: text embeddings in memory, pictures on disk, and the keys for both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..kept_files import KeptFiles

if TYPE_CHECKING:
    import torch

GIB = 1 << 30


def digest(*parts: Any) -> str:
    """SHA-256 (hex) of the parts: the same only where type, order and content are the same.

    Takes None, bool, int, float, str, bytes, lists, tuples, mappings (in any order), PIL images (mode, size, pixels
    and palette) and tensors (dtype, shape and values, on any device). Raises TypeError for anything else.
    """
    return _hash(parts).hex()


def _hash(part: Any) -> bytes:
    """A Merkle tree: what holds others hashes their hashes, which are of one length, so no two parts run together."""
    match part:
        case None:
            return _sha("none")
        case bool() | int():
            return _sha(type(part).__name__, str(int(part)).encode())
        case float():
            return _sha("float", float.__repr__(part).encode())
        case str():
            return _sha("str", part.encode("utf-8", "surrogatepass"))
        case bytes() | bytearray():
            return _sha("bytes", part)
        case list() | tuple():
            return _sha("list" if isinstance(part, list) else "tuple", *map(_hash, part))
        case Mapping():
            return _sha("mapping", *sorted(_hash(key) + _hash(value) for key, value in part.items()))
        case _:
            return _hash_heavy(part)


def _hash_heavy(part: Any) -> bytes:
    import torch
    from PIL import Image

    if isinstance(part, torch.Tensor):
        values = part.detach().to("cpu").contiguous().reshape(-1).view(torch.uint8)
        return _sha("tensor", _hash((str(part.dtype), tuple(part.shape))), values.numpy())
    if isinstance(part, Image.Image):
        part.load()
        colours = bytes(part.getpalette(None)) if part.mode in ("P", "PA") else None
        facts = (part.mode, part.size, colours, part.info.get("transparency"))
        return _sha("image", _hash(facts), part.tobytes())
    raise TypeError(f"no digest of a {type(part).__name__}")


def _sha(kind: str, *contents: Any) -> bytes:
    sha = hashlib.sha256(kind.encode() + b"\0")
    for content in contents:
        sha.update(content)
    return sha.digest()


class _Entry(NamedTuple):
    tensors: tuple[torch.Tensor, ...]
    size_bytes: int
    keep: bool


class TextCache:
    """Tensors by key in main memory, at most ``limit_bytes`` of them; the least recently used leave first.

    It holds copies and hands out copies, so nobody can change what it keeps, and they are ordinary tensors whether
    or not ``torch.inference_mode`` is on. Not for several threads at once.
    """

    def __init__(self, limit_bytes: int = GIB) -> None:
        self.limit_bytes = limit_bytes
        self.hits = 0
        self.misses = 0
        self._entries: dict[str, _Entry] = {}

    @property
    def size_bytes(self) -> int:
        """Bytes of all storages held, those kept for good among them."""
        return sum(entry.size_bytes for entry in self._entries.values())

    def get(self, key: str, device: torch.device | str = "cpu") -> tuple[torch.Tensor, ...] | None:
        """Copies on ``device`` of the tensors that were put there, or None."""
        entry = self._entries.pop(key, None)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries[key] = entry
        return _copies(entry.tensors, device)

    def put(self, key: str, tensors: Sequence[torch.Tensor], keep: bool = False) -> None:
        """Keeps copies, in place of what the key had; ``keep`` means for good, whatever the limit.

        What does not fit beside the entries kept for good is not kept at all.
        """
        self._entries.pop(key, None)
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        kept_for_good = sum(entry.size_bytes for entry in self._entries.values() if entry.keep)
        if not keep and kept_for_good + size > self.limit_bytes:
            return
        # Room first: the copies are large, and the memory for both may not be there.
        for oldest in [name for name, entry in self._entries.items() if not entry.keep]:
            if self.size_bytes + size <= self.limit_bytes:
                break
            del self._entries[oldest]
        self._entries[key] = _Entry(_copies(tensors, "cpu"), size, keep)

    def clear(self) -> None:
        """Forgets everything, what was kept for good as well."""
        self._entries.clear()


class PictureCache:
    """Named tensors by key (``digest``) as safetensors files in ``folder``, at most ``limit_bytes`` (``KeptFiles``)."""

    def __init__(self, folder: str | Path, limit_bytes: int) -> None:
        self._files = KeptFiles(folder, ".safetensors", limit_bytes, "pictures are not cached")

    @property
    def folder(self) -> Path:
        return self._files.folder

    @property
    def limit_bytes(self) -> int:
        return self._files.limit_bytes

    def get(self, key: str) -> dict[str, torch.Tensor] | None:
        """The tensors that were put there, on the CPU and the caller's own, or None."""
        return self._files.get(key, lambda data: _unpack(key, data))

    def put(self, key: str, tensors: Mapping[str, torch.Tensor]) -> bool:
        """Writes one file, whole or not at all, then removes the longest unused; says whether it is kept."""
        return self._files.put(key, _pack(key, tensors))

    def clear(self) -> None:
        """Removes every picture of this cache and nothing else."""
        self._files.clear()


def _copies(tensors: Sequence[torch.Tensor], device: torch.device | str) -> tuple[torch.Tensor, ...]:
    """Contiguous copies with storages of their own, usable inside and outside ``torch.inference_mode``."""
    import torch

    with torch.inference_mode(False):
        return tuple(tensor.detach().to(device, copy=True, memory_format=torch.contiguous_format) for tensor in tensors)


def _pack(key: str, tensors: Mapping[str, torch.Tensor]) -> bytes:
    from safetensors.torch import save

    own = dict(zip(tensors, _copies(list(tensors.values()), "cpu"), strict=True))
    return save(own, metadata={"digest": digest(key, own)})


def _unpack(key: str, data: bytes) -> dict[str, torch.Tensor] | None:
    """The tensors of a file's bytes, or None where these are not the bytes that were written for the key.

    From bytes in memory, not mapped from the file: another server may remove or replace that at any time.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        with torch.inference_mode(False):
            tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        written = header["__metadata__"]["digest"]
    except (SafetensorError, ValueError, KeyError):
        return None
    return tensors if written == digest(key, tensors) else None
