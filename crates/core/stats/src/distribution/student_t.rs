//! Student's t distribution, sound from one to 10^12 (fractional) degrees of freedom.

use super::{continued_fraction, normal_upper_quantile, power_series};
use std::f64::consts::PI;

/// P(T > t) for Student's T with `df` > 0 degrees of freedom.
#[must_use]
pub fn student_t_sf(t: f64, df: f64) -> f64 {
    let tail = Ratio::of(t.abs(), df).tail();
    if t < 0.0 { 1.0 - tail } else { tail }
}

/// The density of Student's T at `t`, with `df` > 0 degrees of freedom.
#[must_use]
pub fn student_t_pdf(t: f64, df: f64) -> f64 {
    Ratio::of(t.abs(), df).density_times(1.0)
}

/// The t with P(T > t) = `p`, for `p` in (0, 1/2]; infinity at 0.
///
/// Newton's method from the Cornish-Fisher expansion (Abramowitz & Stegun 26.7.5) or the power tail, whichever is
/// nearer. Far out in ln t, where the logarithm of the tail is concave, near 0 in t itself, where the tail is convex:
/// both converge without safeguards.
#[must_use]
pub fn student_t_upper_quantile(p: f64, df: f64) -> f64 {
    if p <= 0.0 {
        return f64::INFINITY;
    }
    if p >= 0.5 {
        return 0.0;
    }
    let mut t = starting_point(p, df);
    for _ in 0..60 {
        let ratio = Ratio::of(t, df);
        let tail = ratio.tail();
        let next = if t < 1.0 {
            (t + (tail - p) / ratio.density_times(1.0)).max(0.0)
        } else {
            t * libm::exp(libm::log(tail / p) * tail / ratio.density_times(t))
        };
        // Newton's step squares the error: after a step of this size the next one would change nothing.
        let settled = (next - t).abs() <= 1e-9 * next;
        // Beyond the range of a double the tail underflows and the step is no number: keep the last good point.
        if !next.is_finite() {
            break;
        }
        t = next;
        if settled {
            break;
        }
    }
    t
}

fn starting_point(p: f64, df: f64) -> f64 {
    let z = normal_upper_quantile(p);
    let square = z * z;
    if square < df {
        let first = z * (square + 1.0) / 4.0;
        let second = z * ((5.0 * square + 16.0) * square + 3.0) / 96.0;
        let third = z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
        let fourth = z * ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92_160.0;
        let start = z + (first + (second + (third + fourth / df) / df) / df) / df;
        // Few degrees of freedom and a far tail: the series may have left the quantile, but not its sign.
        return start.max(z);
    }
    // x^(df/2) / (df B(df/2, 1/2)) = p with x = df / t^2.
    let inverse_beta = half_gamma_ratio(df / 2.0) / PI.sqrt();
    df.sqrt() * libm::exp(libm::log(inverse_beta / (p * df)) / df)
}

/// One point of the distribution, as arguments of the incomplete beta function: `x = df / (df + t^2)`, `y = 1 - x`.
struct Ratio {
    /// `df / 2`.
    a: f64,
    x: f64,
    y: f64,
    /// `ln x`, not rounded where x is near 1.
    ln_x: f64,
    /// `Gamma(a + 1/2) / Gamma(a)`.
    gamma_ratio: f64,
    /// `x^a / B(a, 1/2)`.
    front: f64,
    /// `sqrt(df + t^2)`.
    scale: f64,
}

impl Ratio {
    fn of(t: f64, df: f64) -> Self {
        let a = df / 2.0;
        let odds = t * t / df;
        // Through log1p, so that at 10^9 degrees of freedom nothing is lost to 1 - x.
        let (x, y, ln_x) = if odds.is_finite() {
            let x = 1.0 / (1.0 + odds);
            (x, odds * x, -libm::log1p(odds))
        } else {
            (0.0, 1.0, libm::log(df) - 2.0 * libm::log(t))
        };
        let gamma_ratio = half_gamma_ratio(a);
        let front = libm::exp(a * ln_x) * gamma_ratio / PI.sqrt();
        Self { a, x, y, ln_x, gamma_ratio, front, scale: libm::hypot(df.sqrt(), t) }
    }

