# A small GGUF version 3 writer, and Q8_0. Knows the file format only (github.com/ggml-org/ggml, docs/gguf.md).
import struct

import numpy

F32, Q8_0 = 0, 8
ALIGNMENT = 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


def q8_0(matrix):
    """Rows of float32 to blocks of 32: a float16 scale, then 32 int8."""
    blocks = numpy.ascontiguousarray(matrix, dtype=numpy.float32).reshape(-1, 32)
    scale = numpy.abs(blocks).max(axis=1) / 127.0
    inverse = numpy.divide(1.0, scale, out=numpy.zeros_like(scale), where=scale > 0)
    out = numpy.empty(len(blocks), dtype=[("d", "<f2"), ("q", "i1", 32)])
    out["d"], out["q"] = scale, numpy.round(blocks * inverse[:, None])
    return out


def q8_0_values(matrix):
    """What is left of a matrix after Q8_0."""
    blocks = q8_0(matrix)
    return (blocks["d"].astype(numpy.float32)[:, None] * blocks["q"]).reshape(matrix.shape)


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(_string(v) for v in value)
    return struct.pack("<IIQ", _ARRAY, _INT32, len(value)) + struct.pack(f"<{len(value)}i", *value)


def write(path, metadata, tensors):
    """metadata: key -> bool, int, float, str, or a list of str or int. tensors: name -> (type, float32 array [rows, columns] or [n])."""
    head, data = bytearray(), bytearray()
    for key, value in metadata.items():
        head += _string(key) + _value(value)
    for name, (kind, array) in tensors.items():
        shape = array.shape[::-1]  # GGUF names the fastest dimension first
        head += _string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, len(data))
        data += (q8_0(array) if kind == Q8_0 else numpy.ascontiguousarray(array, dtype="<f4")).tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    start = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + bytes(head)
    with open(path, "wb") as file:
        file.write(start + bytes(-len(start) % ALIGNMENT) + data)
