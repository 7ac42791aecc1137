use super::*;
use crate::qua::value::fixed_from_f64;
use crate::testing::terminal;

/// Plans one result over the streams r1 (int), r2 (fixed) and r3 (bool).
fn plan(source: &str) -> Result<ProcessingPlan, String> {
    let stream = |tag: &str, kind| Source { tag: tag.to_owned(), kind, trace: None, loops: None };
    let streams = [stream("r1", Kind::Int), stream("r2", Kind::Fixed), stream("r3", Kind::Bool)];
    let joined = |errors: Vec<StreamError>| {
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    ProcessingPlan::new(vec![terminal(source)], &streams, &Limits::default()).map_err(joined)
}

/// The items that a pipeline keeps of r1 = 1, 2, … (a microsecond apart), r2 = half of it,
/// r3 = whether it is odd.
fn kept(pipeline: &str, count: i32) -> (String, Vec<Vec<f64>>) {
    let plan = plan(&format!("saveAll out {pipeline}")).unwrap();
    let results = Arc::new(plan.results(1 << 20));
    let mut pipelines = plan.start(3, Arc::clone(&results));
    for value in 1..=count {
        let time = i64::from(value) * 1000;
        pipelines.save(0, Kind::Int, value, time);
        let half = fixed_from_f64(f64::from(value) / 2.0).unwrap();
        pipelines.save(1, Kind::Fixed, half, time);
        pipelines.save(2, Kind::Bool, value % 2, time);
    }
    let output = &results.outputs()[0];
    let bytes: Vec<u8> = output.read(0, i64::MAX).iter().flat_map(|p| p.data.to_vec()).collect();
    let items = bytes.chunks(output.ty.size()).map(|item| numbers(&output.ty, item)).collect();
    (output.ty.describe(), items)
}

fn numbers(ty: &Type, bytes: &[u8]) -> Vec<f64> {
    let element = bytes.len() / ty.elements();
    bytes
        .chunks(element)
        .flat_map(|bytes| match &ty.element {
            Element::Scalar(Scalar::Int) => {
                vec![i64::from_le_bytes(bytes.try_into().unwrap()) as f64]
            }
            Element::Scalar(Scalar::Float) => vec![f64::from_le_bytes(bytes.try_into().unwrap())],
            Element::Scalar(Scalar::Bool) => vec![f64::from(bytes[0])],
            Element::Record(fields) => {
                let mut at = 0;
                let mut out = Vec::new();
                for (_, ty) in fields {
                    out.extend(numbers(ty, &bytes[at..at + ty.size()]));
                    at += ty.size();
                }
                out
            }
        })
        .collect()
}

fn check(pipeline: &str, count: i32, ty: &str, expected: &[&[f64]]) {
    let (found_type, found) = kept(pipeline, count);
    assert_eq!(found_type, ty, "{pipeline}");
    assert_eq!(found, expected.iter().map(|item| item.to_vec()).collect::<Vec<_>>(), "{pipeline}");
}

#[test]
fn sources_have_values_timestamps_or_both() {
    check("(@re 0 r1)", 2, "int", &[&[1.0], &[2.0]]);
    check("(@re 0 r2)", 2, "float", &[&[0.5], &[1.0]]);
    check("(@re 0 r3)", 2, "bool", &[&[1.0], &[0.0]]);
    check("(@re 1 r2)", 2, "int", &[&[1000.0], &[2000.0]]);
    check("(@re 2 r2)", 1, "(value, timestamp)", &[&[0.5, 1000.0]]);
    check("(@re 0 r9)", 2, "int", &[]);
}

#[test]
fn buffers_hold_full_ones_only() {
    check("(buffer 2 (@re 0 r1))", 5, "int of shape [2]", &[&[1.0, 2.0], &[3.0, 4.0]]);
    let six: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    check("(buffer 2 3 (@re 0 r1))", 7, "int of shape [2, 3]", &[six]);
    check("(buffer 2 (buffer 3 (@re 0 r1)))", 7, "int of shape [2, 3]", &[six]);
    check(
        "(buffer 2 (@re 2 r1))",
        2,
        "(value, timestamp) of shape [2]",
        &[&[1.0, 1000.0, 2.0, 2000.0]],
    );
}

#[test]
fn windows_are_those_of_the_manual() {
    // docs/protocol.md, "Stream processing": 1 … 9, 0 in windows of 3.
    let ty = "int of shape [3]";
    check(
        "(bufferAndSkip 3 2 (@re 0 r1))",
        9,
        ty,
        &[&[1., 2., 3.], &[3., 4., 5.], &[5., 6., 7.], &[7., 8., 9.]],
    );
    check("(bufferAndSkip 3 5 (@re 0 r1))", 10, ty, &[&[1., 2., 3.], &[6., 7., 8.]]);
    check("(bufferAndSkip 3 3 (@re 0 r1))", 7, ty, &[&[1., 2., 3.], &[4., 5., 6.]]);
}

#[test]
fn averages_run_from_the_start() {
    check("(average (@re 0 r1))", 4, "float", &[&[1.0], &[1.5], &[2.0], &[2.5]]);
    let ty = "float of shape [2]";
    check("(average (buffer 2 (@re 0 r1)))", 4, ty, &[&[1.0, 2.0], &[2.0, 3.0]]);
    check("(average (@re 0 r3))", 2, "float", &[&[1.0], &[0.5]]);
}

#[test]
fn means_go_along_axes() {
    let matrix = "(buffer 2 3 (@re 0 r1))";
    // Without an axis along the outermost, as instruments do.
    check(&format!("(map (average) {matrix})"), 6, "float of shape [3]", &[&[2.5, 3.5, 4.5]]);
    check(&format!("(map (average) (map (average) {matrix}))"), 6, "float", &[&[3.5]]);
    check("(map (average) (buffer 3 (@re 0 r1)))", 3, "float", &[&[2.0]]);
    check("(map (average) (@re 0 r1))", 2, "float", &[&[1.0], &[2.0]]);
    let cube = "(buffer 2 2 2 (@re 0 r1))";
    let ty = "float of shape [2, 2]";
    check(&format!("(map (average) {cube})"), 8, ty, &[&[3.0, 4.0, 5.0, 6.0]]);
    check(
        &format!("(map (average (@array -1 0)) {cube})"),
        8,
        "float of shape [2]",
        &[&[3.5, 5.5]],
    );
    let ty = "float of shape [3]";
    check(&format!("(map (average -2) {matrix})"), 6, ty, &[&[2.5, 3.5, 4.5]]);
    let six: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    check(&format!("(map (average (@array)) {matrix})"), 6, "float of shape [2, 3]", &[six]);
    let ty = "float of shape [2]";
    check("(map (average) (buffer 2 2 (@re 0 r3)))", 4, ty, &[&[1.0, 0.0]]);
    check("(map (average) (buffer 2 (@re 1 r1)))", 4, "float", &[&[1500.0], &[3500.0]]);
    let windows = "(map (average) (bufferAndSkip 2 1 (buffer 2 (@re 0 r1))))";
    check(windows, 6, ty, &[&[2.0, 3.0], &[4.0, 5.0]]);
    let rows = "(buffer 2 (map (average) (buffer 2 (buffer 2 (@re 0 r1)))))";
    check(rows, 8, "float of shape [2, 2]", &[&[2.0, 3.0, 6.0, 7.0]]);
    check(&format!("(map (average 0) {matrix})"), 6, "float of shape [3]", &[&[2.5, 3.5, 4.5]]);
    check(&format!("(map (average 1) {matrix})"), 6, "float of shape [2]", &[&[2.0, 5.0]]);
    check(&format!("(map (average -1) {matrix})"), 6, "float of shape [2]", &[&[2.0, 5.0]]);
    check(&format!("(map (average (@array 0 1)) {matrix})"), 6, "float", &[&[3.5]]);
}

/// Shapes that instruments gave for the same pipelines (saved results).
#[test]
fn means_have_the_shapes_of_instruments() {
    for (pipeline, shape) in [
        ("(map (average) (buffer 100 (buffer 126 (buffer 20 (@re 0 r1)))))", vec![126, 20]),
        ("(map (average) (buffer 1000 (buffer 252 (@re 0 r1))))", vec![252]),
    ] {
        let plan = plan(&format!("saveAll out {pipeline}")).unwrap();
        assert_eq!(plan.results(0).outputs()[0].ty.shape, shape, "{pipeline}");
    }
}

/// docs/protocol.md, "Stream processing": the variance of each item so far.
#[test]
fn a_variance_of_buffers() {
    let b = "(buffer 2 (@re 0 r2))";
    let variance = format!("(- (average (* {b} {b})) (* (average {b}) (average {b})))");
    check(&variance, 4, "float of shape [2]", &[&[0.0, 0.0], &[0.25, 0.25]]);
    check("(+ (@re 0 r1) (skip 2 (@re 0 r1)))", 5, "int", &[&[4.0], &[6.0], &[8.0]]);
}

#[test]
fn numbers_are_multiplied_by_vectors() {
    let ty = "int of shape [2]";
    check("(map (vmult (@array 1 10)) (@re 0 r1))", 2, ty, &[&[1.0, 10.0], &[2.0, 20.0]]);
    let ty = "float of shape [2]";
    check("(map (vmult (@array 0.5 2)) (@re 0 r1))", 2, ty, &[&[0.5, 2.0], &[1.0, 4.0]]);
    check("(map (booleancast) (@re 0 r9))", 3, "int", &[]);
    let bins = "(histogram (@array (@array 1 2) (@array 2 4)) (buffer 2 2 (@re 0 r1)))";
    check(bins, 8, "int of shape [2]", &[&[2.0, 3.0], &[2.0, 3.0]]);
    let sum = "(map (conv '' (@array 1 10)) (buffer 3 (@re 0 r1)))";
    check(sum, 3, "float of shape [4]", &[&[1.0, 12.0, 23.0, 30.0]]);
}

#[test]
fn items_are_dropped_and_taken() {
    check("(skip 2 (@re 0 r1))", 4, "int", &[&[3.0], &[4.0]]);
    check("(skipLast 2 (@re 0 r1))", 4, "int", &[&[1.0], &[2.0]]);
    check("(take 2 (@re 0 r1))", 4, "int", &[&[1.0], &[2.0]]);
    check("(skip 9 (@re 0 r1))", 4, "int", &[]);
    check("(flatten (buffer 2 (@re 0 r1)))", 3, "int", &[&[1.0], &[2.0]]);
    check("(flatten (buffer 2 2 (@re 0 r1)))", 4, "int", &[&[1.0], &[2.0], &[3.0], &[4.0]]);
}

#[test]
fn arithmetic_keeps_order_and_types() {
    check("(+ (@re 0 r1) (@re 0 r1))", 2, "int", &[&[2.0], &[4.0]]);
    check("(- (@re 0 r1) (@re 0 r2))", 2, "float", &[&[0.5], &[1.0]]);
    check("(* (@re 0 r1) 3)", 2, "int", &[&[3.0], &[6.0]]);
    check("(* (@re 0 r1) 0.5)", 2, "float", &[&[0.5], &[1.0]]);
    check("(- 5 (@re 0 r1))", 2, "int", &[&[4.0], &[3.0]]);
    check("(/ 2 (@re 0 r1))", 2, "float", &[&[2.0], &[1.0]]);
    let pair = "(buffer 2 (@re 0 r1))";
    check(&format!("(+ {pair} 1)"), 2, "int of shape [2]", &[&[2.0, 3.0]]);
    check(&format!("(+ {pair} (@array 10 20))"), 2, "int of shape [2]", &[&[11.0, 22.0]]);
    check(&format!("(- (@array 10.5 20) {pair})"), 2, "float of shape [2]", &[&[9.5, 18.0]]);
}

#[test]
fn functions_map_over_items() {
    check("(map (booleancast) (@re 0 r3))", 3, "int", &[&[1.0], &[0.0], &[1.0]]);
    check("(map (booleancast) (buffer 2 (@re 0 r3)))", 2, "int of shape [2]", &[&[1.0, 0.0]]);
    check("(map (smult 2) (@re 0 r1))", 2, "int", &[&[2.0], &[4.0]]);
    check("(map (smult 0.5) (buffer 2 (@re 0 r1)))", 2, "float of shape [2]", &[&[0.5, 1.0]]);
    let triple = "(buffer 3 (@re 0 r1))";
    check(
        &format!("(map (vmult (@array 1 0 -1)) {triple})"),
        3,
        "int of shape [3]",
        &[&[1., 0., -3.]],
    );
    check(&format!("(map (dot (@array 1 2 3)) {triple})"), 3, "int", &[&[14.0]]);
    check(&format!("(map (dot (@array 0.5 0 0)) {triple})"), 3, "float", &[&[0.5]]);
}

#[test]
fn histograms_count_inclusive_bins() {
    let bins = "(@array (@array 1 2) (@array 2 4))";
    check(
        &format!("(histogram {bins} (@re 0 r1))"),
        3,
        "int of shape [2]",
        &[&[1., 0.], &[2., 1.], &[2., 2.]],
    );
    check(
        &format!("(histogram {bins} (buffer 4 (@re 0 r1)))"),
        4,
        "int of shape [2]",
        &[&[2.0, 3.0]],
    );
}

#[test]
fn a_zip_pairs_its_receiver_with_its_argument() {
    // On the wire the argument comes first.
    check("(zip (@re 0 r2) (@re 0 r1))", 2, "(value_0, value_1)", &[&[1.0, 0.5], &[2.0, 1.0]]);
    let pairs = "(zip (buffer 2 (@re 0 r2)) (@re 0 r1))";
    check(pairs, 4, "(value_0, value_1)", &[&[1.0, 0.5, 1.0], &[2.0, 1.5, 2.0]]);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (pipeline, says) in [
        ("(map (fft) (@re 0 r1))", "fft works on vectors"),
        ("(map (fft phase) (buffer 4 (@re 0 r1)))", "not 'phase'"),
        ("(map (conv '' (@array 1 2)) (@re 0 r1))", "convolution works on vectors"),
        ("(map (conv half (@array 1 2)) (buffer 4 (@re 0 r1)))", "not 'half'"),
        ("(map (conv '') (buffer 4 (@re 0 r1)))", "the items of a zip"),
        ("(map (demod 1.0 1.0 0.0) (@re 0 r1))", "demod works on vectors"),
        ("(map (demod 1.0 (@array 1 2 3) 0.0) (buffer 4 (@re 0 r1)))", "4 samples with 3 weights"),
        ("(map (tmult) (buffer 2 (@re 0 r1)))", "tuple_multiply works on the items of a zip"),
        ("(map (dot) (zip (@re 0 r1) (@re 0 r1)))", "tuple_dot_product works on vectors"),
        ("(map (cosh) (@re 0 r1))", "'cosh' is not supported"),
        ("(real (@re 0 r1))", "real works on complex numbers"),
        ("(@macro_auto_reshape (@re 0 r1))", "whose counts are constants"),
        ("(@macro_adc_trace (@re 2 r1))", "that no measurement feeds"),
        ("(@macro_input 1 (@re 0 r1))", "has no analog inputs"),
        ("(@macro_shuffle (@re 0 r1))", "'shuffle' is not supported"),
        ("(buffer 0 (@re 0 r1))", "buffer of size 0"),
        ("(buffer -1 (@re 0 r1))", "-1 is not a count"),
        ("(buffer 1.5 (@re 0 r1))", "1.5 is not a count"),
        ("(buffer 999999999999 (@re 0 r1))", "holds more than"),
        ("(bufferAndSkip 3 0 (@re 0 r1))", "cannot skip 0"),
        ("(average (@re 2 r1))", "works on numbers"),
        ("(+ (@re 2 r1) 1)", "works on numbers"),
        ("(+ (@re 0 r1) (buffer 2 (@re 0 r1)))", "items of one shape"),
        ("(+ 1 2)", "arithmetic of two constants"),
        ("(+ (buffer 2 (@re 0 r1)) (buffer 3 (@re 0 r1)))", "items of one shape"),
        ("(+ (buffer 2 (@re 0 r1)) (@array 1 2 3))", "items of one shape"),
        ("(map (booleancast) (@re 0 r2))", "works on bools"),
        ("(map (average (@array 0 0)) (buffer 2 3 (@re 0 r1)))", "axis 0 twice"),
        ("(map (average (@array 0 -2)) (buffer 2 3 (@re 0 r1)))", "axis 0 twice"),
        ("(map (average -3) (buffer 2 3 (@re 0 r1)))", "axis -3 of items of 2"),
        ("(map (average 0) (@re 0 r1))", "axis 0 of items of 0"),
        ("(map (average 1.0) (buffer 2 3 (@re 0 r1)))", "an axis is an int"),
        ("(map (vmult (@array 1 2)) (buffer 2 2 (@re 0 r1)))", "needs items of that length"),
        (
            "(buffer 100000000 (zip (buffer 100000000 (@re 0 r1)) (@re 0 r1)))",
            "makes items of more than",
        ),
        ("(map (average 2) (buffer 2 (@re 0 r1)))", "axis 2 of items of 1"),
        ("(map (dot (@array 1 2)) (buffer 3 (@re 0 r1)))", "needs items of that length"),
        ("(histogram (@array) (@re 0 r1))", "at least one bin"),
        ("(take (@re 0 r1))", "takes one argument, not 0"),
        ("(zip (@re 0 r1))", "has no source"),
    ] {
        let error = plan(&format!("saveAll out {pipeline}")).unwrap_err();
        assert!(error.contains(says) && error.contains("result 'out'"), "{pipeline}: {error}");
    }
}

#[test]
fn singles_keep_the_last_and_results_have_a_limit() {
    let plan = plan("save out (@re 0 r1)").unwrap();
    let results = Arc::new(plan.results(0));
    let mut pipelines = plan.start(3, Arc::clone(&results));
    assert_eq!(results.outputs()[0].read(0, 1), []);
    for value in [5, 6] {
        pipelines.save(0, Kind::Int, value, 0);
    }
    let output = &results.outputs()[0];
    assert_eq!(
        (output.count(), output.read(0, 1)[0].data.to_vec()),
        (1, 6i64.to_le_bytes().to_vec())
    );
    assert!(!results.data_loss());

    let plan = self::plan("saveAll out (@re 0 r1)").unwrap();
    let results = Arc::new(plan.results(16));
    let mut pipelines = plan.start(3, Arc::clone(&results));
    (0..3).for_each(|value| pipelines.save(0, Kind::Int, value, 0));
    assert_eq!((results.outputs()[0].count(), results.data_loss()), (2, true));
    results.clear();
    assert_eq!(results.outputs()[0].count(), 0);
}

#[test]
fn large_results_come_in_pieces_that_add_up() {
    let plan = plan("saveAll out (buffer 300000 (@re 0 r1))").unwrap();
    let results = Arc::new(plan.results(1 << 30));
    let mut pipelines = plan.start(3, Arc::clone(&results));
    (0..900_000).for_each(|value| pipelines.save(0, Kind::Int, value, 0));
    let output = &results.outputs()[0];
    for (offset, limit, first, count) in [(0, 9, 0, 3), (1, 1, 300_000, 1), (-1, 5, 600_000, 1)] {
        let pieces = output.read(offset, limit);
        assert!(pieces.iter().all(|piece| piece.data.len() <= super::super::store::PIECE));
        assert_eq!(pieces.iter().map(|piece| piece.count).sum::<usize>(), count);
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.data.to_vec()).collect();
        assert_eq!(bytes.len(), count * output.ty.size());
        let values = bytes.chunks(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()));
        assert!(values.eq(first..first + count as i64 * 300_000));
    }
    for (offset, limit) in [(0, 0), (0, -1), (3, 1), (i64::MAX, 1)] {
        assert_eq!(output.read(offset, limit), []);
    }
}

