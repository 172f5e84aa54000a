//! Runs the program in a folder of its own and watches what it leaves behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cutpoint_core::profile::Profile;
use cutpoint_onnx::build::value;
use cutpoint_onnx::proto::tensor_shape_proto::{Dimension, dimension};
use cutpoint_onnx::proto::type_proto;
use cutpoint_onnx::proto::{DataType, ModelProto, ValueInfoProto};
use prost::Message;

/// A folder to work in, and one for temporary files.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    temporary: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        // fetching says so on standard error, where the tests expect one line and no other
        let library = cutpoint_runtime::library::find_or_fetch(&mut |_| ());
        library.unwrap_or_else(|error| panic!("{error}"));
        Sandbox {
            folder: tempfile::tempdir().unwrap(),
            temporary: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn model(&self, name: &str, model: &ModelProto) {
        self.write(name, model.encode_to_vec());
    }

    pub(crate) fn profile(&self, name: &str, profile: &Profile) {
        self.write(name, profile.to_toml(Path::new(name)).unwrap());
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TMPDIR", self.temporary.path())
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program; nothing temporary may be left, and it may not have panicked.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        self.nothing_temporary();
        output
    }

    pub(crate) fn nothing_temporary(&self) {
        let left = names(self.temporary.path());
        assert!(left.is_empty(), "{left:?}");
        for name in self.everything() {
            assert!(!name.contains(".cutpoint-"), "{name}");
        }
    }

    /// Standard output of a run that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The result of a run with `--json`, which is all there may be on standard output.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.ok(&[arguments, &["--json", "--quiet"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// The one line said by a run that must fail with this exit code and write no result.
    pub(crate) fn refusal(&self, code: i32, arguments: &[&str]) -> String {
        let before = self.everything();
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            output.stdout.is_empty(),
            "{arguments:?}: results of a failure"
        );
        assert_eq!(
            self.everything(),
            before,
            "{arguments:?}: files of a failure"
        );
        // what the parser of the arguments adds stands apart, after an empty line
        let (line, rest) = said.split_once('\n').unwrap();
        assert!(
            rest.is_empty() || rest.starts_with('\n') || rest.starts_with("  "),
            "{said}"
        );
        let message = line.strip_prefix("error: ");
        message
            .unwrap_or_else(|| panic!("{arguments:?}: {said}"))
            .to_owned()
    }

    /// Asserts that a run fails with this code and a line that holds all of `parts`.
    pub(crate) fn refuses(&self, code: i32, arguments: &[&str], parts: &[&str]) {
        let line = self.refusal(code, arguments);
        for part in parts {
            assert!(
                line.contains(part),
                "{arguments:?}: `{part}` is not in: {line}"
            );
        }
    }

    /// Every file and folder, sorted.
    pub(crate) fn everything(&self) -> Vec<String> {
        let root = self.folder.path();
        let mut found = Vec::new();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path.clone());
                }
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
        found.sort();
        found
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|e| name(e).to_string_lossy().into_owned())
        .collect()
}

/// An input whose dimensions are a size or a name; without any, of unknown rank.
pub(crate) fn open_input(name: &str, dims: Option<&[&str]>) -> ValueInfoProto {
    let sizes = dims.map(|dims| vec![1; dims.len()]);
    let mut port = value(name, DataType::Float, sizes.as_deref());
    let kind = port.r#type.as_mut().and_then(|t| t.value.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = kind else {
        panic!("a tensor");
    };
    if let (Some(shape), Some(dims)) = (&mut tensor.shape, dims) {
        let dim = |text: &&str| Dimension {
            value: match (text.parse(), *text) {
                (Ok(size), _) => Some(dimension::Value::DimValue(size)),
                (_, "?") => None,
                (_, name) => Some(dimension::Value::DimParam(name.to_owned())),
            },
            denotation: None,
        };
        shape.dim = dims.iter().map(dim).collect();
    }
    port
}
