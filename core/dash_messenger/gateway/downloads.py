"""``GET /blobs/ID``: files go out, as a whole or in part (RFC 9110, section 14).

Owns the headers that keep a file from being more than a file. Invariant: who may read it is asked
of the database for each request (`blobs/blobs`), and again while it is under way.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractContextManager
from urllib.parse import quote

from quart import Quart, Response, g, request

from dash_messenger.blobs.blobs import BlobStore
from dash_messenger.blobs.media_types import INLINE
from dash_messenger.blobs.transfers import Transfers
from dash_messenger.errors import NotFound
from dash_messenger.protocol.models import Blob

__all__ = ["add_downloads"]

# Nothing in a file runs, loads or frames anything, should it ever be shown by itself.
CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# No file has a size of more digits. Werkzeug's parser takes `bytes=-0` for the whole file.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def add_downloads(app: Quart, blobs: BlobStore, transfers: Transfers) -> None:
    """Answer downloads on ``app``."""

    async def download(id: str) -> Response:
        blob = await blobs.info(id, reader=g.session.user)
        if blob is None:
            raise NotFound
        headers = _headers(blob)
        if request.if_none_match.contains_weak(blob.id):
            return Response(b"", status=304, headers=headers)
        wanted = _wanted(blob, headers["ETag"])
        if wanted is None:
            headers["Content-Range"] = f"bytes */{blob.bytes}"
            return Response(b"", status=416, headers=headers)
        start, end = wanted
        status = 200
        if (start, end) != (0, blob.bytes):
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.bytes}"
        headers["Content-Length"] = str(end - start)
        is_head = request.method == "HEAD"
        chunks = blobs.stream(blob.id, start, start if is_head else end)
        # Before anything is answered: a damaged file is an error, not the beginning of a file.
        first = await anext(chunks)
        if is_head:
            await chunks.aclose()
            return Response(b"", status=status, headers=headers)
        watched = transfers.watch(request.scope, g.session, blob.id)  # type: ignore[arg-type]
        response = Response(_joined(first, chunks, watched), status=status, headers=headers)
        # A large file to a slow reader takes as long as it takes.
        response.timeout = None
        return response

    app.add_url_rule("/blobs/<id>", "blob", download, methods=["GET"])


async def _joined(
    first: bytes, rest: AsyncGenerator[bytes, None], watched: AbstractContextManager[None]
) -> AsyncIterator[bytes]:
    with watched:
        yield first
        async for chunk in rest:
            yield chunk


def _headers(blob: Blob) -> dict[str, str]:
    inline = blob.media_type in INLINE and "download" not in request.args
    ascii_name = re.sub(r'[^\x20-\x7e]|["\\%;]', "_", blob.name)
    return {
        "Content-Type": blob.media_type,
        "Content-Disposition": (
            f'{"inline" if inline else "attachment"}; filename="{ascii_name}";'
            f" filename*=UTF-8''{quote(blob.name, safe='')}"
        ),
        "Accept-Ranges": "bytes",
        "ETag": f'"{blob.id}"',
        # It never changes, but who may read it does: browsers keep it and ask each time.
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": CSP,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _wanted(blob: Blob, etag: str) -> tuple[int, int] | None:
    """The interval that was asked for; None if it lies outside of the file."""
    text = request.headers.get("Range")
    if text is None or request.headers.get("If-Range", etag) != etag:
        return 0, blob.bytes
    found = _RANGE.fullmatch(text.strip())
    if found is None or found[0] == "bytes=-":
        # Several at once, or none that we know: the whole is always a right answer.
        return 0, blob.bytes
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, blob.bytes - int(last)), blob.bytes
    else:
        start = int(first)
        end = min(blob.bytes, int(last) + 1) if last else blob.bytes
    return (start, end) if start < end else None
