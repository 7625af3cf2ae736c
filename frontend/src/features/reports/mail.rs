//! The e-mail as it is sent, and who gets it.

use chrono::NaiveDate;
use finops_contract::reports::ReportPreview;
use leptos::ev::Event;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlIFrameElement};

use super::recipients::RecipientsCard;
use crate::data::{section, use_get};
use crate::i18n::{Locale, locale, t, words};
use crate::reactive::memo;
use crate::ui::{Card, Choice, Fact, Facts, Glyph, Icon, SegmentedControl, Skeleton};
use crate::url::{use_param, use_set_params};

/// The tab.
#[component]
pub fn MailTab(
    /// The Monday of the week.
    week: Memo<NaiveDate>,
) -> AnyView {
    let param = use_param("language");
    // The reader's own, unless another one was asked for.
    let language = memo(move |_| param.with(|tag| tag.as_deref().and_then(Locale::from_tag)).unwrap_or_else(locale));
    let preview = use_get::<ReportPreview>(move || {
        Some(format!("/reports/weekly/preview?week={}&locale={}", week.get(), language.get().tag()))
    });
    let set = StoredValue::new(use_set_params());
    let choices = Locale::ALL.map(|one| Choice::new(one.tag(), one.own_name())).to_vec();
    let choose = move |tag: &'static str| set.with_value(|set| set(&[("language", Some(tag))], true));
    let switch = move || {
        view! {
            <SegmentedControl
                label=words::common::LANGUAGE
                choices
                value=Signal::derive(move || language.get().tag().to_owned())
                on_change=choose
            />
        }
    };
    let skeleton = || view! { <div><Skeleton shape="title" /><Skeleton shape="chart" /></div> }.into_any();
    view! {
        <div class="split">
            <Card title=words::reports::MAIL note=words::reports::MAIL_NOTE actions=switch>
                {section(preview, skeleton, |preview| shown(&preview))}
            </Card>
            <RecipientsCard />
        </div>
    }
    .into_any()
}

fn shown(preview: &ReportPreview) -> AnyView {
    let subject = preview.subject.clone();
    let (html, text) = (undressed(&preview.html), preview.text.clone());
    let height = RwSignal::new(480);
    view! {
        <div class="stack">
            <Facts><Fact label=words::reports::SUBJECT><b>{subject}</b></Fact></Facts>
            // Without `allow-scripts` nothing in it runs, whatever it holds. Its links open beside the app.
            <iframe
                title=move || words::reports::MAIL.get()
                sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
                srcdoc=html
                width="100%"
                height=move || height.get().to_string()
                on:load=move |event| {
                    if let Some(tall) = dress(&event) {
                        height.set(tall);
                    }
                }
            ></iframe>
            <details class="guide">
                <summary>{t(words::reports::AS_TEXT)}<Glyph icon=Icon::ChevronDown /></summary>
                <pre class="table-scroll" tabindex="0" role="group" aria-label=move || words::reports::AS_TEXT.get()>{text}</pre>
            </details>
        </div>
    }
    .into_any()
}

/// The attribute that holds an e-mail's styles until they are put on.
const STYLE: &str = "data-style";

/// An e-mail without its styles. Mail programs want them in place, where the app's Content-Security-Policy lets no markup
/// have them; a script may put them on. What people named is escaped, so nothing else reads like this.
fn undressed(html: &str) -> String {
    html.replace(" style=\"", " data-style=\"")
}

/// Puts the styles of an e-mail on; answers how high it is then.
fn dress(event: &Event) -> Option<i32> {
    let frame = event.target()?.unchecked_into::<HtmlIFrameElement>();
    let page = frame.content_document()?;
    let each = |selector: &str, run: fn(&Element)| {
        let Ok(found) = page.query_selector_all(selector) else { return };
        // Elements of another page are of other classes: `dyn_into` would find none of them.
        (0..found.length()).filter_map(|index| found.item(index)).for_each(|node| run(node.unchecked_ref()));
    };
    each("[data-style]", |element| {
        let styles = element.get_attribute(STYLE).unwrap_or_default();
        element.unchecked_ref::<HtmlElement>().style().set_css_text(&styles);
    });
    each("a", |link| {
        // Fails only for malformed names.
        let _ = link.set_attribute("target", "_blank").and_then(|()| link.set_attribute("rel", "noopener"));
    });
    Some(page.document_element()?.scroll_height())
}

#[cfg(test)]
mod tests {
    use super::undressed;

    #[test]
    fn styles_wait_where_no_policy_forbids_them() {
        let html = r#"<body style="margin:0"><td align="right" style="color:#fff">style=&quot;x&quot;</td></body>"#;
        let plain = undressed(html);
        assert_eq!(plain.matches(" data-style=\"").count(), 2);
        assert!(!plain.contains(" style=\"") && plain.contains("style=&quot;x&quot;"), "{plain}");
    }
}
