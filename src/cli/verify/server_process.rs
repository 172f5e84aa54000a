//! The server half in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::cli::{Kind, OrFail};

/// `cutpoint serve` as a child, which ends with this, and with this process however that ends.
pub(super) struct ServerProcess {
    child: Child,
    pub(super) address: SocketAddr,
}

/// What it says about itself.
#[derive(Deserialize)]
struct Serving {
    address: SocketAddr,
}

impl ServerProcess {
    pub(super) fn start(folder: &Path, threads: usize) -> anyhow::Result<ServerProcess> {
        let program = std::env::current_exe().or_fail(Kind::Other)?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--quiet"])
            .args(["--while-stdin", "--threads", &threads.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .or_fail(Kind::Other)?;
        let said = child.stdout.take().map(first_value);
        match said {
            Some(Ok(serving)) => Ok(ServerProcess {
                child,
                address: serving.address,
            }),
            // it has said why itself
            _ => {
                drop(child.stdin.take());
                let _ = child.wait();
                let hint = "the server half did not start";
                Err(Kind::Network.of(anyhow::anyhow!(hint)))
            }
        }
    }
}

fn first_value(stdout: std::process::ChildStdout) -> anyhow::Result<Serving> {
    let mut text = String::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        text += &line;
        if line == "}" {
            break;
        }
    }
    Ok(serde_json::from_str(&text)?)
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // the end of its input tells it to end
        drop(self.child.stdin.take());
        let ended = (0..60).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            !matches!(self.child.try_wait(), Ok(None))
        });
        if !ended {
            // gone already is fine
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
