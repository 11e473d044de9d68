"""21. The gradient of a long simulation, in the memory of twenty of its states.

A front runs through a field: u' = diffusion u_xx + growth u (1 - u), in many small steps. By what is seen at
the end, the two numbers are to be found. The backward pass reads what each step has computed. That is kept:
some fields for each step; or, with `checkpoint=20`, twenty fields in all, from which the rest is made again.
"""

import tracemalloc

import numpy as np

from revcompile import grad, hessian, value_and_grad, vjp

STEP = 0.08


def front(parameters, u, steps):
    diffusion, growth = parameters
    for _ in range(steps):
        inner = u[1:-1]
        flow = diffusion * (u[:-2] - 2.0 * inner + u[2:])
        u[1:-1] = inner + STEP * (flow + growth * inner * (1.0 - inner))
    return u


def misfit(parameters, u, seen, steps):
    return np.sum((front(parameters, u, steps) - seen) ** 2)


begin = np.exp(-0.1 * np.arange(100.0) ** 2)
truth = np.array([2.0, 0.6])
seen = front(truth, begin.copy(), 250)

# The memory of both, for two hundred and fifty and for five hundred steps.

stored, kept = grad(misfit, "parameters"), grad(misfit, "parameters", checkpoint=20)
start = np.array([2.1, 0.57])
print("    steps   all kept   checkpoint=20")
for steps in (250, 500):
    peaks = []
    for gradient in (stored, kept):
        gradient(start, begin, seen, 3)  # compiles
        tracemalloc.start()
        slope = gradient(start, begin, seen, steps)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    print(f"    {steps:5}  {peaks[0] / 2**20:6.1f} MiB  {peaks[1] / 2**10:8.1f} KiB")
    assert np.allclose(slope, stored(start, begin, seen, steps), rtol=1e-9)
    assert peaks[1] < 70 * begin.nbytes < 0.08 * peaks[0]

# What runs: `advance` goes through steps once more, from a state that was kept.

print(kept.backward_source)

# Newton's method: second derivatives have `checkpoint=`, too. There, a state is a field and its tangent.

slope, curvature = (f(misfit, "parameters", checkpoint=20) for f in (value_and_grad, hessian))
parameters = start
for _ in range(6):
    value, gradient = slope(parameters, begin, seen, 250)
    print(f"    misfit {value:.1e} at diffusion {parameters[0]:.6f}, growth {parameters[1]:.6f}")
    parameters = parameters - np.linalg.solve(curvature(parameters, begin, seen, 250), gradient)
assert np.allclose(parameters, truth, rtol=1e-6)

# Which of the two numbers moves the front's head, and which its tail? One forward pass, two pullbacks.

u, pullback = vjp(front, parameters, begin, 250, argnums=0, checkpoint=20)
head = int(np.argmin(np.abs(u - 0.5)))
for place in (head, head + 8):
    by_diffusion, by_growth = pullback(np.eye(len(u))[place])
    print(f"    du[{place}] = {by_diffusion:.3f} ddiffusion + {by_growth:.3f} dgrowth")
