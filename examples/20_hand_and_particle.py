"""20. Two more problems of GradBench: a hand that a camera has seen, and a particle that is to land.

The hand is a tree of bones, moved by the angles of its joints, with a skin that follows the bones. Its
residuals have a Jacobian by the angles and by places on the skin. The particle falls in a field that is a
gradient itself, in as many steps as it takes, and Newton's method wants second derivatives of where it lands.
"""

from typing import NamedTuple

import numpy as np

from revcompile import grad, hessian, jacobian, value_and_grad

FINGERS, JOINTS = 5, 3


class Hand(NamedTuple):
    """A skin over bones: the bone number 0 is the wrist, and a parent has a lower number than its child."""

    parents: np.ndarray
    offsets: np.ndarray  # where each bone begins, seen from the beginning of its parent
    weights: np.ndarray  # how much each vertex follows each bone
    vertices: np.ndarray  # of the hand at rest
    triangles: np.ndarray  # numbers of three vertices each


def turn(angles):
    """The rotation by three angles, about x, then y, then z."""
    (a, b, c), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, a, -sa], [0.0, sa, a]])
    about_y = np.array([[b, 0.0, sb], [0.0, 1.0, 0.0], [-sb, 0.0, b]])
    about_z = np.array([[c, -sc, 0.0], [sc, c, 0.0], [0.0, 0.0, 1.0]])
    return about_z @ about_y @ about_x


def turn_about(axis):
    """The rotation by the angle |axis| about that axis; Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    square = np.sum(axis**2)
    if square < 1e-12:
        return np.eye(3) + cross
    angle = np.sqrt(square)
    return np.eye(3) + np.sin(angle) / angle * cross + (1.0 - np.cos(angle)) / square * (cross @ cross)


def joint_angles(theta):
    """The angles of each joint: the first of a finger bends and spreads, the others bend."""
    angles = np.zeros((1 + FINGERS * JOINTS, 3))
    taken, bone = 6, 1
    for _ in range(FINGERS):
        for joint in range(JOINTS):
            angles[bone, 0] = theta[taken]
            taken += 1
            if joint == 0:
                angles[bone, 2] = theta[taken]
                taken += 1
            bone += 1
    return angles


def skin(hand, theta):
    """Where the vertices are: `theta` turns the wrist about an axis, places it, and bends the joints."""
    angles = joint_angles(theta)
    turns, places, origins = [turn_about(theta[:3])], [theta[3:6]], [np.zeros(3)]  # origins: at rest
    for bone in range(1, len(hand.parents)):
        parent = hand.parents[bone]
        turns.append(turns[parent] @ turn(angles[bone]))
        places.append(places[parent] + turns[parent] @ hand.offsets[bone])
        origins.append(origins[parent] + hand.offsets[bone])
    moved = np.zeros_like(hand.vertices)
    for weight, rotation, place, origin in zip(hand.weights.T, turns, places, origins):
        moved += weight[:, None] * ((hand.vertices - origin) @ rotation.T + place)
    return moved


def residuals(theta, us, hand, nearest, seen):
    """From each point that was seen to the skin: to the place `us` in the triangle that is nearest to it."""
    vertices = skin(hand, theta)
    a, b, c = (vertices[hand.triangles[nearest, k]] for k in range(3))
    u, v = us[:, :1], us[:, 1:]
    return (seen - (u * a + v * b + (1.0 - u - v) * c)).ravel()


by_angles = jacobian(residuals, argnums=0)


def fitted(theta, us, hand, nearest, seen, steps=8):
    """The method of Gauss and Newton, by all unknowns; a place matters to its own point alone."""
    own = np.kron(np.eye(len(us)), np.ones((3, 2)))
    by_places = jacobian(residuals, argnums=1, sparsity=own)
    for _ in range(steps):
        args = theta, us, hand, nearest, seen
        misses = residuals(*args)
        slopes = np.hstack([by_angles(*args), by_places(*args).reshape(misses.size, us.size)])
        step, *_ = np.linalg.lstsq(slopes, -misses, rcond=None)
        theta, us = theta + step[: theta.size], us + step[theta.size :].reshape(us.shape)
    return theta, us


STEP = 0.1  # of time


def potential(x, w):
    """Of two charges; `w` moves one of them."""
    charges = np.array([[10.0, 10.0 - w], [10.0, 0.0]])
    return np.sum(1.0 / np.sqrt(np.sum((x - charges) ** 2, axis=1)))


@value_and_grad
def miss(w):
    """How far from 0, squared, the particle comes down to the ground: Euler's method until it is below."""
    x, v = np.array([0.0, 8.0]), np.array([0.75, 0.0])
    while x[1] + STEP * v[1] > 0.0:
        x, v = x + STEP * v, v - STEP * grad(potential, argnums=0)(x, w)
    rest = -x[1] / v[1]
    return (x[0] + rest * v[0]) ** 2


