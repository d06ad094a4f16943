"""The recipes of docs/deploy.md, and what comes through a real nginx and Caddy where they are."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dash_messenger.client import log_in, post
from dash_messenger.client.http import upload
from dash_messenger.errors import TooLarge
from dash_messenger.settings import Settings, load_settings
from dash_messenger.testing import People, ServerProcess

from tests.environment import ROOT

PAGE = (ROOT / "docs" / "deploy.md").read_text()
HEADERS = {
    "Host": "$host",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
    "Upgrade": "$http_upgrade",
}
START_LIMIT_S = 60


def recipes(language: str) -> list[str]:
    """The snippets of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_settings_in_the_recipes_are_settings() -> None:
    for text in recipes("toml"):
        given = tomllib.loads(text)
        load_settings(**given)
    for name, value in re.findall(r"DASH_MESSENGER_(\w+)=(\S+?)'? ", PAGE):
        assert name.lower() in Settings.__struct_fields__, (name, value)


def test_nginx_is_told_who_asks_and_lets_through_what_the_server_takes() -> None:
    (text,) = recipes("nginx")
    given = dict(re.findall(r"proxy_set_header (\S+) (\S+);", text))
    assert HEADERS.items() <= given.items()
    megabytes = re.search(r"client_max_body_size (\d+)m;", text)
    assert megabytes is not None
    assert int(megabytes.group(1)) * 2**20 > Settings().max_upload_bytes + 2**14


def test_systemd_leaves_the_server_its_time_to_stop() -> None:
    (text,) = recipes("ini")
    assert "KillMode=mixed" in text
    seconds = re.search(r"TimeoutStopSec=(\d+)", text)
    assert seconds is not None
    assert int(seconds.group(1)) >= Settings().shutdown_s + 2


def nginx(folder: Path, port: int, upstream: str) -> list[str]:
    """How nginx is started with the recipe, without TLS, on one port."""
    (recipe,) = recipes("nginx")
    recipe = re.sub(r"    (ssl_certificate.*|listen \[::\].*)\n", "", recipe)
    recipe = recipe.replace("listen 443 ssl http2", f"listen 127.0.0.1:{port}")
    recipe = recipe.replace("http://127.0.0.1:8000", upstream)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\nmaster_process off;\npid {folder / 'pid'};\nerror_log {folder / 'log'};\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}{recipe}}}\n"
    )
    return ["nginx", "-c", str(file), "-p", str(folder), "-e", str(folder / "log")]


def caddy(folder: Path, port: int, upstream: str) -> list[str]:
    """The same for Caddy."""
    (recipe,) = recipes("caddy")
    recipe = recipe.replace("chat.example.org", f"http://127.0.0.1:{port}")
    recipe = recipe.replace("127.0.0.1:8000", upstream.partition("//")[2])
    file = folder / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n}}\n{recipe}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]


@contextmanager
def running(recipe: Callable[..., list[str]], folder: Path, upstream: str) -> Iterator[str]:
    """A proxy by the recipe, until it takes connections: its address."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = recipe(folder, port, upstream)
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/usr/sbin:/usr/local/bin"}
    proxy = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    try:
        while True:
            assert proxy.poll() is None, proxy.stderr and proxy.stderr.read()
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        proxy.terminate()
        proxy.communicate(timeout=START_LIMIT_S)


@pytest.mark.parametrize("recipe", [nginx, caddy])
async def test_people_talk_and_send_files_through_the_proxy(
    recipe: Callable[..., list[str]],
    server: ServerProcess,
    people: People,
    tmp_path: Path,
) -> None:
    if shutil.which(recipe.__name__, path="/usr/bin:/usr/sbin:/usr/local/bin") is None:
        pytest.skip(f"{recipe.__name__} is not installed")
    with running(recipe, tmp_path / "proxy", server.url) as url:
        (name, token), (other, _) = [await people.register() for _ in range(2)]
        ann = await people.connect(token, url=url)
        made = await ann.call("conversation.create", kind="group", title="G", members=[other])
        await ann.call(
            "message.send", conversation=made["id"], type="text", content={"text": "hello"}
        )
        # nginx alone would refuse it, and write a body to a disk of its own first.
        blob = await upload(url, bytes(3_000_000), token=token)
        assert blob["bytes"] == 3_000_000
        # The address is that of whoever asked the proxy, which is this machine's too.
        said = len(server.log)
        await log_in(url, name, "correct horse battery")
        assert '"address": "127.0.0.1"' in server.log[said:]
        assert "proxy_not_trusted" not in server.log
        assert (await post(url, "account.get", token=token))["user"]["username"] == name


@pytest.mark.skipif(shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="no nginx")
async def test_what_nginx_refuses_is_too_large(
    server: ServerProcess, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.test_deploy.PAGE", PAGE.replace("101m", "1m"))
    with running(nginx, tmp_path / "proxy", server.url) as url:
        _, token = await people.register()
        with pytest.raises(TooLarge, match="proxy"):
            await upload(url, bytes(1_200_000), token=token)
