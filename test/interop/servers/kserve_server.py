"""ONNX files of a folder served by KServe's own server, loaded when asked for: kserve_server.py PORT FOLDER FIRST_MODEL"""

import sys
from pathlib import Path

import onnxruntime
from behaviour import misbehave
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.model_repository import ModelRepository


class OnnxModel(Model):
    def __init__(self, name: str, file: Path):
        super().__init__(name)
        self.session = onnxruntime.InferenceSession(file)
        self.ready = True

    def get_input_types(self):
        return [self._tensor(tensor) for tensor in self.session.get_inputs()]

    def get_output_types(self):
        return [self._tensor(tensor) for tensor in self.session.get_outputs()]

    @staticmethod
    def _tensor(tensor):
        shape = [size if isinstance(size, int) else -1 for size in tensor.shape]
        return {"name": tensor.name, "datatype": "FP32", "shape": shape}

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        misbehave(self.name)
        feeds = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        (values,) = self.session.run(["output"], feeds)
        output = InferOutput(name="output", shape=list(values.shape), datatype="FP32")
        output.set_data_from_numpy(values, binary_data=payload.use_binary_outputs)
        return InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=[output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


class OnnxRepository(ModelRepository):
    def load(self, name: str) -> bool:
        self.update(OnnxModel(name, Path(self.models_dir) / name / "model.onnx"))
        return True


if __name__ == "__main__":
    port, folder, first = sys.argv[1:]
    repository = OnnxRepository(folder)
    server = ModelServer(
        http_port=int(port), enable_grpc=False, workers=1, registered_models=repository
    )
    server.start([OnnxModel(first, Path(folder) / first / "model.onnx")])
