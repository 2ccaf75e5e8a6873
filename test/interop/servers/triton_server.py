"""
ONNX files of a folder served by Triton (as PyTriton brings it): triton_server.py PORT FOLDER, then names of models on stdin,
one a line. Batches above MAX_BATCH are refused by Triton itself.
"""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from behaviour import misbehave
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

MAX_BATCH = 4


def bind(triton: Triton, folder: Path, name: str) -> None:
    session = onnxruntime.InferenceSession(folder / name / "model.onnx")
    shapes = json.loads((folder / name / "shapes.json").read_text())

    @batch
    def infer(**feeds):
        misbehave(name)
        return session.run(["output"], feeds)

    triton.bind(
        model_name=name,
        infer_func=infer,
        inputs=[Tensor(name="input", dtype=numpy.float32, shape=tuple(shapes["input"]))],
        outputs=[Tensor(name="output", dtype=numpy.float32, shape=tuple(shapes["output"]))],
        config=ModelConfig(max_batch_size=MAX_BATCH),
    )


if __name__ == "__main__":
    port, folder = sys.argv[1:]
    config = TritonConfig(http_address="127.0.0.1", http_port=int(port), allow_grpc=False, allow_metrics=False)
    with Triton(config=config) as triton:
        triton.run()
        for line in sys.stdin:
            name = line.strip()
            try:
                bind(triton, Path(folder), name)
            except Exception as error:
                print(f"not loaded: {error}", flush=True)
            print(f"done with {name};", flush=True)
