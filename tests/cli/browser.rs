//! A real Chromium without a window, driven over a pipe by the DevTools protocol
//! (https://chromedevtools.github.io/devtools-protocol).

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Longest time that one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What the browser told without being asked.
    pub(crate) events: Vec<Value>,
    _home: tempfile::TempDir,
}

/// The first browser on the path; `None`, with a line that says so, when there is none and none is
/// demanded with `CUTPOINT_BROWSER=must`.
pub(crate) fn find() -> Option<PathBuf> {
    const NAMES: [&str; 4] = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    let mut places = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |f| f.join(name)));
    let found = places.find(|place| place.is_file());
    if found.is_none() {
        let why = format!("no browser on the path ({})", NAMES.join(", "));
        let must = std::env::var_os("CUTPOINT_BROWSER").is_some_and(|value| value == "must");
        assert!(!must, "{why}");
        eprintln!("skipped: {why}; on Debian, `apt install chromium` brings one");
    }
    found
}

impl Browser {
    pub(crate) fn start(program: &Path) -> Browser {
        let home = tempfile::tempdir().unwrap();
        // the browser reads commands from descriptor 3 and writes answers to 4
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-dev-shm-usage",
            ])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, out) = (
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        let (send, from) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0) {
                let Ok(message) = message else { return };
                if send
                    .send(serde_json::from_slice(&message).unwrap())
                    .is_err()
                {
                    return;
                }
            }
        });
        let mut browser = Browser {
            process,
            to,
            from,
            session: None,
            last: 0,
            events: Vec::new(),
            _home: home,
        };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.ask("Target.attachToTarget", target);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    fn receive(&mut self) -> Value {
        let message = self.from.recv_timeout(PATIENCE);
        message.unwrap_or_else(|error| panic!("the browser is silent: {error}"))
    }

    /// Sends a command and waits for its result.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut command = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&command).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Opens an address and waits until all of it is there.
    pub(crate) fn open(&mut self, address: &str) {
        // an address that differs behind `#` alone would not be loaded anew
        for address in ["about:blank", address] {
            self.events.clear();
            self.ask("Page.navigate", json!({"url": address}));
            while !self
                .events
                .iter()
                .any(|e| e["method"] == "Page.loadEventFired")
            {
                let event = self.receive();
                self.events.push(event);
            }
        }
    }

    /// What an expression comes to on the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.ask("Runtime.evaluate", params);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression}: {value}"))
            .to_owned()
    }

    /// Presses and releases a key on whatever has the focus.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            " " => 32,
            "Tab" => 9,
            "PageUp" => 33,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => panic!("{key}"),
        };
        let text = match key {
            "Enter" => "\r",
            " " => " ",
            _ => "",
        };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text,
            });
            self.ask("Input.dispatchKeyEvent", event);
        }
    }

    /// Presses the mouse on the middle of an element.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView(); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.ask("Input.dispatchMouseEvent", event);
        }
    }

    /// Replaces what stands in a field, key by key.
    pub(crate) fn write(&mut self, selector: &str, text: &str) {
        self.value(&format!("document.querySelector({selector:?}).select()"));
        self.value(&format!("document.querySelector({selector:?}).focus()"));
        self.ask("Input.insertText", json!({"text": text}));
        self.press("Enter");
    }

    /// Errors and warnings of the page, what its policy refused included.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        let bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] != "log",
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "verbose",
            _ => false,
        };
        self.events.iter().filter(bad).collect()
    }

    /// Addresses that the page asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        let of = |event: &Value| {
            if event["method"] == "Network.requestWillBeSent" {
                event["params"]["request"]["url"]
                    .as_str()
                    .map(str::to_owned)
            } else {
                None
            }
        };
        self.events.iter().filter_map(of).collect()
    }

    /// A picture of a page of this size, as a PNG; with `CUTPOINT_LOOK=FOLDER` it is kept there.
    pub(crate) fn picture(&mut self, name: &str, width: u32, height: u32) -> Vec<u8> {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let answer = self.ask("Page.captureScreenshot", json!({"format": "png"}));
        let bytes = decoded(&answer);
        keep(&format!("{name}.png"), &bytes);
        bytes
    }

    /// The page as printed, as a PDF; kept like pictures.
    pub(crate) fn print(&mut self, name: &str) -> Vec<u8> {
        let bytes = decoded(&self.ask("Page.printToPDF", json!({"printBackground": false})));
        keep(&format!("{name}.pdf"), &bytes);
        bytes
    }
}

fn decoded(answer: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let text = answer["data"].as_str().unwrap();
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("CUTPOINT_LOOK") {
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // the whole browser goes when its pipe closes; it is not waited for longer than needed
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
