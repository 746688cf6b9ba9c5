"""Every comparison by its name on the command line: a module whose `measure(settings)` does it."""

from . import als, ease, import_large, import_movielens, serve, topk

COMPARISONS = {
    "import": import_movielens,
    "import-50m": import_large,
    "als": als,
    "ease": ease,
    "serve": serve,
    "topk": topk,
}
