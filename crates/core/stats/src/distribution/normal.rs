//! The standard normal distribution.

use std::f64::consts::FRAC_1_SQRT_2;

/// P(Z > z) for a standard normal Z, without cancellation for large z.
#[must_use]
pub fn normal_sf(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// The z with P(Z > z) = `p`, for `p` in (0, 1); plus or minus infinity at the ends. Relative error about 1e-16
/// (Wichura 1988, algorithm AS 241, PPND16).
#[must_use]
pub fn normal_upper_quantile(p: f64) -> f64 {
    let centred = 0.5 - p;
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        return centred * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let tail = p.min(1.0 - p);
    if tail <= 0.0 {
        return if p <= 0.0 { f64::INFINITY } else { f64::NEG_INFINITY };
    }
    let r = (-libm::log(tail)).sqrt();
    let z = if r <= 5.0 {
        polynomial(&TAIL.0, r - 1.6) / polynomial(&TAIL.1, r - 1.6)
    } else {
        polynomial(&FAR_TAIL.0, r - 5.0) / polynomial(&FAR_TAIL.1, r - 5.0)
    };
    if centred > 0.0 { z } else { -z }
}

/// Coefficients from the highest power down.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |value, coefficient| value * x + coefficient)
}

/// Numerator and denominator.
type Rational = ([f64; 8], [f64; 8]);

const CENTRE: Rational = (
    [
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ],
    [
        5226.495278852546,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ],
);

const TAIL: Rational = (
    [
        7.745450142783414e-4,
        2.2723844989269184e-2,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ],
    [
        1.0507500716444169e-9,
        5.475938084995345e-4,
        1.5198666563616457e-2,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ],
);

const FAR_TAIL: Rational = (
    [
        2.0103343992922881e-7,
        2.7115555687434876e-5,
        1.2426609473880784e-3,
        2.6532189526576124e-2,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ],
    [
        2.0442631033899397e-15,
        1.421511758316446e-7,
        1.8463183175100548e-5,
        7.868691311456133e-4,
        1.4875361290850615e-2,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ],
);
