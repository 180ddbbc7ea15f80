//! Syntax without meaning: trees and tokens with exact places. Layer 1: imports `text` only.

pub mod cron;
pub mod dockerfile;
pub mod dotenv;
pub mod groovy;
pub mod hcl;
pub mod ini;
pub mod json;
mod lift;
pub mod makefile;
pub mod markdown;
pub mod mask;
pub mod nginx;
mod node;
pub mod shell;
pub mod sql;
pub mod toml;
pub mod tree;
pub mod xml;
pub mod yaml;
