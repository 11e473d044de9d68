"""13. A neuron as an object: what is stored in `self` has a gradient, too.

The neuron of the lecture is a class with weights, a bias and a method that fires. A function of such an
object is a function of its arrays and numbers, so its gradient is an object of the same class, with
gradients where the values were: `g.weights` has the shape of `neuron.weights`. The class itself is
ordinary Python, here once written out and once as a dataclass, and knows nothing of any of this.
"""

import math
from dataclasses import dataclass

import numpy as np

from revcompile import grad, value_and_grad


class Neuron:
    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def neuron_tick(self, inputs):
        """Inputs and weights are vectors, the bias is a number."""
        cell_body_sum = np.sum(inputs * self.weights) + self.bias
        firing_rate = 1.0 / (1.0 + math.exp(-cell_body_sum))
        return firing_rate


@dataclass
class Layer:
    """As many neurons as `weights` has rows."""

    weights: np.ndarray
    bias: np.ndarray

    def tick(self, inputs):
        return 1.0 / (1.0 + np.exp(-(self.weights @ inputs + self.bias)))


@dataclass
class Brain:
    """Objects in objects: a layer, and one neuron that listens to it."""

    layer: Layer
    neuron: Neuron

    def tick(self, inputs):
        return self.neuron.neuron_tick(self.layer.tick(inputs))


@grad
def fire(neuron, inputs):
    return neuron.neuron_tick(inputs)


@value_and_grad(argnums="brain")
def surprise(brain, inputs, answer):
    """The negative log-likelihood of the answer, 0 or 1."""
    rate = brain.tick(inputs)
    if answer == 1:
        return -math.log(rate)
    return -math.log(1.0 - rate)


# the lecture's neuron: w0, w1 = 2, -3, bias -3, inputs -1, -2
NEURON = Neuron(np.array([2.0, -3.0]), -3.0)
INPUTS = np.array([-1.0, -2.0])

QUESTIONS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
ANSWERS = (0, 1, 1, 0)


def start(hidden=4):
    rng = np.random.default_rng(1)
    layer = Layer(rng.standard_normal((hidden, 2)), np.zeros(hidden))
    return Brain(layer, Neuron(rng.standard_normal(hidden), 0.0))


def train(brain, rounds=1500, learning_rate=0.5):
    """One question at a time, until the brain knows the exclusive or. The loss of every round."""
    losses = []
    for _ in range(rounds):
        total = 0.0
        for inputs, answer in zip(QUESTIONS, ANSWERS):
            value, g = surprise(brain, inputs, answer)
            total += value
            brain.layer.weights -= learning_rate * g.layer.weights
            brain.layer.bias -= learning_rate * g.layer.bias
            brain.neuron.weights -= learning_rate * g.neuron.weights
            brain.neuron.bias -= learning_rate * g.neuron.bias
        losses.append(total)
    return losses


def main() -> None:
    g, grad_inputs = fire(NEURON, INPUTS)
    print(f"firing rate {NEURON.neuron_tick(INPUTS):.4f}")
    print(f"a {type(g).__name__} of gradients: weights {np.round(g.weights, 4)}, bias {g.bias:.4f}")
    print("gradient by the inputs:", np.round(grad_inputs, 4))
    print()
    print(fire.backward_source)
    brain = start()
    losses = train(brain)
    print(f"exclusive or: loss {losses[0]:.3f} -> {losses[-1]:.4f};", end=" ")
    print("rates", np.round([brain.tick(inputs) for inputs in QUESTIONS], 2))


if __name__ == "__main__":
    main()
