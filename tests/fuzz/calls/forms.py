"""What the programs are made of: calls of NumPy as texts with holes, and how each hole is drawn.

A hole with a digit stands for the same text everywhere in its form: `{v1} - np.mean({v1})`. `<<a|b|c>>` is one of the
texts. A form that NumPy refuses for what is in scope, or that gives what is large or no number, is left out of the program.
"""

from __future__ import annotations

import re

from tests.sweep.test_natural_calls import RIGHT

# Of one character: `v` a vector, `w` another one as long, `M` and `N` matrices of one shape, `A` a square one, `D` a positive
# definite one, `T` an array with three axes, `u` any array, `x` one of its shape, `s` a number, `r` anything, `V` and `U` names
# of a vector and an array to write into, `t` a new name. The others are made of these:
MADE = {
    "p": "(0.5 + 0.4 * np.tanh({v}))",  # between 0 and 1
    "q": "np.cumsum(np.abs({v}) + 0.2)",  # increasing
    "D": "({A1} @ {A1}.T + np.diag(np.arange(2.0, 2.0 + len({A1}))))",
    "E": "({A1} * 0.3 + 2.0 * np.eye(len({A1})))",  # well conditioned
    "F": "({M1} + 2.0 * np.eye(*{M1}.shape))",  # of full rank
    "P": "(np.abs({u}) + 0.3)",
    "T": "<<np.stack([{M1}, {M1} * {M1}])|np.stack([{M1}, np.sin({M1})], axis=-1)|{M1}[:, None] * {M1}[..., None]>>",
    "k": "<<{u} > 0.1|np.abs({u}) < 0.6|{x} < {s}>>",
    "m": "<<{v} > 0.1|np.abs({v}) < 0.6>>",
    "j": "<<[0, 2, 0]|np.array([1, 0])|[0, -1]|[2, 1, 0, 0]|np.argsort({v})>>",
    "i": "<<0|1|-1|2|k - 1>>",
    "d": "<<0|-1>>",
    "h": "<<|, axis=0|, axis=-1|, keepdims=True|, axis=0, keepdims=True|, axis=None>>",
    "f": "<<np.sin|np.tanh|np.cos|np.square|np.negative|np.arctan|np.abs|np.expm1>>",
    "g": "<<np.add|np.multiply|np.subtract|np.maximum|np.minimum|np.hypot|np.logaddexp|np.arctan2>>",
    "e": "<<np.sum|np.mean|np.max|np.min|np.prod|np.std|np.var|np.linalg.norm>>",
}  # fmt: skip

# The natural calls, which are of `x`, `A`, `S` and `s`, as forms.
OPERANDS = {"x": "{v1}", "A": "{M1}", "S": "{E1}", "s": "{s1}"}
NATURAL = tuple(
    re.sub(r"\b[xASs]\b(?!\s*=[^=])", lambda name: OPERANDS[name.group()], line.removeprefix("y = "))
    for line in RIGHT
    if line.startswith("y = ") and not set("\\\n;{'\"") & set(line) and "lambda" not in line
)

