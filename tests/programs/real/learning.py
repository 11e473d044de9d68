"""Attention, spiking neurons, images and points that are laid upon each other, a tree that is evaluated."""

import math
from collections import namedtuple

import numpy as np


def attention_loss(params, tokens, targets):
    E = params["embedding"]
    x = E[tokens] + params["position"][: len(tokens)]
    n, d = x.shape
    mask = np.triu(np.full((n, n), -np.inf), 1)
    for block in params["blocks"]:
        mu, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        h = block["g"] * (x - mu) / np.sqrt(var + 1e-5)
        q, k, v = np.split(h @ block["qkv"], 3, axis=-1)
        heads = []
        for a in range(2):
            part = slice(a * d // 2, (a + 1) * d // 2)
            s = q[:, part] @ k[:, part].T / math.sqrt(d // 2) + mask
            p = np.exp(s - s.max(-1, keepdims=True))
            p = p / p.sum(-1, keepdims=True)
            heads.append(p @ v[:, part])
        x = x + np.hstack(heads) @ block["out"]
        u = x @ block["up"]
        x = x + (0.5 * u * (1 + np.tanh(0.79788456 * (u + 0.044715 * u**3)))) @ block["down"]
    logits = x @ E.T
    logits -= logits.max(axis=-1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.mean(logp[np.arange(n), targets])


def spiking(weights, inputs, tau, threshold, target):
    n = weights.shape[0]
    v = np.zeros(n)
    rate = np.zeros(n)
    refractory = np.zeros(n, dtype=int)
    last = np.zeros(n)
    for t in range(inputs.shape[0]):
        active = refractory == 0
        current = weights @ inputs[t]
        v[active] += (current[active] - v[active]) / tau
        soft = 1 / (1 + np.exp(-8 * (v - threshold)))
        rate += soft
        fired = v > threshold
        last[fired] = v[fired] - threshold
        v[fired] = 0.2 * v[fired] - 0.1
        refractory[refractory > 0] -= 1
        refractory[fired] = 2
    return np.sum((rate / inputs.shape[0] - target) ** 2) + 0.01 * np.sum(last**2)


def sample(image, ys, xs):
    h, w = image.shape
    x0 = np.clip(np.floor(xs).astype(int), 0, w - 2)
    y0 = np.clip(np.floor(ys).astype(int), 0, h - 2)
    fx, fy = xs - x0, ys - y0
    top = image[y0, x0] * (1 - fx) + image[y0, x0 + 1] * fx
    bottom = image[y0 + 1, x0] * (1 - fx) + image[y0 + 1, x0 + 1] * fx
    inside = (xs >= 0) & (xs <= w - 1) & (ys >= 0) & (ys <= h - 1)
    return np.where(inside, top * (1 - fy) + bottom * fy, 0.0)


def register(theta, moving, fixed, bend):
    h, w = fixed.shape
    yy, xx = np.meshgrid(np.arange(h, dtype=float), np.arange(w, dtype=float), indexing="ij")
    cy, cx = (h - 1) / 2, (w - 1) / 2
    angle, scale, ty, tx = theta
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    ys = cy + c * (yy - cy) - s * (xx - cx) + ty
    xs = cx + s * (yy - cy) + c * (xx - cx) + tx
    blocks = np.ones((h // bend.shape[1], w // bend.shape[2]))
    warped = sample(moving, ys + np.kron(bend[0], blocks), xs + np.kron(bend[1], blocks))
    a, b = warped - warped.mean(), fixed - fixed.mean()
    ncc = np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))
    smooth = np.sum(np.diff(bend, axis=1) ** 2) + np.sum(np.diff(bend, axis=2) ** 2)
    return 1 - ncc + 0.05 * smooth


def matching_loss(theta, shift, source):
    c, s = np.cos(theta), np.sin(theta)
    moved = source @ np.array([[c, s], [-s, c]]) + shift
    total = 0.0
    for k in range(moved.shape[0]):
        d = np.sum((POINTS - moved[k]) ** 2, axis=1)
        j = np.argmin(d)
        total += np.log(1.0 + d[j])
    return total


Node = namedtuple("Node", "op left right")


def evaluate(node, env):
    if isinstance(node, str):
        return env[node]
    if isinstance(node, (int, float)):
        return float(node)
    left = evaluate(node.left, env)
    right = evaluate(node.right, env) if node.right is not None else None
    if node.op == "+":
        return left + right
    if node.op == "*":
        return left * right
    if node.op == "-":
        return left - right
    if node.op == "/":
        return left / right
    if node.op == "sin":
        return math.sin(left)
    if node.op == "exp":
        return math.exp(left)
    raise ValueError(f"unknown operation {node.op}")


TREE = Node(
    "+",
    Node("*", "x", Node("sin", Node("*", 2, "y"), None)),
    Node("/", Node("exp", Node("-", "x", "y"), None), Node("+", 3, Node("*", "z", "z"))),
)


def tree_loss(env, targets):
    out = 0.0
    for t in targets:
        value = evaluate(TREE, env)
        out += (value - t) ** 2
        env = {**env, "x": env["x"] * 0.9 + 0.1 * value}
    return out


rng = np.random.default_rng(5)


def normal(*shape):
    return rng.normal(size=shape)


POINTS = normal(15, 2)


def block():
    return {
        "g": 1 + 0.1 * normal(4),
        "qkv": 0.5 * normal(4, 12),
        "out": 0.5 * normal(4, 4),
        "up": 0.5 * normal(4, 6),
        "down": 0.5 * normal(6, 4),
    }


PARAMETERS = {"embedding": normal(7, 4), "position": normal(8, 4), "blocks": [block(), block()]}
CASES = [
    (attention_loss, (PARAMETERS, np.array([1, 4, 2, 6, 0]), np.array([4, 2, 6, 0, 3])), (0,)),
    (spiking, (np.abs(normal(4, 3)), np.abs(normal(12, 3)), 3.0, 0.8, np.full(4, 0.3)), (0, 1, 2, 3, 4)),
    (
        register,
        (np.array([0.1, 1.05, 0.3, -0.2]), normal(8, 8), normal(8, 8), 0.1 * normal(2, 2, 2)),
        (0, 1, 2, 3),
    ),
    (matching_loss, (0.4, np.array([0.1, 0.2]), normal(6, 2)), (0, 1, 2)),
    (tree_loss, ({"x": 0.3, "y": 0.8, "z": 1.2}, np.array([0.5, 0.7])), (0, 1)),
]
