//! What firewalls let in from everywhere.

use super::definitions::text;
use super::estate::kind;
use crate::facts::{Resource, Setting};
use crate::text::Span;

/// Ports that a rule opens to every address.
pub(super) struct Opening {
    /// The first port.
    pub from: u32,
    /// The last.
    pub to: u32,
    /// Where every address is written.
    pub place: Span,
}

/// Whether a source stands for every address.
pub(super) fn is_everybody(value: &str) -> bool {
    matches!(value.trim(), "0.0.0.0/0" | "::/0" | "*" | "Internet" | "Any" | "any" | "0.0.0.0/1")
}

/// What a firewall's rules let in from everywhere.
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group>,
/// <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/compute_firewall>,
/// <https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/network_security_rule>
pub(super) fn openings(resource: &Resource) -> Vec<Opening> {
    // Entries of one rule share what stands before the key; where a key comes again, another block begins.
    let mut rules: Vec<(String, Vec<&Setting>)> = Vec::new();
    let sort = kind(resource);
    let aws = sort.starts_with("aws_security_group")
        || sort == "aws_vpc_security_group_ingress_rule"
        || sort == "aws_default_security_group";
    let azure = resource.sort.starts_with("azurerm_network_security_");
    let google = resource.sort == "google_compute_firewall";
    if !aws && !azure && !google {
        return Vec::new();
    }
    const KEYS: &[&str] = &[
        "from_port",
        "to_port",
        "type",
        "cidr_blocks",
        "ipv6_cidr_blocks",
        "cidr_ipv4",
        "cidr_ipv6",
        "access",
        "direction",
        "destination_port_range",
        "destination_port_ranges",
        "source_address_prefix",
        "source_address_prefixes",
        "FromPort",
        "ToPort",
        "CidrIp",
        "CidrIpv6",
    ];
    for entry in resource.entries.iter().take(500) {
        let mut parts: Vec<&str> = entry.path.split('.').collect();
        while parts.last().is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit())) && parts.len() > 1 {
            parts.pop();
        }
        let Some(key) = parts.pop() else { continue };
        if google || KEYS.contains(&key) {
            let block = if google { String::new() } else { parts.join(".") };
            match rules.last_mut() {
                Some((own, all)) if *own == block && all.iter().all(|e| e.path != entry.path) => {
                    all.push(entry)
                }
                _ => rules.push((block, vec![entry])),
            }
        }
    }
    let mut found = Vec::new();
    for (block, entries) in rules {
        let of = |keys: &[&str]| -> Vec<&Setting> {
            let key = |e: &&&Setting| {
                let rest = e.path.strip_prefix(&block).unwrap_or(&e.path).trim_start_matches('.');
                keys.iter().any(|k| rest.split('.').any(|part| part == *k))
            };
            entries.iter().filter(key).copied().collect()
        };
        let is = |key: &str, value: &str| {
            of(&[key]).iter().any(|e| text(e).is_some_and(|t| t.eq_ignore_ascii_case(value)))
        };
        if block.contains("egress")
            || block.contains("Egress")
            || is("type", "egress")
            || is("direction", "outbound")
            || is("direction", "egress")
            || is("access", "deny")
            || entries.iter().any(|e| e.path.starts_with("deny."))
        {
            continue;
        }
        let sources = of(&[
            "cidr_blocks",
            "ipv6_cidr_blocks",
            "cidr_ipv4",
            "cidr_ipv6",
            "source_address_prefix",
            "source_address_prefixes",
            "source_ranges",
            "CidrIp",
            "CidrIpv6",
        ]);
        let Some(source) = sources.iter().find(|e| text(e).is_some_and(is_everybody)) else { continue };
        let number = |key: &str| of(&[key]).first().and_then(|e| text(e)?.parse::<u32>().ok());
        let mut ranges: Vec<(u32, u32)> = number("from_port").zip(number("to_port")).into_iter().collect();
        ranges.extend(number("FromPort").zip(number("ToPort")));
        for port in of(&["destination_port_range", "destination_port_ranges", "ports"]) {
            let Some(written) = text(port) else { continue };
            let (from, to) = written.split_once('-').unwrap_or((written, written));
            ranges.extend(from.trim().parse().ok().zip(to.trim().parse().ok()));
        }
        found.extend(ranges.into_iter().map(|(from, to)| Opening { from, to, place: source.place }));
    }
    found
}
