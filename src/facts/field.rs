//! Typed fields: how the `facts` matcher, the schema and `plimsoll facts` see a fact.

use super::{Stage, Value};
use crate::text::{Secret, Span, Spanned};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// What a field holds, as the `facts` matcher and the schema name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// One text.
    Text,
    /// Several texts.
    Texts,
    /// A place in a file.
    Place,
    /// Other facts, nested; seen in JSON only.
    Facts,
}

impl FieldKind {
    /// The name in the schema and in error messages.
    pub fn name(self) -> &'static str {
        match self {
            FieldKind::Bool => "bool",
            FieldKind::Number => "number",
            FieldKind::Text => "text",
            FieldKind::Texts => "texts",
            FieldKind::Place => "place",
            FieldKind::Facts => "facts",
        }
    }
}

/// A field's value in the three-valued logic of the `facts` matcher: absent and unknown differ.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Nothing was written.
    Absent,
    /// Something was written whose value the file does not tell.
    Unknown(String),
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Several texts; for a value that may be one of several, all of them.
    Texts(Vec<String>),
    /// A place.
    Place(Span),
}

/// One row of a fact's field table.
#[derive(Debug, Clone, Copy)]
pub struct FieldRow {
    /// Name in rule files and in JSON.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What it means.
    pub doc: &'static str,
}

/// Turns a span into JSON; only the function that writes facts knows paths and lines.
pub type Places<'a> = &'a dyn Fn(Span) -> Json;

/// A type that can stand as a field of a fact.
pub trait Field {
    /// Its kind.
    const KIND: FieldKind;
    /// Its value for matching.
    fn value(&self) -> FieldValue;
    /// Its value in JSON.
    fn json(&self, _places: Places<'_>) -> Json {
        match self.value() {
            FieldValue::Absent => Json::Null,
            FieldValue::Unknown(why) => json!({ "unknown": why }),
            FieldValue::Bool(b) => json!(b),
            FieldValue::Number(n) => json!(n),
            FieldValue::Text(t) => json!(t),
            FieldValue::Texts(t) => json!(t),
            FieldValue::Place(_) => Json::Null,
        }
    }
}

/// A fact: one thing that a file says.
pub trait Fact {
    /// Its kind's name in rule files (`each = "step"`).
    fn kind(&self) -> &'static str;
    /// Where it is written.
    fn place(&self) -> Span;
    /// Its field table.
    fn rows(&self) -> &'static [FieldRow];
    /// The value of the field `name`; `None` if the kind has no such field.
    fn get(&self, name: &str) -> Option<FieldValue>;
    /// All fields as JSON.
    fn json(&self, places: Places<'_>) -> Json;
}

impl Field for bool {
    const KIND: FieldKind = FieldKind::Bool;
    fn value(&self) -> FieldValue {
        FieldValue::Bool(*self)
    }
}

impl Field for u32 {
    const KIND: FieldKind = FieldKind::Number;
    fn value(&self) -> FieldValue {
        FieldValue::Number(f64::from(*self))
    }
    fn json(&self, _: Places<'_>) -> Json {
        json!(self)
    }
}

impl Field for f64 {
    const KIND: FieldKind = FieldKind::Number;
    fn value(&self) -> FieldValue {
        FieldValue::Number(*self)
    }
}

impl Field for String {
    const KIND: FieldKind = FieldKind::Text;
    fn value(&self) -> FieldValue {
        FieldValue::Text(self.clone())
    }
}

impl Field for Box<str> {
    const KIND: FieldKind = FieldKind::Text;
    fn value(&self) -> FieldValue {
        FieldValue::Text(self.to_string())
    }
}

impl Field for Secret {
    const KIND: FieldKind = FieldKind::Text;
    fn value(&self) -> FieldValue {
        FieldValue::Unknown("a secret".into())
    }
    fn json(&self, _: Places<'_>) -> Json {
        json!("[REDACTED]")
    }
}

impl Field for Stage {
    const KIND: FieldKind = FieldKind::Text;
    fn value(&self) -> FieldValue {
        FieldValue::Text(self.name().into())
    }
}

impl Field for Span {
    const KIND: FieldKind = FieldKind::Place;
    fn value(&self) -> FieldValue {
        FieldValue::Place(*self)
    }
    fn json(&self, places: Places<'_>) -> Json {
        places(*self)
    }
}

impl<T: Field> Field for Spanned<T> {
    const KIND: FieldKind = T::KIND;
    fn value(&self) -> FieldValue {
        self.value.value()
    }
    fn json(&self, places: Places<'_>) -> Json {
        self.value.json(places)
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: FieldKind = T::KIND;
    fn value(&self) -> FieldValue {
        self.as_ref().map_or(FieldValue::Absent, Field::value)
    }
    fn json(&self, places: Places<'_>) -> Json {
        self.as_ref().map_or(Json::Null, |v| v.json(places))
    }
}

impl<T: Field> Field for Arc<T> {
    const KIND: FieldKind = T::KIND;
    fn value(&self) -> FieldValue {
        T::value(self)
    }
    fn json(&self, places: Places<'_>) -> Json {
        T::json(self, places)
    }
}

impl<T: Field> Field for Value<T> {
    const KIND: FieldKind = T::KIND;
    fn value(&self) -> FieldValue {
        match self {
            Value::Known(v) => v.value(),
            Value::OneOf(all) => FieldValue::Texts(all.iter().filter_map(|v| text(v.value())).collect()),
            Value::Expr(e) => FieldValue::Unknown(e.clone()),
            Value::Unresolved(why) => FieldValue::Unknown(why.clone()),
        }
    }
    fn json(&self, places: Places<'_>) -> Json {
        match self {
            Value::Known(v) => v.json(places),
            Value::OneOf(all) => json!({ "one_of": all.iter().map(|v| v.json(places)).collect::<Vec<_>>() }),
            Value::Expr(e) => json!({ "expression": e }),
            Value::Unresolved(why) => json!({ "unresolved": why }),
        }
    }
}

impl<T: Field> Field for Vec<T> {
    const KIND: FieldKind = match T::KIND {
        FieldKind::Facts => FieldKind::Facts,
        _ => FieldKind::Texts,
    };
    fn value(&self) -> FieldValue {
        FieldValue::Texts(self.iter().filter_map(|v| text(v.value())).collect())
    }
    fn json(&self, places: Places<'_>) -> Json {
        Json::Array(self.iter().map(|v| v.json(places)).collect())
    }
}

fn text(value: FieldValue) -> Option<String> {
    match value {
        FieldValue::Text(t) => Some(t),
        FieldValue::Bool(b) => Some(b.to_string()),
        FieldValue::Number(n) => Some(n.to_string()),
        FieldValue::Unknown(e) => Some(e),
        _ => None,
    }
}

/// A closed set of words that serve as a field: the enum, its names, and both directions.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),* }
        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            /// The word in rule files, messages and JSON.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
            /// The variant with this word.
            pub fn from_name(name: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|v| v.name() == name)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
        impl $crate::facts::Field for $name {
            const KIND: $crate::facts::FieldKind = $crate::facts::FieldKind::Text;
            fn value(&self) -> $crate::facts::FieldValue {
                $crate::facts::FieldValue::Text(self.name().into())
            }
        }
    };
}

