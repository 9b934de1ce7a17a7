//! Continuous batching: prompts wait for slots of one cache; whoever finishes gives its slot to the
//! next.

use super::decoder::{LAYOUT, layout};
use super::decoding::{cache_names, cache_shape, decoding_graph, prefill_graph};
use super::engine::{Binding, Tensor};
use super::error::ModelError;
use super::graph::ElementType;
use super::optimizer::next_name;
use super::policy::Policy;
use super::sampling::{MIN_P, Sampling, TEMPERATURE, TOP_K, TOP_P, UNIFORM};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{HashMap, VecDeque};

/// Prompts are filled up to a multiple of this many tokens, so that memory is planned for few
/// lengths.
const PROMPT_STEP: usize = 32;
/// At most so many tokens of prompts, filled up, are read in one go: bounds the memory of a prefill.
const PREFILL_TOKENS: usize = 8192;

/// Logits divided by less would leave 32 bits. Even this temperature tells only those apart that
/// rounding makes equal.
const COLDEST: f64 = 1e-6;

/// A prompt and what is wanted of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The prompt.
    pub prompt: Vec<u32>,
    /// How many answers; the prompt is read once for all of them.
    pub samples: usize,
    /// Tokens of an answer at most, the one that ends it counted.
    pub max_tokens: usize,
    /// How they are drawn.
    pub sampling: Sampling,
    /// Tokens that end an answer.
    pub stop_tokens: Vec<u32>,
    /// Decides all draws, together with the request's and the sample's number.
    pub seed: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// With a stop token, or because the caller said so.
    Stop,
    /// At the limit of tokens, or of the context.
    Length,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The request's number.
    pub request: usize,
    /// Which of its answers.
    pub sample: usize,
    /// Its tokens; a stop token is the last.
    pub tokens: Vec<u32>,
    /// Their log-probabilities under the model: at temperature 1, nothing left out.
    pub logp: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// A token, as soon as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// The request's number.
    pub request: usize,
    /// Which of its answers.
    pub sample: usize,
    /// The token.
    pub token: u32,
    /// Its log-probability.
    pub logp: f32,
}

/// Whether an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does.
    Continue,
    /// It ends here.
    Stop,
}

/// A policy with a cache for so many answers at a time.
pub struct Sampler {
    policy: Policy,
    slots: usize,
    context: usize,
    cache: Vec<(String, Tensor)>,
    /// By what they do and whether they filter.
    bindings: HashMap<(Phase, bool), Binding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Prefill,
    Decode,
}

/// An answer being written.
struct Writing {
    completion: Completion,
    random: ChaCha8Rng,
    /// Tokens of prompt and answer.
    length: usize,
    limit: usize,
}

impl Sampler {
    /// Prepares to write `slots` answers at a time, prompt and answer of at most `context` tokens.
    ///
    /// # Errors
    /// Where the context is longer than the model's, or the device has no memory left.
    pub fn new(policy: &Policy, slots: usize, context: usize) -> Result<Self, ModelError> {
        let limit = policy.config.max_positions;
        if context > limit || context == 0 || slots == 0 {
            return Err(ModelError::Input(format!(
                "a cache of {slots} slots of {context} tokens: it needs one slot at least and \
                 between 1 and the model's {limit} tokens"
            )));
        }
        let shape = cache_shape(&policy.config, slots, context);
        let names = (0..policy.config.layers).flat_map(cache_names);
        let cache = names.map(|name| {
            let tensor = policy.engine.zeros(policy.precision.compute, &shape)?;
            Ok((name, tensor))
        });
        Ok(Sampler {
            cache: cache.collect::<Result<_, ModelError>>()?,
            policy: policy.clone(),
            slots,
            context,
            bindings: HashMap::new(),
        })
    }

