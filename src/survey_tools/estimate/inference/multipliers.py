"""Draw the signs by which a wild cluster bootstrap multiplies the residuals of each cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats

Kind = Literal["rademacher", "webb"]
_WEBB = np.sqrt([0.5, 1.0, 1.5])
_POINTS = {"rademacher": np.array([-1.0, 1.0]), "webb": np.concatenate([-_WEBB, _WEBB])}
_BLOCK = 75_000  # numbers held at a time: what a processor keeps near


@dataclass(frozen=True)
class Multipliers:
    """One multiplier for each cluster and draw, kept in few bytes.

    Attributes
    ----------
    kind : {"rademacher", "webb"}
        Rademacher: -1 or 1. Webb: plus or minus the roots of 1/2, 1 and 3/2, all six equally likely
        (Webb 2023, Canadian Journal of Economics 56:839).
    draws : int
        Number of draws, B.
    enumerated : bool
        Whether the draws are all vectors of signs that there are, the data themselves among them.
    """

    kind: Kind
    draws: int
    enumerated: bool
    _packed: npt.NDArray[np.uint8]

    @classmethod
    def of(
        cls, clusters: Sequence[str], *, draws: int, seed: int, kind: Kind = "rademacher"
    ) -> Multipliers:
        """Draw the multipliers of `clusters`, or enumerate all where there are no more than asked for.

        The multipliers of a cluster come from a generator keyed by `seed` and the cluster's name. So they
        are the same in whatever order, company or process it is met, and more draws begin with the fewer.
        Rademacher signs are enumerated if 2^G is at most `draws` + 1, the data counted as one of them.

        Raises
        ------
        DesignError
            Fewer than two clusters, no draws, or an unknown kind.
        """
        _check(clusters, draws, kind)
        if kind == "rademacher" and 2 ** len(clusters) <= draws + 1:
            number = np.arange(2 ** len(clusters))
            bits = np.array([number >> g & 1 for g in range(len(clusters))], dtype=np.uint8)
            return cls(kind, len(number), True, np.packbits(bits, axis=1))
        rows = [_row(f"{seed}|{name}", draws, kind) for name in clusters]
        return cls(kind, draws, False, np.array(rows))

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Give the draws in blocks: which they are, and their multipliers, shape (G, b)."""
        n_clusters = len(self._packed)
        size = max(64, _BLOCK // n_clusters // 8 * 8)
        points = _POINTS[self.kind]
        for start in range(0, self.draws, size):
            part = slice(start, min(start + size, self.draws))
            if self.kind == "webb":
                yield part, points[self._packed[:, part]]
                continue
            bits = np.unpackbits(self._packed[:, start // 8 : (start + size) // 8], axis=1)
            signs = bits[:, : part.stop - start].astype(np.float64)
            signs *= 2.0
            signs -= 1.0
            yield part, signs


def _row(key: str, draws: int, kind: Kind) -> npt.NDArray[np.uint8]:
    """Draw one cluster's multipliers: bits packed into bytes, or numbers of Webb's six points."""
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest(), "little")
    rng = np.random.Generator(np.random.Philox(key=number))
    if kind == "webb":
        return rng.integers(0, len(_POINTS["webb"]), size=draws, dtype=np.uint8)
    return np.frombuffer(rng.bytes(-(-draws // 8)), dtype=np.uint8)


def _check(clusters: Sequence[str], draws: int, kind: str) -> None:
    if kind not in _POINTS:
        raise DesignError(
            "Unknown multipliers for the wild bootstrap.",
            expected=" or ".join(_POINTS),
            found=str(kind),
        )
    if draws < 1:
        raise DesignError("No draws are asked for.", expected="at least 1", found=str(draws))
    if len(clusters) < 2:
        raise DesignError(
            "Too few clusters to resample.",
            expected="at least 2 clusters",
            found=str(len(clusters)),
        )
