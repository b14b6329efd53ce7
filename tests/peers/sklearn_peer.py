"""Clusters with scikit-learn what sklearn_test.cpp clustered, and scores both by the same measure.

    python3 sklearn_peer.py FOLDER

FOLDER/tasks.txt has a line for each task: data set, rows, columns, clusters, method, our objective. The
rows lie in DATASET.f32, our labels in DATASET.METHOD.i32. A line goes to FOLDER/results.txt for each:
data set, method, our objective, scikit-learn's, and the share of rows with the same label, up to names.
Lower objectives are better.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import NMF
from sklearn.manifold import spectral_embedding
from sklearn.metrics.cluster import contingency_matrix
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import kneighbors_graph


def agreement(ours, theirs):
    table = contingency_matrix(ours, theirs)
    return table[linear_sum_assignment(-table)].sum() / len(ours)


def inertia(x, labels):
    groups = [x[labels == label] for label in np.unique(labels)]
    return sum(((group - group.mean(0)) ** 2).sum() for group in groups)


def normalised_cut(graph, labels):
    cut = 0.0
    for label in np.unique(labels):
        inside = labels == label
        volume = graph[inside].sum()
        cut += 1 - graph[inside][:, inside].sum() / volume if volume > 0 else 1
    return cut


def log_likelihood(x, values, clusters, full):
    """Of the rows under our mixture: weights, means and covariances one after the other."""
    columns = x.shape[1]
    weights, means, shapes = np.split(values, [clusters, clusters * (columns + 1)])
    means = means.reshape(clusters, columns)
    shapes = shapes.reshape((clusters, columns, columns) if full else (clusters, columns))
    joint = [
        np.log(max(weight, 1e-300))
        + multivariate_normal(mean, shape if full else np.diag(shape)).logpdf(x)
        for weight, mean, shape in zip(weights, means, shapes)
    ]
    return logsumexp(joint, axis=0).sum()


def run(x, clusters, method, ours, extra):
    """Our objective, theirs, their labels. `extra` is our objective where labels do not decide it, or
    the file that holds our mixture."""
    if method == "kmeans":
        theirs = KMeans(clusters, n_init=10, random_state=0).fit_predict(x)
        return inertia(x, ours), inertia(x, theirs), theirs
    if method == "spectral":
        # Each row counts as its own neighbour there: 10 others are 11.
        near = kneighbors_graph(x, 11, include_self=True)
        graph = (near + near.T) / 2
        # SpectralClustering divides by the degrees where Ng, Jordan and Weiss take rows of unit length.
        codes = spectral_embedding(graph, n_components=clusters, drop_first=False, random_state=0)
        codes /= np.linalg.norm(codes, axis=1, keepdims=True)
        theirs = KMeans(clusters, n_init=10, random_state=0).fit_predict(codes)
        return normalised_cut(graph, ours), normalised_cut(graph, theirs), theirs
    if method.startswith("agglomerative-"):
        linkage = method.split("-")[1]
        theirs = AgglomerativeClustering(clusters, linkage=linkage).fit_predict(x)
        return inertia(x, ours), inertia(x, theirs), theirs
    if method.startswith("gaussian-"):
        shape = {"diagonal": "diag", "full": "full"}[method.split("-")[1]]
        model = GaussianMixture(
            clusters, covariance_type=shape, n_init=30, tol=1e-4, max_iter=500, random_state=0,
            reg_covar=1e-6 * x.var(0).mean(),
        ).fit(x)
        mine = log_likelihood(x, np.fromfile(extra, np.float64), clusters, shape == "full")
        return -mine, -model.score(x) * len(x), model.predict(x)
    if method == "nmf":
        model = NMF(clusters, init="nndsvda", tol=1e-6, max_iter=1000)
        weights = model.fit_transform(x) * np.linalg.norm(model.components_, axis=1)
        return float(extra), model.reconstruction_err_**2, weights.argmax(1)
    raise SystemExit(f"unknown method {method}")


def main(folder):
    with open(folder / "results.txt", "w") as results:
        for line in (folder / "tasks.txt").read_text().splitlines():
            name, rows, columns, clusters, method, objective = line.split()
            x = np.fromfile(folder / f"{name}.f32", np.float32).reshape(int(rows), int(columns))
            ours = np.fromfile(folder / f"{name}.{method}.i32", np.int32)
            if method.startswith("gaussian-"):
                objective = folder / f"{name}.{method}.f64"
            mine, their, labels = run(x.astype(np.float64), int(clusters), method, ours, objective)
            print(name, method, repr(float(mine)), repr(float(their)), agreement(ours, labels),
                  file=results)


main(Path(sys.argv[1]))