#[test]
fn what_operators_hold_back_is_bounded() {
    let limits = Limits { buffered_values: 100, ..Limits::default() };
    let streams = ["r1", "r2"].map(|tag| Source {
        tag: tag.to_owned(),
        kind: Kind::Int,
        trace: None,
        loops: None,
    });
    let run = |source: &str, saves: &[(usize, i32)]| {
        let plan = ProcessingPlan::new(
            vec![terminal(&format!("saveAll out {source}"))],
            &streams,
            &limits,
        )
        .unwrap();
        let results = Arc::new(plan.results(1 << 20));
        let mut pipelines = plan.start(2, Arc::clone(&results));
        for (stream, times) in saves {
            (0..*times).for_each(|value| pipelines.save(*stream, Kind::Int, value, 0));
        }
        assert!(pipelines.held <= 100);
        (results.outputs()[0].count(), results.data_loss())
    };
    // As many as may wait do, and are paired when the other side comes.
    assert_eq!(run("(zip (@re 0 r2) (@re 0 r1))", &[(0, 100), (1, 100)]), (100, false));
    assert_eq!(run("(zip (@re 0 r2) (@re 0 r1))", &[(0, 101), (1, 100)]), (100, true));
    assert_eq!(run("(+ (buffer 30 (@re 0 r2)) (buffer 30 (@re 0 r1)))", &[(0, 500)]), (0, true));
    assert_eq!(run("(skipLast 100 (@re 0 r1))", &[(0, 500)]), (400, false));
    assert_eq!(run("(buffer 100 (@re 0 r1))", &[(0, 500)]), (5, false));
    assert_eq!(run("(bufferAndSkip 100 1 (@re 0 r1))", &[(0, 150)]), (51, false));
    let refused = ProcessingPlan::new(
        vec![terminal("save out (skipLast 101 (@re 0 r1))")],
        &streams,
        &limits,
    );
    assert!(refused.unwrap_err()[0].to_string().contains("skip_last of 101"));
}
