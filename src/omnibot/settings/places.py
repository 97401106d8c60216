"""Places in texts that companies write into their settings."""

from __future__ import annotations

from omnibot.places import PlaceError, Template


def must_be_filled(text: str, *names: str) -> None:
    """Raises ValueError where a text has a place that none of these names fills, or one that is not written well."""
    try:
        strange = Template.of(text).names - set(names)
    except PlaceError as error:
        raise ValueError(f"{text!r} {error}".replace(": ", " - ")) from None
    if strange:
        *others, last = (f"{{{name}}}" for name in names)
        known = f"{', '.join(others)} and {last}"
        raise ValueError(f"has a place {{{min(strange)}}} that nothing fills: there are {known}")
