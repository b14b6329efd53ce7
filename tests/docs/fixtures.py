#!/usr/bin/env python3
"""fixtures.py BUILD OUT: what the blocks of the documentation take for given, small and from real images.

OUT/files is laid out in the folder of every page: photos/, features.npy, pendigits.csv and the other names
that the pages use, all made of a few hundred images of Fashion-MNIST. OUT/runs holds finished runs,
OUT/data the data sets known by name, OUT/prefix the installed package.
"""
import gzip
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import zlib

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
PHOTO = 28  # pixels
PHOTOS = 40


def fashion(kind, count):
    """The first images [28 x 28 bytes] of Fashion-MNIST and their classes."""
    images = gzip.open(FASHION / f"{kind}-images-idx3-ubyte.gz").read()
    labels = gzip.open(FASHION / f"{kind}-labels-idx1-ubyte.gz").read()
    return [images[16 + i * 784 : 16 + (i + 1) * 784] for i in range(count)], list(labels[8 : 8 + count])


def shrunk(image, side):
    """The image's pixels at `side` x `side` places."""
    places = [round(i * 27 / (side - 1)) for i in range(side)]
    return [image[28 * y + x] for y in places for x in places]


def photo(image):
    """Colour pixels of PHOTO x PHOTO: the image on a warm ground."""
    return b"".join(bytes((v, v * 7 // 8, v * 3 // 4 + 30)) for v in shrunk(image, PHOTO))


def png(path, pixels):
    rows = b"".join(b"\0" + pixels[i : i + 3 * PHOTO] for i in range(0, len(pixels), 3 * PHOTO))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", PHOTO, PHOTO, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def npy(path, kind, shape, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + data)


def reals(values):
    return struct.pack(f"<{len(values)}f", *values)


def idx_folder(folder, count):
    folder.mkdir(parents=True)
    for kind in ("train", "t10k"):
        images, labels = fashion(kind, count)
        with gzip.open(folder / f"{kind}-images-idx3-ubyte.gz", "wb") as out:
            out.write(struct.pack(">IIII", 0x803, count, 28, 28) + b"".join(images))
        with gzip.open(folder / f"{kind}-labels-idx1-ubyte.gz", "wb") as out:
            out.write(struct.pack(">II", 0x801, count) + bytes(labels))


def table(path, images, labels, truth):
    rows = [",".join([f"x{i}" for i in range(16)] + [truth])]
    rows += [",".join(map(str, shrunk(image, 4) + [label])) for image, label in zip(images, labels)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")


def torchvision_weights(path):
    """Random weights of a ResNet-18 under torchvision's names, as safetensors."""
    import torchvision

    tensors = {
        name: value.numpy().tobytes()
        for name, value in torchvision.models.resnet18().state_dict().items()
        if value.is_floating_point()
    }
    shapes = {name: list(value.shape) for name, value in torchvision.models.resnet18().state_dict().items()}
    header, end = {}, 0
    for name, data in tensors.items():
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))


def make_files(folder):
    images, labels = fashion("train", 300)
    few = images[:PHOTOS]
    for name, part in (("photos", few), ("new-photos", images[PHOTOS : PHOTOS + 8])):
        (folder / name).mkdir(parents=True)
        for i, image in enumerate(part):
            png(folder / name / f"img-{i:03}.png", photo(image))
    (folder / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    npy(folder / "images.npy", "|u1", (PHOTOS, PHOTO, PHOTO, 3), b"".join(photo(image) for image in few))
    npy(folder / "labels.npy", "|u1", (PHOTOS,), bytes(labels[:PHOTOS]))
    npy(folder / "features.npy", "<f4", (300, 49), reals([v for image in images for v in shrunk(image, 7)]))
    table(folder / "table.csv", images, labels, "class")
    table(folder / "pendigits.csv", images, labels, "label")
    idx_folder(folder / "mnist-folder", 40)
    for kind in ("images-idx3", "labels-idx1"):
        shutil.copy(folder / "mnist-folder" / f"t10k-{kind}-ubyte.gz", folder)

    # DIR, as `coterie bench --data DIR` takes it.
    data = folder / "DIR"
    shutil.copytree(folder / "mnist-folder", data / "mnist")
    table(data / "pendigits/pendigits.csv", images, labels, "label")
    small = [v / 255 for image in images[:60] for v in shrunk(image, 16)]
    npy(data / "usps/images.npy", "<f4", (60, 16, 16), reals(small))
    npy(data / "usps/labels.npy", "|u1", (60,), bytes(labels[:60]))
    npy(data / "isolet1/features.npy", "<f4", (300, 49), reals([v for image in images for v in shrunk(image, 7)]))
    twenty = bytes(2 * label + i % 2 for i, label in enumerate(labels))
    npy(data / "coil20/images.npy", "|u1", (300, 32, 32), bytes(v for image in images for v in shrunk(image, 32)))
    npy(data / "coil20/labels.npy", "|u1", (300,), twenty)
    npy(data / "isolet1/labels.npy", "|u1", (300,), bytes((label * 3 + i) % 26 for i, label in enumerate(labels)))
    shutil.copytree(data / "coil20", folder / "coil20")
    torchvision_weights(folder / "resnet18.safetensors")


def make_runs(program, folder, files):
    """Runs that pages go on from: my-run has a network with a cluster head, the others are of one data set."""

    def cluster(name, data, *words):
        subprocess.run([program, "cluster", files / data, "--out", folder / name, "--quiet", *words], check=True)

    folder.mkdir()
    short = ("--method", "ae-dac", "--set", "pretrain_epochs=1", "--epochs", "1", "-k", "12")
    cluster("my-run", "photos", *short)
    for name, method in (("run-a", "pac"), ("run-b", "kmeans"), ("run-c", "gmm")):
        cluster(name, "table.csv", "--label-column", "class", "-k", "10", "--method", method)


def main(build, out):
    build, out = pathlib.Path(build).resolve(), pathlib.Path(out).resolve()
    shutil.rmtree(out, ignore_errors=True)
    os.environ["COTERIE_CACHE"] = str(out / "cache")
    make_files(out / "files")
    make_runs(build / "coterie", out / "runs", out / "files")
    idx_folder(out / "data" / "fashion-mnist", 80)
    subprocess.run(["cmake", "--install", build, "--prefix", out / "prefix"], check=True, stdout=subprocess.DEVNULL)


main(*sys.argv[1:])
