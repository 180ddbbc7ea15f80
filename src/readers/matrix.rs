//! Matrices, which all dialects write alike: dimensions with values, and combinations that are left out.

use crate::syntax::tree::Node;

/// Dimensions, each with its values.
pub(super) type Dimensions = Vec<(String, Vec<String>)>;

/// With more combinations than these, only what is left out whatever the other dimensions say is left out.
const MOST: usize = 4_096;

/// A combination that is left out: values of some dimensions.
pub(super) type Row = Vec<(String, String)>;

/// Rows that are written as mappings.
pub(super) fn rows(list: Option<Node<'_>>) -> Vec<Row> {
    let row = |node: Node<'_>| {
        let entries = node.merged_entries().into_iter();
        entries.filter_map(|(k, v)| Some((k.as_str()?.to_owned(), v.as_str()?.to_owned()))).collect()
    };
    list.into_iter().flat_map(|l| l.one_or_more()).take(256).map(row).collect()
}

/// The dimensions without values of which no combination is left.
pub(super) fn without(dimensions: Dimensions, left_out: &[Row]) -> Dimensions {
    let rows: Vec<&Row> = left_out.iter().filter(|r| !r.is_empty()).collect();
    if rows.is_empty() {
        return dimensions;
    }
    let count = dimensions.iter().try_fold(1usize, |n, (_, values)| n.checked_mul(values.len()));
    let few = count.is_some_and(|n| n > 0 && n.saturating_mul(rows.len()) <= MOST * 16 && n <= MOST);
    let mut kept: Vec<Vec<bool>> = dimensions.iter().map(|(_, values)| vec![!few; values.len()]).collect();
    if few {
        for number in 0..count.unwrap_or(0) {
            let mut rest = number;
            let picked: Vec<usize> = dimensions
                .iter()
                .map(|(_, values)| {
                    let at = rest % values.len();
                    rest /= values.len();
                    at
                })
                .collect();
            let has = |name: &str, value: &str| {
                dimensions.iter().zip(&picked).any(|((n, values), at)| n == name && values[*at] == value)
            };
            if !rows.iter().any(|row| row.iter().all(|(name, value)| has(name, value))) {
                kept.iter_mut().zip(&picked).for_each(|(kept, at)| kept[*at] = true);
            }
        }
    } else {
        for row in rows.iter().filter(|r| r.len() == 1) {
            for ((name, values), kept) in dimensions.iter().zip(&mut kept) {
                for (value, kept) in values.iter().zip(kept) {
                    *kept &= *name != row[0].0 || *value != row[0].1;
                }
            }
        }
    }
    let left = dimensions.into_iter().zip(kept).map(|((name, values), kept)| {
        let values = values.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(v, _)| v);
        (name, values.collect())
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_when_no_combination_of_it_is_left() {
        let dimensions = || -> Dimensions {
            vec![
                ("env".into(), vec!["staging".into(), "production".into()]),
                ("zone".into(), vec!["eu".into(), "us".into()]),
            ]
        };
        let row = |pairs: &[(&str, &str)]| -> Row {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let values = |rows: &[Row]| {
            without(dimensions(), rows).into_iter().map(|(_, v)| v.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(values(&[row(&[("env", "production")])]), ["staging", "eu us"]);
        assert_eq!(values(&[row(&[("env", "production"), ("zone", "us")])]), ["staging production", "eu us"]);
        let both =
            [row(&[("env", "production"), ("zone", "us")]), row(&[("env", "production"), ("zone", "eu")])];
        assert_eq!(values(&both), ["staging", "eu us"]);
        let wide: Dimensions = (0..40).map(|n| (format!("d{n}"), vec!["a".into(), "b".into()])).collect();
        assert_eq!(without(wide, &[row(&[("d3", "a")])])[3].1, ["b"]);
    }
}
