"""Runs the commands that a client's package brings, in a home of their own."""

import os
import pathlib
import subprocess
import sys
import tempfile

HOME = tempfile.mkdtemp(prefix="hearth-client-")
# A port that nobody listens at: what is not on loopback is refused at once, so that no client loads anything else.
NO_NETWORK = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}


def command(*args, env={}, limit_s=110, fails=False):
    """What the command printed, with its errors. Raises where it ends otherwise than `fails` says; None: either will do."""
    program = pathlib.Path(sys.executable).parent / args[0]
    done = subprocess.run(
        [program, *args[1:]],
        cwd=HOME,
        env={**os.environ, **NO_NETWORK, "HOME": HOME, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=limit_s,
        text=True,
    )
    print(done.stdout, file=sys.stderr)
    assert fails is None or (done.returncode != 0) == fails, f"{args[0]} ended with {done.returncode}: {done.stdout[-400:]}"
    return done.stdout
