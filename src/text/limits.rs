//! How large a text may be. Each limit is refused with a position, long before it costs memory or time.

/// Bytes of one text.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Maps and lists inside each other.
pub const MAX_DEPTH: usize = 64;
/// Uses of anchors (`*name`) in one text.
pub const MAX_ALIASES: usize = 100;
/// Scalars, lists and maps in one text, those that aliases repeat included.
pub const MAX_NODES: usize = 200_000;
