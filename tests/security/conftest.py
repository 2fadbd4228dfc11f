"""The product in this process, as the tests beside these have it."""

from tests.integration.conftest import app, house, serving, settings, staff

__all__ = ["app", "house", "serving", "settings", "staff"]
