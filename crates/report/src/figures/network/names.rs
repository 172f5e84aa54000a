//! Short names for layers and blocks of layers; tooltips have the full ones.

/// A layer's name without what its operator says already: exporters write `/a/a.1/Conv_2`.
pub(super) fn without_op<'a>(name: &'a str, op: &str) -> &'a str {
    let Some((path, last)) = name.rsplit_once('/') else {
        return name;
    };
    let rest = last.strip_prefix(op);
    let numbered = rest.and_then(|rest| rest.strip_prefix('_'));
    let is_op = rest == Some("") || numbered.is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()));
    if is_op && !path.is_empty() {
        path
    } else {
        name
    }
}

/// A part of a path without what PyTorch's exporter puts before the names of all nodes.
fn plain(part: &str) -> &str {
    match part.strip_prefix("node_") {
        None | Some("") => part,
        Some(name) => name,
    }
}

/// What one layer is called: the end of its path from the last part with a number on, since
/// exporters repeat a module's path in its parts (`layer/layer.3/layer.3.0`).
pub(super) fn of_layer(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.map(plain).collect();
    let numbered = |part: &&str| part.contains(|c: char| c.is_ascii_digit());
    match parts.iter().rposition(numbered) {
        Some(first) => parts[first..].join("/"),
        None => parts.join("/"),
    }
}

/// What several layers are called: the part that all share, or the first and the last part where
/// they differ.
pub(super) fn of_layers(paths: &[&str]) -> String {
    let split = |path: &&str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(plain).map(str::to_owned).collect()
    };
    let all: Vec<Vec<String>> = paths.iter().map(split).collect();
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return String::new();
    };
    let same = |at: &usize| all.iter().all(|parts| parts.get(*at) == first.get(*at));
    let shared = (0..first.len()).take_while(same).count();
    match (first.get(shared), last.get(shared)) {
        (Some(one), Some(other)) if one != other => format!("{one} … {other}"),
        _ if shared == 0 => of_layer(&first.join("/")),
        _ => of_layer(&first[..shared].join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_names_become_short() {
        for (name, op, short) in [
            (
                "/features/features.0/features.0.0/Conv",
                "Conv",
                "features.0.0",
            ),
            (
                "/features/features.1/block/block.0/block.0.2/Relu_1",
                "Relu",
                "block.0.2",
            ),
            (
                "/model/layer.3/attention/query/MatMul",
                "MatMul",
                "layer.3/attention/query",
            ),
            ("/Conv", "Conv", "Conv"),
            ("Conv_12", "Conv", "Conv_12"),
            ("node_conv2d_1", "Conv", "conv2d_1"),
            ("/a/Conv_x", "Conv", "a/Conv_x"),
        ] {
            assert_eq!(of_layer(without_op(name, op)), short);
        }
    }

    #[test]
    fn blocks_are_called_by_what_their_layers_share_or_where_they_differ() {
        for (paths, name) in [
            (["/f/f.1/f.1.0", "/f/f.1/f.1.1"], "f.1.0 … f.1.1"),
            (["/f/f.1", "/f/f.1"], "f.1"),
            (["/f/f.1/f.1.0", "/f/f.2"], "f.1 … f.2"),
            (["a", "b"], "a … b"),
            (["/f/f.1", "/f/f.1/act"], "f.1"),
        ] {
            assert_eq!(of_layers(&paths), name);
        }
        assert_eq!(of_layers(&["a/1", "b", "a/2"]), "1");
        assert_eq!(of_layers(&[]), "");
    }
}
