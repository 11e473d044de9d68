"""19. Derivatives besides the gradient, on problems of GradBench.

k-means wants the diagonal of a Hessian, bundle adjustment a Jacobian that is mostly zeros, and a saddle point
the gradient of a function that itself climbs along a gradient. What is found is held against what is known.
"""

import numpy as np

from revcompile import grad, hvp, jacobian, value_and_grad


def cost(centres, points):
    """Of k-means: each centre's share is a sum of squares, so the Hessian is diagonal."""
    distances = np.sum((points[:, None, :] - centres) ** 2, axis=2)
    return np.sum(np.min(distances, axis=1))


gradient, product = value_and_grad(cost, argnums=0), hvp(cost, argnums=0)


def k_means(centres, points, steps=10):
    """Newton's method: the Hessian times a vector of ones is its diagonal."""
    value = 0.0
    for _ in range(steps):
        value, slope = gradient(centres, points)
        centres = centres - slope / product(centres, points, np.ones_like(centres))
    return value, centres


def rotated(r, x):
    """Each `x`, turned by the angle |r| about its r."""
    angle = np.sqrt(np.sum(r * r, axis=1, keepdims=True) + 1e-30)
    axis = r / angle
    along = np.sum(axis * x, axis=1, keepdims=True) * axis
    return x * np.cos(angle) + np.cross(axis, x) * np.sin(angle) + along * (1 - np.cos(angle))


def projected(unknowns, seen_by, seen):
    """What each camera sees of each point: a camera has a rotation and a place of three numbers, and a focal
    length. `unknowns` are the numbers of all cameras, then those of all points."""
    cameras = unknowns[: 7 * (np.max(seen_by) + 1)].reshape(-1, 7)[seen_by]
    points = unknowns[7 * (np.max(seen_by) + 1) :].reshape(-1, 3)[seen]
    x = rotated(cameras[:, :3], points - cameras[:, 3:6])
    return cameras[:, 6:] * x[:, :2] / x[:, 2:]


def pattern(seen_by, seen, size):
    """Where the Jacobian of what is seen is not zero: its own camera, its own point."""
    filled = np.zeros((len(seen), 2, size), bool)
    for i, (camera, point) in enumerate(zip(seen_by, seen, strict=True)):
        first = 7 * (max(seen_by) + 1) + 3 * point
        filled[i, :, 7 * camera : 7 * camera + 7] = filled[i, :, first : first + 3] = True
    return filled.reshape(-1, size)


def payoff(x, y):
    return np.sum((x - 1.0) ** 2) - np.sum((y - x) ** 2) + 0.5 * np.sum(x * y)


def best_answer(x):
    """The `y` of the largest payoff."""
    y = np.zeros_like(x)
    for _ in range(60):
        y = y + 0.3 * grad(payoff, argnums=1)(x, y)
    return y


@value_and_grad
def worst_case(x):
    return payoff(x, best_answer(x))


def saddle_point(x, steps=100):
    for _ in range(steps):
        _, slope = worst_case(x)
        x = x - 0.1 * slope
    return x


def main() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(mean, 0.3, (200, 2)) for mean in (-2.0, 0.0, 3.0)])
    value, centres = k_means(np.array([[-1.0, -1.0], [0.5, 0.0], [2.0, 2.5]]), points)
    nearest = np.argmin(np.sum((points[:, None, :] - centres) ** 2, axis=2), axis=1)
    assert all(np.allclose(centres[k], points[nearest == k].mean(axis=0)) for k in range(3))
    print("k-means: centres", np.round(centres, 2).tolist(), "cost", round(value, 2))

    cameras = np.array([[0.1, -0.2, 0.05, 0.0, 0.1, -5.0, 1.2], [-0.1, 0.1, 0.0, 0.5, 0.0, -6.0, 1.1]])
    scene = rng.uniform(-1.0, 1.0, (40, 3))
    unknowns, seen_by, seen = np.append(cameras, scene), np.repeat([0, 1], 40), np.tile(np.arange(40), 2)
    filled = pattern(seen_by, seen, unknowns.size)
    sparse = jacobian(projected, argnums=0, sparsity=filled)  # of ten colours: a camera's and a point's
    found = sparse(unknowns, seen_by, seen)
    np.testing.assert_allclose(found, jacobian(projected, argnums=0)(unknowns, seen_by, seen), atol=1e-12)
    direction, h = rng.normal(size=unknowns.size), 1e-6
    moved = (projected(unknowns + s * h * direction, seen_by, seen) for s in (1, -1))
    np.testing.assert_allclose(found @ direction, np.subtract(*moved) / (2 * h), atol=1e-6)
    print("bundle adjustment:", np.count_nonzero(found), "of", found.size, "entries are not zero")

    x = saddle_point(np.array([2.0, -1.0]))
    np.testing.assert_allclose(x, 1 / 1.5625)  # the best answer is 1.25 x
    print("saddle point:", np.round(x, 4).tolist())
    print()
    print(product.derivative_source)


if __name__ == "__main__":
    main()