FORMS: dict[str, tuple[str, ...]] = {
    "natural": NATURAL,
    "plain": (
        "{r} * {r}", "{r} + 0.5 * {r}", "{u} - {r}", "{u} / (1.5 + {x1} * {x1})", "{f}({r})", "{v}[{j}]", "{v}[1:] - {v}[:-1]", "{M} @ {v}",
        "{M} @ {M}.T", "{u}[::-1]", "{M}[:, {i}]", "{u}[{k}]", "np.exp(-({u1} * {u1}))", "{e}({u}{h})", "{M} * {v}[:, None]", "{s} * {u}",
    ),
    "ufuncs": (
        "{f}({u1}, where={k}, out={u1}.copy())", "{f}({u1}, where={k}, out=np.zeros_like({u1}))", "{g}({u1}, {x}, where={k}, out=np.ones({u1}.shape))",
        "{f}({u1}, out=np.empty_like({u1}))", "{g}({u}, {x}, dtype=<<float|np.float64|'f8'>>)", "{f}({u}, <<casting='same_kind'|order='C'|subok=True|dtype=np.float64>>)",
        "<<np.add|np.multiply|np.maximum|np.minimum|np.logaddexp|np.hypot>>.reduce({u}<<|, axis=0|, axis=-1|, axis=0, keepdims=True>>)",
        "<<np.add|np.multiply|np.maximum|np.minimum>>.reduce({u1}, axis=0, initial={s}<<|, where={u1} > -0.3>>)",
        "np.subtract.reduce({u}<<|, axis=0|, axis=-1>>)", "<<np.add|np.multiply|np.maximum|np.minimum|np.subtract|np.logaddexp>>.accumulate({u}<<|, axis=0|, axis=-1>>)",
        "<<np.add|np.multiply|np.maximum|np.subtract|np.hypot>>.outer({v}, {v})", "<<np.add|np.multiply|np.maximum|np.minimum>>.reduceat({v}, <<[0, 2]|[0, 1, 2]|[1, 0, 2]>>)",
        "np.add.reduceat({M}, [0, 1], axis=<<0|1>>)", "np.divmod({v}, 0.7)[<<0|1>>] * {s}", "divmod({s}, 0.7)[<<0|1>>]", "np.modf({u})[<<0|1>>]", "np.frexp({u})[0]",
        "np.ldexp({u}, <<1|[1]>>)", "np.fmod({u}, 0.7)", "np.remainder({u}, 0.9)", "np.float_power({P}, {s})", "np.power({P}, {s})", "np.heaviside({u}, 0.5) * {r}",
        "np.copysign({u}, {x})", "np.nextafter({u}, {x})", "np.fmax({u}, {x})", "np.fmin({u}, {r})", "np.sinc({u})", "np.i0({u})", "np.cbrt({P})", "np.exp2({u})", "np.log1p({P})",
        "np.log2({P})", "np.logaddexp2({u}, {x})", "np.deg2rad({u})", "np.degrees({s}) * 0.01", "np.arcsinh({u})", "np.arctanh({p} - 0.5)", "np.reciprocal({P})", "np.positive({u})",
        "np.real({u}) + np.imag({u})", "np.conj({u})", "{u}.real", "{u}.conj()", "np.real_if_close({u})", "np.nan_to_num({u}, nan=0.5)", "np.fabs({u})", "np.sign({u}) * {x}",
        "np.clip({u}, <<-0.4, 0.5|None, 0.3|-0.2, None|{s1} - 1.0, {s1} + 0.2>>)", "{u}.clip(<<-0.4, 0.5|min=-0.3|max=0.4>>)", "np.vecdot({M}, {N})", "np.matvec({M}, {v})",
    ),
    "math": (
        "math.gamma(abs({s}) + 1.2)", "math.lgamma(abs({s}) + 0.5)", "math.modf({s})[0]", "math.remainder({s}, 0.7)", "math.hypot({s}, {s}, 0.4)", "math.dist([{s}, {s}], [0.2, -0.7])",
        "math.prod([{s}, {s}, 0.7])", "math.fsum([{s}, {s}, 0.5])", "math.erf({s})", "math.copysign({s}, {s})", "math.fmod({s}, 0.6)", "math.atan2({s}, {s})", "math.expm1({s})", "math.pow(abs({s}) + 0.5, {s})",
        "math.ldexp({s}, 1)", "math.log1p(abs({s}))", "math.cbrt(abs({s}) + 0.2)" , "pow({s}, 2)", "sum({v})", "max({v})", "min({v}) * {s}", "abs({u})",
    ),
    "parts": (
        "np.insert({v}, <<0|1|-1|[0, 2]|[1, 1]|slice(0, 2)>>, {s})", "np.insert({M}, 1, {v}<<, axis=0|, axis=1>>)", "np.insert({M}, 1, {s}<<|, axis=0|, axis=1>>)", "np.delete({v}, <<0|-1|[0, 2]|slice(0, 2)|k - 1>>)",
        "np.delete({v}, {m})", "np.delete({M}, <<1, axis=0|[0], axis=1|-1, 1>>)", "np.append({v}, <<{s}|{v}|[{s}, 0.4]>>)", "np.append({M}, {N}<<|, axis=0|, axis=1>>)", "np.resize({v}, <<5|(2, 3)|2>>)",
        "np.trim_zeros(np.where({v1} > -0.4, {v1}, 0.0)<<|, 'f'|, 'b'>>)", "np.select([{k}, {u} > 0.4], [{x}, {r}]<<|, {s}|, default=0.3>>)", "np.choose(<<[0, 1, 0]|[1, 0, 0]>>, [{v}[:3], {v}[:3]])",
        "np.choose(({u} > 0).astype(int), [{x}, {r}])", "np.take_along_axis({u1}, np.argsort({u1}, axis=-1), axis=-1)", "np.take_along_axis({M1}, np.argmax({M1}, axis=1)[:, None], 1)",
        "np.take_along_axis({M1}, np.argsort({M1}, axis=0), 0)", "np.take({u}, {j})", "np.take({M}, {j}, axis=<<0|1>>)", "np.take({v}, [0, 7, 5], mode=<<'wrap'|'clip'>>)", "{v}.take({j})", "np.compress({m}, {v})",
        "np.extract({k}, {u})", "{u}.flat[<<0|-1|1:3|[0, 2]>>]", "np.partition({v}, <<1|2|-1>>)", "np.sort({u}<<|, axis=0|, axis=None|, kind='stable'>>)", "np.sort({v})[::-1]", "{u}[np.argsort({v})]",
        "{M}[np.arange(len({M})), np.argmin({M}, axis=1)]", "{v1}[np.argpartition({v1}, 1)]", "{v1}[np.lexsort((np.round({v1}), {v1}))]", "{v}[np.searchsorted(np.sort({v}), 0.1) - 1]", "np.where({k}, {x}, {r})",
        "{u1}[np.where({u1} > 0.1)]", "{u1}[np.nonzero({u1} > 0)]", "{v1}[np.flatnonzero({v1} > 0)]", "{v1}[np.argwhere({v1} > 0)[:, 0]]", "{M}[np.ix_([0, 1], [1, 0])]", "{A1}[np.diag_indices(len({A1}))]",
        "{A1}[np.tril_indices(len({A1}))]", "{A}[np.triu_indices_from({A}, 1)]", "np.piecewise({v1}, [{v1} > 0.2, {v1} < -0.2], [lambda y: y * y, lambda y: np.sin(y), 0.1])", "np.unique({v})", "np.union1d({v}, {v})",
        "np.setdiff1d({v}, [0.3])", "np.intersect1d({v1}, {v1})", "np.round({u}, 1) + {x}", "np.rint({v}) * {s}", "{u}.item(0)", "np.array({v}.tolist()) * {s}", "{u}.astype(<<float|'f8'|np.float64>>)", "{M}[1:, ::2]",
        "{v}[np.array([1, 0])[None]]", "{M}[[0, 1]][:, [1, 0]]", "{M}[{i}][{i}]", "{u}[..., {i}]", "{u}[None]", "{M}[[0, 1], [1, 0]]", "{v}[-2:]", "{v}.repeat(2)", "np.repeat({u}, 2, axis={d})", "np.repeat({v}[:3], [1, 0, 2])",
    ),
    "shapes": (
        "np.roll({u}, <<1|-2>><<|, axis=0>>)", "np.roll({M}, (1, 1), axis=(0, 1))", "np.flip({u}<<|, axis=0|, axis=-1>>)", "np.flipud({u})", "np.fliplr({M})", "np.rot90({M}<<|, 2|, -1>>)", "np.tile({u}, <<2|(2, 1)>>)",
        "np.pad({v}, <<1|(1, 2)>>, <<'constant'|'edge'|'reflect'|'symmetric'|'wrap'|'mean'|'maximum'|'linear_ramp'>>)", "np.pad({M}, <<1|((1, 0), (0, 1))>><<|, mode='edge'|, constant_values={s}>>)", "np.split({v}[:2], 2)[{d}]",
        "np.array_split({u}, 2)[{d}]", "np.hsplit({M}, [1])[{d}]", "np.vsplit({M}, [1])[{d}]", "np.dsplit({T}, [1])[{d}]", "np.concatenate([{u}, {x}]<<|, axis=0|, axis=-1|, axis=None>>)", "np.concatenate({M})", "np.stack([{u}, {x}]<<|, axis=-1|, axis=1>>)",
        "np.vstack(({v1}, {v1} * 2.0))", "np.hstack([{v}, {s}])", "np.hstack({M})", "np.dstack([{u}, {x}])", "np.column_stack([{v}, {w}])", "np.block([[{A}, {A1}], [{A1}, {A1}]])", "np.block([{v}, {s}])", "np.c_[{v}, {w}]", "np.r_[{v}, 0.5, {v}]",
        "np.atleast_1d({r})", "np.atleast_2d({r})", "np.atleast_3d({u})", "np.expand_dims({u}, <<0|-1|(0, 1)>>)", "np.squeeze({u}[None], 0)", "np.moveaxis({T}, 0, -1)", "np.swapaxes({T}, 0, 2)", "np.rollaxis({T}, 2)", "np.transpose({T}, (1, 0, 2))",
        "np.permute_dims({M})", "np.matrix_transpose({T})", "{u}.T", "{M}.mT", "np.ravel({u}<<|, order='F'|, 'K'>>)", "{u}.reshape(-1)", "np.reshape({u}, -1<<|, order='F'>>)", "{u}.flatten(<<|'F'>>)", "np.broadcast_to({v}, (2, len({v})))",
        "np.broadcast_arrays({v}, {s})[<<0|1>>]", "np.ascontiguousarray({u})", "np.asfortranarray({M})", "np.array({u}, copy=True, ndmin=2)", "np.asarray({v}, dtype=float)", "np.meshgrid({v}, {v}<<|, indexing='ij'|, sparse=True>>)[{d}]",
        "np.lib.stride_tricks.sliding_window_view({v}, 2)", "np.unstack({M})[{d}]", "np.full({v}.shape, {s})", "np.full_like({u}, {s})", "np.zeros_like({u}) + {r}", "np.linspace({s1}, {s1} + 1.3, <<4|3, endpoint=False>>)", "np.arange({s1}, {s1} + 1.7, 0.5)",
        "np.geomspace(abs({s1}) + 0.5, abs({s1}) + 2.0, 3)", "np.logspace(0.1, {s}, 3)", "np.fromfunction(lambda i, j: i * {s} + j, (2, 3))", "np.indices((2, 2))[0] * {s}", "np.diag({v}<<|, 1|, -1>>)", "np.diag({M}<<|, 1>>)", "np.diagonal({T}<<|, 0, 1, 2>>)",
        "np.diagflat({v})", "np.tril({M}<<|, 1|, -1>>)", "np.triu({A})", "np.trace({u}[None] * np.ones((2, 1)))", "np.trace({A}<<|, 1>>)", "np.vander({v}<<|, 3|, 3, increasing=True>>)", "np.array([[{s}, 1.0], [0.5, {s}]])", "np.array([{v}, {w}])",
    ),
    "sums": (
        "np.cumsum({u}<<|, axis=0|, axis=-1>>)", "np.cumprod({u}<<|, axis=0|, axis=-1>>)", "np.nancumsum({u})", "np.nancumprod({v})", "np.cumulative_sum({v}<<|, include_initial=True>>)", "np.cumulative_prod({v})", "np.diff({u}<<|, n=2|, axis=0|, prepend=0.4>>)",
        "np.ediff1d({v}<<|, to_end=0.5|, to_begin={s}>>)", "np.gradient({v}<<|, 0.5|, edge_order=2>>)", "np.gradient({v1}, np.cumsum(np.abs({v1}) + 0.4))", "np.gradient({M}, <<axis=0|axis=1|0.4, axis=0>>)", "np.gradient({M})[{d}]", "np.trapezoid({u}<<|, dx=0.3|, axis=0>>)",
        "np.trapezoid({v1}, np.cumsum(np.abs({v1}) + 0.1))", "np.interp({u}, {q1}, np.sin({q1}))", "np.interp({s}, [-1.0, 0.2, 1.1], {v}[:3]<<|, left={s}|, right=0.4|, period=2.5>>)", "np.interp({v1}, np.sort({v1}) * 0.7, {v1})", "np.unwrap({v} * 4.0<<|, period=2.0|, discont=1.0>>)",
        "np.median({u}<<|, axis=0|, axis=-1>>)", "np.quantile({u}, <<0.3|[0.2, 0.6]|{p1}[0]>><<|, axis=0|, method='hazen'|, method='lower'>>)", "np.percentile({u}, <<30|[20.0, 75.0]>><<|, axis=-1>>)", "np.nanmedian({v})", "np.nanquantile({v}, 0.4)", "np.nanpercentile({u}, 55.0)",
        "np.average({v1}, weights=np.exp({v1}))", "np.average({M}<<|, axis=0|, axis=1>>)", "np.average({M1}, axis=0, weights=np.abs({M1}) + 0.2)", "np.cov({u})", "np.cov({v}, {w})", "np.cov({M}<<, rowvar=False|, bias=True|, ddof=0>>)", "np.corrcoef({M}<<|, rowvar=False>>)", "np.corrcoef({v}, {w})",
        "np.bincount([0, 1, 1, 3, 2][:len({v1})], weights={v1}<<|, minlength=5>>)", "np.bincount(np.arange(len({v1})) % 2, {v1})", "np.histogram([0.1, 0.5, 0.7, 0.9, 0.3][:len({v1})], <<3|[0.0, 0.4, 1.0]>>, weights={v1})[0]",
        "np.histogram2d(np.arange(len({v1})), np.arange(len({v1})) % 2, 2, weights={v1})[0]", "np.digitize({v}, [-0.3, 0.2]) * {s}", "np.histogram({v}, 3, range=(-2.0, 2.0))[0] * {s}", "np.convolve({v}, {v}<<|, 'same'|, 'valid'>>)", "np.correlate({v}, {v}<<|, 'full'|, 'same'>>)", "np.ptp({u}<<|, axis=0>>)",
        "np.polyval({v}[:3], {r})", "np.polyadd({v}, {v}[:2])", "np.polysub({v}, {v}[:2])", "np.polymul({v}[:3], {v}[:2])", "np.polyder({v})", "np.polyint({v}<<|, k=0.4>>)", "np.polydiv({v}, [1.0, {s}])[{d}]", "np.poly({v}[:2])", "np.polyfit(np.arange(len({v1})), {v1}, <<1|2>>)",
        "np.polynomial.polynomial.polyval({s}, {v})", "np.std({u}{h})", "np.var({u}<<, ddof=1|, axis=0|, axis=-1, ddof=1>>)", "np.sum({u}, where={k}, initial={s})", "np.mean({u1}, where={u1} > -0.5)", "np.max({u1}, initial={s})", "np.max({u1}, where={u1} < 0.4, initial=-2.0)",
        "np.nansum({u}{h})", "np.nanmean({u}{h})", "np.nanmax({u}{h})", "np.nanstd({u})", "np.nanvar({u})", "np.prod({u}{h})", "np.sum({T}, axis=<<(0, 2)|1|(0, 1, 2)>>)", "np.linalg.norm({T}, axis=(0, 2))", "np.count_nonzero({u} > 0.1) * {s}", "np.argmax({v}) * {s}",
        "np.apply_along_axis(np.<<sum|max|cumsum|sort>>, <<0|1|-1>>, {M})", "np.apply_along_axis(lambda row: row @ row, 1, {M})", "np.apply_over_axes(np.sum, {T}, [0, 2])", "np.vectorize(lambda y: y * {s} if y > 0 else y * y)({u})", "np.fromiter((y * {s} for y in {v}), float)",
        "np.array([math.sin(y) for y in {v}])", "np.array([np.sum(row * row) for row in {M}])", "np.stack([row * {s} for row in {M}])", "sum(y * {s} for y in {v})", "np.array(list(map(lambda y: y * y, {v})))", "np.array([y * i for i, y in enumerate({v})])", "np.array([p * q for p, q in zip({v}, {w})])",
        "np.array([y for _, y in np.ndenumerate({M})])", "np.array([{M1}[i] for i in np.ndindex({M1}.shape)])",
    ),
    "linalg": (
        "np.linalg.inv({E})", "np.linalg.solve({E}, <<np.ones(len({E1}))|{E1}>>)", "np.linalg.solve({E1}, {E1}[0])", "np.linalg.det({A})", "np.linalg.slogdet({E})[1]", "np.linalg.cholesky({D}<<|, upper=True>>)", "np.linalg.eigvalsh({D}<<|, UPLO='U'>>)", "np.linalg.eigh({D})[0]",
        "np.abs(np.linalg.eigh({D})[1])", "np.linalg.svd({F}, compute_uv=False)", "np.linalg.svd({F}, full_matrices=False)[<<0|1|2>>]", "np.linalg.svdvals({F})", "np.linalg.qr({F}<<|, 'reduced'|, mode='complete'>>)[1]", "np.linalg.qr({F}, 'r')",
        "np.linalg.pinv({F}<<|, rcond=1e-10>>)", "np.linalg.lstsq({F1}, {F1}[:, 0] * {s} + 0.3, rcond=None)[0]", "np.linalg.cond({E}<<|, 'fro'|, 1>>)", "np.linalg.matrix_power({E}, <<2|3|-1|0>>) * 0.2", "np.linalg.multi_dot([{M1}, {M1}.T, {M1}])", "np.linalg.tensorsolve({E1}, {E1}[0])",
        "np.linalg.tensorinv({E}, ind=1)", "np.linalg.matrix_norm({M}<<|, ord=1|, ord=2|, ord='nuc'|, ord=np.inf>>)", "np.linalg.vector_norm({u}<<|, ord=3|, axis=-1|, ord=1>>)", "np.linalg.norm({M}, <<'fro'|'nuc'|1|-1|2|-2|np.inf>>)", "np.linalg.norm({v}, <<1|2|3|np.inf|-np.inf|0.5>>)", "np.linalg.matrix_transpose({M})",
        "np.linalg.diagonal({A})", "np.linalg.trace({A})", "np.linalg.outer({v}, {w})", "np.linalg.cross({v}[:3], {v}[:3])", "np.cross({v}[:3], <<{v}[:3]|[0.3, 0.5, 1.0]>>)", "np.linalg.vecdot({M}, {N})", "np.linalg.inv(np.stack([{E1}, {E1}.T]))", "np.linalg.solve(np.stack([{E1}, {E1}.T]), {E1})",
        "np.linalg.det(np.stack([{A1}, {A1} * 2.0]))", "np.linalg.eigvalsh(np.stack([{D1}, {D1} * 2.0]))", "np.linalg.eigvals({D}).real", "np.linalg.matrix_rank({A}) * {s}",
        "np.einsum('<<ij->i|ij->j|ij->ji|ij->>>', {M})", "np.einsum('<<ii|ii->i>>', {A})", "np.einsum('<<ij,j->i|ij,j>>', {M}, {M}[0])", "np.einsum('ij,ij-><<|i|j|ji>>', {M}, {N})", "np.einsum({M1}, [0, 1], {M1}, [2, 1]<<|, [0, 2]|, [2, 0]>>)", "np.einsum({A}, [0, 0]<<|, [0]>>)", "np.einsum('i,j<<->ij|>>', {v}, {v})",
        "np.einsum('...ij,...kj->...ik', {T1}, {T1}<<|, optimize=True|, optimize='greedy'>>)", "np.einsum('ij,kj,kl->il', {M1}, {M1}, {M1}<<|, optimize=True>>)", "np.einsum('bij->b<<i|ji|>>', {T})", "np.tensordot({M}, {N}, <<2|([0], [0])|([1], [1])>>)", "np.tensordot({T1}, {T1}, axes=([0, 1], [0, 1]))", "np.inner({M1}, {M1})", "np.inner({v}, {w})",
        "np.linalg.svd(np.stack([{M1}, {M1} * 0.5 + 0.1]), compute_uv=False)", "np.linalg.qr(np.stack([{F1}, {F1} * 2.0]), mode='r')", "np.linalg.cholesky(np.stack([{D1}, {D1} * 2.0]))", "np.linalg.eigh(np.stack([{D1}, {D1} + 1.0]))[0]",
        "np.linalg.pinv(np.stack([{F1}, {F1} * 2.0]))", "np.linalg.slogdet(np.stack([{E1}, {E1} * 1.5]))[1]", "np.linalg.matrix_power(np.stack([{E1}, {E1}.T]), 2) * 0.1", "np.linalg.norm(np.stack([{M1}, {N}]), axis=(<<0, 1|1, 2|-2, -1>>))", "np.linalg.cond(np.stack([{E1}, {E1}.T]))",
        "np.linalg.multi_dot([{v1}, np.outer({v1}, {v1}), {v1}])", "np.linalg.solve({E1}, np.stack([{E1}[0], {E1}[1]], axis=1))", "np.linalg.lstsq({F1}, {F1} * {s}, rcond=None)[0]",
        "np.dot({M}, {M}.T)", "np.vdot({M}, {N})", "np.outer({u}, {v})", "np.kron({M}, <<[[1.0, 2.0]]|np.eye(2)>>)", "np.kron({v}, {v}[:2])", "np.matmul({T1}, np.swapaxes({T1}, 1, 2))", "{T} @ {M}[0]", "{M}.T @ {M}",
    ),
}  # fmt: skip

