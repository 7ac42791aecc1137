//! Programs for tests, in a few letters.

use prost_types::{ListValue, Value, value};
use pulsewire_wire::qua::qua_program as q;
use pulsewire_wire::qua::{QuaProgram, QuaResultAnalysis};
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::qua_config::qua_config::{ConfigVersion, ElementDec, QuaConfigV1};
use q::any_scalar_expression::ExpressionOneof as E;
use q::any_statement::StatementOneof as S;
use q::binary_expression::BinaryOperator;

use crate::compiler::{CompileError, Compiled, Msb, compile_first_version};
use crate::config::Configuration;
use crate::limits::Limits;
use crate::streams::{StreamError, Terminal};

pub(crate) type Expression = q::AnyScalarExpression;

pub(crate) fn wrap(expression: E) -> Expression {
    Expression { expression_oneof: Some(expression) }
}

pub(crate) fn literal(text: &str, ty: q::Type) -> Expression {
    wrap(E::Literal(q::LiteralExpression {
        value: text.to_owned(),
        r#type: ty as i32,
        loc: String::new(),
    }))
}

pub(crate) fn int(value: i64) -> Expression {
    literal(&value.to_string(), q::Type::Int)
}

pub(crate) fn real(text: &str) -> Expression {
    literal(text, q::Type::Real)
}

pub(crate) fn boolean(value: bool) -> Expression {
    literal(if value { "True" } else { "False" }, q::Type::Bool)
}

pub(crate) fn var_ref(name: &str) -> q::VarRefExpression {
    let var_oneof = Some(q::var_ref_expression::VarOneof::Name(name.to_owned()));
    q::VarRefExpression { loc: String::new(), var_oneof }
}

pub(crate) fn io_ref(number: i32) -> q::VarRefExpression {
    let var_oneof = Some(q::var_ref_expression::VarOneof::IoNumber(number));
    q::VarRefExpression { loc: String::new(), var_oneof }
}

pub(crate) fn var(name: &str) -> Expression {
    wrap(E::Variable(var_ref(name)))
}

pub(crate) fn io(number: i32) -> Expression {
    wrap(E::Variable(io_ref(number)))
}

pub(crate) fn array_ref(name: &str) -> q::ArrayVarRefExpression {
    q::ArrayVarRefExpression { name: name.to_owned(), ..Default::default() }
}

fn cell_ref(name: &str, index: Expression) -> q::ArrayCellRefExpression {
    q::ArrayCellRefExpression {
        array_var: Some(array_ref(name)),
        index: Some(Box::new(index)),
        loc: String::new(),
    }
}

pub(crate) fn cell(name: &str, index: Expression) -> Expression {
    wrap(E::ArrayCell(Box::new(cell_ref(name, index))))
}

pub(crate) fn length(name: &str) -> Expression {
    let array = Some(array_ref(name));
    wrap(E::ArrayLength(q::ArrayLengthExpression { array, loc: String::new() }))
}

pub(crate) fn op(operator: BinaryOperator, left: Expression, right: Expression) -> Expression {
    wrap(E::BinaryOperation(Box::new(q::BinaryExpression {
        op: operator as i32,
        left: Some(Box::new(left)),
        right: Some(Box::new(right)),
        loc: String::new(),
    })))
}

pub(crate) fn call(
    library: &str,
    function: &str,
    scalars: Vec<Expression>,
    arrays: &[&str],
) -> Expression {
    use q::lib_function_expression::{Argument, argument::ArgumentOneof};
    let scalars = scalars.into_iter().map(ArgumentOneof::Scalar);
    let arrays = arrays.iter().map(|name| ArgumentOneof::Array(array_ref(name)));
    let argument = |one| Argument { argument_oneof: Some(one) };
    wrap(E::LibFunction(q::LibFunctionExpression {
        library_name: library.to_owned(),
        function_name: function.to_owned(),
        arguments: scalars.chain(arrays).map(argument).collect(),
        loc: String::new(),
    }))
}

fn assign_to(target: q::assignment_statement::target::Target, value: Expression, line: u32) -> S {
    S::Assign(q::AssignmentStatement {
        expression: Some(value),
        target: Some(q::assignment_statement::Target { target: Some(target) }),
        loc: at(line),
        ..Default::default()
    })
}

/// The location that tests look for.
pub(crate) fn at(line: u32) -> String {
    format!("File \"test.py\", line {line}: text\n")
}

pub(crate) fn assign(name: &str, value: Expression, line: u32) -> S {
    assign_to(q::assignment_statement::target::Target::Variable(var_ref(name)), value, line)
}

pub(crate) fn assign_io(number: i32, value: Expression, line: u32) -> S {
    assign_to(q::assignment_statement::target::Target::Variable(io_ref(number)), value, line)
}

pub(crate) fn assign_cell(name: &str, index: Expression, value: Expression, line: u32) -> S {
    assign_to(
        q::assignment_statement::target::Target::ArrayCell(cell_ref(name, index)),
        value,
        line,
    )
}

