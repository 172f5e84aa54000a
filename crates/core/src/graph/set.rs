//! Sets of layers.

use fixedbitset::FixedBitSet;

use super::LayerId;

/// A set of layers, such as those on the edge.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerSet(FixedBitSet);

impl LayerSet {
    /// Returns the empty set over a graph of `layers` layers.
    pub fn empty(layers: usize) -> LayerSet {
        LayerSet(FixedBitSet::with_capacity(layers))
    }

    /// Returns all layers of a graph of `layers` layers.
    pub fn full(layers: usize) -> LayerSet {
        let mut set = FixedBitSet::with_capacity(layers);
        set.insert_range(..);
        LayerSet(set)
    }

    /// Adds a layer.
    pub fn insert(&mut self, layer: LayerId) {
        self.0.insert(layer.index());
    }

    /// Removes a layer.
    pub fn remove(&mut self, layer: LayerId) {
        self.0.set(layer.index(), false);
    }

    /// Returns whether the set has this layer.
    pub fn contains(&self, layer: LayerId) -> bool {
        self.0.contains(layer.index())
    }

    /// Returns the members in execution order.
    pub fn iter(&self) -> impl Iterator<Item = LayerId> + '_ {
        self.0.ones().map(LayerId::new)
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.0.count_ones(..)
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_clear()
    }

    /// Adds all members of `other`.
    pub fn union_with(&mut self, other: &LayerSet) {
        self.0.union_with(&other.0);
    }

    /// Keeps only the members of `other`.
    pub fn intersect_with(&mut self, other: &LayerSet) {
        self.0.intersect_with(&other.0);
    }

    /// Removes the layers of `other`.
    pub fn subtract(&mut self, other: &LayerSet) {
        self.0.difference_with(&other.0);
    }

    /// Returns whether all its layers are in `other`.
    pub fn is_subset(&self, other: &LayerSet) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Returns all layers not in this set.
    pub fn complement(&self) -> LayerSet {
        let mut set = self.0.clone();
        set.toggle_range(..);
        LayerSet(set)
    }
}