    /// P(T > |t|) = I_x(a, 1/2) / 2.
    fn tail(&self) -> f64 {
        let Self { a, x, y, front, .. } = *self;
        if a >= 20.0 && self.ln_x > -0.35 {
            return self.tail_near_normal();
        }
        if 1.5 * x < (a + 1.0) * y {
            // DiDonato & Morris 1992, equation 9 (TOMS 708), with b = 1/2.
            let b = 0.5;
            let fraction = continued_fraction(|m| {
                let middle = a + 2.0 * m;
                let last = (a + m) * (a * y - b * x + 1.0 + m * (1.0 + y)) / (middle + 1.0);
                // The other terms vanish for m = 0, but as 0/0 at two degrees of freedom.
                if m == 0.0 {
                    return (0.0, last);
                }
                let step = m * (b - m) * x / (middle - 1.0);
                ((a + m - 1.0) * (a + b + m - 1.0) * x / (middle - 1.0) * step, m + step + last)
            });
            0.5 * front * y.sqrt() / fraction
        } else {
            // The other tail by its power series (DLMF 8.17.8): all terms positive, and at least a twentieth is left.
            let series = power_series(|n| (a + n - 0.5) / (n + 0.5) * y);
            0.5 - front * y.sqrt() * series
        }
    }

    /// The tail as a correction of the normal one: DiDonato & Morris 1992, equations 9.1 to 9.3 (TOMS 708), with b =
    /// 1/2, where the incomplete gamma function is the complementary error function. A handful of terms where the
    /// continued fraction takes dozens.
    fn tail_near_normal(&self) -> f64 {
        let scale = self.a - 0.25;
        let u = -scale * self.ln_x;
        let root = u.sqrt();
        let quarter = 1.0 / (4.0 * scale * scale);
        let square = self.ln_x * self.ln_x / 4.0;
        // K(n) is J(n) of the paper times u^b e^-u / Gamma(b), which may underflow together with K(0).
        let density = root * libm::exp(-u) / PI.sqrt();
        let (mut k, mut power, mut order) = (libm::erfc(root), 1.0, 0.0);
        let mut sum = k;
        for p in NEAR_NORMAL {
            let twice = 2.0 * order;
            k = quarter * ((0.5 + twice) * (1.5 + twice) * k + density * (u + 1.5 + twice) * power);
            power *= square;
            order += 1.0;
            let term = p * k;
            sum += term;
            if term.abs() <= 0.1 * f64::EPSILON * sum {
                break;
            }
        }
        0.5 * self.gamma_ratio / scale.sqrt() * sum
    }

    /// `factor` times the density, without the density's own underflow where `factor` is large.
    fn density_times(&self, factor: f64) -> f64 {
        self.front * (factor / self.scale)
    }
}

/// p(1) to p(10) of DiDonato & Morris for b = 1/2.
const NEAR_NORMAL: [f64; 10] = [
    -0.08333333333333333,
    0.00625,
    -0.0005042989417989418,
    4.343722442680776e-5,
    -3.896385732323232e-6,
    3.5833354634507906e-7,
    -3.349747072060578e-8,
    3.1675854343161146e-9,
    -3.0210368517370963e-10,
    2.900415787669253e-11,
];

/// Gamma(a + 1/2) / Gamma(a), by the asymptotic series of its logarithm after shifting `a` beyond 16.
fn half_gamma_ratio(a: f64) -> f64 {
    let (mut shifted, mut scale) = (a, 1.0);
    while shifted < 16.0 {
        scale *= shifted / (shifted + 0.5);
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = -1.0 / 8.0
        + square * (1.0 / 192.0 + square * (-1.0 / 640.0 + square * (17.0 / 14336.0 + square * (-31.0 / 18432.0))));
    scale * shifted.sqrt() * libm::exp(series * inverse)
}
