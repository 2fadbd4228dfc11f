import pytest

from cases.access import Actor, may_manage
from cases.words import ROLES

STREET = "/1/2/7/"


def actor(role: str, path: str = STREET) -> Actor:
    """Return somebody with this role at this unit."""
    return Actor(1, "某人", role, 7, path)


@pytest.mark.parametrize("role", ["street", "community", "district", "city", "grid_leader", "department", "dispatcher"])
def test_heads_arrange_their_own_and_below(role: str) -> None:
    """Heads arrange the people of their own unit and below it, nobody beside or above."""
    assert may_manage(actor(role), STREET, "street")
    assert may_manage(actor(role), "/1/2/7/9/", "grid_officer")
    assert not may_manage(actor(role), "/1/2/", "district")
    assert not may_manage(actor(role), "/1/2/70/", "street")


def test_leaders_and_administrators_are_arranged_by_an_administrator() -> None:
    """No head switches off a leader or an administrator of their own unit; an administrator may, anywhere."""
    assert not any(may_manage(actor("district"), STREET, role) for role in ("leader", "admin"))
    assert all(may_manage(actor("admin", "/9/"), STREET, role) for role in ROLES)


@pytest.mark.parametrize("role", ["grid_officer", "leader"])
def test_others_arrange_nobody(role: str) -> None:
    """Grid officers and leaders arrange nobody but themselves."""
    assert not any(may_manage(actor(role), STREET, other) for other in ROLES)
