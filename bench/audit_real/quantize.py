"""Weights quantized for real, and brought back to float32 for the product.

A weight matrix has a row for each output. Each function returns what the format can still say of
it; the error is the format's own, and so is its scale.
"""

import numpy as np

Matrix = np.ndarray

_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


def bf16(weights: Matrix) -> Matrix:
    """Round to 8 bits of mantissa, to the nearest, ties to even."""
    bits = np.ascontiguousarray(weights, np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded & np.uint32(0xFFFF0000)).view(np.float32)


def int8(weights: Matrix) -> Matrix:
    """Symmetric, with a scale for each output."""
    scale = np.abs(weights).max(axis=1, keepdims=True) / 127 + 1e-12
    return (np.round(weights / scale) * scale).astype(np.float32)


def e4m3(values: Matrix) -> Matrix:
    """The nearest number of fp8 e4m3: 3 bits of mantissa, from 2^-9 to 448."""
    size = np.minimum(np.abs(values), 448)
    power = np.floor(np.log2(np.maximum(size, 2.0**-6)))
    step = 2.0 ** (power - 3)
    return np.sign(values) * np.minimum(np.round(size / step) * step, 448)


def fp8(weights: Matrix) -> Matrix:
    """fp8 e4m3 with a scale for each output."""
    scale = np.abs(weights).max(axis=1, keepdims=True) / 448 + 1e-12
    return (e4m3(weights / scale) * scale).astype(np.float32)


def nvfp4(weights: Matrix) -> Matrix:
    """e2m1 in blocks of 16, each with a scale in e4m3 under one scale for the matrix."""
    blocks = _blocks(weights, 16)
    largest = np.abs(blocks).max(axis=2, keepdims=True)
    whole = largest.max() / (6 * 448) + 1e-12
    scale = np.maximum(e4m3(largest / 6 / whole), 2.0**-9) * whole
    size = np.abs(blocks) / scale
    nearest = np.searchsorted((_E2M1[1:] + _E2M1[:-1]) / 2, size)
    return (np.sign(blocks) * _E2M1[nearest] * scale).reshape(weights.shape).astype(np.float32)


def int4(weights: Matrix) -> Matrix:
    """Symmetric, from -7 to 7, with a scale for each 32 inputs of an output."""
    blocks = _blocks(weights, 32)
    scale = np.abs(blocks).max(axis=2, keepdims=True) / 7 + 1e-12
    return (np.round(blocks / scale) * scale).reshape(weights.shape).astype(np.float32)


def _blocks(weights: Matrix, size: int) -> Matrix:
    return weights.reshape(weights.shape[0], -1, size)


FORMATS = {"bf16": bf16, "int8": int8, "fp8": fp8, "nvfp4": nvfp4, "int4": int4}
