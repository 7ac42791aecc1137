use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua::qua_program as q;
use q::Type::{Bool, Int, Real};
use q::any_statement::StatementOneof as S;
use q::binary_expression::BinaryOperator as Operator;

use super::*;
use crate::config::pulses::Overrides;
use crate::config::resolved::ResolvedConfig;
use crate::qua::timing::Timing;
use crate::runtime::{Control, InputEntry, IoRegisters, Pace};
use crate::testing::*;

fn resolved(program: &crate::qua::ir::Program) -> Arc<ResolvedConfig> {
    Arc::new(configuration().resolve(&program.refs, &Overrides::default()).unwrap())
}

/// What a program saved under `out`, as doubles, and what went wrong.
fn outcome(
    program: &QuaProgram,
    prepare: impl FnOnce(&Control, &IoRegisters),
) -> (Vec<f64>, Vec<String>) {
    let compiled = compiled(program).unwrap_or_else(|errors| panic!("{errors:?}"));
    let control = Control::new(compiled.program.inputs.clone(), 1 << 20);
    let io = IoRegisters::default();
    prepare(&control, &io);
    let results = Arc::new(compiled.plan.results(1 << 30));
    let pipelines = compiled.plan.start(compiled.program.streams.len(), Arc::clone(&results));
    let faults = std::cell::RefCell::new(Vec::new());
    let context = RunContext {
        control: &control,
        io: &io,
        pipelines,
        pace: Pace::Virtual,
        horizon: None,
        on_fault: &|fault| faults.borrow_mut().push(fault.message.clone()),
        resolved: resolved(&compiled.program),
        inputs: Box::new(Silent),
        timing: Timing::IDEAL,
    };
    assert!(run(&compiled.program, context).finished);
    let output = results.output("out").expect("a result named out");
    let values = output
        .read(0, i64::MAX)
        .iter()
        .flat_map(|piece| {
            piece.data.chunks(output.ty.size()).map(<[u8]>::to_vec).collect::<Vec<_>>()
        })
        .map(|bytes| match (output.ty.structured_dtype().as_str(), bytes.as_slice()) {
            (r#"[["value","<f8"]]"#, bytes) => f64::from_le_bytes(bytes.try_into().unwrap()),
            (r#"[["value","<i8"]]"#, bytes) => i64::from_le_bytes(bytes.try_into().unwrap()) as f64,
            (_, bytes) => f64::from(bytes[0]),
        })
        .collect();
    (values, faults.into_inner())
}

fn values(variables: Vec<q::VarDeclaration>, body: Vec<S>) -> Vec<f64> {
    let (values, faults) =
        outcome(&program(variables, body, &["saveAll out (@re 0 r1)"]), |_, _| {});
    assert_eq!(faults, Vec::<String>::new());
    values
}

/// The value of one expression over i = 13, j = -5, x = 2.5, y = -0.75, b = True, c = False,
/// a = [3, -1, 3], f = [0.5, -2.0, 1.25].
fn value(kind: q::Type, expression: Expression) -> f64 {
    let variables = vec![
        declare("i", Int, &["13"]),
        declare("j", Int, &["-5"]),
        declare("x", Real, &["2.5"]),
        declare("y", Real, &["-0.75"]),
        declare("b", Bool, &["True"]),
        declare("c", Bool, &["False"]),
        declare_array("a", Int, 0, &["3", "-1", "3"]),
        declare_array("f", Real, 0, &["0.5", "-2.0", "1.25"]),
        declare("seed", Int, &["1"]),
        declare("out", kind, &[]),
    ];
    values(variables, vec![assign("out", expression, 1), save(var("out"), "r1", 2)])[0]
}

#[test]
fn every_operator_on_ints() {
    for (operator, expected) in [
        (Operator::Add, 8.0),
        (Operator::Sub, 18.0),
        (Operator::Mult, -65.0),
        (Operator::Div, -3.0),
        (Operator::And, f64::from(13 & -5)),
        (Operator::Or, f64::from(13 | -5)),
        (Operator::Xor, f64::from(13 ^ -5)),
    ] {
        assert_eq!(value(Int, op(operator, var("i"), var("j"))), expected, "{operator:?}");
    }
    assert_eq!(value(Int, op(Operator::Shl, var("i"), int(3))), 104.0);
    assert_eq!(value(Int, op(Operator::Shr, var("j"), int(1))), -3.0);
    assert_eq!(value(Real, op(Operator::Div, var("j"), int(2))), -2.5);
    assert_eq!(
        value(Int, op(Operator::Add, int(i64::from(i32::MAX)), int(1))),
        f64::from(i32::MIN)
    );
    assert_eq!(value(Int, op(Operator::Sub, int(0), var("i"))), -13.0);
}

#[test]
fn every_operator_on_fixed() {
    for (operator, expected) in
        [(Operator::Add, 1.75), (Operator::Sub, 3.25), (Operator::Mult, -1.875)]
    {
        assert_eq!(value(Real, op(operator, var("x"), var("y"))), expected, "{operator:?}");
    }
    let quotient = value(Real, op(Operator::Div, var("x"), var("y")));
    assert!((quotient + 10.0 / 3.0).abs() < 4e-9 && quotient <= -10.0 / 3.0);
    // (a >> 12) << 12 keeps 16 fractional bits.
    let rounded = op(Operator::Shl, op(Operator::Shr, real("0.123456789"), int(12)), int(12));
    assert_eq!(value(Real, rounded), (0.123456789 * 65536.0f64).floor() / 65536.0);
    assert_eq!(value(Real, op(Operator::Mult, real("4.0"), real("4.0"))), 0.0);
    assert_eq!(value(Real, op(Operator::Add, real("7.5"), real("1.0"))), -7.5);
    assert_eq!(value(Real, op(Operator::Div, var("x"), int(2))), 1.25);
}

#[test]
fn every_comparison_and_bool_operator() {
    for (operator, less, same, more) in [
        (Operator::Lt, 1.0, 0.0, 0.0),
        (Operator::Let, 1.0, 1.0, 0.0),
        (Operator::Gt, 0.0, 0.0, 1.0),
        (Operator::Get, 0.0, 1.0, 1.0),
        (Operator::Eq, 0.0, 1.0, 0.0),
    ] {
        assert_eq!(value(Bool, op(operator, var("j"), var("i"))), less, "{operator:?}");
        assert_eq!(value(Bool, op(operator, var("y"), var("x"))), less, "{operator:?}");
        assert_eq!(value(Bool, op(operator, var("i"), int(13))), same, "{operator:?}");
        assert_eq!(value(Bool, op(operator, var("x"), int(2))), more, "{operator:?}");
    }
    assert_eq!(value(Bool, op(Operator::And, var("b"), var("c"))), 0.0);
    assert_eq!(value(Bool, op(Operator::Or, var("b"), var("c"))), 1.0);
    assert_eq!(value(Bool, op(Operator::Xor, var("c"), boolean(true))), 1.0);
    assert_eq!(value(Bool, var("i")), 1.0);
    assert_eq!(value(Bool, real("0.1")), 1.0);
    assert_eq!(value(Bool, int(0)), 0.0);
}

#[test]
fn every_library_function_is_reachable() {
    let math = |name: &str, scalars| value(Real, call("math", name, scalars, &[]));
    for (name, argument, expected) in [
        ("log2", "4.0", 2.0),
        ("log10", "0.1", -1.0),
        ("ln", "1.0", 0.0),
        ("exp", "0.0", 1.0),
        ("pow2", "1.0", 2.0),
        ("sqrt", "2.25", 1.5),
        ("inv_sqrt", "4.0", 0.5),
        ("inv", "0.5", 2.0),
        ("elu", "2.0", 2.0),
        ("aelu", "2.0", 2.0),
        ("selu", "0.0", 0.0),
        ("relu", "-2.0", 0.0),
        ("lrelu", "3.0", 3.0),
        ("sin", "0.0", 0.0),
        ("cos", "0.0", 1.0),
        ("sin2pi", "0.25", 1.0),
        ("cos2pi", "0.5", -1.0),
        ("atan", "0.0", 0.0),
        ("atan_2pi", "1.0", 0.125),
        ("abs", "-2.0", 2.0),
    ] {
        assert!((math(name, vec![real(argument)]) - expected).abs() < 1e-7, "{name}");
    }
    assert_eq!(math("plrelu", vec![var("y"), real("0.5")]), -0.375);
    assert_eq!(math("pow", vec![real("2.0"), real("2.0")]), 4.0);
    assert_eq!(math("log", vec![real("4.0"), real("2.0")]), 2.0);
    assert_eq!(math("atan2", vec![real("0.0"), real("1.0")]), 0.0);
    assert_eq!(math("atan2_2pi", vec![real("1.0"), real("0.0")]), 0.25);
    assert_eq!(math("div", vec![int(1), int(4)]), 0.25);
    assert_eq!(math("div", vec![real("1.0"), real("4.0")]), 0.25);
    let whole =
        |name: &str, scalars, arrays: &[&str]| value(Int, call("math", name, scalars, arrays));
    assert_eq!(whole("div", vec![var("j"), int(2)], &[]), -3.0);
    assert_eq!(whole("abs", vec![var("j")], &[]), 5.0);
    assert_eq!(whole("MSB", vec![var("i")], &[]), 3.0);
    assert_eq!(whole("msb", vec![real("0.1")], &[]), -4.0);
    for (name, ints, reals) in [("sum", 5.0, -0.25), ("max", 3.0, 1.25), ("min", -1.0, -2.0)] {
        assert_eq!(whole(name, vec![], &["a"]), ints, "{name}");
        assert_eq!(value(Real, call("math", name, vec![], &["f"])), reals, "{name}");
    }
    assert_eq!((whole("argmax", vec![], &["a"]), whole("argmin", vec![], &["f"])), (0.0, 1.0));
    assert_eq!(whole("dot", vec![], &["a", "a"]), 19.0);
    assert_eq!(value(Real, call("math", "dot", vec![], &["a", "f"])), 7.25);
    assert_eq!(value(Real, call("math", "dot", vec![], &["f", "f"])), 5.8125);
    assert_eq!(value(Int, length("f")), 3.0);
}

#[test]
fn every_cast_and_utility() {
    let cast = |kind, name: &str, scalars| value(kind, call("cast", name, scalars, &[]));
    assert_eq!(cast(Int, "to_int", vec![var("x")]), 2.0);
    assert_eq!(cast(Int, "to_int", vec![var("b")]), 1.0);
    assert_eq!(cast(Real, "to_fixed", vec![var("j")]), -5.0);
    assert_eq!(cast(Real, "to_fixed", vec![var("b")]), 1.0);
    assert_eq!(cast(Bool, "to_bool", vec![var("y")]), 1.0);
    assert_eq!(cast(Int, "unsafe_cast_int", vec![real("0.5")]), 134_217_728.0);
    assert_eq!(cast(Real, "unsafe_cast_fixed", vec![int(1 << 28)]), 1.0);
    assert_eq!(cast(Bool, "unsafe_cast_bool", vec![int(6)]), 0.0);
    assert_eq!(cast(Int, "mul_int_by_fixed", vec![var("i"), var("x")]), 32.0);
    assert_eq!(cast(Real, "mul_fixed_by_int", vec![var("y"), var("j")]), 3.75);
    let cond = |c: &str| call("util", "cond", vec![var(c), var("i"), int(7)], &[]);
    assert_eq!((value(Int, cond("b")), value(Int, cond("c"))), (13.0, 7.0));
    let draw = value(Int, call("random", "rand_int", vec![var("seed"), int(100)], &[]));
    assert!((0.0..100.0).contains(&draw));
    let draw = value(Real, call("random", "rand_fixed", vec![var("seed")], &[]));
    assert_eq!(draw, f64::from(137_939_405 + 12_345) / f64::from(1 << 28));
}

#[test]
fn control_flow_goes_where_it_should() {
    let variables = || {
        vec![
            declare("i", Int, &[]),
            declare("j", Int, &[]),
            declare_array("a", Int, 0, &["5", "6"]),
            declare_array("c", Int, 0, &["7", "8"]),
        ]
    };
    let loop_body = vec![save(var("i"), "r1", 1)];
    assert_eq!(values(variables(), vec![counted("i", 3, loop_body)]), [0.0, 1.0, 2.0]);
    let pair = |variable: &str, array: &str| q::for_each_statement::VariableWithValues {
        variable: Some(var_ref(variable)),
        array: Some(array_ref(array)),
    };
    let both = S::ForEach(q::ForEachStatement {
        iterator: vec![pair("i", "a"), pair("j", "c")],
        body: Some(block(vec![save(var("i"), "r1", 1), save(var("j"), "r1", 1)])),
        loc: String::new(),
    });
    assert_eq!(values(variables(), vec![both]), [5.0, 7.0, 6.0, 8.0]);
    let choose = |which: i64| {
        let arm = |of: i64| {
            (
                Some(op(Operator::Eq, var("i"), int(of))),
                Some(block(vec![save(int(of * 10), "r1", 1)])),
            )
        };
        let (condition, body) = arm(1);
        let (second, second_body) = arm(2);
        let branch = S::If(q::IfStatement {
            condition,
            body,
            r#else: Some(block(vec![save(int(-1), "r1", 1)])),
            elseifs: vec![q::ElseIf { condition: second, body: second_body, loc: String::new() }],
            ..Default::default()
        });
        values(variables(), vec![assign("i", int(which), 1), branch])
    };
    assert_eq!((choose(1), choose(2), choose(3)), (vec![10.0], vec![20.0], vec![-1.0]));
    let strict = S::StrictTiming(q::StrictTimingStatement {
        body: Some(block(vec![save(int(4), "r1", 1)])),
        loc: String::new(),
    });
    assert_eq!(values(variables(), vec![strict]), [4.0]);
    let cells = vec![
        assign_cell("a", int(1), int(9), 1),
        save(cell("a", int(1)), "r1", 1),
        save(cell("a", int(0)), "r1", 1),
    ];
    assert_eq!(values(variables(), cells), [9.0, 5.0]);
}

#[test]
fn what_the_hardware_leaves_undefined_is_reported_once() {
    let variables = vec![
        declare("i", Int, &[]),
        declare("x", Real, &["-1.0"]),
        declare_array("a", Int, 2, &[]),
        declare("z", Int, &[]),
    ];
    let body = vec![counted(
        "i",
        5,
        vec![
            assign_cell("a", var("i"), int(1), 3),
            assign("z", op(Operator::Div, int(1), op(Operator::Sub, var("z"), var("z"))), 4),
            assign(
                "x",
                call("math", "sqrt", vec![op(Operator::Sub, var("x"), real("0.5"))], &[]),
                5,
            ),
            save(cell("a", var("i")), "r1", 6),
        ],
    )];
    let (values, faults) =
        outcome(&program(variables, body, &["saveAll out (@re 0 r1)"]), |_, _| {});
    assert_eq!(values, [1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(faults.len(), 4, "{faults:?}");
    for (fault, says) in faults.iter().zip([
        "division by zero",
        "Sqrt outside its domain",
        "index out of the array 'a' of 2",
        "index out of the array 'a' of 2",
    ]) {
        assert!(fault.contains(says) && fault.contains("line"), "{says}: {fault}");
    }
}

#[test]
fn registers_hold_bits_that_the_reader_types() {
    let body = vec![
        assign("i", io(1), 1),
        save(var("i"), "r1", 1),
        assign_io(2, real("0.5"), 1),
        assign("i", io(2), 1),
        save(var("i"), "r1", 1),
    ];
    let source = program(vec![declare("i", Int, &[])], body, &["saveAll out (@re 0 r1)"]);
    let (values, _) = outcome(&source, |_, io| io.set(0, -7));
    assert_eq!(values, [-7.0, f64::from(1 << 27)]);
    // Any bits but none are true.
    let body = vec![
        assign("b", io(1), 1),
        assign("b", op(Operator::And, var("b"), boolean(true)), 1),
        save(var("b"), "r1", 1),
    ];
    let source = program(vec![declare("b", Bool, &[])], body, &["saveAll out (@re 0 r1)"]);
    assert_eq!(outcome(&source, |_, io| io.set(0, 2)).0, [1.0]);
}

#[test]
fn input_streams_deliver_in_order_and_time_passes() {
    let input =
        q::VarDeclaration { is_input_stream: true, ..declare_array("input_stream_t", Int, 2, &[]) };
    let advance = S::AdvanceInputStream(q::AdvanceInputStreamStatement {
        stream_oneof: Some(q::advance_input_stream_statement::StreamOneof::StreamArray(array_ref(
            "input_stream_t",
        ))),
        loc: String::new(),
    });
    let body = vec![counted(
        "i",
        2,
        vec![
            advance,
            wait(cell("input_stream_t", int(0)), &["q1"], 1),
            wait(int(1), &["q2"], 1),
            save(cell("input_stream_t", int(1)), "r1", 1),
        ],
    )];
    let source = program(
        vec![declare("i", Int, &[]), input],
        body,
        &["saveAll out (@re 0 r1)", "saveAll when (@re 1 r1)"],
    );
    let push = |control: &Control, _: &IoRegisters| {
        for entry in [[10, 1], [20, 2]] {
            control.push("input_stream_t", InputEntry::Ints(entry.to_vec())).unwrap();
        }
    };
    assert_eq!(outcome(&source, push).0, [1.0, 2.0]);
    let mut renamed = source.clone();
    renamed.result_analysis.as_mut().unwrap().model = vec![list("saveAll out (@re 1 r1)")];
    // q2 waits 4 cycles at least and is aligned with q1 before the second round.
    assert_eq!(outcome(&renamed, push).0, [40.0, 120.0]);
}

/// Whether a program came to its end that is halted after a moment.
fn finishes_although_halted(endless: S) -> bool {
    let compiled = compiled(&program(vec![declare("i", Int, &[])], vec![endless], &[])).unwrap();
    let control = Control::new(Vec::new(), 0);
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| {
            let context = RunContext {
                control: &control,
                io: &IoRegisters::default(),
                pipelines: compiled.plan.start(0, Arc::new(compiled.plan.results(0))),
                pace: Pace::Virtual,
                horizon: None,
                on_fault: &|_| {},
                resolved: resolved(&compiled.program),
                inputs: Box::new(Silent),
                timing: Timing::IDEAL,
            };
            run(&compiled.program, context).finished
        });
        std::thread::sleep(std::time::Duration::from_millis(10));
        control.halt();
        runner.join().unwrap()
    })
}

#[test]
fn a_halt_ends_an_infinite_loop_at_once() {
    let endless = for_loop(vec![], boolean(true), vec![], vec![assign("i", int(1), 1)]);
    assert!(!finishes_although_halted(endless));
    // One that only calculates looks for it now and then.
    let calculates = for_loop(
        vec![assign("i", int(0), 1)],
        op(Operator::Lt, var("i"), int(1)),
        vec![assign("i", op(Operator::Mult, var("i"), int(3)), 1)],
        vec![],
    );
    assert!(!finishes_although_halted(calculates));
}

/// Loops that only calculate are run together, up to some statements: both ways give what Rust does.
#[test]
fn loops_that_only_calculate() {
    for (rounds, repeated) in [(0, 1), (1, 1), (40, 1), (40, 5), (5000, 2)] {
        let step = || {
            vec![
                assign("t", op(Operator::Add, var("a"), var("b")), 1),
                assign("a", var("b"), 1),
                assign("b", op(Operator::Xor, var("t"), var("i")), 1),
            ]
        };
        let body = (0..repeated).flat_map(|_| step()).collect();
        let variables = ["i", "a", "b", "t"].map(|name| declare(name, Int, &["1"])).to_vec();
        let ends = ["a", "b", "i"].map(|name| save(var(name), "r1", 1)).to_vec();
        let seen = values(variables, [vec![counted("i", rounds, body)], ends].concat());
        let (mut a, mut b) = (1i32, 1i32);
        for i in 0..rounds as i32 {
            for _ in 0..repeated {
                (a, b) = (b, a.wrapping_add(b) ^ i);
            }
        }
        let expected = [a, b, rounds as i32].map(f64::from);
        assert_eq!(seen, expected, "{rounds} rounds of {repeated}");
    }
}
