"""Uploads a file as a browser does: multipart, streamed to ``POST /blobs``."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

__all__ = ["upload"]


async def upload(url: str, token: str, content: bytes, name: str) -> tuple[int, dict[str, Any]]:
    """The status and the answer."""
    return await asyncio.to_thread(_upload, url, token, content, name)


def _upload(url: str, token: str, content: bytes, name: str) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "multipart/form-data; boundary=x",
    }
    try:
        connection.request("POST", "/blobs", head.encode() + content + b"\r\n--x--\r\n", headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
