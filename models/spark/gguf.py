# A small GGUF version 3 writer and reader, and Q8_0. Knows the file format only (github.com/ggml-org/ggml, docs/gguf.md).
import os
import struct

import numpy

F32, Q8_0 = 0, 8
ALIGNMENT = 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_SCALARS = {_UINT32: "<I", _INT32: "<i", _FLOAT32: "<f", _BOOL: "<?"}
_Q8_0_BLOCK = numpy.dtype([("d", "<f2"), ("q", "i1", 32)])


def q8_0(matrix):
    """Rows of float32 to blocks of 32: a float16 scale, then 32 int8."""
    blocks = numpy.ascontiguousarray(matrix, dtype=numpy.float32).reshape(-1, 32)
    scale = numpy.abs(blocks).max(axis=1) / 127.0
    inverse = numpy.divide(1.0, scale, out=numpy.zeros_like(scale), where=scale > 0)
    out = numpy.empty(len(blocks), dtype=_Q8_0_BLOCK)
    out["d"], out["q"] = scale, numpy.round(blocks * inverse[:, None])
    return out


def q8_0_values(matrix):
    """What is left of a matrix after Q8_0."""
    return _values(q8_0(matrix)).reshape(matrix.shape)


def _values(blocks):
    return blocks["d"].astype(numpy.float32)[:, None] * blocks["q"]


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
    _replace(path, len(tensors), len(metadata), head, data)


def _replace(path, tensor_count, metadata_count, head, data):
    start = b"GGUF" + struct.pack("<IQQ", 3, tensor_count, metadata_count) + bytes(head)
    # A reader sees the old file or the new one, whole.
    with open(path + ".new", "wb") as file:
        file.write(start + bytes(-len(start) % ALIGNMENT) + data)
    os.replace(path + ".new", path)


def rewrite(path, metadata):
    """Gives a file that `write` made other metadata. Its tensors stay as they are, byte for byte."""
    with open(path, "rb") as file:
        r = _Reader(file.read())
    tensor_count, _ = r.header(path)
    start = r.at
    for _ in range(tensor_count):
        r.string()
        dimensions = r.take("<I")
        r.at += 8 * dimensions + 12
    tensors, data = r.data[start:r.at], r.data[r.at + -r.at % ALIGNMENT:]
    head = b"".join(_string(key) + _value(value) for key, value in metadata.items())
    _replace(path, tensor_count, len(metadata), head + tensors, data)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take("<Q")
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def header(self, path):
        """How many tensors there are, and the metadata; the tensors' entries come next."""
        magic, version, tensor_count, metadata_count = self.take("<4sIQQ")
        if magic != b"GGUF" or version != 3:
            raise ValueError(f"{path} is not a GGUF version 3 file")
        return tensor_count, {self.string(): self.value(self.take("<I")) for _ in range(metadata_count)}

    def value(self, kind):
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            element, count = self.take("<IQ")
            return [self.value(element) for _ in range(count)]
        return self.take(_SCALARS[kind])


def read(path):
    """(metadata, tensors) of a file that `write` made: tensors are float32 arrays, Q8_0 multiplied out."""
    with open(path, "rb") as file:
        r = _Reader(file.read())
    tensor_count, metadata = r.header(path)
    entries = []
    for _ in range(tensor_count):
        name, dimensions = r.string(), r.take("<I")
        shape = [r.take("<Q") for _ in range(dimensions)][::-1]
        entries.append((name, shape, *r.take("<IQ")))
    start, tensors = r.at + -r.at % ALIGNMENT, {}
    for name, shape, kind, offset in entries:
        size = int(numpy.prod(shape))
        if kind == Q8_0:
            flat = _values(numpy.frombuffer(r.data, _Q8_0_BLOCK, size // 32, start + offset))
        elif kind == F32:
            flat = numpy.frombuffer(r.data, "<f4", size, start + offset)
        else:
            raise ValueError(f"{path}: tensor {name} is neither Q8_0 nor F32")
        tensors[name] = flat.reshape(shape).astype(numpy.float32)
    return metadata, tensors
