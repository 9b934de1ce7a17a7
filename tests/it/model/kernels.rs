//! Every graph against the kernels that ONNX Runtime has for a GPU, on a machine without one.

use super::support::{lora, random_policy, tiny, with_adapter};
use std::collections::{BTreeSet, HashMap, HashSet};
use touchstone::model::graph::{Graph, Operation};
use touchstone::model::{ElementType, Loss, Memory, Policy, Precision, ScatterSum, graphs};

/// The domain of ONNX Runtime's own operators.
const OWN: &str = "com.microsoft";

/// Kernels of the CUDA provider for what our graphs use, at the versions that opset 21 stands for:
/// domain, operator, and the types of each input that has a choice; further inputs have those of the
/// last. Only types that occur here are listed. From `docs/OperatorKernels.md` of ONNX Runtime's main
/// branch, the part about CUDAExecutionProvider. `!` stands before inputs that the kernel wants in the
/// host's memory, and before an operator whose result is there: that page does not say it, these are
/// from knowledge of the kernels and were not looked up one by one.
const KERNELS: &[(&str, &str, &[&str])] = &[
    ("", "Abs", &["f32 f64 bf16 i32 i64"]),
    ("", "Add", &["f32 f64 bf16 i32 i64"]),
    ("", "And", &["bool"]),
    ("", "ArgMax", &["f32 f64"]),
    ("", "Cast", &["f32 f64 bf16 i32 i64 bool"]),
    ("", "Clip", &["f32 f64 i64"]),
    ("", "Concat", &["f32 f64 bf16 i32 i64 bool"]),
    ("", "ConstantOfShape", &["!i64"]),
    ("", "CumSum", &["f32 f64 i32 i64", "!i32 i64"]),
    ("", "Div", &["f32 f64 bf16 i32 i64"]),
    ("", "Equal", &["f32 f64 i32 i64 bool"]),
    ("", "Exp", &["f32 f64 bf16"]),
    ("", "Expand", &["f32 f64 bf16 i32 i64 bool", "!i64"]),
    ("", "Gather", &["f32 f64 bf16 i32 i64 bool", "i32 i64"]),
    (
        "",
        "GatherElements",
        &["f32 f64 bf16 i32 i64 bool", "i32 i64"],
    ),
    ("", "Gemm", &["f32 f64 bf16"]),
    ("", "Greater", &["f32 f64 i32 i64"]),
    ("", "GreaterOrEqual", &["f32 f64 i32 i64"]),
    ("", "Identity", &["f32 f64 bf16 i32 i64 bool"]),
    ("", "Less", &["f32 f64 i32 i64"]),
    ("", "LessOrEqual", &["f32 f64 i32 i64"]),
    ("", "Log", &["f32 f64"]),
    ("", "MatMul", &["f32 f64 bf16"]),
    ("", "Max", &["f32 f64 bf16 i32 i64"]),
    ("", "Min", &["f32 f64 bf16 i32 i64"]),
    ("", "Mul", &["f32 f64 bf16 i32 i64"]),
    ("", "Neg", &["f32 f64 bf16 i32 i64"]),
    ("", "Pad", &["f32 f64 bool", "!i64"]),
    ("", "Pow", &["f32 f64 i32 i64"]),
    ("", "Range", &["!f32 f64 i32 i64"]),
    ("", "ReduceMax", &["f32 f64 i32 i64", "!i64"]),
    ("", "ReduceMean", &["f32 f64 i32", "!i64"]),
    ("", "ReduceSum", &["f32 f64 bf16 i32 i64", "!i64"]),
    ("", "ReduceSumSquare", &["f32 f64", "!i64"]),
    ("", "Reshape", &["f32 f64 bf16 i32 i64 bool", "!i64"]),
    // The page has 16 bits too; whether the kernel adds in them is not known, so they do not count.
    ("", "ScatterElements", &["f32 f64", "i32 i64", "f32 f64"]),
    ("", "ScatterND", &["f32 f64 bf16", "i64", "f32 f64 bf16"]),
    ("", "!Shape", &["f32 f64 bf16 i32 i64 bool"]),
    ("", "Sigmoid", &["f32 f64 bf16"]),
    ("", "Slice", &["f32 f64 bf16 i32 i64 bool", "!i32 i64"]),
    ("", "Softmax", &["f32 f64 bf16"]),
    ("", "Split", &["f32 f64 bf16 i32 i64 bool", "!i64"]),
    ("", "Sqrt", &["f32 f64 bf16"]),
    ("", "Sub", &["f32 f64 bf16 i32 i64"]),
    ("", "Tanh", &["f32 f64 bf16"]),
    ("", "TopK", &["f32 f64 i32 i64", "!i64"]),
    ("", "Transpose", &["f32 f64 bf16 i32 i64 bool"]),
    ("", "Unsqueeze", &["f32 f64 bf16 i32 i64 bool", "!i64"]),
    ("", "Where", &["bool", "f32 f64 bf16 i32 i64"]),
    (
        OWN,
        "GroupQueryAttention",
        &[
            "bf16", "bf16", "bf16", "bf16", "bf16", "i32", "!i32", "bf16",
        ],
    ),
    (OWN, "RotaryEmbedding", &["f32 bf16", "i64", "f32 bf16"]),
];

