"""Features of many texts as one matrix, as scikit-learn wants it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_matrix

from omnibot.understanding.features import BUCKETS, DENSE, Extractor

__all__ = ["matrices"]


def matrices(texts: Iterable[str], extractor: Extractor) -> tuple[csr_matrix, np.ndarray]:
    """The hashed part, (texts, BUCKETS), and the dense part, (texts, DENSE)."""
    features = [extractor(text) for text in texts]
    ends = np.cumsum([0, *(len(each.hashed_ids) for each in features)])
    ids = np.concatenate([each.hashed_ids for each in features])
    weights = np.concatenate([each.hashed_weights for each in features])
    hashed = csr_matrix((weights, ids, ends), shape=(len(features), BUCKETS))
    hashed.sum_duplicates()
    return hashed, np.stack([each.dense for each in features]).reshape(len(features), DENSE)
