//! What is not known yet, against a reference: an expression whose value is known is so for every completion of what is
//! unknown, and it is unknown exactly where the three-valued logic says so.

use proptest::prelude::*;
use refloat::template::{Expr, Value};

use super::World;

/// A formula over four variables.
#[derive(Clone, Debug)]
enum Formula {
    Variable(usize),
    Known(bool),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Cond(Box<Self>, Box<Self>, Box<Self>),
    Eq(Box<Self>, Box<Self>),
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl Formula {
    /// As an author writes it.
    fn text(&self) -> String {
        let all = |all: &[Self]| all.iter().map(Self::text).collect::<Vec<_>>().join(" ");
        match self {
            Self::Variable(n) => NAMES[*n].to_owned(),
            Self::Known(known) => known.to_string(),
            Self::Not(inner) => format!("(not {})", inner.text()),
            Self::And(inner) => format!("(and {})", all(inner)),
            Self::Or(inner) => format!("(or {})", all(inner)),
            Self::Cond(test, yes, no) => format!("(cond {} {} {})", test.text(), yes.text(), no.text()),
            Self::Eq(one, two) => format!("(eq {} {})", one.text(), two.text()),
        }
    }

    /// Kleene's strong logic; `None` is unknown.
    fn model(&self, world: [Option<bool>; 4]) -> Option<bool> {
        match self {
            Self::Variable(n) => world[*n],
            Self::Known(known) => Some(*known),
            Self::Not(inner) => inner.model(world).map(|known| !known),
            Self::And(inner) => fold(inner, world, false),
            Self::Or(inner) => fold(inner, world, true),
            Self::Cond(test, yes, no) => {
                if test.model(world)? {
                    yes.model(world)
                } else {
                    no.model(world)
                }
            }
            Self::Eq(one, two) => Some(one.model(world)? == two.model(world)?),
        }
    }
}

/// One that decides decides, whatever the others are.
fn fold(all: &[Formula], world: [Option<bool>; 4], decides: bool) -> Option<bool> {
    let all: Vec<_> = all.iter().map(|one| one.model(world)).collect();
    if all.contains(&Some(decides)) {
        Some(decides)
    } else if all.contains(&None) {
        None
    } else {
        Some(!decides)
    }
}

fn formula() -> impl Strategy<Value = Formula> {
    let leaf = prop_oneof![4 => (0..4_usize).prop_map(Formula::Variable), 1 => any::<bool>().prop_map(Formula::Known)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        prop_oneof![
            one().prop_map(Formula::Not),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Formula::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Formula::Or),
            (one(), one(), one()).prop_map(|(test, yes, no)| Formula::Cond(test, yes, no)),
            (one(), one()).prop_map(|(one, two)| Formula::Eq(one, two)),
        ]
    })
}

/// What the engine says; `None` is unknown.
fn engine(expression: &Expr, world: [Option<bool>; 4]) -> Option<bool> {
    let scope = NAMES.iter().zip(world).fold(World::new(), |scope, (name, value)| {
        scope.with(name, value.map_or_else(|| Value::unknown("later"), Value::Bool))
    });
    match expression.eval(&scope).unwrap_or_else(|error| panic!("{}: {error}", expression.source().value)) {
        Value::Bool(known) => Some(known),
        Value::Unknown(step) => {
            assert_eq!(&*step, "later");
            None
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unknown_is_what_the_reference_says(formula in formula(), world in prop::array::uniform4(any::<Option<bool>>())) {
        let expression = Expr::from(formula.text().as_str());
        prop_assert_eq!(expression.problems(), &[], "{}", formula.text());
        let seen = engine(&expression, world);
        prop_assert_eq!(seen, formula.model(world), "{}", formula.text());
        if let Some(known) = seen {
            for completion in 0..16_u8 {
                let mut whole = world;
                for (n, value) in whole.iter_mut().enumerate() {
                    value.get_or_insert(completion >> n & 1 == 1);
                }
                prop_assert_eq!(engine(&expression, whole), Some(known), "{} in {:?}", formula.text(), whole);
            }
        }
    }
}
