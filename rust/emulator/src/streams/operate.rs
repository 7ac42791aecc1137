//! Running operators: what each makes of an item.

use std::collections::VecDeque;

use super::item::{Item, Type};
use super::operator::{Operand, Operator, Symbol};
use super::parse::Number;

/// What an operator makes of one item.
pub(super) enum Emitted {
    Nothing,
    One(Item),
    Many(Vec<Item>),
}

/// A running operator.
#[derive(Debug)]
pub(super) struct State {
    operator: Operator,
    /// Whether it emits single numbers, and how many numbers an emitted item has.
    scalar: bool,
    len: usize,
    seen: usize,
    sums: Vec<f64>,
    counts: Vec<i64>,
    filling: Option<Item>,
    /// Items held back, by input.
    held: [VecDeque<Item>; 2],
}

impl State {
    pub(super) fn new(operator: &Operator, out: &Type) -> Self {
        let counts = match operator {
            Operator::Histogram(bins) => vec![0; bins.len()],
            _ => Vec::new(),
        };
        Self {
            operator: operator.clone(),
            scalar: out.shape.is_empty(),
            len: out.elements(),
            seen: 0,
            sums: Vec::new(),
            counts,
            filling: None,
            held: Default::default(),
        }
    }

    /// How many items are held back for the other side or for later.
    pub(super) fn waiting(&self) -> usize {
        self.held[0].len() + self.held[1].len()
    }

    pub(super) fn push(&mut self, port: usize, item: Item) -> Emitted {
        let scalar = self.scalar;
        match &self.operator {
            Operator::Buffer { items, elements } => {
                let (items, elements) = (*items, *elements);
                self.filling.get_or_insert_with(|| item.empty_array(elements)).append(item);
                self.seen += 1;
                if self.seen < items {
                    return Emitted::Nothing;
                }
                self.seen = 0;
                self.filling.take().map_or(Emitted::Nothing, Emitted::One)
            }
            Operator::Windows { len, step, elements } => {
                let (len, step, elements) = (*len, *step, *elements);
                let place = self.seen;
                self.seen += 1;
                // Between windows that do not touch, items are dropped.
                if place % step >= len && step > len {
                    return Emitted::Nothing;
                }
                let held = &mut self.held[0];
                held.push_back(item);
                if held.len() < len {
                    return Emitted::Nothing;
                }
                let mut window = held[0].empty_array(elements);
                held.iter().for_each(|item| window.append(item.clone()));
                held.drain(..step.min(len));
                Emitted::One(window)
            }
            Operator::Average => {
                let values = item.floats();
                self.sums.resize(values.len(), 0.0);
                self.seen += 1;
                self.sums.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value);
                let count = self.seen as f64;
                let means = self.sums.iter().map(|sum| sum / count).collect();
                Emitted::One(Item::from_floats(means, scalar))
            }
            Operator::Skip(count) => {
                if self.seen < *count {
                    self.seen += 1;
                    return Emitted::Nothing;
                }
                Emitted::One(item)
            }
            Operator::SkipLast(count) => {
                self.held[0].push_back(item);
                if self.held[0].len() <= *count {
                    return Emitted::Nothing;
                }
                self.held[0].pop_front().map_or(Emitted::Nothing, Emitted::One)
            }
            Operator::Take(count) => {
                if self.seen >= *count {
                    return Emitted::Nothing;
                }
                self.seen += 1;
                Emitted::One(item)
            }
            Operator::Flatten => Emitted::Many(item.into_elements()),
            Operator::ToInt => Emitted::One(Item::from_ints(item.ints(), scalar)),
            Operator::Mean { shape, axes } => {
                Emitted::One(mean(&item.floats(), shape, axes, self.len))
            }
            Operator::Multiply { by, integral } => {
                let factors = by.iter().cycle();
                Emitted::One(if *integral {
                    let products = item.ints().into_iter().zip(factors);
                    Item::from_ints(
                        products.map(|(x, y)| x.wrapping_mul(int(*y))).collect(),
                        scalar,
                    )
                } else {
                    let products = item.floats().into_iter().zip(factors);
                    Item::from_floats(products.map(|(x, y)| x * y.float()).collect(), scalar)
                })
            }
            Operator::Dot { with, integral } => Emitted::One(if *integral {
                let products = item.ints().into_iter().zip(with);
                Item::Int(
                    products.fold(0i64, |sum, (x, y)| sum.wrapping_add(x.wrapping_mul(int(*y)))),
                )
            } else {
                Item::Float(item.floats().iter().zip(with).map(|(x, y)| x * y.float()).sum())
            }),
            Operator::Histogram(bins) => {
                for value in item.floats() {
                    for (count, (low, high)) in self.counts.iter_mut().zip(bins) {
                        *count += i64::from(*low <= value && value <= *high);
                    }
                }
                Emitted::One(Item::Ints(self.counts.clone()))
            }
            Operator::Arithmetic { symbol, left, right, integral } => {
                let (first, second) = match (left, right) {
                    (Operand::Stream, Operand::Stream) => {
                        self.held[port].push_back(item);
                        let [lefts, rights] = &mut self.held;
                        if lefts.is_empty() || rights.is_empty() {
                            return Emitted::Nothing;
                        }
                        (lefts.pop_front(), rights.pop_front())
                    }
                    (Operand::Stream, _) => (Some(item), None),
                    _ => (None, Some(item)),
                };
                Emitted::One(calculate(
                    *symbol,
                    (left, first.as_ref()),
                    (right, second.as_ref()),
                    *integral,
                    (scalar, self.len),
                ))
            }
            Operator::Zip => {
                self.held[port].push_back(item);
                let [firsts, seconds] = &mut self.held;
                if firsts.is_empty() || seconds.is_empty() {
                    return Emitted::Nothing;
                }
                let pair = firsts.pop_front().into_iter().chain(seconds.pop_front()).collect();
                Emitted::One(Item::Record(pair))
            }
        }
    }
}

