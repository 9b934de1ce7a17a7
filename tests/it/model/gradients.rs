//! Every operation's derivative against finite differences, in 64 bits.

use super::support::{Needs, engine, noise, skipped};
use touchstone::model::graph::{Dim, ElementType, Graph, ScatterSum, Value};

/// Step of the difference quotient; its error falls with the square, rounding grows with the inverse.
const STEP: f64 = 1e-5;
/// What is left of both, relative to the derivative. Measured: below 3e-9.
const TOLERANCE: f64 = 1e-7;

/// An input: its shape and its numbers.
struct Given {
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

/// Numbers in -1..1 in a shape.
fn given(shape: &[usize]) -> Given {
    let count = shape.iter().product();
    Given {
        shape: shape.to_vec(),
        numbers: noise(count as u64 + 7 * shape.len() as u64, count),
    }
}

/// The same, moved and scaled.
fn ranged(shape: &[usize], low: f64, high: f64) -> Given {
    let mut all = given(shape);
    for x in &mut all.numbers {
        *x = low + (*x + 1.0) / 2.0 * (high - low);
    }
    all
}

/// Checks `build`'s derivative with respect to every input along random directions. What it makes is
/// weighted by fixed random numbers first, so that every element counts differently.
fn check(name: &str, inputs: &[Given], build: impl Fn(&Graph, &[Value]) -> Value) {
    let graph = Graph::new();
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();
    let values: Vec<Value> = inputs
        .iter()
        .zip(&names)
        .map(|(input, name)| {
            let shape = input.shape.iter().copied().map(Dim::Fixed);
            graph.tracked_input(name, shape, ElementType::F64)
        })
        .collect();
    let result = build(&graph, &values);
    let shape: Vec<usize> = graph
        .shape(result)
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => *size,
            Dim::Named(_) => panic!("{name}: the test needs sizes"),
        })
        .collect();
    let weights = noise(99, shape.iter().product());
    let weights = graph.constant(ElementType::F64, &shape, &weights);
    let number = graph.sum(graph.mul(result, weights));
    graph.output("number", number);
    for (at, gradient) in graph.backward(number, &values).into_iter().enumerate() {
        graph.output(&format!("gradient{at}"), gradient);
    }
    let run = |numbers: &[Vec<f64>]| {
        let inputs: Vec<(&str, &[usize], &[f64])> = names
            .iter()
            .zip(inputs)
            .zip(numbers)
            .map(|((name, input), numbers)| {
                (name.as_str(), input.shape.as_slice(), numbers.as_slice())
            })
            .collect();
        engine().evaluate(&graph, &inputs).expect(name)
    };
    let numbers: Vec<Vec<f64>> = inputs.iter().map(|input| input.numbers.clone()).collect();
    let outputs = run(&numbers);
    for at in 0..inputs.len() {
        let direction = noise(5 + at as u64, numbers[at].len());
        let moved = |by: f64| {
            let mut numbers = numbers.clone();
            for (x, d) in numbers[at].iter_mut().zip(&direction) {
                *x += by * d;
            }
            run(&numbers)[0][0]
        };
        let measured = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let gradient = &outputs[1 + at];
        let derived: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let scale = measured.abs().max(derived.abs()).max(1e-2);
        assert!(
            (measured - derived).abs() / scale < TOLERANCE,
            "{name}, input {at}: measured {measured}, derived {derived}"
        );
    }
}

