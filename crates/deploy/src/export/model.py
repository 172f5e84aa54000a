"""Runs model.onnx, which lies beside this file, in the Python back end of Triton."""

import os

import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        folder = os.path.join(args["model_repository"], args["model_version"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("CUTPOINT_THREADS", "0"))
        self.session = onnxruntime.InferenceSession(
            os.path.join(folder, "model.onnx"), options, providers=onnxruntime.get_available_providers()
        )
        self.inputs = self.session.get_inputs()
        self.outputs = [output.name for output in self.session.get_outputs()]

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        feed = {}
        for wanted in self.inputs:
            tensor = pb_utils.get_input_tensor_by_name(request, wanted.name).as_numpy()
            # Triton knows no tensors without dimensions
            feed[wanted.name] = tensor if wanted.shape else tensor.reshape(())
        try:
            results = self.session.run(self.outputs, feed)
        except Exception as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        tensors = [pb_utils.Tensor(name, value) for name, value in zip(self.outputs, results)]
        return pb_utils.InferenceResponse(output_tensors=tensors)
