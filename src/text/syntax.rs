//! What a syntax error means.