fn int(number: Number) -> i64 {
    match number {
        Number::Int(value) => value,
        Number::Float(value) => value as i64,
    }
}

fn mean(values: &[f64], shape: &[usize], axes: &[usize], out: usize) -> Item {
    let mut sums = vec![0.0; out];
    for (place, value) in values.iter().enumerate() {
        // The place in the result: the coordinates that are kept, row-major.
        let (mut rest, mut stride, mut target) = (place, 1, 0);
        for axis in (0..shape.len()).rev() {
            let coordinate = rest % shape[axis];
            rest /= shape[axis];
            if !axes.contains(&axis) {
                target += coordinate * stride;
                stride *= shape[axis];
            }
        }
        sums[target] += value;
    }
    let count = values.len() as f64 / out as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    Item::from_floats(sums, axes.len() == shape.len())
}

fn calculate(
    symbol: Symbol,
    left: (&Operand, Option<&Item>),
    right: (&Operand, Option<&Item>),
    integral: bool,
    (scalar, len): (bool, usize),
) -> Item {
    if integral {
        let side = |(operand, item): (&Operand, Option<&Item>)| match (item, operand) {
            (Some(item), _) => item.ints(),
            (None, Operand::Constant(numbers)) => numbers.iter().map(|n| int(*n)).collect(),
            (None, Operand::Stream) => Vec::new(),
        };
        let (left, right) = (side(left), side(right));
        let pairs = left.iter().cycle().zip(right.iter().cycle()).take(len);
        let values = pairs.map(|(a, b)| match symbol {
            Symbol::Add => a.wrapping_add(*b),
            Symbol::Subtract => a.wrapping_sub(*b),
            Symbol::Multiply | Symbol::Divide => a.wrapping_mul(*b),
        });
        return Item::from_ints(values.collect(), scalar);
    }
    let side = |(operand, item): (&Operand, Option<&Item>)| match (item, operand) {
        (Some(item), _) => item.floats(),
        (None, Operand::Constant(numbers)) => numbers.iter().map(|n| n.float()).collect(),
        (None, Operand::Stream) => Vec::new(),
    };
    let (left, right) = (side(left), side(right));
    let pairs = left.iter().cycle().zip(right.iter().cycle()).take(len);
    let values = pairs.map(|(a, b)| match symbol {
        Symbol::Add => a + b,
        Symbol::Subtract => a - b,
        Symbol::Multiply => a * b,
        Symbol::Divide => a / b,
    });
    Item::from_floats(values.collect(), scalar)
}
