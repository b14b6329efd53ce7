#!/bin/sh
# Clusters the installed Fashion-MNIST images by the autoencoder method and says where the report is.
set -eu
cd "$(dirname "$0")/.."

run="demo-run"
set -- cluster fashion-mnist -k 10 --method ae --out "$run" --force
echo "coterie $*"
build/release/coterie "$@"
build/release/coterie map "$run"     # every image as a dot, for the report
build/release/coterie report "$run"
cat <<TEXT

70,000 images of clothes were grouped into 10 clusters without their labels: an autoencoder learned
sixteen numbers for each image, and these were clustered. The labels served for the scores above only.
  report        $PWD/$run/report/index.html
  assignments   $PWD/$run/assignments.csv
Next: build/release/coterie annotate $run                  (correct it in the browser)
      build/release/coterie cluster FOLDER_OF_PHOTOS -k 12
TEXT
