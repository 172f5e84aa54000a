//! Text in a picture whose fonts are unknown: how wide it is at most, and how to keep it short.

/// Upper estimate of the width of `text` in pixels at `size` pixels per em.
///
/// The advance widths are those of wide sans-serif faces (such as Verdana or DejaVu Sans), so that
/// text laid out with them also fits in a narrower face.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.30,
        ' ' | '\u{a0}' | '.' | ',' | ':' | ';' | '/' | '\\' => 0.35,
        'f' | 'r' | 't' | '!' | '(' | ')' | '[' | ']' | '-' | '·' | '"' | '`' => 0.42,
        'c' | 's' | 'z' | '_' | 'I' | 'J' => 0.55,
        'm' | 'M' | 'W' | '%' | '@' | '–' | '…' => 1.0,
        'w' | 'A'..='Z' | '<' | '>' | '=' | '+' | '&' | '#' | '±' | '~' | '×' | '→' | '≤' => {
            0.84
        }
        // full-width scripts and pictographs
        c if c as u32 >= 0x1100 => 1.1,
        _ => 0.65,
    }
}

/// A tensor's name without what exporters add to the node's.
pub(crate) fn bare(name: &str) -> &str {
    match name.strip_suffix("_output_0") {
        Some("") | None => name,
        Some(node) => node,
    }
}

/// What both names start with, up to the last sign between two parts of a name.
pub(crate) fn shared_start<'a>(one: &'a str, other: &str) -> &'a str {
    if one == other {
        return one;
    }
    let pairs = one.char_indices().zip(other.chars());
    let same = pairs.take_while(|((_, a), b)| a == b);
    let parts = same.filter(|((_, c), _)| matches!(c, '/' | '.' | ':' | '_' | '-'));
    parts
        .last()
        .map_or("", |((at, c), _)| &one[..at + c.len_utf8()])
}

/// `text` with its middle replaced by `…` so that it is no wider than `max` pixels.
pub(crate) fn fit(text: &str, size: f64, max: f64) -> String {
    // names of layers differ near their end: two characters from there for each from the start
    const TAIL: usize = 2;
    if width(text, size) <= max {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let room = max / size - advance('…');
    let (mut head, mut tail, mut used) = (0, 0, 0.0);
    while head + tail < chars.len() {
        let from_tail = tail <= TAIL * head;
        let next = if from_tail {
            chars[chars.len() - 1 - tail]
        } else {
            chars[head]
        };
        used += advance(next);
        if used > room {
            break;
        }
        if from_tail { tail += 1 } else { head += 1 }
    }
    let start: String = chars[..head].iter().collect();
    let end: String = chars[chars.len() - tail..].iter().collect();
    format!("{start}…{end}")
}

/// Breaks `text` at spaces into lines of at most `max` pixels; a longer word is shortened, and a
/// number stays with its unit.
pub(crate) fn wrap(text: &str, size: f64, max: f64) -> Vec<String> {
    const UNITS: [&str; 8] = ["%", "µs", "ms", "kB", "MB", "kbit/s", "Mbit/s", "Gbit/s"];
    let mut lines: Vec<String> = Vec::new();
    let joined = UNITS.iter().fold(text.to_owned(), |text, unit| {
        text.replace(&format!(" {unit}"), &format!("\u{a0}{unit}"))
    });
    for word in joined.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let word = fit(word, size, max);
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(&word, size) <= max => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// As [`wrap`], in at most `most` lines; the last ends with `…` where words are left out.
pub(crate) fn wrap_to(text: &str, size: f64, max: f64, most: usize) -> Vec<String> {
    let mut lines = wrap(text, size, max);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last, size) + advance('…') * size > max {
                last.pop();
            }
            let kept = last.trim_end_matches([' ', ',', ';', '.']).len();
            last.truncate(kept);
            last.push('…');
        }
    }
    lines
}

/// `text` as XML character data: [`harmless`], markup escaped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(harmless_char) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// `text` with characters replaced that XML forbids or that reorder the text around them.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(harmless_char).collect()
}

fn harmless_char(c: char) -> char {
    match c {
        '\n' => c,
        c if c.is_control() => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_loses_its_middle_and_fits() {
        let name = "/features/features.0/features.0.0/Conv_output_0";
        let short = fit(name, 11.0, 140.0);
        assert!(width(&short, 11.0) <= 140.0);
        assert!(
            short.starts_with("/fe") && short.ends_with("output_0"),
            "{short}"
        );
        assert_eq!(bare(name), "/features/features.0/features.0.0/Conv");
        assert_eq!(fit("conv1", 11.0, 140.0), "conv1");
        assert_eq!(fit("conv1", 11.0, 1.0), "…");
    }

    #[test]
    fn lines_break_at_spaces() {
        let lines = wrap("one two three four", 10.0, 60.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 10.0) <= 60.0));
        assert_eq!(lines.join(" "), "one two three four");
        assert_eq!(wrap("takes 3 ms", 10.0, 50.0), ["takes", "3\u{a0}ms"]);
        assert!(wrap("  ", 10.0, 60.0).is_empty());
    }

    #[test]
    fn lines_that_are_too_many_end_with_dots() {
        assert_eq!(wrap_to("one two three four", 10.0, 60.0, 1), ["one two…"]);
        let tight = wrap_to("one two three four", 10.0, 50.0, 1);
        assert!(
            tight[0].ends_with('…') && width(&tight[0], 10.0) <= 50.0,
            "{tight:?}"
        );
        assert_eq!(
            wrap_to("one two", 10.0, 60.0, 2),
            wrap("one two", 10.0, 60.0)
        );
    }

    #[test]
    fn markup_controls_and_reordering_characters_are_harmless() {
        assert_eq!(
            escape("<a b='1'>&\"\u{1b}\u{202e}\u{0}"),
            "&lt;a b=&#39;1&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}\u{fffd}"
        );
    }
}
