//! Running operators: what each makes of an item.

use std::collections::VecDeque;

use super::item::{Item, Type};
use super::operator::{Operand, Operator, Symbol};
use super::tree::Number;

/// What a buffer reserves at once; a larger one grows as it fills.
const FIRST_CAPACITY: usize = 1 << 16;

/// What an operator makes of one item.
pub(super) enum Emitted {
    Nothing,
    One(Item),
    Many(Vec<Item>),
}

/// A running operator.
#[derive(Debug)]
pub(super) struct RunningOperator {
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
    /// The weight of all that is held back.
    weight: usize,
}

impl RunningOperator {
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
            weight: 0,
        }
    }

    /// The weight of what is held back for later or for the other side.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Whether the next item on an input is held back, with none let go for it.
    pub(super) fn holds(&self, port: usize) -> bool {
        match &self.operator {
            Operator::Buffer { items, .. } => self.seen + 1 < *items,
            Operator::Windows { len, step, .. } => {
                self.seen % *step < *len && self.held[0].len() + 1 < *len
            }
            Operator::SkipLast(count) => self.held[0].len() < *count,
            Operator::Zip
            | Operator::Arithmetic { left: Operand::Stream, right: Operand::Stream, .. } => {
                self.held[1 - port].is_empty()
            }
            _ => false,
        }
    }

    /// Takes a number into a buffer that goes on filling, which is what most values meet first. Whether it did.
    #[inline]
    pub(super) fn gathers(&mut self, item: &Item) -> bool {
        let Operator::Buffer { items, .. } = &self.operator else { return false };
        if self.seen + 1 >= *items {
            return false;
        }
        match (&mut self.filling, item) {
            (Some(Item::Ints(all)), Item::Int(one)) => all.push(*one),
            (Some(Item::Floats(all)), Item::Float(one)) => all.push(*one),
            (Some(Item::Bools(all)), Item::Bool(one)) => all.push(*one),
            _ => return false,
        }
        self.seen += 1;
        self.weight += 1;
        true
    }

    fn hold(&mut self, port: usize, item: Item) {
        self.weight += item.weight();
        self.held[port].push_back(item);
    }

    fn release(&mut self, port: usize) -> Option<Item> {
        let item = self.held[port].pop_front()?;
        self.weight -= item.weight();
        Some(item)
    }

    /// The oldest item of either side, once both have one.
    fn pair(&mut self) -> Option<(Item, Item)> {
        if self.held.iter().any(VecDeque::is_empty) {
            return None;
        }
        self.release(0).zip(self.release(1))
    }

    /// What it makes of the next item on an input.
    pub(super) fn push(&mut self, port: usize, item: Item) -> Emitted {
        let scalar = self.scalar;
        match &self.operator {
            Operator::Buffer { .. } => self.buffer(item),
            Operator::Windows { .. } => self.window(item),
            Operator::Average => self.average(&item),
            Operator::Skip(_) | Operator::SkipLast(_) | Operator::Take(_) => self.some(item),
            Operator::Flatten => Emitted::Many(item.into_elements()),
            Operator::ToInt => Emitted::One(Item::from_ints(item.ints(), scalar)),
            Operator::Mean { shape, axes } => {
                Emitted::One(mean(&item.floats(), shape, axes, self.len))
            }
            Operator::Multiply { by, integral } => {
                Emitted::One(multiplied(&item, by, *integral, (scalar, self.len)))
            }
            Operator::Dot { with, integral } => Emitted::One(dot(&item, with, *integral)),
            Operator::Histogram(_) => self.histogram(&item),
            Operator::Arithmetic { .. } => self.arithmetic(port, item),
            Operator::Part(part) => {
                let parts = item.floats().into_iter().skip(*part).step_by(2).collect();
                Emitted::One(Item::from_floats(parts, scalar))
            }
            Operator::Transform(transform) => Emitted::One(transform.apply(&item, scalar)),
            Operator::Zip => {
                self.hold(port, item);
                match self.pair() {
                    Some((first, second)) => Emitted::One(Item::Record(vec![first, second])),
                    None => Emitted::Nothing,
                }
            }
        }
    }

    fn buffer(&mut self, item: Item) -> Emitted {
        let Operator::Buffer { items, elements } = &self.operator else { return Emitted::Nothing };
        let (items, elements) = (*items, (*elements).min(FIRST_CAPACITY));
        self.weight += item.weight();
        self.filling.get_or_insert_with(|| item.empty_array(elements)).append(item);
        self.seen += 1;
        if self.seen < items {
            return Emitted::Nothing;
        }
        (self.seen, self.weight) = (0, 0);
        self.filling.take().map_or(Emitted::Nothing, Emitted::One)
    }

    fn window(&mut self, item: Item) -> Emitted {
        let Operator::Windows { len, step, elements } = self.operator else {
            return Emitted::Nothing;
        };
        let place = self.seen;
        self.seen += 1;
        // Between windows that do not touch, items are dropped.
        if place % step >= len && step > len {
            return Emitted::Nothing;
        }
        self.hold(0, item);
        if self.held[0].len() < len {
            return Emitted::Nothing;
        }
        let mut window = self.held[0][0].empty_array(elements);
        self.held[0].iter().for_each(|item| window.append(item.clone()));
        for _ in 0..step.min(len) {
            self.release(0);
        }
        Emitted::One(window)
    }

    fn average(&mut self, item: &Item) -> Emitted {
        let values = item.floats();
        self.sums.resize(values.len(), 0.0);
        self.seen += 1;
        self.sums.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value);
        let count = self.seen as f64;
        let means = self.sums.iter().map(|sum| sum / count).collect();
        Emitted::One(Item::from_floats(means, self.scalar))
    }

    /// All items but the first, the last, or those behind the first few.
    fn some(&mut self, item: Item) -> Emitted {
        match self.operator {
            Operator::Skip(count) if self.seen < count => {
                self.seen += 1;
                Emitted::Nothing
            }
            Operator::SkipLast(count) => {
                self.hold(0, item);
                if self.held[0].len() <= count {
                    return Emitted::Nothing;
                }
                self.release(0).map_or(Emitted::Nothing, Emitted::One)
            }
            Operator::Take(count) if self.seen >= count => Emitted::Nothing,
            Operator::Take(_) => {
                self.seen += 1;
                Emitted::One(item)
            }
            _ => Emitted::One(item),
        }
    }

    fn histogram(&mut self, item: &Item) -> Emitted {
        let Operator::Histogram(bins) = &self.operator else { return Emitted::Nothing };
        for value in item.floats() {
            for (count, (low, high)) in self.counts.iter_mut().zip(bins) {
                *count += i64::from(*low <= value && value <= *high);
            }
        }
        Emitted::One(Item::Ints(self.counts.clone()))
    }

    fn arithmetic(&mut self, port: usize, item: Item) -> Emitted {
        let Operator::Arithmetic { symbol, left, right, integral } = &self.operator else {
            return Emitted::Nothing;
        };
        let (symbol, integral, shape) = (*symbol, *integral, (self.scalar, self.len));
        let (left, right) = (left.clone(), right.clone());
        let (first, second) = match (&left, &right) {
            (Operand::Stream, Operand::Stream) => {
                self.hold(port, item);
                match self.pair() {
                    Some((first, second)) => (Some(first), Some(second)),
                    None => return Emitted::Nothing,
                }
            }
            (Operand::Stream, _) => (Some(item), None),
            _ => (None, Some(item)),
        };
        let (left, right) = ((&left, first.as_ref()), (&right, second.as_ref()));
        Emitted::One(calculate(symbol, left, right, integral, shape))
    }
}

/// A number takes each of the factors, an array one for each of its own or all the same.
fn multiplied(item: &Item, by: &[Number], integral: bool, (scalar, len): (bool, usize)) -> Item {
    let factors = by.iter().cycle();
    if integral {
        let products = item.ints().into_iter().cycle().zip(factors).take(len);
        return Item::from_ints(products.map(|(x, y)| x.wrapping_mul(int(*y))).collect(), scalar);
    }
    let products = item.floats().into_iter().cycle().zip(factors).take(len);
    Item::from_floats(products.map(|(x, y)| x * y.float()).collect(), scalar)
}

fn dot(item: &Item, with: &[Number], integral: bool) -> Item {
    if integral {
        let products = item.ints().into_iter().zip(with).map(|(x, y)| x.wrapping_mul(int(*y)));
        return Item::Int(products.fold(0i64, i64::wrapping_add));
    }
    Item::Float(item.floats().iter().zip(with).map(|(x, y)| x * y.float()).sum())
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
