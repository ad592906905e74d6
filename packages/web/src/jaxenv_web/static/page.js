const $ = id => document.getElementById(id);
const tile = location.hash === "#tile";
document.body.classList.toggle("tile", tile);
const game = {
  params: INFO.params, seed: 0, state: null, obs: null, carry: null, action: null, player: INFO.player, running: true, speed: INFO.speed,
  steps: 0, length: 0, episodes: 0, reward: 0, total: 0, last: null, returns: [], course: [], waiting: 0,
};
const KEYS = INFO.controls.actions, held = [];

// The order of keys: a key is split into the next one and one to use, for the reset, and for each action and each step.
const nextKey = () => { const {first, second} = splitKey(game.key); game.key = first; return second; };
const restart = () => {
  game.key = seedKey(game.seed);
  game.state = reset(nextKey(), game.params);
  Object.assign(game, {obs: observe(game.state, game.params), carry: INFO.carry, steps: 0, length: 0, reward: 0, total: 0, episodes: 0, last: null, returns: [], course: [0], waiting: 0});
};
const choose = () => {
  const key = nextKey();
  if (game.player === "you") return held.length ? KEYS[held[held.length - 1]] : game.pointer ?? INFO.controls.idle;
  if (game.player === "agent") {
    const out = act(game.carry, game.obs, key);
    if (INFO.carry === null) return out;
    game.carry = out.carry;
    return out.action;
  }
  return sample(key);
};
const take = (action = choose()) => {
  const after = step(nextKey(), game.state, game.action = action, game.params);
  game.state = after.state;
  game.obs = observe(after.state, game.params);
  game.reward = after.reward;
  game.total += after.reward;
  game.steps++; game.length++;
  game.course.push(game.total);
  if (game.course.length > 2000) game.course = game.course.filter((_, i) => i % 2 === 0);
  if (after.terminated || after.truncated) {
    game.returns.push(game.last = game.total);
    if (game.returns.length > 200) game.returns.shift();
    game.episodes++; game.total = game.length = 0; game.course = [0]; game.carry = INFO.carry;
    if (game.player === "you") game.waiting = performance.now() + 500;
  }
  return after;
};
// Plays random actions without drawing; returns steps a second.
const measure = count => {
  let key = seedKey(1), use;
  ({first: key, second: use} = splitKey(key));
  let state = reset(use, game.params);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    ({first: key, second: use} = splitKey(key));
    state = step(use, state, sample(key), game.params).state;
  }
  return count / (performance.now() - start) * 1000;
};

// The picture, the observation, the plot.
const context = $("picture").getContext("2d"), picture = makePicture(context);
$("picture").hidden = !INFO.picture;
const show = number => typeof number === "boolean" || Number.isInteger(number) ? String(number) : String(+number.toPrecision(4));
const drawObservation = () => {
  const shape = INFO.board;
  if (!shape) {
    const entries = typeof game.obs === "object" && game.obs.length === undefined ? Object.entries(game.obs) : [["", game.obs]];
    $("numbers").textContent = entries.map(([k, v]) => (k ? k + ": " : "") + (typeof v === "object" ? Array.from(v, show).join("  ") : show(v))).join("\n");
    return;
  }
  const [rows, columns, channels] = shape, ink = $("board").getContext("2d"), image = ink.createImageData(columns, rows);
  const high = Math.max(1, ...game.obs);
  for (let i = 0; i < rows * columns; i++) {
    let rgb = [40, 44, 52];
    for (let c = 0; c < channels; c++) {
      const x = Number(game.obs[i * channels + c]) / high, hue = 360 * c / channels;
      if (x) rgb = channels > 1 ? [0, 120, 240].map(turn => 150 + 90 * Math.cos((hue - turn) * Math.PI / 180)) : rgb.map(v => v + x * (235 - v));
    }
    image.data.set([...rgb, 255], 4 * i);
  }
  ink.putImageData(image, 0, 0);
};
const drawPlot = () => {
  const ink = $("plot").getContext("2d"), {width, height} = ink.canvas, all = [...game.returns, ...game.course];
  const low = all.reduce((a, b) => Math.min(a, b), 0), high = all.reduce((a, b) => Math.max(a, b), low + 1e-9), y = v => height - 8 - (v - low) / (high - low) * (height - 24);
  ink.clearRect(0, 0, width, height);
  ink.fillStyle = "#888"; ink.lineWidth = 2;
  for (const [color, values] of [["#999", game.course], ["#0072b2", game.returns]]) {
    ink.strokeStyle = color; ink.beginPath();
    values.forEach((v, i) => ink.lineTo(6 + i / Math.max(1, values.length - 1) * (width - 12), y(v)));
    ink.stroke();
  }
  ink.font = "12px system-ui"; ink.fillText(`returns of episodes (blue) and in this one (grey), ${show(low)} to ${show(high)}`, 8, 13);
};
const drawAll = fps => {
  if (INFO.picture) draw(picture, game.state, game.obs, game.params);
  if (tile) return;
  drawObservation(); drawPlot();
  $("score").textContent = `step ${game.length} · reward ${show(game.reward)} · return ${show(game.total)} · episodes ${game.episodes}` +
    (game.last === null ? "" : ` · last return ${show(game.last)}`) + ` · ${fps} frames/s`;
  $("rate").textContent = game.speed;
};

