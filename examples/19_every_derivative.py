"""19. Derivatives besides the gradient, on problems of GradBench.

k-means wants the diagonal of a Hessian, bundle adjustment a Jacobian of many small blocks, and a saddle point
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
    """`x`, turned by the angle |r| about r."""
    angle = np.sqrt(np.sum(r * r) + 1e-30)
    axis = r / angle
    return x * np.cos(angle) + np.cross(axis, x) * np.sin(angle) + axis * (axis @ x) * (1 - np.cos(angle))


def projected(camera, point):
    """What a camera sees of a point: it has a rotation and a place of three numbers, and a focal length."""
    x = rotated(camera[:3], point - camera[3:6])
    return camera[6] * x[:2] / x[2]


block = jacobian(projected, argnums=(0, 1))


def adjustment(cameras, points):
    """The Jacobian of what all cameras see of all points, by all of their numbers: mostly zeros."""
    full = np.zeros((len(cameras), len(points), 2, cameras.size + points.size))
    for i, camera in enumerate(cameras):
        for k, point in enumerate(points):
            own, other = 7 * i, cameras.size + 3 * k
            full[i, k, :, own : own + 7], full[i, k, :, other : other + 3] = block(camera, point)
    return full


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
    scene, h = rng.uniform(-1.0, 1.0, (4, 3)), 1e-6
    full = adjustment(cameras, scene)
    moved = cameras.copy()
    moved[1, 4] += h
    slope = (projected(moved[1], scene[2]) - projected(cameras[1], scene[2])) / h
    np.testing.assert_allclose(full[1, 2, :, 7 + 4], slope, atol=1e-6)
    print("bundle adjustment:", np.count_nonzero(full), "of", full.size, "entries are not zero")

    x = saddle_point(np.array([2.0, -1.0]))
    np.testing.assert_allclose(x, 1 / 1.5625)  # the best answer is 1.25 x
    print("saddle point:", np.round(x, 4).tolist())
    print()
    print(product.derivative_source)


if __name__ == "__main__":
    main()
