#include "coterie/run/run_files.h"

namespace coterie {
namespace {

constexpr RunFile kFiles[] = {
    {"manifest.json", RunFileRole::manifest,
     "version, command, all parameters, seed, device, threads, what the input was (with the sha256 "
     "of its content), timings, and the size and sha256 of each output; `status` is `running`, "
     "`interrupted` or `finished`"},
    {"assignments.csv", RunFileRole::output,
     "`id,path,label,confidence,rank`: a line for each input in input order. `id` counts from 0. "
     "Clusters are numbered by size, the largest is 0. `confidence` is the largest probability; "
     "`rank` is the place in the cluster by confidence, 0 the surest"},
    {"bad_files.csv", RunFileRole::output,
     "`path,cause`: every file that could not be used. Each input is here or in `assignments.csv`, "
     "exactly once"},
    {"probabilities.npy", RunFileRole::output, "float32, N x K"},
    {"embeddings.npy", RunFileRole::output,
     "float32, N x E: what the method clustered. Absent where that was the input itself"},
    {"metrics.json", RunFileRole::output,
     "sizes, seconds, the method's own figures under `statistics` (objective of each restart; "
     "`cluster_count` with its `reason` and `curve` after `-k auto`), and ACC, NMI, ARI and purity "
     "where ground truth was given"},
    {"history.jsonl", RunFileRole::output,
     "a line for each epoch (stage, losses, learning rate, images a second, cluster sizes, "
     "`collapse` where there was one) or restart. After a crash, epochs since the last checkpoint "
     "are trained and written again, in place of the earlier lines"},
    {"model.safetensors", RunFileRole::output,
     "the trained model's tensors; with `model.json` all that `coterie predict` needs"},
    {"model.json", RunFileRole::output,
     "its method, parameters, form of input, and the order of its clusters"},
    {"dendrogram.csv", RunFileRole::output,
     "`agglomerative` alone: `a,b,height,size` of each merge, lowest first. Rows are clusters 0 to "
     "N - 1, merge m makes cluster N + m"},
    {"hierarchy.csv", RunFileRole::output,
     "`finch` alone: the label of each row in each level, the finest first"},
    {"constraints.csv", RunFileRole::output,
     "`adc` alone: `id_a,id_b,link` of each pair that it learned from"},
    {"corrections.csv", RunFileRole::output,
     "with `--constraints`, or from the annotator: the pairs that people had judged before the run "
     "was started"},
    {"corrections.json", RunFileRole::output,
     "from the annotator: `labels`, the clusters as people had corrected them before the run was "
     "started"},
    {"map.npy", RunFileRole::added,
     "of `coterie map RUN`: float32, N x 2, where t-SNE puts each row of `assignments.csv` in the "
     "plane"},
    {"map.json", RunFileRole::added,
     "of the same: what was laid out, the perplexity and other parameters, the KL divergence, how "
     "many rows were placed among the others, seconds"},
    {"duplicates.csv", RunFileRole::added,
     "of `coterie duplicates RUN`: `group,id,path,kind,similarity`, a line for each image that "
     "repeats another. `kind` is `exact` (the same pixels) or `near`; `similarity` is the cosine "
     "to the most similar other image of the group"},
    {"outliers.csv", RunFileRole::added,
     "of `coterie outliers RUN`: `id,path,label,score,rank`, every image, the strangest first. "
     "`score` 1 is usual"},
    {"checkpoints", RunFileRole::folder,
     "what `coterie resume` goes on from: the last two checkpoints and the one at the end of each "
     "stage; torn ones are passed over"},
    {"tensorboard", RunFileRole::folder,
     "with `--tensorboard` alone: the figures of `history.jsonl` as event files, one for each "
     "start of the run; `tensorboard --logdir RUN` draws them while it goes on"},
    {"snapshots", RunFileRole::folder,
     "with `--snapshots 1,5,20` alone: what the network makes of 10,000 images after those epochs "
     "of each stage: `STAGE-EPOCH.npy` (embeddings) and `STAGE-EPOCH-probabilities.npy` (where it "
     "has clusters by then), float32; `rows.csv` names the images: `row,path`. `coterie "
     "evaluate RUN` scores them, `coterie map RUN --snapshot STAGE-EPOCH` adds "
     "`STAGE-EPOCH-map.npy`"},
    {"report", RunFileRole::folder,
     "`index.html` is the page to look at. With a map it takes its small pictures from `files-N/`: "
     "100 images a file, image i in file i / 100. `comparison/` is what `coterie report --compare` "
     "writes"},
    {"replaced", RunFileRole::kept,
     "with `--force`: the run that was here, a run folder like this one, until the new run is "
     "finished. Where the new one fails before its first checkpoint it is brought back"},
    {"constraints.db", RunFileRole::kept,
     "of `coterie annotate RUN`: all that people said of the images, an SQLite file with one row "
     "for each answer, edit and undo, in order"},
    {"constraints.db.lock", RunFileRole::kept, "held by the process that writes to it"},
    {"rounds", RunFileRole::kept,
     "of the same: `001/`, `002/`, ..., what each round of answers trained, run folders like this "
     "one"},
};

}  // namespace

std::span<const RunFile> run_files() { return kFiles; }

}  // namespace coterie
