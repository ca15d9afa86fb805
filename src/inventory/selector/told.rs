//! A selector in words, for a reader who has never seen one.

use super::Selector;
use super::parse::{Operator, Term, Union};

impl Selector {
    /// Whom it means: "servers without lost".
    #[must_use]
    pub fn words(&self) -> String {
        self.unions.iter().map(union).collect::<Vec<_>>().join(" and ")
    }
}

fn union(union: &Union) -> String {
    let mut words = String::new();
    for (at, (operator, term)) in union.terms.iter().enumerate() {
        let joined = match operator {
            _ if at == 0 => "",
            Operator::Or => " and ",
            Operator::Not => " without ",
            Operator::And => " as far as in ",
        };
        words.push_str(joined);
        words.push_str(&self::term(term));
    }
    words
}

fn term(term: &Term) -> String {
    match term {
        Term::Name(name) => match name.value.as_str() {
            "all" => "every host of the inventory".to_owned(),
            "controller" => "this machine".to_owned(),
            name => name.to_owned(),
        },
        Term::Glob(glob) => format!("every host called {}", glob.value),
        Term::Bracket { base, from: 0, to: None, .. } => format!("the first of {}", base.value),
        Term::Bracket { base, from: -1, to: None, .. } => format!("the last of {}", base.value),
        Term::Bracket { base, from, to, .. } => match to {
            Some(to) => format!("{}[{from}:{to}]", base.value),
            None => format!("{}[{from}]", base.value),
        },
        Term::Range { range, .. } => range.to_string(),
    }
}
