"""An ONNX file served by MLServer: a custom runtime, since MLServer brings none for ONNX."""

import onnxruntime
from behaviour import misbehave
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class OnnxModel(MLModel):
    async def load(self) -> bool:
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        misbehave(self.name)
        feeds = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        (values,) = self.session.run(["output"], feeds)
        output = ResponseOutput(
            name="output", shape=list(values.shape), datatype="FP32", data=values.flatten().tolist()
        )
        return InferenceResponse(
            id=payload.id, model_name=self.name, model_version=self.version, outputs=[output]
        )
