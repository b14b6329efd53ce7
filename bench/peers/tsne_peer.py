"""t-SNE by scikit-learn: Barnes-Hut, start from principal components, automatic learning rate, all cores.

    python3 tsne_peer.py ROWS.npy PERPLEXITY ITERATIONS LAYOUT.npy

ROWS is float32 [N, D]. Writes the layout, float32 [N, 2], and prints JSON: seconds, the processors' seconds, and
the divergence as scikit-learn estimates it.
"""

import json
import sys
import time

import numpy as np
import sklearn
from sklearn.manifold import TSNE


def main():
    rows = np.ascontiguousarray(np.load(sys.argv[1]), dtype=np.float32)
    model = TSNE(
        perplexity=float(sys.argv[2]),
        n_iter=int(sys.argv[3]),
        init="pca",
        learning_rate="auto",
        method="barnes_hut",
        random_state=0,
        n_jobs=-1,
    )
    begin, begin_processors = time.perf_counter(), time.process_time()
    layout = model.fit_transform(rows)
    seconds, processors = time.perf_counter() - begin, time.process_time() - begin_processors
    np.save(sys.argv[4], np.ascontiguousarray(layout, dtype=np.float32))
    print(json.dumps({"version": sklearn.__version__, "seconds": seconds, "processor_seconds": processors,
                      "divergence": float(model.kl_divergence_)}))


main()
