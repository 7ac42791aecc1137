use pulsewire_wire::qua::qua_program as q;
use q::Type::{Bool, Int, Real};
use q::any_statement::StatementOneof as S;
use q::binary_expression::BinaryOperator as Operator;

use crate::testing::*;

fn variables() -> Vec<q::VarDeclaration> {
    vec![
        declare("i", Int, &[]),
        declare("x", Real, &[]),
        declare("b", Bool, &[]),
        declare_array("a", Int, 3, &[]),
        declare_array("f", Real, 0, &["0.5", "1.5"]),
        q::VarDeclaration { is_input_stream: true, ..declare("input_stream_tau", Int, &[]) },
    ]
}

/// One statement with one mistake: the message and the line must be there.
fn refused(statement: S, says: &str) {
    let found = mistakes(&program(variables(), vec![statement], &[]));
    assert_eq!(found.len(), 1, "{says}: {found:?}");
    assert!(found[0].contains(says), "{says}: {}", found[0]);
    assert!(found[0].contains("line 7"), "{says}: {}", found[0]);
    assert!(!found[0].contains('\n'), "{says}: {}", found[0]);
}

#[test]
fn every_mistake_is_refused_with_its_line() {
    refused(assign("v9", int(1), 7), "unknown variable 'v9'");
    refused(assign("i", var("v9"), 7), "unknown variable 'v9'");
    refused(assign("i", cell("v9", int(0)), 7), "unknown array 'v9'");
    refused(assign("i", cell("x", int(0)), 7), "'x' is a scalar");
    refused(assign("i", var("a"), 7), "'a' is an array");
    refused(assign("i", var("x"), 7), "bad type: fixed where int is needed");
    refused(assign("x", var("i"), 7), "convert it with Cast.to_fixed()");
    refused(assign("i", var("b"), 7), "bad type: bool where int is needed");
    refused(assign("x", op(Operator::Add, var("x"), var("i")), 7), "bad type: fixed + int");
    refused(assign("b", op(Operator::Lt, var("x"), var("i")), 7), "bad type: fixed < int");
    refused(assign("i", op(Operator::Add, var("b"), var("b")), 7), "'+' takes numbers");
    refused(assign("x", op(Operator::And, var("x"), var("x")), 7), "'&' takes ints or bools");
    refused(assign("i", real("0.5"), 7), "bad literal: 0.5");
    refused(assign("i", literal("many", Int), 7), "bad literal: 'many'");
    refused(assign("i", int(1 << 31), 7), "does not fit an int");
    refused(assign("x", real("nan"), 7), "bad literal: 'nan'");
    refused(assign("i", boolean(true), 7), "bad literal: the bool True");
    refused(assign("i", cell("a", int(3)), 7), "index 3 is out of the array 'a' of 3");
    refused(assign("i", cell("a", op(Operator::Sub, int(0), int(1))), 7), "index -1 is out");
    refused(assign_cell("a", int(5), int(0), 7), "index 5 is out of the array 'a' of 3");
    refused(assign_io(3, int(1), 7), "there is no IO3");
    refused(wait(int(10), &["q3"], 7), "unknown element 'q3'");
    refused(wait(int(-1), &["q1"], 7), "cannot wait -1");
    refused(wait(var("x"), &["q1"], 7), "bad type: fixed where int is needed");
    refused(
        assign("x", call("math", "tan", vec![var("x")], &[]), 7),
        "unsupported function math.tan()",
    );
    refused(assign("x", call("math", "sin", vec![], &["f"]), 7), "0 scalar and 1 array");
    refused(
        assign("x", call("other", "sin", vec![var("x")], &[]), 7),
        "unsupported function other.sin()",
    );
    refused(assign("i", call("math", "dot", vec![], &["a", "f"]), 7), "Math.dot takes two arrays");
    refused(
        assign("i", call("random", "rand_int", vec![var("x"), int(3)], &[]), 7),
        "seed of a random number must be an int variable",
    );
    refused(save(var("v9"), "r1", 7), "unknown variable 'v9'");
    refused(save(var("i"), "", 7), "no stream to save to");
    let advance = |name: &str| {
        let stream = q::advance_input_stream_statement::StreamOneof::StreamVariable(var_ref(name));
        S::AdvanceInputStream(q::AdvanceInputStreamStatement {
            loc: at(7),
            stream_oneof: Some(stream),
        })
    };
    refused(advance("i"), "takes an input stream");
    let for_each = |variable: &str, array: &str| {
        S::ForEach(q::ForEachStatement {
            iterator: vec![q::for_each_statement::VariableWithValues {
                variable: Some(var_ref(variable)),
                array: Some(array_ref(array)),
            }],
            body: None,
            loc: at(7),
        })
    };
    refused(for_each("i", "f"), "bad type: its variable is int but its array holds fixed");
    refused(for_each("i", "v9"), "unknown array 'v9'");
}

