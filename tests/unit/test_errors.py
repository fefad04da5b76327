"""An error answers where, what was found, what is allowed and what to do."""

from __future__ import annotations

from studioflow.errors import ManifestError, StudioFlowError, did_you_mean, nearest
from studioflow.queue import JobFailed


def test_says_all_it_knows_and_no_more() -> None:
    error = ManifestError("number out of range", where="/a", found="0", allowed="1 to 2", fix="take 1")
    assert str(error) == "/a: number out of range\n  found: 0\n  allowed: 1 to 2\n  do: take 1"
    assert str(StudioFlowError("no such thing")) == "no such thing"


def test_suggests_what_is_close_whatever_the_case() -> None:
    assert nearest("Rembrant", ["butterfly", "rembrandt"]) == "rembrandt"
    assert did_you_mean("xyz", ["butterfly", "rembrandt"]) is None


def test_shows_no_path_as_its_module() -> None:
    assert {error.__module__ for error in (ManifestError, JobFailed)} == {"studioflow.errors"}
