#!/bin/sh
# From nothing to spark-q8_0.gguf: tokenizer, held-out sets, training, export, evaluation. Stopped (Ctrl-C, kill -TERM) and
# started again, it goes on from its checkpoint in ~/.cache/hearth-spark. `MINUTES=300 ./train.sh` trains longer;
# `INITIAL=spark-q8_0.gguf SEED=5 ./train.sh` starts from a file's weights where there is no checkpoint, with dialogues it has not seen.
# Packages of Debian: python3-torch python3-numpy libopenblas0-pthread g++
set -eu
cd "$(dirname "$0")"
export SPARK_CACHE="${SPARK_CACHE:-$HOME/.cache/hearth-spark}"
export PYTHONDONTWRITEBYTECODE=1
PYTHON="${PYTHON:-/usr/bin/python3}"
mkdir -p "$SPARK_CACHE"

[ -f tokenizer.json ] || "$PYTHON" tokenizer.py tokenizer.json 6000
[ -f heldout/commands.jsonl ] || "$PYTHON" heldout.py
nice -n 19 "$PYTHON" train.py --minutes "${MINUTES:-180}" --checkpoint "$SPARK_CACHE/spark.pt" --seed "${SEED:-1}" ${INITIAL:+--initial "$INITIAL"}
"$PYTHON" export.py "$SPARK_CACHE/spark.pt" spark-q8_0.gguf
"$PYTHON" evaluate.py --checkpoint "$SPARK_CACHE/spark.pt" --part commands,refusals,questions,stories,perplexity
