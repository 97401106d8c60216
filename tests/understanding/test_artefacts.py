import subprocess
import sys

import numpy as np
import pytest

from omnibot.understanding.artefacts import SHIPPED, MissingArtefact, artefact, save_artefact

MEGABYTE = 1 << 20


def test_what_is_saved_is_read(tmp_path):
    saved = {
        "weights": np.arange(-3, 3, dtype=np.int8).reshape(2, 3),
        "columns": np.arange(12).reshape(3, 4)[:, 1:3],
        "labels": np.array(["joy", "fear of missing out", "ärger"]),
        "longest": np.array(18),
    }
    save_artefact("moods", saved, tmp_path)
    read = artefact("moods", tmp_path)
    assert read.keys() == saved.keys()
    for name, array in saved.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert (read[name] == array).all()


def test_the_same_arrays_give_the_same_files(tmp_path):
    for folder in ("one", "other"):
        size = save_artefact("heads", {"weights": np.ones((100, 7), np.int8), "biases": np.zeros(7)}, tmp_path / folder)
    files = sorted((tmp_path / "one/heads").iterdir())
    assert sum(file.stat().st_size for file in files) == size
    for file in files:
        assert file.read_bytes() == (tmp_path / "other/heads" / file.name).read_bytes()


def test_saving_again_takes_the_place_of_all_that_was(tmp_path):
    save_artefact("heads", {"weights": np.ones(3), "old": np.ones(3)}, tmp_path)
    save_artefact("heads", {"weights": np.zeros(3)}, tmp_path)
    assert {name: array.tolist() for name, array in artefact("heads", tmp_path).items()} == {"weights": [0, 0, 0]}


def test_large_arrays_are_mapped_and_cannot_be_written_to(tmp_path):
    save_artefact("large", {"weights": np.zeros(MEGABYTE, np.int8)}, tmp_path)
    weights = artefact("large", tmp_path)["weights"]
    assert isinstance(weights.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 1


def test_an_artefact_that_is_missing_says_what_to_do(tmp_path):
    with pytest.raises(MissingArtefact, match=r"no trained weights in .*moods: install omnibot again, or .* training"):
        artefact("moods", tmp_path)


def test_objects_are_neither_written_nor_read(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle=False"):
        save_artefact("objects", {"labels": np.array([{}], dtype=object)}, tmp_path)
    (tmp_path / "objects/labels.npy").parent.mkdir(exist_ok=True)
    np.save(tmp_path / "objects/labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        artefact("objects", tmp_path)


def test_all_that_is_shipped_is_below_15_megabytes():
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*")) < 15_000_000


def test_what_is_shipped_is_read_without_torch_or_sklearn():
    script = (
        "import sys\nfrom omnibot.understanding.features import Extractor\nExtractor()('hello')\n"
        "print({'torch', 'sklearn', 'scipy', 'onnxruntime'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
