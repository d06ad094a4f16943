"""What tests are told of the server that they run."""

from __future__ import annotations

from pathlib import Path

from dash_messenger.testing import ServerProcess


def test_the_log_has_whole_lines_alone(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    assert server.log == ""
    server.log_path.write_bytes('{"event":"é"}\n{"event":"é'.encode()[:-1])
    assert server.log == '{"event":"é"}\n'
