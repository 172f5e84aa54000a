//! Getting hold of ONNX Runtime: real downloads, real processes, real failures.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// `cutpoint runtime` with a cache of its own, and pip's usual cache, so that the wheel is
/// downloaded once however many tests fetch it.
fn runtime(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command
        .args(["runtime", "--json", "--verify"])
        .env("XDG_CACHE_HOME", cache)
        .env_remove("ORT_DYLIB_PATH");
    if let Some(pip) = pip_cache() {
        command.env("PIP_CACHE_DIR", pip);
    }
    command
}

fn pip_cache() -> Option<PathBuf> {
    let output = Command::new("python3")
        .args(["-m", "pip", "cache", "dir"])
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| path.trim().into())
}

/// The answer on standard output of a run that must succeed.
fn answer(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The message of a run that must fail with `code`, in one line and with nothing on stdout.
fn failure(output: &Output, code: i32) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(output.stdout.is_empty());
    let errors: Vec<&str> = text.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert_eq!(text.lines().last(), Some(errors[0]), "{text}");
    errors[0].to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything below a directory, by name.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn two_processes_on_an_empty_cache_fetch_once_and_both_work() {
    let cache = TempDir::new().unwrap();
    let start = || {
        let mut command = runtime(cache.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children = [start(), start()];
    let outputs = children.map(|child| child.wait_with_output().unwrap());
    let answers: Vec<_> = outputs.iter().map(answer).collect();
    let mut origins: Vec<_> = answers.iter().map(|a| a["origin"].as_str()).collect();
    origins.sort();
    assert_eq!(origins, [Some("cache"), Some("fetched")]);
    for key in ["path", "version", "sha256", "bytes"] {
        assert_eq!(answers[0][key], answers[1][key]);
    }
    assert_eq!(answers[0]["providers"][0], "cpu");

    // nothing else is left behind, by us or by the runtime
    let version = answers[0]["version"].as_str().unwrap();
    let kept = format!("onnxruntime-{version}-{}", std::env::consts::ARCH);
    assert_eq!(names(cache.path()), ["cutpoint"]);
    assert_eq!(
        names(&cache.path().join("cutpoint")),
        [kept.clone(), format!("{kept}.lock")]
    );

    // a truncated library is noticed and replaced, and the leftovers of a killed process go
    let library = PathBuf::from(answers[0]["path"].as_str().unwrap());
    let file = std::fs::File::options().write(true).open(&library).unwrap();
    file.set_len(1000).unwrap();
    std::fs::create_dir(cache.path().join(format!("cutpoint/{kept}.part-dead"))).unwrap();
    let output = runtime(cache.path()).output().unwrap();
    assert_eq!(answer(&output)["origin"], "fetched");
    assert!(stderr(&output).contains("not whole"), "{}", stderr(&output));
    assert_eq!(names(&cache.path().join("cutpoint")).len(), 2);

    // a library that a person names is used as it is
    let variable = runtime(cache.path())
        .env("ORT_DYLIB_PATH", &library)
        .output()
        .unwrap();
    let by_name = answer(&variable);
    assert_eq!(by_name["origin"], "environment");
    assert_eq!(by_name["version"], answers[0]["version"]);
    assert!(variable.stderr.is_empty(), "{}", stderr(&variable));

    // `--verify` notices changed bytes behind a right length, before they are loaded
    let mut file = std::fs::File::options().write(true).open(&library).unwrap();
    file.write_all(b"changed").unwrap();
    let message = failure(&runtime(cache.path()).output().unwrap(), 1);
    assert!(message.contains("was altered"), "{message}");
}

#[test]
fn without_a_network_the_remedy_is_named() {
    let cache = TempDir::new().unwrap();
    let pip_cache = TempDir::new().unwrap();
    let output = runtime(cache.path())
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env_remove("PIP_FIND_LINKS")
        .env_remove("PIP_EXTRA_INDEX_URL")
        .env_remove("PIP_NO_INDEX")
        // nobody listens on the discard port
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        .env("PIP_RETRIES", "0")
        .env("PIP_CACHE_DIR", pip_cache.path())
        .output()
        .unwrap();
    let message = failure(&output, 1);
    assert!(message.contains("cannot be reached"), "{message}");
    assert!(message.contains("connect once"), "{message}");
    assert!(message.contains("ORT_DYLIB_PATH"), "{message}");
    assert_eq!(
        names(&cache.path().join("cutpoint")).len(),
        1,
        "only the lock"
    );
}

#[test]
fn a_wheel_that_is_not_the_published_one_is_refused() {
    let cache = TempDir::new().unwrap();
    let mirror = TempDir::new().unwrap();
    let name = format!(
        "onnxruntime-{}-cp312-cp312-manylinux_2_28_{}.whl",
        cutpoint_runtime::library::VERSION,
        std::env::consts::ARCH
    );
    std::fs::write(mirror.path().join(name), "something else").unwrap();
    let output = runtime(cache.path())
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", mirror.path())
        .output()
        .unwrap();
    let message = failure(&output, 1);
    assert!(message.contains("SHA-256 differs"), "{message}");
    assert_eq!(
        names(&cache.path().join("cutpoint")).len(),
        1,
        "only the lock"
    );
}

#[test]
fn python_and_pip_are_asked_for_when_missing() {
    let cache = TempDir::new().unwrap();
    let empty = TempDir::new().unwrap();
    let output = runtime(cache.path()).env("PATH", empty.path()).output();
    let message = failure(&output.unwrap(), 1);
    assert!(message.contains("install Python 3 with pip"), "{message}");

    // the real Python, kept from its installed packages
    let real = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let script = empty.path().join("python3");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nexec '{}' -S \"$@\"\n", real.trim()),
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).unwrap();
    let output = runtime(cache.path()).env("PATH", empty.path()).output();
    let message = failure(&output.unwrap(), 1);
    assert!(message.contains("python3-pip"), "{message}");
}

#[test]
fn a_variable_that_names_no_runtime_is_an_error() {
    let cache = TempDir::new().unwrap();
    let directory = cache.path().to_owned();
    let text = directory.join("text.so");
    std::fs::write(&text, "not a library").unwrap();
    let other = library(&directory, "other", "int nothing(void) { return 0; }");
    let old = library(
        &directory,
        "old",
        "static const char *version(void) { return \"1.14.1\"; }
         static struct { void *api; const char *(*version)(void); } base = { 0, version };
         void *OrtGetApiBase(void) { return &base; }",
    );
    for (path, part) in [
        (directory.join("absent.so"), "No such file"),
        (directory.clone(), "not a regular file"),
        (text, "cannot be loaded"),
        (other, "it is not ONNX Runtime"),
        (old, "it is ONNX Runtime 1.14.1; at least 1."),
    ] {
        let output = runtime(&directory).env("ORT_DYLIB_PATH", &path).output();
        let message = failure(&output.unwrap(), 2);
        assert!(message.contains(part), "{message}");
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(message.contains("unset"), "{message}");
    }
    assert!(!directory.join("cutpoint").exists(), "nothing was fetched");
}

/// Compiles a shared library with the C compiler that Rust links with.
fn library(directory: &Path, name: &str, source: &str) -> PathBuf {
    let file = directory.join(format!("{name}.c"));
    std::fs::write(&file, source).unwrap();
    let path = directory.join(format!("lib{name}.so"));
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&path, &file])
        .status()
        .unwrap();
    assert!(compiled.success());
    path
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = failure(&runtime(file.path()).output().unwrap(), 1);
    assert!(message.contains("make the cache writable"), "{message}");
    let output = runtime(Path::new("relative")).env_remove("HOME").output();
    let message = failure(&output.unwrap(), 1);
    assert!(message.contains("set XDG_CACHE_HOME"), "{message}");
}