pub(crate) fn save(expression: Expression, tag: &str, line: u32) -> S {
    use q::save_statement::source::Source;
    let source = match expression.expression_oneof.expect("an expression") {
        E::Variable(variable) => Source::Variable(variable),
        E::ArrayCell(cell) => Source::ArrayCell(*cell),
        E::Literal(literal) => Source::Literal(literal),
        other => panic!("{other:?} cannot be saved"),
    };
    S::Save(q::SaveStatement {
        tag: tag.to_owned(),
        source: Some(q::save_statement::Source { source: Some(source) }),
        loc: at(line),
        ..Default::default()
    })
}

pub(crate) fn block(statements: Vec<S>) -> q::StatementsCollection {
    let statement = |one| q::AnyStatement { statement_oneof: Some(one) };
    q::StatementsCollection { statements: statements.into_iter().map(statement).collect() }
}

pub(crate) fn for_loop(init: Vec<S>, condition: Expression, update: Vec<S>, body: Vec<S>) -> S {
    S::For(q::ForStatement {
        init: Some(block(init)),
        condition: Some(condition),
        update: Some(block(update)),
        body: Some(block(body)),
        loc: String::new(),
    })
}

/// `for_(name, 0, name < count, name + 1)`
pub(crate) fn counted(name: &str, count: i64, body: Vec<S>) -> S {
    for_loop(
        vec![assign(name, int(0), 1)],
        op(BinaryOperator::Lt, var(name), int(count)),
        vec![assign(name, op(BinaryOperator::Add, var(name), int(1)), 1)],
        body,
    )
}

pub(crate) fn wait(cycles: Expression, elements: &[&str], line: u32) -> S {
    let qe =
        |name: &&str| q::QuantumElementReference { loc: String::new(), name: (*name).to_owned() };
    S::Wait(q::WaitStatement {
        loc: at(line),
        qe: elements.iter().map(qe).collect(),
        time: Some(cycles),
    })
}

pub(crate) fn declare(name: &str, ty: q::Type, values: &[&str]) -> q::VarDeclaration {
    q::VarDeclaration {
        name: name.to_owned(),
        r#type: ty as i32,
        size: 1,
        value: values
            .iter()
            .map(|value| q::LiteralExpression {
                value: (*value).to_owned(),
                r#type: ty as i32,
                loc: String::new(),
            })
            .collect(),
        ..Default::default()
    }
}

pub(crate) fn declare_array(
    name: &str,
    ty: q::Type,
    size: i32,
    values: &[&str],
) -> q::VarDeclaration {
    q::VarDeclaration { size, dim: 1, ..declare(name, ty, values) }
}

fn text(text: &str) -> Value {
    Value { kind: Some(value::Kind::StringValue(text.to_owned())) }
}

/// A nested list written as `(op arg (op …))`, words separated by blanks; `''` is empty text.
pub(crate) fn list(source: &str) -> ListValue {
    let spaced = source.replace('(', " ( ").replace(')', " ) ");
    let mut stack = vec![Vec::new()];
    for word in spaced.split_whitespace() {
        match word {
            "(" => stack.push(Vec::new()),
            ")" => {
                let values = stack.pop().expect("balanced");
                let kind = value::Kind::ListValue(ListValue { values });
                stack.last_mut().expect("balanced").push(Value { kind: Some(kind) });
            }
            word => stack.last_mut().expect("balanced").push(text(word.trim_matches('\''))),
        }
    }
    ListValue { values: stack.pop().expect("balanced") }
}

/// A terminal of stream processing, written as for [`list`].
pub(crate) fn terminal(source: &str) -> Result<Terminal, StreamError> {
    crate::compiler::terminal(&list(source))
}

pub(crate) fn program(
    variables: Vec<q::VarDeclaration>,
    body: Vec<S>,
    model: &[&str],
) -> QuaProgram {
    QuaProgram {
        script: Some(q::Script {
            variables,
            external_streams: Vec::new(),
            body: Some(block(body)),
        }),
        result_analysis: Some(QuaResultAnalysis {
            version: 0,
            model: model.iter().map(|entry| list(entry)).collect(),
        }),
        ..Default::default()
    }
}

pub(crate) fn config() -> QuaConfigV1 {
    let element = |name: &str| (name.to_owned(), ElementDec::default());
    QuaConfigV1 {
        elements: ["q1", "q2"].iter().map(|name| element(name)).collect(),
        ..Default::default()
    }
}

/// The same as jobs hold it.
pub(crate) fn configuration() -> Configuration {
    let config_version = Some(ConfigVersion::V1beta(config()));
    let config = QuaConfig { config_version, ..Default::default() };
    Configuration::from_wire(config).expect("it is of the first version")
}

pub(crate) fn compiled(program: &QuaProgram) -> Result<Compiled, Vec<CompileError>> {
    compile_first_version(program, &config(), &Limits::default(), Msb::default())
}

/// The messages of a program that must not compile.
pub(crate) fn mistakes(program: &QuaProgram) -> Vec<String> {
    match compiled(program) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}
