//! Addresses of servers.

use std::fmt;
use std::str::FromStr;

/// The port that Triton and KServe give to gRPC.
const PORT: &str = "8001";

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a server: {problem}; write host:port, such as 192.168.0.9:8001")]
pub struct AddressError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Host and port of a server that speaks gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    authority: String,
}

impl ServerAddress {
    pub(super) fn uri(&self) -> String {
        format!("http://{}", self.authority)
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<ServerAddress, AddressError> {
        let refuse = |problem: &str| AddressError {
            text: text.to_owned(),
            problem: problem.to_owned(),
        };
        let authority = match text.split_once("://") {
            None => text,
            Some(("grpc" | "http", rest)) => rest,
            Some(("grpcs" | "https", _)) => {
                return Err(refuse("encrypted connections are not made yet"));
            }
            Some((scheme, _)) => {
                return Err(refuse(&format!("`{scheme}` is no protocol of servers")));
            }
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() {
            return Err(refuse("it names no host"));
        }
        if let Some(bad) = authority.chars().find(|c| !is_part(*c)) {
            return Err(refuse(&format!(
                "`{}` has no place in it",
                bad.escape_debug()
            )));
        }
        let bare = authority.strip_prefix('[').map_or(authority, |v6| {
            v6.split_once(']').map_or(v6, |(_, rest)| rest)
        });
        let authority = match bare.rsplit_once(':') {
            None => format!("{authority}:{PORT}"),
            Some((_, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => {
                authority.to_owned()
            }
            Some((_, port)) => return Err(refuse(&format!("`{port}` is no port"))),
        };
        Ok(ServerAddress { authority })
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']')
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, authority) in [
            ("10.0.0.2:9000", "10.0.0.2:9000"),
            ("grpc://server.local:8001/", "server.local:8001"),
            ("http://server:80", "server:80"),
            ("server", "server:8001"),
            ("[::1]:7000", "[::1]:7000"),
            ("[::1]", "[::1]:8001"),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), authority);
        }
        for text in [
            "",
            "http://",
            "host:port",
            "host:0",
            "host:70000",
            "ftp://host:1",
            "a b:1",
            "host:1/path",
        ] {
            let error = text.parse::<ServerAddress>().unwrap_err().to_string();
            assert!(error.contains("host:port"), "{error}");
        }
    }
}