    /// The policy that is sampled from.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Answers to all requests, ordered by request and sample. `watch` sees every token as it is
    /// drawn and may end an answer; the weights cannot change until all answers are there, and it
    /// must not wait for that. Draws depend on the request alone, not on who else is in the batch.
    ///
    /// # Errors
    /// Where a prompt is empty or does not fit, or the device fails. Weights that are not finite
    /// give [`ModelError::NotFinite`].
    pub fn sample(
        &mut self,
        requests: &[Request],
        mut watch: impl FnMut(Drawn) -> Next,
    ) -> Result<Vec<Completion>, ModelError> {
        for (number, request) in requests.iter().enumerate() {
            self.check(number, request)?;
        }
        self.prepare(requests)?;
        let policy = self.policy.clone();
        let _reading = policy.reading();
        let mut waiting: VecDeque<(usize, usize)> = requests
            .iter()
            .enumerate()
            .flat_map(|(number, request)| (0..request.samples).map(move |sample| (number, sample)))
            .collect();
        let mut writing: Vec<Option<Writing>> = (0..self.slots).map(|_| None).collect();
        let mut done = Vec::new();
        loop {
            let begun = self.begin(requests, &mut waiting, &mut writing)?;
            take(&mut writing, requests, begun, &mut watch, &mut done)?;
            if !waiting.is_empty() && writing.iter().any(Option::is_none) {
                continue;
            }
            if writing.iter().all(Option::is_none) {
                break;
            }
            let drawn = self.decode(requests, &mut writing)?;
            take(&mut writing, requests, drawn, &mut watch, &mut done)?;
        }
        done.sort_by_key(|completion: &Completion| (completion.request, completion.sample));
        Ok(done)
    }

    fn check(&self, number: usize, request: &Request) -> Result<(), ModelError> {
        let count = request.prompt.len();
        let fault = if count == 0 {
            Some("the prompt is empty".to_owned())
        } else if count >= self.context {
            Some(format!(
                "the prompt has {count} tokens and leaves no room for an answer in a context of {}",
                self.context
            ))
        } else if request.max_tokens == 0 {
            Some("an answer of no tokens was asked for".to_owned())
        } else {
            let vocabulary = self.policy.config.vocab_size;
            let strange = request
                .prompt
                .iter()
                .find(|token| **token as usize >= vocabulary);
            strange
                .map(|token| format!("token {token} is not in the vocabulary of {vocabulary}"))
                .or_else(|| request.sampling.fault())
        };
        match fault {
            Some(fault) => Err(ModelError::Input(format!("request {number}: {fault}"))),
            None => Ok(()),
        }
    }

    /// Gives free slots to those who wait, and draws their first tokens.
    fn begin(
        &mut self,
        requests: &[Request],
        waiting: &mut VecDeque<(usize, usize)>,
        writing: &mut [Option<Writing>],
    ) -> Result<Vec<(usize, u32, f32)>, ModelError> {
        let mut prompts: Vec<usize> = Vec::new();
        let mut targets: Vec<(usize, usize)> = Vec::new();
        let mut length = 0;
        for (slot, place) in writing.iter_mut().enumerate() {
            let (true, Some((number, sample))) = (place.is_none(), waiting.front().copied()) else {
                continue;
            };
            let request = &requests[number];
            if prompts.last() != Some(&number) {
                let longest = self.filled(request.prompt.len()).max(length);
                if !prompts.is_empty() && (prompts.len() + 1) * longest > PREFILL_TOKENS {
                    break;
                }
                length = longest;
                prompts.push(number);
            }
            waiting.pop_front();
            targets.push((slot, prompts.len() - 1));
            *place = Some(Writing::new(number, sample, request, self.context));
        }
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        self.prefill(requests, &prompts, length, &targets, writing)
    }

    /// The length that a prompt is filled up to.
    fn filled(&self, count: usize) -> usize {
        count.next_multiple_of(PROMPT_STEP).min(self.context)
    }

    fn prefill(
        &mut self,
        requests: &[Request],
        prompts: &[usize],
        length: usize,
        targets: &[(usize, usize)],
        writing: &mut [Option<Writing>],
    ) -> Result<Vec<(usize, u32, f32)>, ModelError> {
        let mut tokens = vec![0_i64; prompts.len() * length];
        let mut last = Vec::new();
        for (row, number) in prompts.iter().enumerate() {
            let prompt = &requests[*number].prompt;
            for (to, token) in tokens[row * length..].iter_mut().zip(prompt) {
                *to = i64::from(*token);
            }
            last.push((row * length + prompt.len() - 1) as i64);
        }
        let slots: Vec<usize> = targets.iter().map(|(slot, _)| *slot).collect();
        let filtered = slots.iter().any(|slot| filters(requests, &writing[*slot]));
        let mut draws = Draws::default();
        for slot in &slots {
            draws.push(requests, writing[*slot].as_mut());
        }
        let layout = layout(&self.policy.config, prompts.len(), length);
        let binding = self.binding(Phase::Prefill, filtered)?;
        let integers =
            |shape: &[usize], numbers: &[i64]| Tensor::of(ElementType::I64, shape, numbers);
        binding.input("prompts", &integers(&[prompts.len(), length], &tokens)?)?;
        binding.input(LAYOUT, &integers(&[4], &layout)?)?;
        binding.input("last", &integers(&[last.len()], &last)?)?;
        let source: Vec<i64> = targets.iter().map(|(_, row)| *row as i64).collect();
        binding.input("source", &integers(&[source.len()], &source)?)?;
        let places: Vec<i64> = slots.iter().map(|slot| *slot as i64).collect();
        binding.input("slots", &integers(&[places.len()], &places)?)?;
        draws.bind(binding, filtered)?;
        read_drawn(binding, &slots)
    }