struct Kernel {
    inputs: &'static [&'static str],
    makes_on_host: bool,
}

impl Kernel {
    fn of(operation: &Operation) -> Option<Kernel> {
        KERNELS.iter().find_map(|(domain, operator, inputs)| {
            let plain = operator.trim_start_matches('!');
            let is = *domain == operation.domain && plain == operation.operator;
            is.then_some(Kernel {
                inputs,
                makes_on_host: plain != *operator,
            })
        })
    }

    fn input(&self, at: usize) -> &'static str {
        self.inputs[at.min(self.inputs.len() - 1)]
    }

    fn wants_on_host(&self, at: usize) -> bool {
        self.input(at).starts_with('!')
    }
}

fn short(element: ElementType) -> &'static str {
    match element {
        ElementType::F32 => "f32",
        ElementType::F64 => "f64",
        ElementType::BF16 => "bf16",
        ElementType::I64 => "i64",
        ElementType::I32 => "i32",
        ElementType::Bool => "bool",
    }
}

/// What has no kernel on a GPU.
fn missing(graph: &Graph) -> BTreeSet<String> {
    let fault = |operation: &Operation| {
        let shown = || {
            let reads: Vec<&str> = operation.reads.iter().map(|x| short(*x)).collect();
            format!("{} of {}", operation.operator, reads.join(", "))
        };
        let Some(kernel) = Kernel::of(operation) else {
            return Some(shown());
        };
        let fits = operation.reads.iter().enumerate().all(|(at, element)| {
            let types = kernel.input(at).trim_start_matches('!');
            types.split(' ').any(|name| name == short(*element))
        });
        (!fits).then(shown)
    };
    graph.operations().iter().filter_map(fault).collect()
}

/// Constants of at most so many elements count as small to ONNX Runtime (main branch,
/// `core/framework/fallback_cpu_capability.cc`, as the function below).
const SMALL: usize = 100;

