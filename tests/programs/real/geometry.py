"""Programs that look for what is near: a ray tracer, a k-d tree, an arm among obstacles."""

from __future__ import annotations

import numpy as np


def hit(center, radius, origin, ray):
    """The distance at which the ray meets the sphere; None where it does not."""
    to = origin - center
    b = 2.0 * (to @ ray)
    c = to @ to - radius**2
    d = b * b - 4.0 * c
    if d < 0:
        return None
    near = (-b - np.sqrt(d)) / 2.0
    far = (-b + np.sqrt(d)) / 2.0
    if near > 1e-4:
        return near
    if far > 1e-4:
        return far
    return None


def nearest(centers, radii, origin, ray):
    """The distance to the first sphere on the way, and its number: -1 where there is none."""
    best, found = np.inf, -1
    for k in range(len(radii)):
        t = hit(centers[k], radii[k], origin, ray)
        if t is not None and t < best:
            best, found = t, k
    return best, found


def trace(scene, light, origin, ray, depth=2):
    centers, radii, colors, mirror = scene
    t, k = nearest(centers, radii, origin, ray)
    if k < 0:
        return np.array([0.2, 0.3, 0.5]) * (1.0 + ray[1])
    point = origin + t * ray
    n = (point - centers[k]) / radii[k]
    to_light = light - point
    distance = np.sqrt(to_light @ to_light)
    to_light = to_light / distance
    blocked, _ = nearest(centers, radii, point + 1e-3 * n, to_light)
    shade = 0.1
    if blocked > distance:
        shade = shade + 0.9 * max(n @ to_light, 0.0)
    color = shade * colors[k]
    if depth > 0 and mirror > 0:
        bounced = ray - 2.0 * (ray @ n) * n
        color = (1 - mirror) * color + mirror * trace(scene, light, point + 1e-3 * n, bounced, depth - 1)
    return color


def render(scene, light, eye, width, height):
    """The picture of some spheres, pixel by pixel."""
    image = np.zeros((height, width, 3))
    for i in range(height):
        for j in range(width):
            x = (2.0 * j - width + 1) / width
            y = (height - 1 - 2.0 * i) / height
            ray = np.array([x, y, 1.5])
            ray = ray / np.linalg.norm(ray)
            image[i, j] = trace(scene, light, eye, ray)
    return image


def picture_loss(centers, radii, colors, light, eye, target):
    height, width, _ = target.shape
    image = render((centers, radii, colors, 0.3), light, eye, width, height)
    return np.mean((np.clip(image, 0.0, 1.0) - target) ** 2)


class Node:
    def __init__(self, index, axis, left, right):
        self.index = index
        self.axis = axis
        self.left = left
        self.right = right


def build(points, indices, depth=0):
    """The k-d tree of these points."""
    if len(indices) == 0:
        return None
    axis = depth % points.shape[1]
    order = sorted(indices, key=lambda i: points[i][axis])
    middle = len(order) // 2
    left = build(points, order[:middle], depth + 1)
    right = build(points, order[middle + 1 :], depth + 1)
    return Node(order[middle], axis, left, right)


def search(node, points, query, k, found):
    """The k nearest points, as (squared distance, index), the nearest first."""
    if node is None:
        return found
    difference = query - points[node.index]
    found = sorted([*found, (difference @ difference, node.index)])[:k]
    side = query[node.axis] - points[node.index][node.axis]
    near, far = (node.left, node.right) if side < 0 else (node.right, node.left)
    found = search(near, points, query, k, found)
    if len(found) < k or side * side < found[-1][0]:
        found = search(far, points, query, k, found)
    return found


def neighbours_loss(scale, values, bandwidth, points, queries, targets, k=3):
    """Regression by the nearest neighbours, weighted by their distances in scaled space."""
    scaled = points * np.exp(scale)
    tree = build(scaled, list(range(len(points))))
    loss = 0.0
    for query, target in zip(queries * np.exp(scale), targets):
        found = search(tree, scaled, query, k, [])
        weights = np.array([np.exp(-d / bandwidth**2) for d, _ in found])
        near = np.array([values[i] for _, i in found])
        loss += (weights @ near / weights.sum() - target) ** 2
    return loss / len(queries) + 0.01 * np.sum(scale**2)


def joints_of(angles, lengths):
    """Where the joints of a planar arm are."""
    places = [np.zeros(2)]
    heading = 0.0
    for angle, length in zip(angles, lengths):
        heading = heading + angle
        places.append(places[-1] + length * np.array([np.cos(heading), np.sin(heading)]))
    return places


def to_segment(p, a, b):
    """The distance of a point from a segment."""
    along = b - a
    t = (p - a) @ along / (along @ along)
    if t < 0:
        closest = a
    elif t > 1:
        closest = b
    else:
        closest = a + t * along
    return np.sqrt(np.sum((p - closest) ** 2))


def arm_cost(path, lengths, goal, obstacles, clearance=0.15, smooth=0.5):
    """A path of the arm's angles: it ends at the goal, smoothly, clear of obstacles."""
    cost = 0.0
    for step, angles in enumerate(path):
        places = joints_of(angles, lengths)
        for i in range(len(lengths)):
            a, b = places[i], places[i + 1]
            for x, y, radius in obstacles:
                gap = to_segment(np.array([x, y]), a, b) - radius
                if gap > clearance:
                    continue
                cost += (clearance - gap) ** 2 / clearance
        if step > 0:
            cost += smooth * np.sum(np.diff(path, axis=0)[step - 1] ** 2)
        if np.any(np.abs(angles) > 2.5):
            over = np.maximum(np.abs(angles) - 2.5, 0.0)
            cost += 10.0 * np.sum(over**2)
    end = joints_of(path[-1], lengths)[-1]
    return cost + 5.0 * (end - goal) @ (end - goal)


def normal(*shape):
    return np.random.default_rng(sum(shape) + 5).normal(size=shape)


CENTERS = np.array([[-0.5, 0.1, 3.0], [0.55, -0.1, 2.4]])
COLORS = np.array([[0.9, 0.3, 0.2], [0.2, 0.5, 0.9]])
TARGET = np.abs(np.sin(np.arange(36.0))).reshape(3, 4, 3)
OBSTACLES = np.array([[0.9, 0.45, 0.2], [0.3, 1.1, 0.25]])

CASES = [
    (picture_loss, (CENTERS, np.array([0.6, 0.45]), COLORS, np.array([2.0, 3.0, 0.5]), np.zeros(3), TARGET), (0, 1, 2, 3, 4)),
    (neighbours_loss, (np.array([0.2, -0.3]), normal(9), 0.8, normal(9, 2), normal(3, 2), normal(3)), (0, 1, 2)),
    (arm_cost, (0.5 * normal(4, 3) + 0.3, np.array([0.8, 0.6, 0.4]), np.array([0.4, 1.2]), OBSTACLES), (0, 1, 2, 3)),
]  # fmt: skip