    /// Adds a token to every answer being written.
    fn decode(
        &mut self,
        requests: &[Request],
        writing: &mut [Option<Writing>],
    ) -> Result<Vec<(usize, u32, f32)>, ModelError> {
        let slots: Vec<usize> = (0..self.slots)
            .filter(|slot| writing[*slot].is_some())
            .collect();
        // The last token drawn is not in the cache yet; a slot without an answer writes its own
        // first place over and over.
        let latest = |place: &Option<Writing>| {
            place.as_ref().map_or((0, 0), |writing| {
                let token = writing.completion.tokens.last().copied().unwrap_or(0);
                (i64::from(token), writing.length as i32 - 1)
            })
        };
        let (tokens, position): (Vec<i64>, Vec<i32>) = writing.iter().map(latest).unzip();
        let longest = position.iter().max().map_or(1, |position| position + 1);
        let filtered = writing.iter().any(|place| filters(requests, place));
        let mut draws = Draws::default();
        for place in writing.iter_mut() {
            draws.push(requests, place.as_mut());
        }
        let count = self.slots;
        let binding = self.binding(Phase::Decode, filtered)?;
        binding.input("tokens", &Tensor::of(ElementType::I64, &[count], &tokens)?)?;
        binding.input(
            "position",
            &Tensor::of(ElementType::I32, &[count], &position)?,
        )?;
        binding.input("longest", &Tensor::of(ElementType::I32, &[1], &[longest])?)?;
        draws.bind(binding, filtered)?;
        let all: Vec<usize> = (0..count).collect();
        let drawn = read_drawn(binding, &all)?;
        Ok(slots.iter().map(|slot| drawn[*slot]).collect())
    }

    /// Binds what the requests will need. Binding locks the weights, which who reads them already must
    /// not do again: a trainer that waits in between to write them would make both wait for ever.
    fn prepare(&mut self, requests: &[Request]) -> Result<(), ModelError> {
        for filtered in [false, true] {
            let is_meant = |request: &Request| request.sampling.filters() == filtered;
            if requests.iter().any(is_meant) {
                self.binding(Phase::Prefill, filtered)?;
                self.binding(Phase::Decode, filtered)?;
            }
        }
        Ok(())
    }

    fn binding(&mut self, phase: Phase, filtered: bool) -> Result<&mut Binding, ModelError> {
        if !self.bindings.contains_key(&(phase, filtered)) {
            let binding = self.bind(phase, filtered)?;
            self.bindings.insert((phase, filtered), binding);
        }
        Ok(self
            .bindings
            .get_mut(&(phase, filtered))
            .expect("bound above"))
    }

    fn bind(&mut self, phase: Phase, filtered: bool) -> Result<Binding, ModelError> {
        let policy = &self.policy;
        let size = (self.slots, self.context);
        let name = match phase {
            Phase::Prefill => "prefill",
            Phase::Decode => "decode",
        };
        let key = policy.key(&format!("{name} {size:?} {filtered}"));
        let program = policy.engine.program(&key, || match phase {
            Phase::Prefill => prefill_graph(policy, size, filtered),
            Phase::Decode => decoding_graph(policy, size, filtered),
        })?;
        let mut binding = program.bind()?;
        policy.bind(&mut binding)?;
        for (name, tensor) in &mut self.cache {
            binding.input(name, tensor)?;
            binding.output(&next_name(name), tensor)?;
        }
        binding.fetch("token");
        binding.fetch("logp");
        Ok(binding)
    }
}

