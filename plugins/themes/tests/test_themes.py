from __future__ import annotations

from dash_messenger.testing import ThemeContract
from dash_messenger_themes.server import FOREST, NIGHT, SAND


class TestSand(ThemeContract):
    theme = SAND


class TestNight(ThemeContract):
    theme = NIGHT


class TestForest(ThemeContract):
    theme = FOREST
