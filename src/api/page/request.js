// What is sent: each check as a submission of its own, so that verdicts come one by one.

/** A number where one was written; the service says what is wrong with anything else. */
function numeric(text, factor = 1) {
  const number = Number(text);
  return Number.isFinite(number) ? number * factor : text;
}

/** Leaves out what is not set. */
const settled = object => {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
};

const given = (text, convert = value => value) => (text === "" ? undefined : convert(text));

/** What all submissions share. `form` has the texts of the form's fields. */
function common(form) {
  return {
    language: "python",
    code: form.code,
    reference: given(form.reference),
    limits: settled({
      time_ms: given(form.time, numeric),
      memory_bytes: given(form.memory, text => numeric(text, 1 << 20)),
    }),
    compare: settled({
      float_tolerance: given(form.tolerance, numeric),
      whitespace: given(form.whitespace),
    }),
    isolation: given(form.isolation),
    seed: given(form.seed, numeric),
  };
}

/** A submission for each check. */
export const oneByOne = (form, checks) => ({
  submissions: checks.map(check => ({ id: check.id, ...common(form), checks: [check] })),
});

/** One submission with all checks. */
export const together = (form, checks) => ({ submissions: [{ ...common(form), checks }] });

/** What the service says is wrong, with the place in the form: the check's number or none. */
export function problems(document) {
  return (document.errors ?? []).map(({ path, message }) => {
    const [, at, rest] = /^submissions\[(\d+)\]\.(.*)$/.exec(path) ?? [null, null, path];
    const [, field] = /^checks\[\d+\]\.?(.*)$/.exec(rest) ?? [null, null];
    return { path, message, check: field === null ? null : Number(at), field: field ?? rest };
  });
}

/** Sends and gives every result as soon as it is known. Throws a problem document as an error's `cause`. */
export async function* results(url, request, key, signal) {
  const headers = { "Content-Type": "application/json", Accept: "application/x-ndjson" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(request), signal });
  if (!response.ok) throw await refusal(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

async function refusal(response) {
  const cause = await response.json().catch(() => ({}));
  const again = response.headers.get("Retry-After");
  const words = cause.detail ?? cause.title ?? `the service answered ${response.status}`;
  const error = new Error(again ? `${words}; try again in ${again} s` : words, { cause });
  error.status = response.status;
  return error;
}
