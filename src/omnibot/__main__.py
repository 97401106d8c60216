"""`python -m omnibot`, the same as `omnibot`."""

from omnibot.cli import app

if __name__ == "__main__":
    app()
