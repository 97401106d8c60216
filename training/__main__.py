"""python -m training FOLDER [PART …]: trains what the package ships, all of it or parts, and says how well."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
from pathlib import Path

from training.datasets import MissingData

# In their order: each looks at what those before it say.
_PARTS = ("encoder", "kin", "sentiment", "emotions", "goemotions", "signals")


def main(arguments: list[str] | None = None) -> int:
    """Train the parts that are named, or all, and print their figures as one JSON object."""
    parser = argparse.ArgumentParser("python -m training", description="Train the weights that omnibot ships.")
    parser.add_argument("data", type=Path, help="the folder with goemotions/, multidogo/ and ibm_twitter_care/")
    parser.add_argument("parts", nargs="*", default=["all"], choices=(*_PARTS, "all"), help="what to train: all of it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure-only", action="store_true", help="train nothing, and measure what is there")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    parts = _PARTS if "all" in chosen.parts else [part for part in _PARTS if part in chosen.parts]
    figures = {}
    try:
        for part in parts:
            module = importlib.import_module(f"training.{part}")
            if not chosen.measure_only:
                module.train(chosen.data, chosen.seed)
            figures[part] = module.figures(chosen.data)
    except MissingData as error:
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"{error}: pip install -e .[training] in an environment for training alone", file=sys.stderr)
        return 1
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
