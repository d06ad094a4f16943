"""Photos on their way, as the browser draws them: where they will stand when they have arrived."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import dash_messenger_photo
import pytest
from dash_messenger_photo.layout import arrange

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(not shutil.which("node"), reason="needs Node"),
]

SCRIPT = Path(dash_messenger_photo.__file__).parent / "assets" / "sending.js"
ARRANGE = """
const { arrange } = await import(process.argv[1]);
let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(arrange)));
"""


def test_the_browser_arranges_albums_as_the_server_does() -> None:
    chance = random.Random(9)
    albums = [
        [chance.uniform(0.65, 1.8) for _ in range(n)] for n in range(2, 11) for _ in range(20)
    ]
    command = ["node", "--input-type=module", "-e", ARRANGE, SCRIPT.as_uri()]
    answered = subprocess.run(
        command, input=json.dumps(albums), capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(answered.stdout) == [arrange(album) for album in albums]