# Statements of a line or more. `{V}` and `{U}` are written into.
STATEMENTS = (
    "np.add.at({V}, {j}, {s})", "np.<<add|subtract|multiply|maximum>>.at({V}, [0, 1, 0], {v}[:3])", "np.put_along_axis({U1}, np.argmax({U1}, axis=-1)[..., None], {s}, -1)", "np.put({V}, {j}, {s})", "np.put({V}, [0, -1], {v}[:2])",
    "np.place({U1}, {U1} > 0.3, [{s}, 0.2])", "np.putmask({U1}, {U1} > 0.2, {x1})", "np.putmask({U1}, {U1} < 0.0, {U1} * {s})", "np.copyto({U1}, {x}<<|, where={U1} > 0.1>>)", "np.fill_diagonal({A}, {s})", "{U}.fill({s})", "{V}.sort()", "{U}.sort(axis=<<0|-1>>)", "{V}.partition(1)",
    "{U}.flat[<<0|-1|1:3|[0, 2]|:>>] = {s}", "{t1}, {t2} = np.linalg.qr({F}<<|, mode='reduced'>>)", "{t1}, {t2} = np.linalg.eigh({D})", "{t1}, {t2}, {t3} = np.linalg.svd({F}, full_matrices=False)", "{t1}, {t2} = np.linalg.slogdet({E})",
    "{t1}, {t2} = np.modf({u})", "{t1}, {t2} = np.frexp({u})", "{t1}, {t2} = np.divmod({u}, 0.7)", "{t1}, {t2} = divmod({s}, 0.6)", "{t1}, {t2} = np.gradient({M})", "{t1}, {t2} = np.meshgrid({v}, {v})", "{t1}, *{t2} = {v}", "{t1}, {t2} = np.broadcast_arrays({v}, {s})", "{t1}, {t2} = np.array_split({v}, 2)",
    "{t1}, {t2} = np.split({M}, [1])", "{t1}, {t2} = np.polydiv({v}, [1.0, {s}])", "{t1}, {t2} = np.unique({v}, return_inverse=True)", "{t1}, {t2} = np.histogram({v} * 0.0 + 0.3, 2, range=(0.0, 1.0), weights={v})", "{t1}, {t2} = np.average({v}, weights={p}, returned=True)", "{t1} = np.multiply({u1}, {x}, out=np.zeros({u1}.shape))",
    "np.<<add|multiply|maximum>>({U1}, {x1}, out={U1})", "np.<<sin|tanh|square>>({U1}, out={U1}<<|, where={U1} > 0.0>>)", "np.cumsum({V1}, out={V1})", "np.sum({M1}, axis=0, out={M1}[0])", "np.dot({A1}, {A1}, out=np.empty({A1}.shape))", "np.matmul({A1}, {A1}.copy(), out={A1})", "np.clip({U1}, -0.5, 0.5, out={U1})",
    "{V}[<<0|1:|::2|-1|[0, 2]|k - 1>>] = {s}", "{V}[1:] = {V}[:-1]", "{V}[{j}] *= {s}", "{U1}[{U1} > 0.2] = {s}", "{U1}[{U1} > 0.0] *= 0.5", "{U} += {r}", "{U} *= {r}", "{U}[..., 0] = {s}", "{U}[{i}] -= {s}", "{V}[::-1] += {V}.copy()", "{U1}[()] = {x1} * 0.5", "{U}.T[{i}] = {s}", "{U}.reshape(-1)[1] = {s}", "{U}.ravel()[0] = {s}",
    "{t1} = {U}[1:]; {t1} *= {s}", "{t1} = {U}.T; {t1}[0] = {s}", "{t1} = {U}.reshape(-1); {t1}[::2] = {s}", "{t1} = np.diagonal({A}); {t2} = {t1} * {s}", "{t1} = {U}[{i}]; {t1} += {s}", "{t1} = {U}.copy(); {t1}[0] = {s}", "{t1} = {V}; {t1}[0] = {s}", "{t1} = np.flip({U}); {t1}[0] = {s}", "{t1} = np.atleast_2d({V}); {t1}[0] = {s}",
    "for {t1} in {M}[1:]: {t1} *= {s}", "{t1}, {t2} = {v}[:2]; {t1} = {t1} * {t2}", "{t1} = np.swapaxes({T}, 0, 1); {t1}[0] *= {s}", "{t1} = {U}.T.T; {t1}[..., -1] += {s}", "{t1} = np.moveaxis({M}, 0, 1); {t1}[{i}] = {s}", "{t1} = {A}.ravel(); {t1}[0] = {s}",
    "{t1} = np.rot90({M1}); {t1}[0] = {s}; {t2} = {M1} * 0.5", "{t1} = {U}[None]; {t1}[0, 0] *= {s}", "{t1} = np.expand_dims({U}, 0); {t1}[..., 0] = {s}", "{t1} = {V}[1:][::-1]; {t1}[0] = {s}; {t2} = {V} * {t1}[0]", "{t1} = np.squeeze({U}[None]); {t1}[0] += {s}", "{t1} = {V}.view(); {t1}[-1] *= {s}",
    "{t1} = np.flipud({U1}); {t1} += {x1} * 0.5", "{t1} = {U}[...]; {t1} -= {s}", "{t1} = np.array_split({V}, 2); {t1}[0][0] = {s}; {t2} = np.sum({t1}[1])", "np.add({U1}[1:], {s}, out={U1}[1:])", "np.exp({U1} * 0.1, out={U1}.T.T, where={U1} < 0.4)", "np.maximum.at({V}, [0, 0, 1], {s})", "np.multiply.at({V}, ({j},), {s})",
    "for {t1} in np.ndindex({U1}.shape): {U1}[{t1}] *= {s}", "{V}[np.argsort({V})] = np.sort({V})[::-1] * 0.5", "np.take({v}, [1, 0], out={V}[:2])", "{V}[:], {t1} = {V} * {s}, {V}[0]", "{U1}[...] = np.where({U1} > 0.1, {U1}, {x1})", "{t1} = {t2} = {v}.copy(); {t1}[0] = {s}; {t2}[-1] *= 0.5", "{V}[0], {V}[1] = {V}[1], {V}[0]",
    "{t1} = np.empty_like({u1}); {t1}[:] = {x1}; {t1}[0] = {s}", "{t1} = np.zeros(3); {t1}[1:] = {v}[:2]", "{t1} = np.broadcast_to({s}, (2, 3)).copy(); {t1}[0] *= {s}", "{t1} = np.ascontiguousarray({U}); {t1}[0] = {s}", "{t1} = np.asarray({U}); {t1}[0] *= {s}",
    "{t1} = []; [{t1}.append({v}[i] * {s}) for i in range(2)]", "{t1} = [{v}, {w}]; {t1}[0] = {t1}[1] * {s}; {t2} = np.sum({t1}[0])", "{t1} = {'p': {s}, 'q': {v}}; {t1}['p'] *= 0.5; {t2} = {t1}['p'] * {t1}['q']", "{t1} = list({v}[:2]); {t1}.insert(1, {s}); {t2} = np.array({t1})", "{t1} = {v}.tolist(); {t1}.reverse(); {t2} = np.array({t1}) * {s}",
)  # fmt: skip

TESTS = (
    "{s} > 0.1", "{s} < {s}", "np.sum({u}) > 0.2", "np.any({u} > 0.6)", "np.all({u} < 0.9)", "len({v}) > 3", "{M}.shape[0] > 3", "k > 2", "not {s} > 0.3", "{s} > 0 and {s} < 0.8", "np.max({v}) > abs({s})",
    "{u}.ndim == 2", "np.allclose({v}, 0.3)", "np.isfinite({s})", "-0.4 < {s} < 0.7",
)  # fmt: skip
RESULTS = (
    "np.sum({0} * {0})",
    "np.sum(np.cos({0}))",
    "np.sum({0}) * 0.7",
    "({0} ** 2).mean()",
    "np.sin({0}).sum()",
)
