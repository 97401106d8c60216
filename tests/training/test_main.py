"""python -m training, as whoever retrains meets it."""

import subprocess
import sys
from pathlib import Path

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