#[test]
fn element_wise() {
    if skipped(Needs::Wide) {
        return;
    }
    let x = || given(&[3, 4]);
    let positive = || ranged(&[3, 4], 0.3, 2.0);
    check("neg", &[x()], |g, x| g.neg(x[0]));
    check("exp", &[x()], |g, x| g.exp(x[0]));
    check("log", &[positive()], |g, x| g.log(x[0]));
    check("sqrt", &[positive()], |g, x| g.sqrt(x[0]));
    check("sigmoid", &[x()], |g, x| g.sigmoid(x[0]));
    check("tanh", &[x()], |g, x| g.tanh(x[0]));
    check("softplus", &[ranged(&[5, 3], -40.0, 40.0)], |g, x| {
        g.softplus(x[0])
    });
    check("scale", &[x()], |g, x| g.scale(x[0], -2.5));
    check("shift", &[x()], |g, x| g.shift(x[0], 3.0));
    check("clip", &[x()], |g, x| g.clip(x[0], -0.4, 0.5));
    check("cast", &[x()], |g, x| g.cast(x[0], ElementType::F64));
}

#[test]
fn pairs_of_elements() {
    if skipped(Needs::Wide) {
        return;
    }
    let shapes: [(&[usize], &[usize]); 5] = [
        (&[3, 4], &[3, 4]),
        (&[3, 4], &[4]),
        (&[3, 1], &[1, 4]),
        (&[2, 3, 4], &[3, 1]),
        (&[], &[2, 3]),
    ];
    for (a, b) in shapes {
        let inputs = || [given(a), ranged(b, 0.5, 1.5)];
        check("add", &inputs(), |g, x| g.add(x[0], x[1]));
        check("sub", &inputs(), |g, x| g.sub(x[0], x[1]));
        check("mul", &inputs(), |g, x| g.mul(x[0], x[1]));
        check("div", &inputs(), |g, x| g.div(x[0], x[1]));
        check("minimum", &[given(a), ranged(b, -0.9, 0.8)], |g, x| {
            g.minimum(x[0], x[1])
        });
        check("maximum", &[given(a), ranged(b, -0.9, 0.8)], |g, x| {
            g.maximum(x[0], x[1])
        });
        check("select", &inputs(), |g, x| {
            let condition = g.compare("Less", x[0], g.scalar(ElementType::F64, 0.1));
            g.select(condition, x[0], x[1])
        });
    }
    let x = || given(&[3, 4]);
    check("a square by mul", &[x()], |g, x| g.mul(x[0], x[0]));
    check("used twice", &[x()], |g, x| {
        g.add(g.exp(x[0]), g.mul(x[0], x[0]))
    });
}

#[test]
fn where_both_are_equal_the_derivative_is_counted_once() {
    if skipped(Needs::Wide) {
        return;
    }
    // The clipped objective of a policy gradient is such a case wherever nothing is clipped.
    check("equal", &[ranged(&[6], 0.9, 1.1)], |g, x| {
        let ratio = g.exp(g.shift(x[0], -1.0));
        g.minimum(ratio, g.clip(ratio, 0.8, 1.2))
    });
}

#[test]
fn sums_and_products() {
    if skipped(Needs::Wide) {
        return;
    }
    check("sum", &[given(&[3, 4])], |g, x| g.sum(x[0]));
    for keep in [false, true] {
        check("reduce_sum", &[given(&[2, 3, 4])], |g, x| {
            g.reduce_sum(x[0], &[0, 2], keep)
        });
    }
    check("mean_last", &[given(&[2, 3, 4])], |g, x| g.mean_last(x[0]));
    let products: [(&[usize], &[usize]); 4] = [
        (&[3, 4], &[4, 5]),
        (&[2, 3, 4], &[2, 4, 5]),
        (&[2, 1, 3, 4], &[3, 4, 2]),
        (&[2, 3, 4], &[4, 5]),
    ];
    for (a, b) in products {
        check("matmul", &[given(a), given(b)], |g, x| g.matmul(x[0], x[1]));
    }
    let layer = [given(&[5, 3]), given(&[4, 3]), given(&[4])];
    check("linear", &layer, |g, x| g.linear(x[0], x[1], Some(x[2])));
    check("linear without bias", &layer[..2], |g, x| {
        g.linear(x[0], x[1], None)
    });
}