#[test]
fn statements_that_cannot_be_are_refused_by_name() {
    let loc = at(7);
    refused(
        S::Play(q::PlayStatement { loc: loc.clone(), ..Default::default() }),
        "play: names no element",
    );
    let qe = Some(q::QuantumElementReference { name: "q1".to_owned(), loc: String::new() });
    let play = |pulse_type| {
        S::Play(q::PlayStatement {
            loc: loc.clone(),
            qe: qe.clone(),
            pulse_type,
            ..Default::default()
        })
    };
    refused(play(None), "play: names no pulse");
    let pulse = q::PulseReference { name: "pi".to_owned(), loc: String::new() };
    let named = q::play_statement::PulseType::NamedPulse(pulse);
    refused(play(Some(named)), "play: the element 'q1' has no operation 'pi'; it has: ");
    refused(
        S::RampToZero(q::RampToZeroStatement { loc: loc.clone(), qe: qe.clone(), duration: None }),
        "ramp_to_zero: 'q1' is not sticky",
    );
    refused(
        S::UpdateFrequency(q::UpdateFrequencyStatement {
            loc,
            qe,
            value: Some(int(5)),
            ..Default::default()
        }),
        "update_frequency: 'q1' has no intermediate frequency",
    );
    for (statement, says) in [
        (S::Rus(q::RusStatement::default()), "rus: is a statement that no QUA client makes"),
        (S::LoadWaveform(q::LoadWaveformStatement::default()), "load_waveform: belongs to QOP 3"),
    ] {
        let found = mistakes(&program(vec![], vec![statement], &[]));
        assert!(found.len() == 1 && found[0].starts_with(says), "{found:?}");
    }
}

#[test]
fn all_mistakes_of_a_program_are_reported() {
    let body = vec![
        assign("v9", int(1), 1),
        counted("i", 3, vec![assign("i", var("x"), 2), save(var("v8"), "r1", 3)]),
        wait(int(4), &["q9"], 4),
    ];
    let found = mistakes(&program(variables(), body, &["saveAll t (fft (@re 0 r1))"]));
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found[1].contains("line 2") && found[2].contains("line 3"));
    assert!(found[4].starts_with("stream_processing: result 't'"), "{}", found[4]);
}

#[test]
fn both_sides_and_every_body_are_looked_at() {
    let sum = op(Operator::Add, cell("a", int(10)), cell("a", int(11)));
    let walk = S::ForEach(q::ForEachStatement {
        iterator: vec![q::for_each_statement::VariableWithValues {
            variable: Some(var_ref("i")),
            array: Some(array_ref("v9")),
        }],
        body: Some(block(vec![assign("v8", int(1), 3)])),
        loc: at(2),
    });
    let found = mistakes(&program(variables(), vec![assign("i", sum, 1), walk], &[]));
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].contains("index 10") && found[1].contains("index 11"));
    assert!(found[2].contains("'v9'") && found[3].contains("'v8'"));
}

