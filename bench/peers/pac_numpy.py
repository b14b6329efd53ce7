"""Probability aggregation clustering as its paper writes it down: row by row, from all distances.

    python3 pac_numpy.py ROWS.npy CLUSTERS printed|product

Yan, Lu, Yan: Deep Probability Aggregation Clustering (2024), algorithm 1 and eq. 8, with squared Euclidean
distances, which take N * N * 8 bytes; `printed` with a loop over the clusters too, as it is written
there, `product` with one matrix product for a row. Prints JSON: seconds in all and for a sweep, sweeps, objective (eq. 1).
"""

import json
import sys
import time

import numpy as np

M = 1.03
TOLERANCE = 1e-3
FEWEST_SWEEPS, MOST_SWEEPS = 10, 100


def squared_distances(x):
    x = x - x.mean(0)
    squares = (x**2).sum(1)
    distances = squares[:, None] + squares[None, :] - 2 * x @ x.T
    np.maximum(distances, 0, out=distances)
    np.fill_diagonal(distances, 0)
    return distances


def start(rows, clusters, random):
    p = np.exp(random.standard_normal((rows, clusters)) / 1000)
    return p / p.sum(1, keepdims=True)


def scores_as_printed(p, distances, i):
    """One sum over all rows for each cluster: the two loops of algorithm 1."""
    return np.array([(p[:, k] * distances[i]).sum() for k in range(p.shape[1])])


def scores_in_one_product(p, distances, i):
    return distances[i] @ p


def sweep(p, distances, order, scores_of):
    """Eq. 8 for one row after the other; each sees the fresh ones. Returns the mean L1 change."""
    change = 0.0
    for i in order:
        scores = np.maximum(scores_of(p, distances, i), 1e-300)
        logs = -np.log(scores) / (M - 1)
        fresh = np.exp(logs - logs.max())
        fresh /= fresh.sum()
        change += np.abs(fresh - p[i]).sum()
        p[i] = fresh
    return change / len(p)


def main():
    x = np.load(sys.argv[1]).astype(np.float64)
    clusters = int(sys.argv[2])
    scores_of = {"printed": scores_as_printed, "product": scores_in_one_product}[sys.argv[3]]
    random = np.random.default_rng(0)
    begin = time.perf_counter()
    distances = squared_distances(x)
    preparation = time.perf_counter() - begin
    p = start(len(x), clusters, random)
    order = random.permutation(len(x))
    sweeps, change = 0, np.inf
    begin = time.perf_counter()
    while sweeps < MOST_SWEEPS and (sweeps <= FEWEST_SWEEPS or change >= TOLERANCE):
        change = sweep(p, distances, order, scores_of)
        sweeps += 1
    seconds = time.perf_counter() - begin
    print(json.dumps({
        "seconds": preparation + seconds,
        "seconds_for_distances": preparation,
        "seconds_per_sweep": seconds / sweeps,
        "sweeps": sweeps,
        "objective": float(np.einsum("ik,ik->", p, distances @ p)),
        "sizes": np.bincount(p.argmax(1), minlength=clusters).tolist(),
    }, indent=2))


main()
