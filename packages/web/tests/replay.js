// Replays recorded steps: reads a file of cases, takes every step from the state that JAX had, and writes what comes out.
const fs = require("fs");
const cases = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const row = (columns, t) => Array.isArray(columns) ? columns[t] : Object.fromEntries(Object.entries(columns).map(([k, c]) => [k, c[t]]));
const out = {};
for (const [id, one] of Object.entries(cases)) {
  const env = new Function(one.source + "\nreturn {seedKey, splitKey, reset, step, observe, sample};")();
  const found = {keys: [], samples: [], states: [], rewards: [], terminated: [], truncated: [], observations: []};
  let key = env.seedKey(one.seed), act, now;
  ({first: key, second: now} = env.splitKey(key));
  found.first = env.reset(now, one.params);
  for (let t = 0; t < one.steps; t++) {
    ({first: key, second: act} = env.splitKey(key));
    ({first: key, second: now} = env.splitKey(key));
    found.keys.push(now);
    found.samples.push(env.sample(act));
    const state = row(one.states, t);
    found.observations.push(env.observe(state, one.params));
    const after = env.step(now, state, row(one.actions, t), one.params);
    found.states.push(after.state);
    found.rewards.push(after.reward);
    found.terminated.push(after.terminated);
    found.truncated.push(after.truncated);
  }
  // The whole game once more, by JavaScript's own states.
  key = env.seedKey(one.seed);
  ({first: key, second: now} = env.splitKey(key));
  let state = env.reset(now, one.params);
  found.own = [];
  for (let t = 0; t < one.steps; t++) {
    ({first: key} = env.splitKey(key));
    ({first: key, second: now} = env.splitKey(key));
    ({state} = env.step(now, state, row(one.actions, t), one.params));
    found.own.push(state);
  }
  out[id] = found;
}
// Typed arrays are arrays in JSON, too; NaN and infinities are strings.
fs.writeFileSync(process.argv[3], JSON.stringify(out, (k, v) => ArrayBuffer.isView(v) ? Array.from(v) : typeof v === "number" && !isFinite(v) ? String(v) : v));
