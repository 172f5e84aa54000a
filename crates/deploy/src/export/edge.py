"""Runs a split model: the edge half here, the server half on a server of the Open Inference Protocol.

    python edge.py SERVER INPUTS.npz [RESULTS.npz]

SERVER is host:port of gRPC. INPUTS.npz has an array for each input of the model. Lies in the folder
that `cutpoint split` wrote, beside edge.onnx and split.toml.

Needs Python 3.11, and: pip install onnxruntime "tritonclient[grpc]"
"""

import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor
import tomllib

import numpy
import onnxruntime
import tritonclient.grpc
from tritonclient.utils import np_to_triton_dtype


class Half:
    """One of the halves that run here."""

    def __init__(self, file):
        self.session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.outputs = [value.name for value in self.session.get_outputs()]

    def run(self, values):
        feed = {name: values[name] for name in self.inputs}
        return dict(zip(self.outputs, self.session.run(self.outputs, feed)))


class SplitModel:
    """The model, as if it were in one piece."""

    def __init__(self, folder, server):
        self.split = tomllib.loads((folder / "split.toml").read_text())
        for crossing in self.split.get("crossing", []):
            if "+" in crossing["codec"] or crossing["codec"].startswith(("png", "jpeg")):
                sys.exit(f"{crossing['tensor']} crosses as {crossing['codec']}: use `cutpoint run`")
        self.edge = Half(folder / "edge.onnx") if "edge" in self.split else None
        self.local = Half(folder / "local.onnx") if "local" in self.split else None
        self.name = self.split["model"]["file"].removesuffix(".onnx")
        self.client = tritonclient.grpc.InferenceServerClient(server) if "server" in self.split else None
        self.threads = ThreadPoolExecutor(1)

    def run(self, inputs):
        values = dict(inputs)
        if self.edge:
            values |= self.edge.run(values)
        waiting = self.send(values) if self.client else None
        local = self.local.run(values) if self.local else {}
        answer = waiting.result() if waiting else None
        results = {}
        for task in self.split["task"]:
            results |= {name: values[name] for name in task["edge"]}
            results |= {name: local[name] for name in task.get("local", [])}
            results |= {name: answer.as_numpy(name) for name in task["server"]}
        return results

    def send(self, values):
        tensors = []
        for name in self.split["server"]["inputs"]:
            # the protocol knows no tensors without dimensions
            value = numpy.atleast_1d(values[name])
            tensor = tritonclient.grpc.InferInput(name, value.shape, np_to_triton_dtype(value.dtype))
            tensor.set_data_from_numpy(value)
            tensors.append(tensor)
        return self.threads.submit(self.client.infer, self.name, tensors)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    model = SplitModel(pathlib.Path(__file__).parent, sys.argv[1])
    results = model.run(numpy.load(sys.argv[2]))
    if len(sys.argv) == 4:
        numpy.savez(sys.argv[3], **results)
    for name, value in results.items():
        print(name, value.shape, value.reshape(-1)[:8])


if __name__ == "__main__":
    main()
