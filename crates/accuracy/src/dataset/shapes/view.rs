//! The room as the camera sees it: how much light of each surface reaches each pixel.
//!
//! Colours do not matter here. Light adds up, so an image is floor colour times floor light plus
//! wall colour times wall light plus object colour times object light, and one view serves all 1000
//! combinations of hues.
//!
//! Every number comes from `+ - * /`, square roots and comparisons of IEEE doubles and from the
//! sine and cosine of the crate `libm`, so that all machines draw the same pixels.

use super::SIDE;
use super::factors::Factors;
use super::solid::{Solid, V3, v3};

/// Rays per pixel: this many across and as many down.
const RAYS: usize = 6;

/// Distance of both walls from the middle of the room.
const WALL: f64 = 2.6;
/// Camera: distance from the object, height, and the height of the point it looks at.
const CAMERA: (f64, f64, f64) = (7.2, 3.2, 0.78);
/// Half the width of what the camera sees, at distance 1.
const HALF_VIEW: f64 = 0.27;
/// The middle of the lamp, and half the side of the square it shines from: soft shadows.
const LAMP: (V3, f64) = (v3(2.6, -5.4, 6.6), 0.7);
/// Share of light that comes from everywhere.
const AMBIENT: f64 = 0.40;
/// How dark corners are, and how far (in units of the room) the darkness reaches.
const CORNER_SHADE: (f64, f64) = (0.30, 0.35);
/// How dark the floor is at the object's foot, and how far that reaches.
const CONTACT_SHADE: (f64, f64) = (0.75, 0.16);

/// Light of each surface in each pixel, row by row.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) floor: Vec<f32>,
    pub(super) wall: Vec<f32>,
    pub(super) object: Vec<f32>,
}

/// What a ray ends at, with its light.
enum Seen {
    Floor(f64),
    Wall(f64),
    Object(f64),
}

impl View {
    /// Casts the rays of one size, shape and direction.
    pub(super) fn of(factors: &Factors) -> View {
        let room = Room {
            solid: solid(factors.kind, factors.scale()),
        };
        let camera = Camera::at(factors.angle_deg());
        let pixels = SIDE * SIDE;
        let mut view = View {
            floor: vec![0.0; pixels],
            wall: vec![0.0; pixels],
            object: vec![0.0; pixels],
        };
        for pixel in 0..pixels {
            let (mut floor, mut wall, mut object) = (0.0, 0.0, 0.0);
            for ray in 0..RAYS * RAYS {
                let direction = camera.direction(pixel, ray);
                match room.look(camera.place, direction, lamp_point(ray)) {
                    Seen::Floor(light) => floor += light,
                    Seen::Wall(light) => wall += light,
                    Seen::Object(light) => object += light,
                }
            }
            let share = 1.0 / (RAYS * RAYS) as f64;
            view.floor[pixel] = (floor * share) as f32;
            view.wall[pixel] = (wall * share) as f32;
            view.object[pixel] = (object * share) as f32;
        }
        view
    }
}

/// The object of a class at a scale. The shapes are about equally high and wide, so that size does
/// not tell shape.
fn solid(kind: u8, scale: f64) -> Solid {
    match kind {
        0 => Solid::Cube { half: 0.62 * scale },
        1 => Solid::Cylinder {
            radius: 0.66 * scale,
            height: 1.36 * scale,
        },
        2 => Solid::Sphere {
            radius: 0.78 * scale,
        },
        _ => Solid::Capsule {
            radius: 0.52 * scale,
            height: 1.72 * scale,
        },
    }
}

/// Which of the lamp's points lights a ray's end: over a pixel they cover the whole lamp, in another
/// order than the rays cover the pixel.
fn lamp_point(ray: usize) -> V3 {
    let (column, row) = (ray % RAYS, ray / RAYS);
    let cell = |n: usize| 2.0 * (n as f64 + 0.5) / RAYS as f64 - 1.0;
    let (middle, half) = LAMP;
    let (across, along) = (
        cell((column + 2 * row) % RAYS),
        cell((row + 2 * column) % RAYS),
    );
    middle + v3(across * half, along * half, 0.0)
}