#[test]
fn both_sides_of_a_shift_are_looked_at() {
    let shift = op(Operator::Shl, var("v8"), var("v9"));
    let found = mistakes(&program(variables(), vec![assign("i", shift, 7)], &[]));
    assert!(
        found.len() == 2 && found[0].contains("'v8'") && found[1].contains("'v9'"),
        "{found:?}"
    );
}

#[test]
fn loops_are_named_as_they_were_written() {
    let wrong = || op(Operator::Lt, var("i"), var("x"));
    let body = |init: Vec<S>| vec![for_loop(init, wrong(), vec![], vec![])];
    let found = mistakes(&program(variables(), body(vec![]), &[]));
    assert!(found[0].starts_with("while_: bad type"), "{found:?}");
    let found = mistakes(&program(variables(), body(vec![assign("i", int(0), 1)]), &[]));
    assert!(found[0].starts_with("for_: bad type"), "{found:?}");
}

#[test]
fn nothing_after_an_infinite_loop_is_silently_dropped() {
    let endless = for_loop(vec![], boolean(true), vec![], vec![]);
    let body = vec![endless, assign("i", int(1), 7)];
    let found = mistakes(&program(variables(), body, &[]));
    assert!(found[0].contains("comes after an infinite_loop_()"), "{found:?}");
}

#[test]
fn declarations_are_checked() {
    let refused = |declaration: q::VarDeclaration, says: &str| {
        let found = mistakes(&program(vec![declaration], vec![], &[]));
        assert!(found.len() == 1 && found[0].contains(says), "{says}: {found:?}");
        assert!(found[0].contains("'v1'"), "{found:?}");
    };
    refused(declare("v1", Int, &["0.5"]), "bad literal");
    refused(declare("v1", Int, &["1", "2"]), "2 initial values for a scalar");
    refused(declare_array("v1", Int, 3, &["1", "2"]), "size 3 but 2 initial values");
    refused(declare_array("v1", Int, -1, &[]), "bad size -1");
    refused(declare_array("v1", Int, i32::MAX, &[]), "cells of memory");
    refused(q::VarDeclaration { dim: 2, ..declare("v1", Int, &[]) }, "one dimension, not 2");
    refused(q::VarDeclaration { r#type: 9, ..declare("v1", Int, &[]) }, "type number 9");
    let twice = vec![declare("v1", Int, &[]), declare("v1", Int, &[])];
    assert!(mistakes(&program(twice, vec![], &[]))[0].contains("declared twice"));
}

#[test]
fn a_stream_has_one_kind() {
    let body = vec![save(var("i"), "r1", 1), save(var("x"), "r1", 7)];
    let found = mistakes(&program(variables(), body, &[]));
    assert!(found[0].contains("'r1' gets fixed here and int before"), "{found:?}");
}

#[test]
fn empty_messages_do_no_harm() {
    assert!(compiled(&Default::default()).is_ok());
    let hollow = q::StatementsCollection { statements: vec![q::AnyStatement::default()] };
    let mut empty = program(vec![], vec![], &[]);
    empty.script.as_mut().unwrap().body = Some(hollow);
    assert!(mistakes(&empty)[0].contains("an empty statement"));
    for statement in [
        S::Assign(q::AssignmentStatement::default()),
        S::Save(q::SaveStatement::default()),
        S::For(q::ForStatement::default()),
        S::ForEach(q::ForEachStatement::default()),
        S::If(q::IfStatement::default()),
        S::Wait(q::WaitStatement::default()),
        S::AdvanceInputStream(q::AdvanceInputStreamStatement::default()),
    ] {
        assert!(
            !mistakes(&program(vec![], vec![statement.clone()], &[])).is_empty(),
            "{statement:?}"
        );
    }
    for text in [
        "",
        "save",
        "save t",
        "save t ()",
        "keep t (@re 0 r1)",
        "save t (@re 0)",
        "save t (@re 7 r1)",
        "save t (buffer)",
    ] {
        assert!(!mistakes(&program(vec![], vec![], &[text])).is_empty(), "{text}");
    }
}
