"""The database: tables, the unit of work, and the queries. The only part of the case book that knows SQLAlchemy."""

from cases.storage.book import Bell, Book
from cases.storage.engine import build_engine, migrate
from cases.storage.lists import ORDERS, QueuePage
from cases.storage.registry import Listing, Wanted
from cases.storage.scope import Did, Filter, Narrow, Reach, Scope
from cases.storage.unit import Store

__all__ = [
    "ORDERS",
    "Bell",
    "Book",
    "Did",
    "Filter",
    "Listing",
    "Narrow",
    "QueuePage",
    "Reach",
    "Scope",
    "Store",
    "Wanted",
    "build_engine",
    "migrate",
]
