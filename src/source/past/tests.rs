//! Of the walk and the unpacking.
