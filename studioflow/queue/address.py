"""The address of a server: what is dialled, and what may be shown of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from .errors import BadAddress


@dataclass(frozen=True)
class Address:
    """Where a ComfyUI is. ``shown`` is all that a message may say of it."""

    base: URL = field(repr=False)
    shown: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url(self, *path: str) -> URL:
        return self.base.joinpath(*path)


def parse_address(text: str) -> Address:
    """Read ``http[s]://[user:password@]host[:port][/prefix]``.

    User and password are sent as HTTP Basic credentials and never shown. Raises BadAddress, whose text holds
    the host at most.
    """
    allowed = "http://host:port or https://host, for example http://127.0.0.1:8188"
    text = text.strip()
    scheme, separator, _ = text.partition("://")
    if not separator:
        host = _harmless_part(text)
        raise BadAddress(
            "the server's address has no scheme",
            found=host or None,
            allowed=allowed,
            fix=f"write http://{host}" if host else None,
        )
    if scheme.lower() not in ("http", "https"):
        raise BadAddress(
            "the server's address has a scheme that ComfyUI does not speak",
            found=f"{scheme}://" if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,15}", scheme) else None,
            allowed=allowed,
        )
    try:
        url = URL(text)
        shown = str(url.origin())
    except ValueError:
        # The reason in the exception quotes the address, which may hold a password.
        raise BadAddress(
            "the server's address cannot be read", found=_harmless_part(text) or None, allowed=allowed
        ) from None
    if url.raw_query_string or url.raw_fragment:
        raise BadAddress(
            "the server's address must end before any ? or #",
            where=shown,
            allowed=allowed,
            fix="leave out what stands behind the ? or #",
        )
    headers = {}
    if url.user or url.password:
        login = f"{url.user or ''}:{url.password or ''}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return Address(url.with_user(None), shown, headers)


def _harmless_part(text: str) -> str:
    """The host (and port) of an address too broken to parse; nothing that could be a password or a token."""
    after_login = text.partition("://")[2] or text
    after_login = after_login.rpartition("@")[2]
    match = re.match(r"(\[[0-9A-Fa-f:]*\]|[A-Za-z0-9.-]*)(:\d+)?", after_login)
    return match.group() if match else ""
