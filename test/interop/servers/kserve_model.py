"""An ONNX file served by KServe's own server: kserve_model.py PORT NAME=FILE..."""

import sys

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class OnnxModel(Model):
    def __init__(self, name: str, file: str):
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
        feeds = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        (values,) = self.session.run(["output"], feeds)
        output = InferOutput(name="output", shape=list(values.shape), datatype="FP32")
        binary = payload.parameters is not None and payload.parameters.get("binary_data_output", False)
        output.set_data_from_numpy(values, binary_data=binary)
        return InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=[output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


if __name__ == "__main__":
    port, *models = sys.argv[1:]
    server = ModelServer(http_port=int(port), enable_grpc=False, workers=1)
    server.start([OnnxModel(*model.split("=", 1)) for model in models])
