//! Figures inside a page: each keeps its own style sheet and its own ids.
//!
//! Only text that the figures' own writers produce comes in, in which quotes and angle brackets of
//! names are escaped: so a quote in it always is one of an attribute.

use std::borrow::Cow;

/// A figure's SVG for a page where it stands inside an element with this id: ids get it as a prefix,
/// rules hold inside that element only.
pub(super) fn inline(svg: &str, id: &str) -> String {
    let own = svg
        .replace(" id=\"", &format!(" id=\"{id}-"))
        .replace("href=\"#", &format!("href=\"#{id}-"))
        .replace("url(#", &format!("url(#{id}-"));
    match own.split_once("<style>") {
        Some((before, rest)) => match rest.split_once("</style>") {
            Some((css, after)) => format!("{before}<style>{}</style>{after}", scope(css, id)),
            None => own.clone(),
        },
        None => own,
    }
}

/// What a figure calls itself: its `<title>`, as escaped there.
pub(super) fn title(svg: &str) -> &str {
    let rest = svg.split_once("<title>").map_or("", |(_, rest)| rest);
    rest.split_once("</title>").map_or("", |(title, _)| title)
}

/// A style sheet whose selectors hold inside the element with this id. Rules may stand in an
/// `@media` or alone.
fn scope(css: &str, id: &str) -> String {
    let mut scoped = String::with_capacity(css.len() * 2);
    let mut rest = css;
    while let Some(at) = rest.find(['{', '}']) {
        let (head, tail) = rest.split_at(at);
        rest = match tail.strip_prefix('}') {
            // the end of a group
            Some(after) => {
                scoped.push('}');
                after
            }
            None if head.trim_start().starts_with('@') => {
                scoped.push_str(head);
                scoped.push('{');
                &tail[1..]
            }
            None => {
                let selectors = head.split(',').map(|one| of(one.trim(), id));
                scoped.push_str(&selectors.collect::<Vec<_>>().join(","));
                let end = tail.find('}').map_or(tail.len(), |end| end + 1);
                scoped.push_str(&tail[..end]);
                &tail[end..]
            }
        };
    }
    scoped
}

fn of<'a>(selector: &'a str, id: &str) -> Cow<'a, str> {
    match selector {
        "" => Cow::Borrowed(""),
        _ => Cow::Owned(format!("#{id} {selector}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_ids_stay_inside_their_figure() {
        let svg = "<svg><title>a &lt;b&gt;</title><style>svg{f:g}.a,.b rect{c:d}@media screen and (x:y)\
                   {.a{e:f}.b{g:h}}</style><g id=\"block-1\"/><use href=\"#block-1\"/></svg>";
        assert_eq!(
            inline(svg, "f1"),
            "<svg><title>a &lt;b&gt;</title><style>#f1 svg{f:g}#f1 .a,#f1 .b rect{c:d}@media screen \
             and (x:y){#f1 .a{e:f}#f1 .b{g:h}}</style><g id=\"f1-block-1\"/>\
             <use href=\"#f1-block-1\"/></svg>"
        );
        assert_eq!(title(svg), "a &lt;b&gt;");
    }

    #[test]
    fn figures_without_rules_or_titles_pass() {
        assert_eq!(inline("<svg/>", "f1"), "<svg/>");
        assert_eq!(title("<svg/>"), "");
        assert_eq!(scope(".a{b:c", "f1"), "#f1 .a{b:c");
        assert_eq!(scope("", "f1"), "");
    }
}
