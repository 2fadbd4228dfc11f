"""The product in this process, as the tests beside these have it."""

from tests.integration.conftest import app, house, postgres_city, postgres_url, sample_city, serving, settings, staff

__all__ = ["app", "house", "postgres_city", "postgres_url", "sample_city", "serving", "settings", "staff"]
