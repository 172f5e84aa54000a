//! Points in space, and solids that rays hit.

use std::ops::{Add, Mul, Sub};

/// A point or a direction; `z` points up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct V3 {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) z: f64,
}

pub(super) const fn v3(x: f64, y: f64, z: f64) -> V3 {
    V3 { x, y, z }
}

impl Add for V3 {
    type Output = V3;
    fn add(self, other: V3) -> V3 {
        v3(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for V3 {
    type Output = V3;
    fn sub(self, other: V3) -> V3 {
        v3(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f64> for V3 {
    type Output = V3;
    fn mul(self, factor: f64) -> V3 {
        v3(self.x * factor, self.y * factor, self.z * factor)
    }
}

impl V3 {
    pub(super) fn dot(self, other: V3) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: V3) -> V3 {
        v3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    pub(super) fn unit(self) -> V3 {
        self * (1.0 / self.dot(self).sqrt())
    }
}

/// Where a ray enters a solid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// In lengths of the ray's direction.
    pub(super) distance: f64,
    /// Outwards, of length 1.
    pub(super) normal: V3,
}

impl Hit {
    fn nearer(one: Option<Hit>, other: Option<Hit>) -> Option<Hit> {
        match (one, other) {
            (Some(a), Some(b)) => Some(if b.distance < a.distance { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

/// A solid that stands on the floor at the origin, its axis upright.
#[derive(Debug, Clone, Copy)]
pub(super) enum Solid {
    /// Sides along x and y.
    Cube { half: f64 },
    /// Upright, with flat ends.
    Cylinder { radius: f64, height: f64 },
    /// Touches the floor in one point.
    Sphere { radius: f64 },
    /// Upright, with round ends.
    Capsule { radius: f64, height: f64 },
}

impl Solid {
    /// Returns where a ray from outside enters; nothing for a ray that misses or leads away.
    pub(super) fn hit(self, origin: V3, direction: V3) -> Option<Hit> {
        match self {
            Solid::Cube { half } => cube(half, origin, direction),
            Solid::Cylinder { radius, height } => Hit::nearer(
                side(radius, 0.0, height, origin, direction),
                lid(radius, height, origin, direction),
            ),
            Solid::Sphere { radius } => ball(radius, radius, origin, direction),
            Solid::Capsule { radius, height } => {
                let (low, high) = (radius, height - radius);
                let ends = Hit::nearer(
                    ball(radius, low, origin, direction),
                    ball(radius, high, origin, direction),
                );
                Hit::nearer(side(radius, low, high, origin, direction), ends)
            }
        }
    }

    /// Radius about the origin beyond which the solid does not reach, seen from above.
    pub(super) fn reach(self) -> f64 {
        match self {
            Solid::Cube { half } => half * 2.0_f64.sqrt(),
            Solid::Cylinder { radius, .. }
            | Solid::Sphere { radius }
            | Solid::Capsule { radius, .. } => radius,
        }
    }

    /// Distance on the floor from where the solid rests to the point `(x, y)`; 0 below it.
    pub(super) fn distance_from_foot(self, x: f64, y: f64) -> f64 {
        let from_axis = (x * x + y * y).sqrt();
        match self {
            Solid::Cube { half } => {
                let (dx, dy) = ((x.abs() - half).max(0.0), (y.abs() - half).max(0.0));
                (dx * dx + dy * dy).sqrt()
            }
            Solid::Cylinder { radius, .. } => (from_axis - radius).max(0.0),
            // round below: light gets under it
            Solid::Sphere { radius } | Solid::Capsule { radius, .. } => {
                (from_axis - 0.5 * radius).max(0.0)
            }
        }
    }
}

/// The solution of `a t^2 + 2 b t + c = 0` where a ray enters, when it lies ahead.
fn entry(a: f64, b: f64, c: f64) -> Option<f64> {
    let root = b * b - a * c;
    // such a ray runs along the axis or misses
    if a <= 0.0 || root < 0.0 {
        return None;
    }
    let t = (-b - root.sqrt()) / a;
    (t > 0.0).then_some(t)
}

/// A ball whose centre lies `height` above the origin.
fn ball(radius: f64, height: f64, origin: V3, direction: V3) -> Option<Hit> {
    let from_centre = origin - v3(0.0, 0.0, height);
    let distance = entry(
        direction.dot(direction),
        from_centre.dot(direction),
        from_centre.dot(from_centre) - radius * radius,
    )?;
    Some(Hit {
        distance,
        normal: (from_centre + direction * distance) * (1.0 / radius),
    })
}

/// The round side of a cylinder between two heights.
fn side(radius: f64, low: f64, high: f64, origin: V3, direction: V3) -> Option<Hit> {
    let distance = entry(
        direction.x * direction.x + direction.y * direction.y,
        origin.x * direction.x + origin.y * direction.y,
        origin.x * origin.x + origin.y * origin.y - radius * radius,
    )?;
    let at = origin + direction * distance;
    (low..=high).contains(&at.z).then(|| Hit {
        distance,
        normal: v3(at.x, at.y, 0.0) * (1.0 / radius),
    })
}

/// The upper end of a cylinder, seen from above.
fn lid(radius: f64, height: f64, origin: V3, direction: V3) -> Option<Hit> {
    if direction.z >= 0.0 {
        return None;
    }
    let distance = (height - origin.z) / direction.z;
    let at = origin + direction * distance;
    (distance > 0.0 && at.x * at.x + at.y * at.y <= radius * radius).then_some(Hit {
        distance,
        normal: v3(0.0, 0.0, 1.0),
    })
}

fn cube(half: f64, origin: V3, direction: V3) -> Option<Hit> {
    let axes = [
        (origin.x, direction.x, v3(1.0, 0.0, 0.0)),
        (origin.y, direction.y, v3(0.0, 1.0, 0.0)),
        (origin.z - half, direction.z, v3(0.0, 0.0, 1.0)),
    ];
    let (mut enter, mut leave) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut normal = v3(0.0, 0.0, 1.0);
    for (from, towards, axis) in axes {
        if towards == 0.0 {
            if from.abs() > half {
                return None;
            }
            continue;
        }
        let (one, other) = ((-half - from) / towards, (half - from) / towards);
        let near = one.min(other);
        if near > enter {
            enter = near;
            normal = axis * if towards > 0.0 { -1.0 } else { 1.0 };
        }
        leave = leave.min(one.max(other));
    }
    (enter <= leave && enter > 0.0).then_some(Hit {
        distance: enter,
        normal,
    })
}