// Frames: as many steps as their time has passed.
let before = 0, owed = 0, frames = 0, since = 0;
game.fps = 0;
const frame = now => {
  if (now - since >= 500) { game.fps = Math.round(frames * 1000 / (now - since)); frames = 0; since = now; }
  frames++;
  const asleep = game.player === "you" && (!INFO.realtime || now < game.waiting);
  owed = game.running && !asleep ? Math.min(owed + (now - before) / 1000 * game.speed, 10) : 0;
  for (; owed >= 1; owed--) take();
  before = now;
  drawAll(game.fps);
  requestAnimationFrame(frame);
};

// Keys, touch and mouse. The first key of an action takes over.
const say = text => { $("message").textContent = text; };
const hand = player => { game.player = $("player").value = player; game.carry = INFO.carry; say(""); };
const resume = running => { game.running = running; $("pause").textContent = running ? "Pause" : "Play"; };
const press = name => {
  if (!(name in KEYS)) return;
  if (game.player !== "you") hand("you");
  if (!held.includes(name)) held.push(name);
  resume(true);
  if (!INFO.realtime) take();
  light();
};
const release = name => { if (held.includes(name)) held.splice(held.indexOf(name), 1); light(); };
const light = () => document.querySelectorAll("#buttons button").forEach(b => b.classList.toggle("on", b.dataset.keys.split(" ").some(k => held.includes(k))));
const nameOf = event => ({ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", " ": "space"})[event.key] ?? event.key.toLowerCase();
const COMMANDS = {
  enter: () => resume(!game.running), r: restart, ".": () => { resume(false); take(); },
  t: () => hand(game.player === "you" ? INFO.player : INFO.players.includes("you") ? "you" : game.player),
};
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
  const name = nameOf(event);
  if (event.target.tagName === "BUTTON" && (name === "space" || name === "enter")) return;
  if (name in KEYS) { event.preventDefault(); if (!event.repeat || !INFO.realtime) press(name); }
  else if (name in COMMANDS) { event.preventDefault(); COMMANDS[name](); }
});
addEventListener("keyup", event => release(nameOf(event)));
addEventListener("blur", () => { held.length = 0; light(); });
for (const [keys, name] of INFO.controls.legend) {
  const button = document.createElement("button"), key = keys.names[0];
  button.textContent = name; button.dataset.keys = keys.names.join(" "); button.title = "Key: " + keys.shown;
  button.addEventListener("pointerdown", event => { event.preventDefault(); press(key); });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(end, () => release(key));
  $("buttons").append(button);
}
// A pointer on the picture sets the components of an action directly, or goes left, right, up or down.
const point = event => {
  if (!INFO.players.includes("you")) return;
  const box = $("picture").getBoundingClientRect(), x = (event.clientX - box.left) / box.width, y = 1 - (event.clientY - box.top) / box.height;
  if (INFO.controls.bounds) {
    if (game.player !== "you") hand("you");
    const [low, high] = INFO.controls.bounds;
    game.pointer = low.map((l, i) => Math.fround(l + (i ? y : x) * (high[i] - l)));
    return;
  }
  const across = Math.abs(x - 0.5) > Math.abs(y - 0.5) ? (x < 0.5 ? "left" : "right") : y < 0.5 ? "down" : "up";
  const name = across in KEYS ? across : x < 0.5 ? "left" : "right";
  game.pressed = name in KEYS ? name : "space"; press(game.pressed);
};
$("picture").addEventListener("pointerdown", event => { $("picture").focus(); $("picture").setPointerCapture(event.pointerId); point(event); });
$("picture").addEventListener("pointermove", event => { if (event.buttons && INFO.controls.bounds) point(event); });
for (const end of ["pointerup", "pointercancel"]) $("picture").addEventListener(end, () => { game.pointer = undefined; release(game.pressed); });