/// A fact's struct, field table and JSON from one definition. The first field must be `place: Span`;
/// fields after `;` are for code only and are in no table.
macro_rules! fact {
    ($(#[$meta:meta])* pub struct $name:ident = $kind:literal {
        $($(#[doc = $doc:literal])+ $field:ident : $ty:ty),* $(,)?
        $(; $($(#[$hmeta:meta])* $hidden:ident : $hty:ty),* $(,)?)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $ty,)*
            $($($(#[$hmeta])* pub $hidden: $hty,)*)?
        }
        impl $name {
            /// The field table of this kind.
            pub const ROWS: &'static [$crate::facts::FieldRow] = &[$($crate::facts::FieldRow {
                name: stringify!($field),
                kind: <$ty as $crate::facts::Field>::KIND,
                doc: concat!($($doc),+),
            }),*];
            /// The name of this kind in rule files.
            pub const KIND_NAME: &'static str = $kind;
        }
        impl $crate::facts::Fact for $name {
            fn kind(&self) -> &'static str { $kind }
            fn place(&self) -> $crate::text::Span { self.place }
            fn rows(&self) -> &'static [$crate::facts::FieldRow] { $name::ROWS }
            fn get(&self, name: &str) -> Option<$crate::facts::FieldValue> {
                use $crate::facts::Field as _;
                match name {
                    $(stringify!($field) => Some(self.$field.value()),)*
                    _ => None,
                }
            }
            fn json(&self, places: $crate::facts::Places<'_>) -> serde_json::Value {
                use $crate::facts::Field as _;
                let mut object = serde_json::Map::new();
                $(object.insert(stringify!($field).into(), self.$field.json(places));)*
                serde_json::Value::Object(object)
            }
        }
        impl $crate::facts::Field for $name {
            const KIND: $crate::facts::FieldKind = $crate::facts::FieldKind::Facts;
            fn value(&self) -> $crate::facts::FieldValue { $crate::facts::FieldValue::Absent }
            fn json(&self, places: $crate::facts::Places<'_>) -> serde_json::Value {
                $crate::facts::Fact::json(self, places)
            }
        }
    };
}

pub(crate) use {fact, words};
