"""A training step of the 28-pixel convolutional autoencoder of Yu et al. (2021), table 3, as it is commonly
written in Python: torch.nn layers, torch.optim.Adam, images as one float tensor in memory.

    python3 autoencoder_peer.py [--batch 256] [--steps 200] [--warmup 20] [--threads 2] [--bottleneck 16]

Prints JSON: images per second, and seconds for a step.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn

COUNT = 20000


def down(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


def up(inputs, outputs, output_padding):
    return [nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=output_padding)]


def autoencoder(bottleneck):
    layers = [*down(1, 8), *down(8, 16), *down(16, 32), *down(32, 64), nn.Flatten()]
    if bottleneck:
        layers += [nn.Linear(256, bottleneck), nn.Linear(bottleneck, 256), nn.ReLU()]
    layers += [nn.Unflatten(1, (64, 2, 2))]
    for inputs, outputs, padding in [(64, 32, 1), (32, 16, 0), (16, 8, 1)]:
        layers += [*up(inputs, outputs, padding), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, *up(8, 1, 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bottleneck", type=int, default=16)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    images = torch.rand(COUNT, 1, 28, 28)
    network = autoencoder(options.bottleneck)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step():
        batch = images[torch.randint(COUNT, (options.batch,))]
        loss = F.mse_loss(network(batch), batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    for _ in range(options.warmup):
        step()
    begin = time.perf_counter()
    for _ in range(options.steps):
        step()
    seconds = (time.perf_counter() - begin) / options.steps
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "batch": options.batch,
                      "seconds_per_step": seconds, "images_per_second": options.batch / seconds}))


if __name__ == "__main__":
    main()
