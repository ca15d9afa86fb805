//! `refloat actions`: what a step can do, from the same source as the schema.

use serde_json::{Value, json};

use super::args::{ActionsArgs, Common, Output};
use super::show;
use crate::base::exit::Exit;
use crate::base::nearest::nearest;
use crate::runbook::{About, bodies};
use crate::text::schema;

pub fn run(args: &ActionsArgs, common: &Common) -> Exit {
    let all = bodies();
    let Some(name) = &args.name else {
        match common.output {
            Output::Json => show::json(&json!({ "actions": all.iter().map(document).collect::<Vec<_>>() })),
            Output::Text => {
                for about in &all {
                    outln!("{:10} {}", about.key, about.about);
                }
                outln!("\n`refloat actions NAME` shows its keys, its effect and an example.");
            }
        }
        return Exit::Ok;
    };
    let Some(about) = all.iter().find(|about| about.key == name) else {
        let near = nearest(name, all.iter().map(|about| about.key));
        let help =
            near.map_or_else(|| "`refloat actions` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        show::error(format!("there is no action `{name}`: {help}"));
        return Exit::Usage;
    };
    match common.output {
        Output::Json => show::json(&document(about)),
        Output::Text => outln!("{}", text(about)),
    }
    Exit::Ok
}

fn document(about: &About) -> Value {
    json!({
        "name": about.key, "about": about.about, "effect": about.effect, "example": about.example,
        "schema": schema::whole(about.schema),
    })
}

fn text(about: &About) -> String {
    use std::fmt::Write as _;
    let mut out = format!("{}: {}\n\nEffect: {}.\n", about.key, about.about, about.effect);
    let schema = schema::whole(about.schema);
    for keys in maps(&schema, &schema) {
        out.push_str("\nKeys:\n");
        let required: Vec<&str> = keys["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, value) in keys["properties"].as_object().into_iter().flatten() {
            let words = value["description"].as_str().unwrap_or_default();
            let must = if required.contains(&key.as_str()) { "required. " } else { "" };
            let _ = writeln!(out, "  {key:14} {must}{words}{}", choices(value, &schema));
        }
    }
    let mut lines = about.example.lines();
    let _ = writeln!(out, "\nExample:\n  - {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "    {line}");
    }
    out.truncate(out.trim_end().len());
    out
}

/// The maps that a schema allows, with keys of their own.
fn maps<'a>(schema: &'a Value, root: &'a Value) -> Vec<&'a Value> {
    let schema = resolve(schema, root);
    if schema["properties"].is_object() {
        return vec![schema];
    }
    let forms = schema["anyOf"].as_array().into_iter().flatten();
    let inner = schema.get("items").into_iter().chain(schema.get("additionalProperties")).filter(|s| s.is_object());
    forms
        .chain(inner)
        .chain(schema["allOf"].as_array().into_iter().flatten())
        .flat_map(|s| maps(s, root))
        .take(1)
        .collect()
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/definitions/"));
    name.map_or(schema, |name| &root["definitions"][name])
}

/// The words of which one can be written.
fn choices(value: &Value, root: &Value) -> String {
    let all = value["anyOf"].as_array().into_iter().chain(value["allOf"].as_array()).flatten().chain([value]);
    let words = |value: &Value| -> Vec<String> {
        let value = resolve(value, root);
        let listed = value["enum"].as_array().into_iter().flatten();
        let one = value["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
        listed.chain(one).filter_map(Value::as_str).map(|word| format!("`{word}`")).collect()
    };
    let words: Vec<String> = all.flat_map(words).collect();
    if words.is_empty() { String::new() } else { format!(" One of {}.", words.join(", ")) }
}
