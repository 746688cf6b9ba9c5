"""Every comparison by its name on the command line: a module whose `measure(settings)` does it."""

from . import (
    als, attention, delta, ease, epoch_hstu, epoch_sasrec, growth, import_large, import_movielens, lookup, mfalcon,
    offload, ope, serve, step_hstu, step_sasrec, topk, update,
)

COMPARISONS = {
    "import": import_movielens,
    "import-50m": import_large,
    "als": als,
    "ease": ease,
    "serve": serve,
    "attention": attention,
    "step-sasrec": step_sasrec,
    "epoch-sasrec-ml1m": epoch_sasrec,
    "step-hstu": step_hstu,
    "epoch-hstu-ml1m": epoch_hstu,
    "mfalcon": mfalcon,
    "topk": topk,
    "ope": ope,
    "lookup": lookup,
    "update": update,
    "delta": delta,
    "growth": growth,
    "offload": offload,
}