curvature = hessian(miss.primal)


def best(w, steps=8):
    """Newton's method, downhill also where the function bends down."""
    for _ in range(steps):
        _, slope = miss(w)
        w = w - slope / abs(curvature(w))
    return w


def a_hand(rng):
    """A hand of some measures: three vertices about the middle of each bone, and triangles of them."""
    parents, offsets = [-1], [np.zeros(3)]
    for finger in range(FINGERS):
        for joint in range(JOINTS):
            parents.append(len(parents) - 1 if joint else 0)
            offsets.append(np.array([0.0, 0.8 if joint else 2.0, 0.0]) + (0 if joint else finger - 2) * SIDE)
    places = [np.zeros(3)]
    for parent, offset in zip(parents[1:], offsets[1:], strict=True):
        places.append(places[parent] + offset)
    vertices = np.repeat(places, 3, axis=0) + rng.normal(0.0, 0.2, (3 * len(places), 3))
    weights = np.exp(-4.0 * np.sum((vertices[:, None, :] - np.array(places)) ** 2, axis=2))
    weights /= weights.sum(axis=1, keepdims=True)
    triangles = np.arange(len(vertices)).reshape(-1, 3)
    return Hand(np.array(parents), np.array(offsets), weights, vertices, triangles)


SIDE = np.array([0.5, 0.0, 0.0])


def main() -> None:
    rng = np.random.default_rng(0)
    hand = a_hand(rng)
    true_theta, nearest = rng.normal(0.0, 0.2, 6 + FINGERS * (JOINTS + 1)), np.tile(np.arange(16), 2)
    true_us = rng.uniform(0.1, 0.4, (len(nearest), 2))
    seen = -residuals(true_theta, true_us, hand, nearest, 0.0).reshape(-1, 3)
    theta, us = true_theta + rng.normal(0.0, 0.05, true_theta.size), np.full_like(true_us, 1.0 / 3.0)

    step, direction = 1e-6, rng.normal(size=theta.size)
    moved = (residuals(theta + s * step * direction, us, hand, nearest, seen) for s in (1, -1))
    slope = np.subtract(*moved) / (2 * step)
    np.testing.assert_allclose(by_angles(theta, us, hand, nearest, seen) @ direction, slope, atol=1e-7)
    theta, us = fitted(theta, us, hand, nearest, seen)
    left = residuals(theta, us, hand, nearest, seen)
    np.testing.assert_allclose(left, 0.0, atol=1e-8)
    print("hand:", left.size, "residuals of", theta.size, "angles and", us.size, "places, all below 1e-8")

    w = best(0.0)
    np.testing.assert_allclose(w, 0.2072, atol=1e-4)
    assert miss(w)[0] < 1e-20
    np.testing.assert_allclose(curvature(w), (miss(w + 1e-5)[1] - miss(w - 1e-5)[1]) / 2e-5, rtol=1e-6)
    print(f"particle: w = {w:.6f}")
    print()
    print(miss.backward_source)


if __name__ == "__main__":
    main()
