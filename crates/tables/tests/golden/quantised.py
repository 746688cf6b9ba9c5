"""Golden rows in int8 and int4 after FBGEMM's layouts, written to quantised.json beside this file.

    python quantised.py          # needs numpy
"""

import json
import pathlib

import numpy as np

f32, f16 = np.float32, np.float16
rows = [r.astype(f32) for r in np.random.default_rng(5).normal(0, 0.3, (6, 7))]


def int8(row):
    least, span = row.min(), row.max() - row.min()
    q = np.rint((row - least) * (f32(255) / (span + f32(1e-8)))).astype(np.uint8)
    scale = span / f32(255)
    return q.tobytes() + scale.tobytes() + least.tobytes(), q * scale + least


def int4(row):
    bias = f16(row.min())
    scale = f16((row.max() - f32(bias)) / f32(15))
    q = np.clip(np.rint((row - f32(bias)) * (f32(1) / f32(scale))), 0, 15).astype(np.uint8)
    pad = np.append(q, np.uint8(0)) if len(q) % 2 else q
    packed = pad[0::2] | pad[1::2] << 4
    return packed.tobytes() + scale.tobytes() + bias.tobytes(), q * f32(scale) + f32(bias)


out = {"versions": {"numpy": np.__version__}, "rows": [row.tolist() for row in rows]}
for name, encode in (("int8", int8), ("int4", int4)):
    both = [encode(row) for row in rows]
    out[name] = [{"bytes": list(b), "decoded": d.astype(f32).tolist()} for b, d in both]
path = pathlib.Path(__file__).with_name("quantised.json")
path.write_text(json.dumps(out, indent=1) + "\n")
