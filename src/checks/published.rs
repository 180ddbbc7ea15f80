//! Ports that services of compose files give to the machine.
//! <https://docs.docker.com/reference/compose-file/services/#ports>

use super::definitions::text;
use crate::facts::Setting;
use crate::text::Span;

/// A port of a service that other machines may reach.
pub(super) struct Published<'s> {
    /// The service's name.
    pub service: &'s str,
    /// The port of the machine, if it is written.
    pub port: Option<u16>,
    /// Whether only the machine itself reaches it.
    pub local: bool,
    /// Where it is written.
    pub place: Span,
}

/// The published ports among the settings of one compose file.
pub(super) fn published<'s>(settings: &'s [&'s Setting]) -> impl Iterator<Item = Published<'s>> {
    settings.iter().filter_map(move |s| {
        let (service, port) = s.path.strip_prefix("services.")?.split_once(".ports.")?;
        let written = text(s).unwrap_or("");
        let local =
            |host: &str| host.starts_with("127.") || host == "localhost" || host == "[::1]" || host == "::1";
        match port.split_once('.') {
            Some((item, "published")) => {
                let host = format!("services.{service}.ports.{item}.host_ip");
                let bound = settings.iter().find(|o| o.path == host).and_then(|o| text(o));
                Some(Published {
                    service,
                    port: written.parse().ok(),
                    local: bound.is_some_and(local),
                    place: s.place,
                })
            }
            Some(_) => None,
            None => {
                let whole = written.split('/').next().unwrap_or(written);
                let (host, container) = whole.rsplit_once(':')?;
                // One port alone is given an unforeseeable one of the machine.
                if container.is_empty() {
                    return None;
                }
                let (address, port) = host.rsplit_once(':').map_or(("", host), |(a, p)| (a, p));
                Some(Published { service, port: port.parse().ok(), local: local(address), place: s.place })
            }
        }
    })
}
