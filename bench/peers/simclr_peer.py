"""A training step of SimCLR as it is commonly written in Python: torchvision's transforms and ResNet, a
DataLoader, torch.optim.Adam.

    python3 simclr_peer.py [--batch 256] [--steps 20] [--warmup 3] [--threads 2]
                           [--backbone resnet18|compact] [--images IMAGES.u8]
                           [--network-only] [--precision fp32|bf16]

The images are 3 x 32 x 32 bytes each, smooth noise or the content of IMAGES.u8 (raw, one image after the
other). A step takes two views of each image of a batch, the network and projector over both, InfoNCE
(Chen et al. 2020, eq. 1) and Adam; the loader is up to four batches ahead, so fewer steps than that say
little of it. --network-only times the bare backbone forward and backward on views
that are ready. bf16: torch.autocast and channels_last. Prints JSON: images (not views) per second, and
seconds for a step, the mean over all of them.
"""

import argparse
import json
import time

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models.resnet import BasicBlock

SIDE = 32
COUNT = 10000  # of the smooth images
LOADER_WORKERS = 2
TEMPERATURE = 0.5
TRANSFORM = transforms.Compose([
    transforms.ToPILImage(),
    transforms.RandomResizedCrop(SIDE, scale=(0.2, 1.0)),
    transforms.RandomHorizontalFlip(),
    transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
    transforms.RandomGrayscale(p=0.2),
    transforms.ToTensor(),
    transforms.Normalize([0.5] * 3, [0.25] * 3),
])


def smooth_images(count):
    """Noise of 4 x 4 pixels, enlarged: bytes [count, SIDE, SIDE, 3]."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    fine = F.interpolate(coarse, SIDE, mode="bilinear", align_corners=False)
    return (fine * 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def stored_images(path):
    return np.fromfile(path, np.uint8).reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1).copy()


class TwoViews(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return TRANSFORM(self.images[i]), TRANSFORM(self.images[i])


def resnet18():
    """With the stem for small images; gives [N, 512]."""
    network = torchvision.models.resnet18()
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    network.fc = nn.Identity()
    return network, 512


def compact():
    """A stem of 32 channels and three blocks; gives [N, 256]."""
    layers = [nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
    for narrow, wide in [(32, 64), (64, 128), (128, 256)]:
        shortcut = nn.Sequential(nn.Conv2d(narrow, wide, 1, stride=2, bias=False), nn.BatchNorm2d(wide))
        layers.append(BasicBlock(narrow, wide, stride=2, downsample=shortcut))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 256


def projector(width):
    return nn.Sequential(nn.Linear(width, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True),
                         nn.Linear(512, 128))


def info_nce(first, second):
    rows = F.normalize(torch.cat([first, second]), dim=1)
    similarity = rows @ rows.T / TEMPERATURE
    similarity.fill_diagonal_(float("-inf"))
    partners = torch.arange(len(rows)).roll(len(first))
    return F.cross_entropy(similarity, partners)


def seconds_per_step(step, warmup, steps):
    for _ in range(warmup):
        step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - begin) / steps


def whole_step(options, backbone, width, autocast):
    """A function that does one step, with a loader that works ahead of it."""
    images = stored_images(options.images) if options.images else smooth_images(COUNT)
    if len(images) < options.batch:
        raise SystemExit(f"{len(images)} images are fewer than a batch of {options.batch}")
    loader = DataLoader(TwoViews(images), options.batch, shuffle=True, drop_last=True,
                        num_workers=LOADER_WORKERS, persistent_workers=True)
    network = nn.Sequential(backbone, projector(width)).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def endless():
        while True:
            yield from loader

    batches = endless()

    def step():
        first, second = next(batches)
        views = torch.cat([first, second])
        if options.precision == "bf16":
            views = views.contiguous(memory_format=torch.channels_last)
        with autocast():
            projections = network(views)
        loss = info_nce(*projections.float().chunk(2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def network_step(options, backbone, autocast):
    views = torch.randn(2 * options.batch, 3, SIDE, SIDE)
    if options.precision == "bf16":
        views = views.contiguous(memory_format=torch.channels_last)
    backbone.train()

    def step():
        backbone.zero_grad()
        with autocast():
            features = backbone(views)
        features.float().sum().backward()

    return step


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--backbone", choices=["resnet18", "compact"], default="resnet18")
    parser.add_argument("--images")
    parser.add_argument("--network-only", action="store_true")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    return parser.parse_args()


def main():
    options = parsed()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    backbone, width = {"resnet18": resnet18, "compact": compact}[options.backbone]()
    bf16 = options.precision == "bf16"
    if bf16:
        backbone = backbone.to(memory_format=torch.channels_last)

    def autocast():
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16)

    step = (network_step(options, backbone, autocast) if options.network_only
            else whole_step(options, backbone, width, autocast))
    seconds = seconds_per_step(step, options.warmup, options.steps)
    print(json.dumps({
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "backbone": options.backbone,
        "parameters": sum(p.numel() for p in backbone.parameters()),
        "precision": options.precision,
        "network_only": options.network_only,
        "batch": options.batch,
        "threads": torch.get_num_threads(),
        "seconds_per_step": seconds,
        "images_per_second": options.batch / seconds,
    }, indent=2))


if __name__ == "__main__":
    main()
