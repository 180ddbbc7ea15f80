//! Sources, tried on repositories that git itself made.
