//! Affine quantisation between calibrated bounds, as [`Affine`] defines it.

use super::super::build::{constant, int, int64s, ints, value, with};
use super::super::proto::{DataType, NodeProto};
use super::{Fragment, Names};
use cutpoint_core::codec::{Affine, Form};

impl Names<'_> {
    /// Builds encoder and decoder. Codes of eight bits keep the tensor's shape; narrower ones are
    /// sent as one row of bytes.
    pub(super) fn affine(&self, form: Form, affine: &Affine) -> Fragment {
        let packing = Packing {
            names: self,
            codec: form.to_string(),
            affine,
        };
        let sent = match affine.parts() {
            1 => self.sent(&packing.codec, DataType::Uint8),
            _ => {
                let row = [1, affine.bytes() as u64];
                value(&self.name(&packing.codec), DataType::Uint8, Some(&row))
            }
        };
        Fragment {
            encoder: packing.encoder(),
            sent: vec![sent],
            decoder: packing.decoder(),
        }
    }
}

struct Packing<'a> {
    names: &'a Names<'a>,
    codec: String,
    affine: &'a Affine,
}

impl Packing<'_> {
    fn inner(&self, what: &str) -> String {
        format!("{}/{what}", self.codec)
    }

    fn node(&self, op: &str, inputs: &[&str], output: &str) -> NodeProto {
        self.names.node(op, inputs, &[output])
    }

    /// One value for the tensor or one for each channel.
    fn values(&self, name: &str, values: &[f32]) -> NodeProto {
        let rank = self.names.tensor.shape.len();
        let mut dims = match values.len() {
            1 => Vec::new(),
            _ => vec![1_i64; rank.saturating_sub(1)],
        };
        if let Some(channels) = dims.first_mut() {
            *channels = values.len() as i64;
        }
        self.names.constant(name, &dims, values)
    }

    fn reshape(&self, from: &str, to: &str, dims: &[u64]) -> [NodeProto; 2] {
        let shape = format!("{to}_shape");
        let dims: Vec<i64> = dims.iter().map(|d| *d as i64).collect();
        let dims = int64s(&[dims.len() as i64], &dims);
        [
            constant(&self.names.name(&shape), dims),
            self.node("Reshape", &[from, &shape], to),
        ]
    }

    /// Codes that only fill up the last byte.
    fn padding(&self) -> usize {
        let filled = self.affine.bytes() * self.affine.parts();
        filled - self.names.tensor.elements() as usize
    }

    /// Bounds of zero need no shift: it would change nothing.
    fn starts_at_zero(&self) -> bool {
        self.affine.low().iter().all(|low| *low == 0.0)
    }

    fn encoder(&self) -> Vec<NodeProto> {
        let scale = self.inner("scale");
        let (above, scaled, codes) = (
            self.inner("above"),
            self.inner("scaled"),
            self.inner("codes"),
        );
        let mut nodes = Vec::new();
        let mut from = "";
        if !self.starts_at_zero() {
            let low = self.inner("low");
            nodes.push(self.values(&low, self.affine.low()));
            nodes.push(self.node("Sub", &["", &low], &above));
            from = &above;
        }
        nodes.push(self.values(&scale, self.affine.scale()));
        nodes.push(self.node("Mul", &[from, &scale], &scaled));
        let top = self.affine.bits().top();
        nodes.extend(self.names.to_codes(&self.codec, &scaled, &codes, top));
        let packed = match self.affine.parts() {
            1 => codes,
            _ => {
                nodes.extend(self.pack(&codes));
                self.inner("packed")
            }
        };
        nodes.push(self.names.cast(&packed, &self.codec, DataType::Uint8));
        nodes
    }

    /// Parts below one another, weighted and summed: whole numbers below 256, exact in any float.
    fn pack(&self, codes: &str) -> Vec<NodeProto> {
        let (parts, columns) = (self.affine.parts(), self.affine.bytes() as u64);
        let (rows, weights) = (self.inner("rows"), self.inner("weights"));
        let mut nodes = Vec::new();
        let mut all = codes.to_owned();
        if self.padding() > 0 {
            let (flat, rest, filled) =
                (self.inner("flat"), self.inner("rest"), self.inner("filled"));
            nodes.extend(self.reshape(&all, &flat, &[self.names.tensor.elements()]));
            let zeros = vec![0.0; self.padding()];
            nodes.push(self.names.constant(&rest, &[zeros.len() as i64], &zeros));
            let concat = self.node("Concat", &[&flat, &rest], &filled);
            nodes.push(with(concat, int("axis", 0)));
            all = filled;
        }
        nodes.extend(self.reshape(&all, &rows, &[parts as u64, columns]));
        let base = 1_u16 << self.affine.bits().count();
        let weight = |part: usize| f32::from(base).powi((parts - 1 - part) as i32);
        let row: Vec<f32> = (0..parts).map(weight).collect();
        nodes.push(self.names.constant(&weights, &[1, parts as i64], &row));
        nodes.push(self.node("MatMul", &[&weights, &rows], &self.inner("packed")));
        nodes
    }

    fn decoder(&self) -> Vec<NodeProto> {
        let (float, step, scaled) = (
            self.inner("float"),
            self.inner("step"),
            self.inner("stretched"),
        );
        let mut nodes = vec![self.names.cast(&self.codec, &float, DataType::Float)];
        let codes = match self.affine.parts() {
            1 => float,
            _ => {
                nodes.extend(self.unpack(&float));
                self.inner("unpacked")
            }
        };
        nodes.push(self.values(&step, self.affine.step()));
        if self.starts_at_zero() {
            nodes.push(self.node("Mul", &[&codes, &step], ""));
        } else {
            let low = self.inner("low");
            nodes.push(self.node("Mul", &[&codes, &step], &scaled));
            nodes.push(self.values(&low, self.affine.low()));
            nodes.push(self.node("Add", &[&scaled, &low], ""));
        }
        nodes
    }

    /// The parts again, each the whole multiples of its weight in what the parts before left.
    fn unpack(&self, bytes: &str) -> Vec<NodeProto> {
        let parts = self.affine.parts();
        let base = f32::from(1_u16 << self.affine.bits().count());
        let mut nodes = Vec::new();
        let mut found = Vec::new();
        let mut rest = bytes.to_owned();
        for part in 0..parts - 1 {
            let inner = |what: &str| self.inner(&format!("{what}{part}"));
            let (weight, inverse, share, code, taken, left) = (
                inner("weight"),
                inner("inverse"),
                inner("share"),
                inner("code"),
                inner("taken"),
                inner("left"),
            );
            let value = base.powi((parts - 1 - part) as i32);
            // powers of two: exact
            nodes.push(self.names.constant(&weight, &[], &[value]));
            nodes.push(self.names.constant(&inverse, &[], &[1.0 / value]));
            nodes.push(self.node("Mul", &[&rest, &inverse], &share));
            nodes.push(self.node("Floor", &[&share], &code));
            nodes.push(self.node("Mul", &[&code, &weight], &taken));
            nodes.push(self.node("Sub", &[&rest, &taken], &left));
            found.push(code);
            rest = left;
        }
        found.push(rest);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        let (all, unpacked) = (self.inner("all"), self.inner("unpacked"));
        nodes.push(with(self.node("Concat", &found, &all), int("axis", 0)));
        let shape = &self.names.tensor.shape;
        if self.padding() == 0 {
            nodes.extend(self.reshape(&all, &unpacked, shape));
        } else {
            let (flat, kept) = (self.inner("column"), self.inner("kept"));
            let filled = (self.affine.bytes() * parts) as u64;
            nodes.extend(self.reshape(&all, &flat, &[filled]));
            nodes.extend(self.first(&flat, &kept, self.names.tensor.elements()));
            nodes.extend(self.reshape(&kept, &unpacked, shape));
        }
        nodes
    }

    /// The first elements of a vector; the limits of `Slice` became inputs with operator set 10.
    fn first(&self, from: &str, to: &str, count: u64) -> Vec<NodeProto> {
        let count = count as i64;
        if self.names.opset < 10 {
            let slice = with(self.node("Slice", &[from], to), ints("starts", &[0]));
            return vec![with(slice, ints("ends", &[count]))];
        }
        let (starts, ends) = (format!("{to}_from"), format!("{to}_to"));
        vec![
            constant(&self.names.name(&starts), int64s(&[1], &[0])),
            constant(&self.names.name(&ends), int64s(&[1], &[count])),
            self.node("Slice", &[from, &starts, &ends], to),
        ]
    }
}
