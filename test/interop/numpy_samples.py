"""Writes sample files into a folder: of each case NAME.npz, and NAME.ndjson where the same samples as JSON are meant to be taken."""

import io
import json
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
random = np.random.default_rng(7)
N = 40

ids = np.array([f"s{i} {'é東😀'[i % 3]}" for i in range(N)])
labels = random.integers(0, 10, N)
inputs = {
    "image": random.standard_normal((N, 3, 2)).astype(np.float32),
    "width": random.standard_normal(N),
    "ins/token:0": random.integers(-5, 5, (N, 4), dtype=np.int32),
    "count": random.integers(-(2**50), 2**50, (N, 1)),
    "pixels": random.integers(0, 256, (N, 2, 2, 2), dtype=np.uint8),
    "mask": random.integers(0, 2, (N, 5)).astype(bool),
}


class Pipe(io.RawIOBase):
    """A file that only goes forward, as standard output does."""

    def __init__(self, path):
        super().__init__()
        self.file = open(path, "wb")

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def as_json(sample_ids, labels, **inputs):
    for i, sample_id in enumerate(sample_ids.tolist()):
        text = sample_id.decode() if isinstance(sample_id, bytes) else str(sample_id)
        tensors = {
            name: {"dtype": str(array.dtype), "shape": array.shape[1:], "data": np.ravel(array[i]).tolist()}
            for name, array in inputs.items()
        }
        yield json.dumps({"sampleId": text, "label": int(labels[i]), "inputs": tensors})


def taken(name, save=np.savez, **arrays):
    save(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.ndjson").write_text("\n".join(as_json(**arrays)))


def refused(name, **arrays):
    good = {"sample_ids": ids, "labels": labels, "x": inputs["image"]}
    np.savez(folder / f"{name}.npz", **{key: value for key, value in {**good, **arrays}.items() if value is not None})


taken("savez", sample_ids=ids, labels=labels, **inputs)
taken("compressed", np.savez_compressed, sample_ids=ids, labels=labels, **inputs)
taken("piped", lambda path, **arrays: np.savez_compressed(Pipe(path), **arrays), sample_ids=ids, labels=labels, **inputs)
taken("bytes", sample_ids=np.char.encode(ids, "utf-8"), labels=labels.astype(np.uint8), **inputs)
taken("numbers", sample_ids=np.arange(N) - 3, labels=labels.astype(np.int16), **inputs)
taken("views", sample_ids=ids[::2], labels=labels[::-2], x=inputs["image"][::2], y=np.broadcast_to(inputs["width"][0], (N // 2, 3)))

refused("fortran", x=np.asfortranarray(inputs["image"]))
refused("big-endian", x=inputs["image"].astype(">f4"))
refused("half", x=inputs["image"].astype(np.float16))
refused("objects", x=np.array([{"a": 1}] * N, dtype=object))
refused("structured", x=np.zeros(N, dtype=[("a", "<f4"), ("b", "<i4")]))
refused("shorter", x=inputs["image"][:-1])
refused("dates", sample_ids=np.arange("2026-01-01", "2026-02-10", dtype="datetime64[D]"))
refused("no-labels", labels=None)
refused("nan", x=np.full((N, 2), np.nan))
np.save(folder / "lone.npy", inputs["image"])
