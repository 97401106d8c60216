"""python -m training, as whoever retrains meets it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from training.__main__ import _PARTS
from training.datasets import LABELLED

from omnibot.understanding.artefacts import SHIPPED

TOP = Path(__file__).parents[2]


def train(*arguments):
    command = [sys.executable, "-m", "training", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=TOP, timeout=60)


def test_a_folder_without_the_data_is_told(tmp_path):
    done = train(str(tmp_path), "encoder", "--measure-only")
    assert done.returncode == 1
    assert "name the folder that holds goemotions/, multidogo/ and ibm_twitter_care/" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_part_is_refused_with_those_that_there_are(tmp_path):
    done = train(str(tmp_path), "moods")
    assert done.returncode == 2
    assert "'encoder', 'kin', 'sentiment', 'emotions', 'goemotions', 'signals', 'all'" in done.stderr


@pytest.mark.parametrize("part", _PARTS)
def test_the_model_card_tells_how_each_part_is_made_again(part):
    card = (TOP / "docs" / "model-card.md").read_text(encoding="utf-8")
    assert re.search(rf"`python -m training FOLDER(?: \w+)* {part}\b", card)


@pytest.mark.parametrize("artefact", [path.name for path in SHIPPED.iterdir() if path.is_dir()])
def test_the_model_card_names_what_is_shipped(artefact):
    card = (TOP / "docs" / "model-card.md").read_text(encoding="utf-8")
    assert re.search(rf'[`"]{artefact}[`"]', card)


@pytest.mark.parametrize("data", [path.name for path in LABELLED.glob("*.jsonl")])
def test_the_model_card_names_every_labelled_set(data):
    assert f"{data}`" in (TOP / "docs" / "model-card.md").read_text(encoding="utf-8")
