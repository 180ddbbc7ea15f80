//! Stub until merge.
/// G
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] pub struct GitFacts { pub tags: Vec<String> }
/// U
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Unread { pub path: String }
/// M
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct MemoryFile { pub path: String, pub bytes: Vec<u8>, pub executable: bool, pub link: Option<String>, pub tracked: bool }
/// S
#[derive(Debug)]
pub struct Source;
impl Source {
    /// read
    pub fn read(&self, _: crate::text::FileId) -> Result<Vec<u8>, Unread> { Ok(Vec::new()) }
}