#[test]
fn moved_elements() {
    if skipped(Needs::Wide) {
        return;
    }
    check("reshape", &[given(&[2, 3, 4])], |g, x| {
        g.reshape(x[0], &[6, -1], [6.into(), 4.into()])
    });
    check("unsqueeze", &[given(&[2, 3])], |g, x| {
        g.unsqueeze(x[0], &[0, 2])
    });
    check("transpose", &[given(&[2, 3, 4])], |g, x| {
        g.transpose(x[0], &[2, 0, 1])
    });
    check("turned", &[given(&[2, 3, 4])], |g, x| g.turned(x[0]));
    check("split", &[given(&[4, 6])], |g, x| {
        let parts = g.split(x[0], 1, 2, 3);
        g.mul(parts[0], g.exp(parts[2]))
    });
    check("concat", &[given(&[4, 2]), given(&[4, 3])], |g, x| {
        g.concat(&[x[0], x[1], x[0]], 1, 7)
    });
    check("rows", &[given(&[5, 3])], |g, x| {
        g.rows(x[0], g.integers(&[4, 0, 2]))
    });
}

#[test]
fn layers() {
    if skipped(Needs::Wide) {
        return;
    }
    check("softmax", &[given(&[3, 5])], |g, x| g.softmax(x[0]));
    check("rms_norm", &[given(&[2, 3, 6]), given(&[6])], |g, x| {
        g.rms_norm(x[0], x[1], 1e-6)
    });
    check("swiglu", &[given(&[3, 4]), given(&[3, 4])], |g, x| {
        g.swiglu(x[0], x[1])
    });
    check("rotate", &[given(&[2, 2, 3, 8])], |g, x| {
        let angles = noise(3, 12);
        let table = |of: fn(f64) -> f64| {
            let numbers: Vec<f64> = angles.iter().map(|x| of(*x)).collect();
            g.constant(ElementType::F64, &[3, 4], &numbers)
        };
        g.rotate(x[0], table(f64::cos), table(f64::sin))
    });
    let attention = [
        given(&[2, 2, 6, 4]),
        given(&[2, 2, 3, 4]),
        given(&[2, 2, 3, 4]),
    ];
    check("attend", &attention, |g, x| {
        let hidden = |at: usize| if at % 3 > at / 3 % 3 { -1e9 } else { 0.0 };
        let mask: Vec<f64> = (0..18).map(hidden).collect();
        let mask = g.constant(ElementType::F64, &[6, 3], &mask);
        g.attend(x[0], x[1], x[2], mask)
    });
    check(
        "token_log_probability",
        &[ranged(&[4, 7], -30.0, 30.0)],
        |g, x| g.token_log_probability(x[0], g.integers(&[6, 0, 3, 3])),
    );
}

#[test]
fn lookups() {
    if skipped(Needs::Wide) {
        return;
    }
    let tokens = [4, 1, 1, 0, 4, 4];
    check("embed", &[given(&[7, 3])], |g, x| {
        g.embed(x[0], g.integers(&tokens), ScatterSum::Elements)
    });
}

#[test]
fn checkpoints() {
    if skipped(Needs::Wide) {
        return;
    }
    let inputs = [given(&[3, 4]), given(&[4, 4]), given(&[4])];
    check("checkpoint", &inputs, |g, x| {
        let inner = g.checkpoint(&[g.exp(x[0])], &[x[1], x[2]], |g, inputs, parameters| {
            let y = g.linear(inputs[0], parameters[0], Some(parameters[1]));
            g.mul(g.tanh(y), inputs[0])
        });
        // A parameter that is used again outside, as a tied head is.
        g.linear(inner, x[1], None)
    });
    check("a checkpoint in a checkpoint", &inputs[..2], |g, x| {
        g.checkpoint(&[x[0]], &[x[1]], |g, inputs, parameters| {
            let inner = g.checkpoint(inputs, parameters, |g, inputs, parameters| {
                g.tanh(g.linear(inputs[0], parameters[0], None))
            });
            g.mul(inner, inner)
        })
    });
}
