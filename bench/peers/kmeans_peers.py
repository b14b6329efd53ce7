"""Lloyd's iterations by scikit-learn, and by FAISS where python3-faiss is installed, from given centres.

    python3 kmeans_peers.py ROWS.npy CENTRES.npy [ITERATIONS]

Both files hold float32, [N, D] and [K, D]. Prints JSON: for each peer the seconds (median of five runs)
and the inertia. Both do all ITERATIONS (20 where none are given) but where no label changes any more.
"""

import json
import statistics
import sys
import time

import numpy as np
import sklearn
from sklearn.cluster import KMeans


def timed(run):
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds), result


def by_sklearn(x, start, iterations):
    def run():
        model = KMeans(
            len(start), init=start, n_init=1, algorithm="lloyd", max_iter=iterations, tol=0
        )
        return model.fit(x)

    seconds, model = timed(run)
    return {"version": sklearn.__version__, "seconds": seconds, "iterations": model.n_iter_,
            "inertia": float(model.inertia_)}


def by_faiss(faiss, x, start, iterations):
    def run():
        clustering = faiss.Clustering(x.shape[1], len(start))
        clustering.niter = iterations
        # FAISS takes a sample of the rows otherwise.
        clustering.max_points_per_centroid = len(x)
        clustering.min_points_per_centroid = 1
        faiss.copy_array_to_vector(start.ravel(), clustering.centroids)
        index = faiss.IndexFlatL2(x.shape[1])
        clustering.train(x, index)
        return index

    seconds, index = timed(run)
    return {"version": faiss.__version__, "seconds": seconds, "iterations": iterations,
            "inertia": float(index.search(x, 1)[0].sum(dtype=np.float64))}


def main():
    x = np.ascontiguousarray(np.load(sys.argv[1]), dtype=np.float32)
    start = np.ascontiguousarray(np.load(sys.argv[2]), dtype=np.float32)
    iterations = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    results = {"sklearn": by_sklearn(x, start, iterations)}
    try:
        import faiss
    except ImportError:
        results["faiss"] = None
    else:
        results["faiss"] = by_faiss(faiss, x, start, iterations)
    print(json.dumps(results, indent=2))


main()
