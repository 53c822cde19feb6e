//! Gauss-Legendre quadrature on [-1, 1], also of the integrals up to each node.
//!
//! Must never know: what is integrated.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Nodes of a panel.
pub(super) const NODES: usize = 12;

/// The rule; it depends on nothing, so it is made once.
pub(super) static RULE: LazyLock<Rule> = LazyLock::new(Rule::new);

pub(super) struct Rule {
    pub(super) nodes: [f64; NODES],
    pub(super) weights: [f64; NODES],
    /// Row k integrates from -1 to node k the polynomial through the values at all nodes.
    pub(super) partial: [[f64; NODES]; NODES],
}

impl Rule {
    fn new() -> Self {
        let nodes: [f64; NODES] = std::array::from_fn(node);
        let legendre = nodes.map(legendre);
        let weights = std::array::from_fn(|l| {
            let (node, value) = (nodes.get(l), legendre.get(l).and_then(|values| values.get(NODES.wrapping_sub(1))));
            let (Some(node), Some(value)) = (node, value) else { return 0.0 };
            // Abramowitz & Stegun 25.4.29 with the derivative at a root of P_n: n P_(n-1) / (1 - x^2).
            let slope = NODES as f64 * value;
            2.0 * (1.0 - node * node) / (slope * slope)
        });
        let partial = std::array::from_fn(|k| {
            std::array::from_fn(|l| match (nodes.get(k), legendre.get(k), legendre.get(l), weights.get(l)) {
                (Some(node), Some(at_k), Some(at_l), Some(weight)) => 0.5 * weight * antiderivative(*node, at_k, at_l),
                _ => 0.0,
            })
        });
        Self { nodes, weights, partial }
    }
}

/// The sum of `P_j(x_l) (2j + 1)` times the integral of `P_j` from -1 to the node (DLMF 18.16.1 with 18.9.7): the
/// Lagrange polynomial of node l in Legendre polynomials, integrated term by term.
fn antiderivative(node: f64, at_k: &[f64; NODES + 1], at_l: &[f64; NODES + 1]) -> f64 {
    let steps = at_k.iter().zip(at_k.iter().skip(2));
    let higher: f64 = at_l.iter().skip(1).zip(steps).map(|(value, (below, above))| value * (above - below)).sum();
    1.0 + node + higher
}

/// `P_0` to `P_n` at `x`, by their recurrence (DLMF 18.9.1).
fn legendre(x: f64) -> [f64; NODES + 1] {
    let (mut before, mut now, mut degree) = (0.0, 1.0, 0.0);
    [(); NODES + 1].map(|()| {
        let value = now;
        (before, now) = (now, ((2.0 * degree + 1.0) * x * now - degree * before) / (degree + 1.0));
        degree += 1.0;
        value
    })
}

/// A root of `P_n`, from the left, by Newton's method.
fn node(index: usize) -> f64 {
    let count = NODES as f64;
    let mut x = -libm::cos(PI * (index as f64 + 0.75) / (count + 0.5));
    for _ in 0..10 {
        let [.., before, value] = legendre(x);
        x -= value * (1.0 - x * x) / (count * (before - x * value));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integral of `x^power` from -1 to `x`.
    fn monomial(power: u32, x: f64) -> f64 {
        let next = f64::from(power + 1);
        (x.powi(power as i32 + 1) - (-1.0_f64).powi(power as i32 + 1)) / next
    }

    #[test]
    fn polynomials_are_integrated_exactly() {
        for power in 0..2 * NODES as u32 {
            let sum: f64 = RULE.nodes.iter().zip(&RULE.weights).map(|(x, weight)| weight * x.powi(power as i32)).sum();
            assert!((sum - monomial(power, 1.0)).abs() < 1e-14, "x^{power}: {sum}");
        }
        for power in 0..NODES as u32 {
            for (node, row) in RULE.nodes.iter().zip(&RULE.partial) {
                let sum: f64 = RULE.nodes.iter().zip(row).map(|(x, weight)| weight * x.powi(power as i32)).sum();
                assert!((sum - monomial(power, *node)).abs() < 1e-14, "x^{power} to {node}: {sum}");
            }
        }
    }
}
