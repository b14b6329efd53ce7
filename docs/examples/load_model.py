#!/usr/bin/env python3
"""Labels images with a model that coterie exported, without coterie.

    coterie export RUN --model torchscript --to model
    python3 load_model.py model images.npy > labels.csv

images.npy holds N x H x W or N x H x W x 3 bytes (uint8), in the shape that the run was made from
(model/model.json says it). Needs PyTorch and NumPy.
"""
import json
import pathlib
import sys

import numpy
import torch


def main(folder, images):
    about = json.loads((pathlib.Path(folder) / "model.json").read_text())
    model = torch.jit.load(str(pathlib.Path(folder) / "model.pt"))
    pixels = numpy.load(images)
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    pixels = numpy.ascontiguousarray(pixels.transpose(0, 3, 1, 2))  # N x C x H x W
    if list(pixels.shape[1:]) != about["input"]["shape"]:
        sys.exit(f"{images} holds {list(pixels.shape[1:])}, the model takes {about['input']['shape']}")
    print("row,label,confidence")
    with torch.no_grad():
        for begin in range(0, len(pixels), 256):
            batch = torch.from_numpy(pixels[begin : begin + 256]).float() / 255
            labels, probabilities, _ = model(batch)
            for i, label in enumerate(labels.tolist()):
                print(f"{begin + i},{label},{probabilities[i, label]:.6f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