struct Camera {
    place: V3,
    ahead: V3,
    right: V3,
    up: V3,
}

impl Camera {
    /// The camera after walking round the room; at 0 degrees it faces the corner.
    fn at(angle_deg: f64) -> Camera {
        let (distance, height, target) = CAMERA;
        let angle = (angle_deg - 45.0) * (std::f64::consts::PI / 180.0);
        let (sin, cos) = (libm::sin(angle), libm::cos(angle));
        let place = v3(distance * cos, distance * sin, height);
        let ahead = (v3(0.0, 0.0, target) - place).unit();
        let right = ahead.cross(v3(0.0, 0.0, 1.0)).unit();
        Camera {
            place,
            ahead,
            right,
            up: right.cross(ahead),
        }
    }

    fn direction(&self, pixel: usize, ray: usize) -> V3 {
        let cells = (SIDE * RAYS) as f64;
        let place =
            |whole: usize, part: usize| 2.0 * ((whole * RAYS + part) as f64 + 0.5) / cells - 1.0;
        let across = HALF_VIEW * place(pixel % SIDE, ray % RAYS);
        let down = HALF_VIEW * place(pixel / SIDE, ray / RAYS);
        self.ahead + self.right * across - self.up * down
    }
}

/// A floor at z = 0, a wall at x = -WALL, a wall at y = WALL, and a solid.
struct Room {
    solid: Solid,
}

impl Room {
    fn look(&self, from: V3, direction: V3, lamp: V3) -> Seen {
        let mut end = f64::INFINITY;
        let mut normal = v3(0.0, 0.0, 1.0);
        let planes = [
            (from.z, direction.z, v3(0.0, 0.0, 1.0)),
            (from.x + WALL, direction.x, v3(1.0, 0.0, 0.0)),
            (WALL - from.y, -direction.y, v3(0.0, -1.0, 0.0)),
        ];
        for (gap, speed, outwards) in planes {
            if speed < 0.0 && gap / -speed < end {
                end = gap / -speed;
                normal = outwards;
            }
        }
        if let Some(hit) = self.solid.hit(from, direction)
            && hit.distance < end
        {
            let at = from + direction * hit.distance;
            let open = 0.75 + 0.25 * hit.normal.z;
            return Seen::Object(light(at, hit.normal, lamp, open, false));
        }
        let at = from + direction * end;
        let shadow = self.shades(at, lamp);
        let (depth, reach) = CORNER_SHADE;
        let near = |gap: f64| 1.0 - depth * reach / (reach + gap);
        let (left, right) = (at.x + WALL, WALL - at.y);
        if normal.z > 0.0 {
            let open = near(left) * near(right) * self.open_floor(at);
            Seen::Floor(light(at, normal, lamp, open, shadow))
        } else {
            let open = near(at.z) * near(if normal.x > 0.0 { right } else { left });
            Seen::Wall(light(at, normal, lamp, open, shadow))
        }
    }

    /// Whether the solid keeps the lamp's light from a point of floor or walls.
    fn shades(&self, at: V3, lamp: V3) -> bool {
        self.solid
            .hit(at, lamp - at)
            .is_some_and(|hit| hit.distance < 1.0)
    }

    /// Share of the light from everywhere that reaches the floor beside the object.
    fn open_floor(&self, at: V3) -> f64 {
        let (depth, reach) = CONTACT_SHADE;
        let reach = reach + 0.25 * self.solid.reach();
        let gap = self.solid.distance_from_foot(at.x, at.y) / reach;
        1.0 - depth / (1.0 + gap * gap)
    }
}

/// Diffuse light at a point, 1 at most.
fn light(at: V3, normal: V3, lamp: V3, open: f64, shadow: bool) -> f64 {
    let slope = normal.dot((lamp - at).unit()).max(0.0);
    let direct = if shadow { 0.0 } else { slope };
    // corners and feet get a little less of the lamp's light too: it bounces
    open * AMBIENT + (1.0 - AMBIENT) * direct * (0.6 + 0.4 * open)
}
