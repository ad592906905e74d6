// Draws the shapes of a jaxenv.visualize.Canvas on a 2D context. Coordinates are the scene's: y points up, lengths are its units.
// A number may be an array: then the shape is many, in one colour. No shape is thinner than one pixel.
const css = color => typeof color === "string" ? color : `rgb(${color[0]},${color[1]},${color[2]})`;
const at = (x, i) => x.length === undefined ? x : x[i];
const makePicture = context => {
  let left, top, pixel;
  const X = x => (x - left) / pixel, Y = y => (top - y) / pixel, thick = (w, least) => Math.max(w / pixel, least);
  // Trace all of a shape that is many as one path, or one by one where each has an opacity of its own.
  const each = (numbers, opacity, trace, paint) => {
    const n = Math.max(...numbers.map(x => x.length ?? 1)), apart = opacity.length !== undefined;
    if (!apart) { context.globalAlpha = opacity; context.beginPath(); }
    for (let i = 0; i < n; i++) {
      if (apart) { context.globalAlpha = at(opacity, i); context.beginPath(); }
      trace(...numbers.map(x => at(x, i)));
      if (apart) paint();
    }
    if (!apart) paint();
    context.globalAlpha = 1;
  };
  const pen = (width, color) => {
    context.lineWidth = thick(width, 1); context.strokeStyle = css(color); context.lineCap = context.lineJoin = "round";
  };
  const dot = (x, y, radius) => { context.moveTo(x + radius, y); context.arc(x, y, radius, 0, 2 * Math.PI); };
  const fill = color => () => { context.fillStyle = css(color); context.fill(); };
  const stroke = () => context.stroke();
  return {
    begin(l, b, r, t, background) {
      const {width, height} = context.canvas;
      pixel = Math.max((r - l) / width, (t - b) / height);
      left = (l + r - width * pixel) / 2; top = (b + t + height * pixel) / 2;
      context.globalAlpha = 1; context.fillStyle = css(background); context.fillRect(0, 0, width, height);
    },
    circle(x, y, radius, width, color, opacity) {
      const ring = at(width, 0) >= 0;
      if (ring) { pen(at(width, 0), color); }
      each([x, y, radius], opacity, (x, y, radius) => dot(X(x), Y(y), ring ? Math.abs(radius) / pixel : thick(radius, 0.5)), ring ? stroke : fill(color));
    },
    line(x0, y0, x1, y1, width, color, opacity) {
      pen(at(width, 0), color);
      each([x0, y0, x1, y1], opacity, (x0, y0, x1, y1) => {
        context.moveTo(X(x0), Y(y0)); context.lineTo(X(x1) + (x0 === x1 && y0 === y1 ? 1e-3 : 0), Y(y1));
      }, stroke);
    },
    path(xs, ys, width, color, opacity) {
      pen(width, color); context.globalAlpha = opacity; context.beginPath();
      for (let i = 0; i < xs.length; i++) context.lineTo(X(xs[i]), Y(ys[i]));
      context.stroke(); context.globalAlpha = 1;
    },
    below(xs, ys, color, opacity) {
      context.fillStyle = css(color); context.globalAlpha = opacity; context.beginPath();
      for (let i = 0; i < xs.length; i++) context.lineTo(X(xs[i]), Y(ys[i]));
      context.lineTo(X(xs[xs.length - 1]), context.canvas.height + 9); context.lineTo(X(xs[0]), context.canvas.height + 9);
      context.fill(); context.globalAlpha = 1;
    },
    rectangle(x, y, w, h, angle, rounding, width, color, opacity) {
      const frame = at(width, 0) >= 0;
      if (frame) { pen(at(width, 0), color); context.lineJoin = "miter"; }
      each([x, y, w, h, angle, rounding], opacity, (x, y, w, h, angle, rounding) => {
        w = thick(w, 0.5); h = thick(h, 0.5);
        const r = Math.max(0, Math.min(rounding / pixel, w / 2, h / 2));
        context.save(); context.translate(X(x), Y(y)); context.rotate(-angle);
        if (r) context.roundRect(-w / 2, -h / 2, w, h, r); else context.rect(-w / 2, -h / 2, w, h);
        context.restore();
      }, frame ? stroke : fill(color));
    },
    polygon(xs, ys, corners, color, opacity) {
      const apart = opacity.length !== undefined;
      context.fillStyle = css(color); context.beginPath();
      for (let i = 0; i < xs.length; i += corners) {
        context.globalAlpha = at(opacity, i / corners);
        for (let j = i; j < i + corners; j++) context[j > i ? "lineTo" : "moveTo"](X(xs[j]), Y(ys[j]));
        context.closePath();
        if (apart) { context.fill(); context.beginPath(); }
      }
      if (!apart) context.fill();
      context.globalAlpha = 1;
    },
    grid(rows, columns, l, b, r, t, gap, cells, colors) {
      const list = typeof colors[0] === "string" ? colors : Array.from({length: colors.length / 3}, (_, i) => css(colors.slice(3 * i, 3 * i + 3)));
      const inset = gap / 2 / pixel, side = gap ? x => x : Math.round;
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
        context.fillStyle = list[Math.max(0, Math.min(cells[i * columns + j], list.length - 1))];
        const x0 = side(X(l + j * (r - l) / columns) + inset), x1 = side(X(l + (j + 1) * (r - l) / columns) - inset);
        const y0 = side(Y(t - i * (t - b) / rows) + inset), y1 = side(Y(t - (i + 1) * (t - b) / rows) - inset);
        context.fillRect(x0, y0, x1 - x0, y1 - y0);
      }
    },
    text(x, y, height, align, codes, color, opacity) {
      if (height / pixel < 6) return;
      const size = Math.max(1, Math.floor(height / pixel / 7 + 1e-6)), wide = (6 * codes.length - 1) * size;
      const x0 = Math.round(X(x) - wide * {left: 0, center: 0.5, right: 1}[align]), y0 = Math.round(Y(y) - 7 * size / 2);
      context.fillStyle = css(color); context.globalAlpha = opacity;
      for (let n = 0; n < codes.length; n++) {
        const glyph = typeof codes === "string" ? CHARACTERS.indexOf(codes[n]) : codes[n];
        for (let column = 0; column < 5; column++) {
          const dots = parseInt(GLYPHS.substr(10 * glyph + 2 * column, 2), 16);
          for (let row = 0; row < 7; row++) {
            if (dots >> row & 1) context.fillRect(x0 + (6 * n + column) * size, y0 + row * size, size, size);
          }
        }
      }
      context.globalAlpha = 1;
    },
  };
};
