//! `refloat schema`: JSON Schema for editors, from the structs that the texts are decoded into.

use super::args::{SchemaArgs, SchemaOf};
use super::show;
use crate::base::exit::Exit;
use crate::inventory;
use crate::lab;
use crate::runbook;

pub fn run(args: &SchemaArgs) -> Exit {
    let schema = match args.of {
        SchemaOf::Runbook => runbook::schema(),
        SchemaOf::Inventory => inventory::schema(),
        SchemaOf::Drill => lab::drill::schema(),
    };
    show::json(&schema);
    Exit::Ok
}