// Settings.
$("pause").onclick = () => resume(!game.running);
$("one").onclick = COMMANDS["."];
$("restart").onclick = restart;
$("measure").onclick = () => { say("Measuring…"); setTimeout(() => { measure(2e4); say(`${Math.round(measure(4e5)).toLocaleString("en")} steps a second without drawing.`); }, 20); };
$("speed").value = INFO.speed;
$("speed").oninput = event => { game.speed = +event.target.value; };
$("seed").onchange = event => { game.seed = Number(event.target.value) >>> 0; restart(); };
for (const player of INFO.players) $("player").append(new Option({you: "You play", random: "Random actions", agent: "Trained agent"}[player], player));
$("player").onchange = event => { hand(event.target.value); event.target.blur(); };
const accepted = (field, x) => Number.isFinite(x) && (field.kind !== "integer" || Number.isInteger(x)) &&
  (field.least == null || x >= field.least) && (field.most == null || x <= field.most) && (field.above == null || x > field.above) && (field.below == null || x < field.below);
for (const field of INFO.fields) {
  const row = $("params").insertRow(), input = document.createElement("input"), flag = field.kind === "flag";
  row.insertCell().append(field.label);
  input.type = flag ? "checkbox" : "number"; input.step = field.kind === "integer" ? 1 : "any"; input.id = "param-" + field.path;
  const slider = flag || field.kind === "integer" ? null : document.createElement("input");
  const put = () => { if (flag) input.checked = game.params[field.path]; else { input.value = field.kind === "integer" ? game.params[field.path] : +game.params[field.path].toPrecision(7); if (slider) slider.value = input.value; } };
  const set = value => {
    if (!flag && !accepted(field, value)) { say(`${field.label} is a${field.kind === "integer" ? "n integer" : " number"}${field.range ? " " + field.range : ""}. Enter another value.`); put(); return; }
    say(""); game.params[field.path] = field.kind === "number" ? Math.fround(value) : value; put();
  };
  input.onchange = () => set(flag ? input.checked : Number(input.value));
  row.insertCell().append(input);
  if (slider) {
    slider.type = "range"; slider.step = "any"; [slider.min, slider.max] = field.slider;
    slider.oninput = () => set(Number(slider.value)); row.cells[1].append(slider);
  }
  const small = document.createElement("small");
  small.textContent = field.meaning + (field.range && !field.meaning.includes(field.range) ? ` Range: ${field.range}.` : "");
  row.insertCell().append(small);
  put();
}
if (INFO.board) { $("board").hidden = false; [$("board").height, $("board").width] = INFO.board; $("board").style.width = "200px"; $("board").style.height = 200 * INFO.board[0] / INFO.board[1] + "px"; }
$("help").textContent = (INFO.players.includes("you") ? INFO.controls.legend.map(([keys, name]) => `[${keys.shown}] ${name}`).join("  ") + "  ·  [t] take over or give back  " : INFO.controls.reason + " ") + "[enter] pause  [.] step  [r] restart";
hand(INFO.player);
restart();
drawAll(0);
if (!(tile && matchMedia("(prefers-reduced-motion: reduce)").matches)) requestAnimationFrame(now => { before = since = now; frame(now); });
