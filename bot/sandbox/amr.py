"""Silent voice recordings. Source: RFC 4867, section 5 (storage format of AMR-NB)."""

from __future__ import annotations

MAGIC = b"#!AMR\n"
FRAMES_PER_SECOND = 50
SILENT_FRAME = b"\x04" + bytes(12)  # 4.75 kbit/s; decodes to less than 10⁻⁵ of full scale


def silence(seconds: int) -> bytes:
    """Return a valid AMR-NB file of that many seconds in which nobody speaks."""
    return MAGIC + SILENT_FRAME * (FRAMES_PER_SECOND * seconds)
