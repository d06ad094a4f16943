"""What plugins add to the application, and the undoing of what a failing one did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dash_messenger import WebContext, hookimpl
from dash_messenger.accounts.security_log import Refusals
from dash_messenger.gateway.http import OpenPaths
from dash_messenger.plugins.loader import Plugin
from dash_messenger.plugins.web_host import Pages
from fixtures.local_server import PASSWORD, LocalServer, open_server
from quart import Quart, request


class Good:
    @hookimpl
    def register_http(self, app: Quart, context: WebContext) -> None:
        context.open_paths("/good/")

        async def good(rest: str) -> Any:
            viewer = await context.viewer(request.headers)
            if viewer is None:
                return {"who": None}
            return {"who": (await viewer.call("account.get"))["user"]["username"]}

        app.add_url_rule("/good/<rest>", "good", good)
        self.data_path = context.data_path


class Bad:
    @hookimpl
    def register_http(self, app: Quart, context: WebContext) -> None:
        context.open_paths("/bad")

        async def bad() -> str:
            return "bad"

        async def everywhere() -> str:
            return "mine"

        app.add_url_rule("/bad", "bad", bad)
        app.before_request(everywhere)
        raise RuntimeError("no")


def install(local: LocalServer, name: str, plugin: object) -> None:
    server = local.server
    plugins = server.installed.plugins
    plugins._plugins[name] = Plugin(name, "dash_messenger", name, "1", name)
    plugins._manager.register(plugin, name)


async def test_pages_know_the_viewer_and_a_failing_plugin_leaves_nothing(
    local: LocalServer,
) -> None:
    server = local.server
    install(local, "bad", Bad())
    good = Good()
    install(local, "good", good)
    open_paths = OpenPaths()
    first: Any = server.app.before_request_funcs[None][0]
    first.__self__._open_paths = open_paths
    Pages(
        server.app,
        server.commands,
        server.sessions,
        server.installed.types,
        server.installed.themes,
        server.settings,
        open_paths,
        Refusals(),
        server.setup_code,
    ).register(server.installed.plugins)
    assert not server.installed.plugins.loaded("bad")
    assert server.installed.plugins.loaded("good")
    token = await local.token("ann")
    assert (await local.request("/bad", method="GET")).status == 401
    assert (await local.request("/bad", method="GET", token=token)).status == 404
    assert (await local.request("/good/x", method="GET")).body == {"who": None}
    seen = await local.request("/good/x", method="GET", token=token)
    assert seen.body == {"who": "ann"}
    assert good.data_path.endswith("plugins/good")


class Form:
    @hookimpl
    def register_http(self, app: Quart, context: WebContext) -> None:
        context.open_paths("/form")

        async def form() -> Any:
            return {"code": await context.setup_code()}

        app.add_url_rule("/form", "form", form)


@pytest.mark.parametrize("public_url", [None, "http://localhost:8000"])
async def test_pages_fill_the_set_up_code_in_on_the_server_s_own_machine_alone(
    tmp_path: Path, public_url: str | None
) -> None:
    async with open_server(tmp_path, public_url=public_url) as local:
        install(local, "form", Form())
        local.server.services.transport.pages.register(local.server.installed.plugins)

        async def shown(peer: str = "127.0.0.1", **headers: str) -> str | None:
            answer = await local.request("/form", method="GET", peer=peer, headers=headers)
            code: str | None = answer.body["code"]
            return code

        code = await local.server.setup_code.current()
        # Where an address for people is set, there is a proxy, which may send no header.
        assert await shown() == ("" if public_url else code)
        assert await shown(peer="10.0.0.7") == ""
        assert await shown(**{"X-Forwarded-For": "127.0.0.1"}) == ""
        await local.server.accounts.create("ann", PASSWORD, role="admin")
        assert await shown() is None
        assert await shown(peer="10.0.0.7") is None
