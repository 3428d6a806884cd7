# llama.cpp's own quantizer, called in its shared library: `python3 llama-quantize.py FOLDER-OF-LIBRARIES IN OUT FTYPE PURE`.
# FTYPE is general.file_type as a number. Knows of the parameters (llama.h) only what it sets.
import ctypes
import glob
import os
import sys

folder, source, target, ftype, pure = sys.argv[1:]


class Params(ctypes.Structure):
    _fields_ = [
        ("nthread", ctypes.c_int32),
        ("ftype", ctypes.c_int32),
        ("output_tensor_type", ctypes.c_int32),
        ("token_embedding_type", ctypes.c_int32),
        ("allow_requantize", ctypes.c_bool),
        ("quantize_output_tensor", ctypes.c_bool),
        ("only_copy", ctypes.c_bool),
        ("pure", ctypes.c_bool),
        ("rest", ctypes.c_char * 512),  # grows from version to version
    ]


for name in ("libggml-base", "libggml.", "libllama."):
    (file,) = glob.glob(os.path.join(folder, f"{name}*so"))
    library = ctypes.CDLL(file, mode=ctypes.RTLD_GLOBAL)
silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda level, text, data: None)
library.llama_log_set(silent, None)
library.llama_model_quantize_default_params.restype = Params
params = library.llama_model_quantize_default_params()
params.nthread, params.ftype, params.pure = 2, int(ftype), pure == "true"
params.allow_requantize = True
status = library.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params))
sys.exit(1 if status != 0 else 0)
