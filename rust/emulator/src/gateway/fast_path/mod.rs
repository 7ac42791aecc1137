//! What is read and written beside prost, as it carries much: see the table in [`super::routes`].

pub(in crate::gateway) mod frame;
pub(in crate::gateway) mod insert;
pub(in crate::gateway) mod results;