impl Writing {
    fn new(number: usize, sample: usize, request: &Request, context: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(request.seed);
        // Every answer has a stream of its own, whatever slot it gets.
        random.set_stream(((number as u64) << 32) | sample as u64);
        Writing {
            completion: Completion {
                request: number,
                sample,
                tokens: Vec::new(),
                logp: Vec::new(),
                finish: Finish::Length,
            },
            random,
            length: request.prompt.len(),
            limit: (request.prompt.len() + request.max_tokens).min(context),
        }
    }
}

fn filters(requests: &[Request], place: &Option<Writing>) -> bool {
    let request = place
        .as_ref()
        .map(|writing| &requests[writing.completion.request]);
    request.is_some_and(|request| request.sampling.filters())
}

/// How the rows of a run are drawn.
#[derive(Default)]
struct Draws {
    uniform: Vec<f32>,
    temperature: Vec<f64>,
    top_k: Vec<i64>,
    top_p: Vec<f64>,
    min_p: Vec<f64>,
}

impl Draws {
    /// The next row; a slot without an answer draws whatever there is.
    fn push(&mut self, requests: &[Request], row: Option<&mut Writing>) {
        let (uniform, sampling) = match row {
            Some(writing) => (
                writing.random.random::<f32>(),
                requests[writing.completion.request].sampling,
            ),
            None => (0.0, Sampling::default()),
        };
        self.uniform.push(uniform);
        self.temperature.push(match sampling.temperature > 0.0 {
            true => sampling.temperature.max(COLDEST),
            false => 0.0,
        });
        self.top_k.push(match sampling.top_k {
            0 => i64::MAX,
            count => i64::try_from(count).unwrap_or(i64::MAX),
        });
        // A sum of shares may come out a little above 1; nothing is left out at 1.
        self.top_p.push(match sampling.top_p < 1.0 {
            true => sampling.top_p,
            false => 2.0,
        });
        self.min_p.push(sampling.min_p);
    }

    fn bind(&self, binding: &mut Binding, filtered: bool) -> Result<(), ModelError> {
        let shape = [self.uniform.len(), 1];
        let real = |numbers: &[f64]| Tensor::of(ElementType::F32, &shape, numbers);
        binding.input(
            UNIFORM,
            &Tensor::of(ElementType::F32, &shape, &self.uniform)?,
        )?;
        binding.input(TEMPERATURE, &real(&self.temperature)?)?;
        if filtered {
            binding.input(TOP_K, &Tensor::of(ElementType::I64, &shape, &self.top_k)?)?;
            binding.input(TOP_P, &real(&self.top_p)?)?;
            binding.input(MIN_P, &real(&self.min_p)?)?;
        }
        Ok(())
    }
}

/// Runs, and gives each slot its token and log-probability.
fn read_drawn(
    binding: &mut Binding,
    slots: &[usize],
) -> Result<Vec<(usize, u32, f32)>, ModelError> {
    let fetched = binding.run()?;
    let (tokens, logp) = (fetched[0].read::<i64>()?, fetched[1].read::<f32>()?);
    let each = slots.iter().zip(tokens).zip(logp);
    Ok(each
        .map(|((slot, token), logp)| (*slot, token as u32, logp))
        .collect())
}

/// Adds drawn tokens to their answers; those that end give their slot free.
fn take(
    writing: &mut [Option<Writing>],
    requests: &[Request],
    drawn: Vec<(usize, u32, f32)>,
    watch: &mut impl FnMut(Drawn) -> Next,
    done: &mut Vec<Completion>,
) -> Result<(), ModelError> {
    for (slot, token, logp) in drawn {
        let Some(current) = writing[slot].as_mut() else {
            continue;
        };
        if !logp.is_finite() {
            return Err(ModelError::NotFinite(format!(
                "token {} of request {}: its log-probability",
                current.completion.tokens.len(),
                current.completion.request
            )));
        }
        let completion = &mut current.completion;
        completion.tokens.push(token);
        completion.logp.push(logp);
        current.length += 1;
        let seen = watch(Drawn {
            request: completion.request,
            sample: completion.sample,
            token,
            logp,
        });
        let stops = requests[completion.request].stop_tokens.contains(&token);
        let ended = stops || seen == Next::Stop;
        if ended || current.length >= current.limit {
            completion.finish = if ended { Finish::Stop } else { Finish::Length };
            done.extend(writing[slot].take().map(|writing| writing.completion));
        }
    }
    Ok(())
}
