"""The product in this process, as the tests beside these have it."""

from tests.integration.conftest import app, house, neighbour, resident, serving, settings, staff

__all__ = ["app", "house", "neighbour", "resident", "serving", "settings", "staff"]