/// What ONNX Runtime would take off the GPU though there is a kernel, because it only computes with
/// what is in the host's memory already: sizes of tensors and what follows from them. A session that
/// may not fall back to the processor refuses such a graph.
fn taken_off(graph: &Graph) -> Vec<String> {
    let (inputs, constants) = graph.sources();
    let inputs: HashSet<String> = inputs.into_iter().collect();
    let mut on_host: HashSet<String> = HashSet::new();
    let mut folded: HashMap<String, usize> = constants;
    let mut taken = Vec::new();
    for operation in graph.operations() {
        let kernel = Kernel::of(&operation).expect("a kernel");
        let given = operation.inputs.iter().flatten();
        if given.clone().all(|name| folded.contains_key(name)) {
            // Computed when the graph is compiled.
            let sizes = given.map(|name| folded[name]);
            let size = sizes.max().unwrap_or(0);
            folded.extend(operation.outputs.iter().map(|name| (name.clone(), size)));
            continue;
        }
        if kernel.makes_on_host {
            on_host.extend(operation.outputs);
            continue;
        }
        let reads_size = operation
            .inputs
            .iter()
            .flatten()
            .any(|x| on_host.contains(x));
        let has_16_bits = operation.reads.contains(&ElementType::BF16);
        let each = operation.inputs.iter().enumerate();
        let stays = each
            .filter_map(|(at, name)| Some((at, name.as_ref()?)))
            .any(|(at, name)| {
                let is_small = folded.get(name).is_some_and(|size| *size <= SMALL);
                let is_free = is_small || inputs.contains(name);
                !is_free && (!on_host.contains(name) || kernel.wants_on_host(at))
            });
        if reads_size && !has_16_bits && !stays {
            taken.push(format!("{} {:?}", operation.operator, operation.outputs));
            on_host.extend(operation.outputs);
        }
    }
    taken
}

fn as_on_a_gpu(policy: &Policy) -> Policy {
    policy.with_precision(Precision {
        compute: ElementType::BF16,
        scatter: ScatterSum::Rows,
    })
}

fn losses() -> Vec<Loss> {
    let preference = |likelihood| Loss::Preference {
        beta: 0.1,
        likelihood,
    };
    let policy = Loss::Policy { clip: 0.2, kl: 0.1 };
    vec![Loss::Likelihood, preference(0.0), preference(0.2), policy]
}

/// Every graph of every family, with and without an adapter and what saves memory.
fn check(fault: impl Fn(&Graph) -> Option<String>) {
    for config in tiny() {
        let whole = as_on_a_gpu(&random_policy(&config, ElementType::BF16));
        for policy in [with_adapter(&whole, &lora(), 1), whole] {
            for (checkpoint, head_tokens) in [(false, 0), (true, 0), (false, 16), (true, 16)] {
                let memory = Memory {
                    checkpoint,
                    head_tokens,
                };
                for (name, graph) in graphs(&policy, &losses(), memory, (4, 32)) {
                    if let Some(fault) = fault(&graph) {
                        panic!("{:?}, {memory:?}, {name}: {fault}", config.architecture);
                    }
                }
            }
        }
    }
}

#[test]
fn a_gpu_has_a_kernel_for_everything() {
    check(|graph| {
        let missing = missing(graph);
        (!missing.is_empty()).then(|| format!("{missing:?}"))
    });
}

#[test]
fn nothing_is_computed_on_the_processor_beside_a_gpu() {
    check(|graph| {
        let taken = taken_off(graph);
        (!taken.is_empty()).then(|| taken.join("; "))
    });
}

#[test]
fn what_has_no_kernel_is_found() {
    let graph = Graph::new();
    let x = graph.input("x", [3.into(), 4.into()], ElementType::BF16);
    graph.output("y", graph.log(graph.exp(x)));
    assert_eq!(missing(&graph), BTreeSet::from(["Log of bf16".to_owned()]));
}

#[test]
fn what_is_taken_off_is_found() {
    let graph = Graph::new();
    let x = graph.input("x", ["n".into(), 4.into()], ElementType::F32);
    let sizes = [graph.size_of(x, 0), graph.integers(&[2, 2])];
    let target = graph.concat(&sizes, 0, 3);
    let y = graph.reshape_to(x, target, ["n".into(), 2.into(), 2.into()]);
    graph.output("y", graph.exp(y));
    assert_eq!(taken_off(&graph), ["Concat [\"Concat_1_0\"]"]);
    assert!(missing(&graph).is_empty());
}
