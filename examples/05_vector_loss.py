"""5. Vectors: f(x, W) = |W x|^2, the sum of the squares of W x.

Nothing changes but the shapes. With q = W x the gradient on q is 2q; W[i, j] meets x[j] and ends in q[i],
so its gradient is 2 q[i] x[j]: an outer product. Dually x receives Wᵀ 2q. A good habit to keep: a gradient
has the shape of its variable, and often there is only one product of the right shape to be had.
"""

import numpy as np

from revcompile import grad


@grad
def loss(x, W):
    q = W @ x
    f = np.sum(q**2)
    return f


W = np.array([[0.1, 0.5], [-0.3, 0.8]])
X = np.array([0.2, 0.4])


def main() -> None:
    value, (grad_x, grad_W) = loss.value_and_grad(X, W)
    print(f"f = {value:.3f}")
    print(f"grad x = {grad_x}")
    print(f"grad W =\n{grad_W}")
    print()
    print(loss.backward_source)


if __name__ == "__main__":
    main()
