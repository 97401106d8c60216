"""Omnibot: one person, one timeline, one reply where and how they like it."""

__version__ = "0.1.0"
