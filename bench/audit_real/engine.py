"""A transformer of the llama family in numpy: many sequences at once, with their keys kept."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

from bench.audit_real.quantize import bf16
from bench.audit_real.tokenizer import Tokenizer

Array = np.ndarray


@dataclass(frozen=True)
class Shape:
    layers: int
    width: int
    heads: int
    shared: int  # heads of keys and values
    base: float  # of the rotary frequencies
    epsilon: float

    @property
    def head(self) -> int:
        return self.width // self.heads


@dataclass(frozen=True)
class Model:
    """What the file has: weights as float32, a row for each output."""

    shape: Shape
    weights: dict[str, Array]
    tokenizer: Tokenizer

    def quantized(self, change: Callable[[Array], Array]) -> "Model":
        """The model with its matrices changed; norms and embeddings stay, as hosts have it."""
        weights = {
            name: change(weight) if name.startswith("blk.") and weight.ndim == 2 else weight
            for name, weight in self.weights.items()
        }
        return Model(self.shape, weights, self.tokenizer)


@dataclass
class Kept:
    """The keys and values of sequences: [layer, sequence, place, head, number]."""

    keys: Array
    values: Array
    lengths: Array

    def of(self, rows: Array) -> "Kept":
        return Kept(self.keys[:, rows], self.values[:, rows], self.lengths[rows])


def read(path: Path) -> Model:
    file = GGUFReader(path)

    def said(name: str):
        return file.fields[name].contents()

    shape = Shape(
        layers=said("llama.block_count"),
        width=said("llama.embedding_length"),
        heads=said("llama.attention.head_count"),
        shared=said("llama.attention.head_count_kv"),
        base=said("llama.rope.freq_base"),
        epsilon=said("llama.attention.layer_norm_rms_epsilon"),
    )
    weights = {
        tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for tensor in file.tensors
    }
    tokens = Tokenizer(said("tokenizer.ggml.tokens"), said("tokenizer.ggml.merges"))
    return Model(shape, weights, tokens)


class Engine:
    """Runs a model. `rounded`: activations are rounded to bf16, as engines on a GPU do."""

    def __init__(self, model: Model, *, rounded: bool = False) -> None:
        self.shape, self.weights = model.shape, model.weights
        self.rounded = bf16 if rounded else lambda values: values
        half = self.shape.head // 2
        self.frequencies = self.shape.base ** (-np.arange(half, dtype=np.float32) / half)

    def begin(self, prompts: list[list[int]], room: int) -> tuple[Array, Kept]:
        """Read the prompts; return the logits that follow each, and room for some more tokens."""
        lengths = np.array([len(prompt) for prompt in prompts])
        most, shape = int(lengths.max()), self.shape
        tokens = np.zeros((len(prompts), most), int)
        for row, prompt in enumerate(prompts):
            tokens[row, : len(prompt)] = prompt
        size = (shape.layers, len(prompts), most + room, shape.shared, shape.head)
        kept = Kept(np.zeros(size, np.float32), np.zeros(size, np.float32), lengths)
        places = np.broadcast_to(np.arange(most), tokens.shape)
        hidden = self._run(tokens, places, kept)
        return self._logits(hidden[np.arange(len(prompts)), lengths - 1]), kept

    def step(self, tokens: Array, kept: Kept) -> Array:
        """Read one more token of each sequence; return the logits that follow."""
        hidden = self._run(tokens[:, None], kept.lengths[:, None], kept)
        kept.lengths = kept.lengths + 1
        return self._logits(hidden[:, 0])

    def greedy(self, prompt: list[int], said: Sequence[int]) -> list[int]:
        """The greedy token at each place of an answer, given what was said before it."""
        tokens = np.array([[*prompt, *said[:-1]]])
        size = (self.shape.layers, 1, tokens.shape[1], self.shape.shared, self.shape.head)
        kept = Kept(np.zeros(size, np.float32), np.zeros(size, np.float32), np.array([0]))
        hidden = self._run(tokens, np.arange(tokens.shape[1])[None], kept)
        return self._logits(hidden[0, len(prompt) - 1 :]).argmax(axis=-1).tolist()

    def _run(self, tokens: Array, places: Array, kept: Kept) -> Array:
        shape, weights = self.shape, self.weights
        hidden = weights["token_embd.weight"][tokens]
        rows, upto = np.arange(len(tokens))[:, None], int(places.max()) + 1
        angles = places[..., None] * self.frequencies
        turn = np.cos(angles)[:, :, None], np.sin(angles)[:, :, None]
        hidden_keys = np.arange(upto) > places[..., None]  # [sequence, query, place]
        group = shape.heads // shape.shared
        for layer in range(shape.layers):
            normed = self._norm(hidden, f"blk.{layer}.attn_norm")
            queries, keys, values = (
                self._product(normed, f"blk.{layer}.attn_{name}").reshape(
                    *tokens.shape, -1, shape.head
                )
                for name in "qkv"
            )
            kept.keys[layer, rows, places] = _turned(keys, *turn)
            kept.values[layer, rows, places] = values
            queries = _turned(queries, *turn).reshape(*tokens.shape, shape.shared, group, -1)
            asked = queries.transpose(0, 2, 3, 1, 4).reshape(
                len(tokens), shape.shared, -1, shape.head
            )
            known = kept.keys[layer, :, :upto].transpose(0, 2, 3, 1)
            scores = (asked @ known / math.sqrt(shape.head)).reshape(
                len(tokens), shape.shared, group, tokens.shape[1], upto
            )
            scores = np.where(hidden_keys[:, None, None], np.float32(-1e9), scores)
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            scores /= scores.sum(axis=-1, keepdims=True)
            flat = scores.reshape(len(tokens), shape.shared, -1, upto)
            seen = flat @ kept.values[layer, :, :upto].transpose(0, 2, 1, 3)
            seen = seen.reshape(len(tokens), shape.shared, group, tokens.shape[1], shape.head)
            seen = seen.transpose(0, 3, 1, 2, 4).reshape(*tokens.shape, shape.width)
            hidden = hidden + self._product(self.rounded(seen), f"blk.{layer}.attn_output")
            normed = self._norm(hidden, f"blk.{layer}.ffn_norm")
            gate = self._product(normed, f"blk.{layer}.ffn_gate")
            inner = gate / (1 + np.exp(-gate)) * self._product(normed, f"blk.{layer}.ffn_up")
            hidden = hidden + self._product(self.rounded(inner), f"blk.{layer}.ffn_down")
            hidden = self.rounded(hidden)
        return hidden

    def _product(self, values: Array, name: str) -> Array:
        weight = self.weights[f"{name}.weight"]
        flat = values.reshape(-1, weight.shape[1])  # else numpy multiplies sequence by sequence
        return self.rounded((flat @ weight.T).reshape(*values.shape[:-1], -1))

    def _norm(self, values: Array, name: str) -> Array:
        size = np.sqrt((values * values).mean(axis=-1, keepdims=True) + self.shape.epsilon)
        return self.rounded(values / size * self.weights[f"{name}.weight"])

    def _logits(self, hidden: Array) -> Array:
        return self._norm(hidden, "output_norm") @ self.weights["token_embd.weight"].T


def _turned(values: Array, cosine: Array, sine: Array) -> Array:
    """Rotary positions; the file has the two numbers of a pair beside each other."""
    one, other = values[..., 0::2], values[..., 1::2]
    turned = np.stack((one * cosine - other * sine, one * sine + other * cosine), axis=-1)
    return turned.reshape(values.shape).astype(np.float32)
