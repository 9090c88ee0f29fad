'use strict';

/**
 * QR codes (ISO/IEC 18004): bytes, error correction level L, versions 1 to 15, as the text of an SVG.
 * window.qrSvg(text) gives an empty string where the text is too long.
 */
(() => {
  const EC_PER_BLOCK = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22];
  const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6];
  const LEVEL_L = 1;
  const QUIET = 3;
  const MASKS = [
    (x, y) => (x + y) % 2, (x, y) => y % 2, x => x % 3, (x, y) => (x + y) % 3,
    (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => x * y % 2 + x * y % 3,
    (x, y) => (x * y % 2 + x * y % 3) % 2, (x, y) => ((x + y) % 2 + x * y % 3) % 2,
  ];

  // GF(256) with x^8 + x^4 + x^3 + x^2 + 1.
  const EXP = [], LOG = [];
  for (let i = 0, x = 1; i < 255; i++) {
    EXP[i] = x;
    LOG[x] = i;
    x = x << 1 ^ (x & 128 ? 0x11d : 0);
  }
  const times = (a, b) => a && b ? EXP[(LOG[a] + LOG[b]) % 255] : 0;

  function correction(data, count) {
    let generator = [1];
    for (let i = 0; i < count; i++) {
      const next = [...generator, 0];
      generator.forEach((c, j) => { next[j + 1] ^= times(c, EXP[i]); });
      generator = next;
    }
    const rest = [...data, ...Array(count).fill(0)];
    data.forEach((ignored, i) => {
      const factor = rest[i];
      generator.forEach((c, j) => { rest[i + j] ^= times(c, factor); });
    });
    return rest.slice(data.length);
  }

  function alignment(version) {
    if (version === 1) { return []; }
    const count = Math.floor(version / 7) + 2;
    const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
    const positions = [];
    for (let p = version * 4 + 10; positions.length < count - 1; p -= step) { positions.unshift(p); }
    return [6, ...positions];
  }

  function totalCodewords(version) {
    let bits = (16 * version + 128) * version + 64;
    if (version > 1) {
      const n = Math.floor(version / 7) + 2;
      bits -= (25 * n - 10) * n - 55 + (version > 6 ? 36 : 0);
    }
    return Math.floor(bits / 8);
  }

  const dataCodewords = version => totalCodewords(version) - EC_PER_BLOCK[version - 1] * BLOCKS[version - 1];

  function codewords(bytes, version) {
    const bits = [];
    const push = (value, length) => { for (let i = length - 1; i >= 0; i--) { bits.push(value >> i & 1); } };
    push(4, 4); // Byte mode.
    push(bytes.length, version < 10 ? 8 : 16);
    bytes.forEach(b => push(b, 8));
    const capacity = dataCodewords(version) * 8;
    push(0, Math.min(4, capacity - bits.length));
    push(0, (8 - bits.length % 8) % 8);
    const data = [];
    for (let i = 0; i < bits.length; i += 8) { data.push(parseInt(bits.slice(i, i + 8).join(''), 2)); }
    for (let pad = 0xec; data.length < capacity / 8; pad ^= 0xec ^ 0x11) { data.push(pad); }

    const blocks = BLOCKS[version - 1], ec = EC_PER_BLOCK[version - 1];
    const short = Math.floor(data.length / blocks), longer = data.length % blocks;
    const parts = [], checks = [];
    for (let b = 0, at = 0; b < blocks; b++) {
      const length = short + (b >= blocks - longer ? 1 : 0);
      parts.push(data.slice(at, at += length));
      checks.push(correction(parts[b], ec));
    }
    const out = [];
    for (let i = 0; i <= short; i++) { parts.forEach(p => { if (i < p.length) { out.push(p[i]); } }); }
    for (let i = 0; i < ec; i++) { checks.forEach(c => out.push(c[i])); }
    return out;
  }

  /** @returns rows of true and false, and which of them carry no data */
  function frame(version) {
    const size = version * 4 + 17;
    const dark = Array.from({ length: size }, () => Array(size).fill(false));
    const fixed = Array.from({ length: size }, () => Array(size).fill(false));
    const set = (x, y, on) => {
      if (x >= 0 && y >= 0 && x < size && y < size) { dark[y][x] = Boolean(on); fixed[y][x] = true; }
    };
    for (let i = 0; i < size; i++) { set(6, i, i % 2 === 0); set(i, 6, i % 2 === 0); }
    for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
      for (let dy = -4; dy <= 4; dy++) {
        for (let dx = -4; dx <= 4; dx++) {
          const ring = Math.max(Math.abs(dx), Math.abs(dy));
          set(cx + dx, cy + dy, ring !== 2 && ring !== 4);
        }
      }
    }
    const places = alignment(version), last = places.length - 1;
    places.forEach((cx, i) => places.forEach((cy, j) => {
      if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) { return; }
      for (let dy = -2; dy <= 2; dy++) {
        for (let dx = -2; dx <= 2; dx++) { set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1); }
      }
    }));
    if (version > 6) {
      let rest = version;
      for (let i = 0; i < 12; i++) { rest = rest << 1 ^ (rest >> 11) * 0x1f25; }
      const bits = version << 12 | rest;
      for (let i = 0; i < 18; i++) {
        const a = size - 11 + i % 3, b = Math.floor(i / 3);
        set(a, b, bits >> i & 1);
        set(b, a, bits >> i & 1);
      }
    }
    return { size, dark, fixed, set };
  }

  function format({ size, set }, mask) {
    const data = LEVEL_L << 3 | mask;
    let rest = data;
    for (let i = 0; i < 10; i++) { rest = rest << 1 ^ (rest >> 9) * 0x537; }
    const bits = (data << 10 | rest) ^ 0x5412;
    const bit = i => bits >> i & 1;
    for (let i = 0; i < 6; i++) { set(8, i, bit(i)); }
    set(8, 7, bit(6));
    set(8, 8, bit(7));
    set(7, 8, bit(8));
    for (let i = 9; i < 15; i++) { set(14 - i, 8, bit(i)); }
    for (let i = 0; i < 8; i++) { set(size - 1 - i, 8, bit(i)); }
    for (let i = 8; i < 15; i++) { set(8, size - 15 + i, bit(i)); }
    set(8, size - 8, true);
  }

  function fill({ size, dark, fixed }, words, mask) {
    let i = 0;
    for (let right = size - 1; right > 0; right -= 2) {
      if (right === 6) { right = 5; }
      for (let step = 0; step < size; step++) {
        for (const x of [right, right - 1]) {
          const y = (right + 1 & 2) === 0 ? size - 1 - step : step;
          if (!fixed[y][x]) {
            const on = i < words.length * 8 && (words[i >> 3] >> (7 - (i & 7)) & 1);
            dark[y][x] = Boolean(on) !== (MASKS[mask](x, y) === 0);
            i++;
          }
        }
      }
    }
  }

  /** How hard a code is to read: long runs, blocks of one colour, what looks like a finder, and an uneven balance. */
  function penalty({ size, dark }) {
    let sum = 0, on = 0;
    const at = [(a, b) => dark[a][b], (a, b) => dark[b][a]];
    for (const get of at) {
      for (let a = 0; a < size; a++) {
        let line = '';
        for (let b = 0; b < size; b++) { line += get(a, b) ? '1' : '0'; }
        for (const run of line.match(/0+|1+/g)) { sum += run.length > 4 ? run.length - 2 : 0; }
        for (let b = 0; b + 11 <= size; b++) {
          const part = line.substr(b, 11);
          sum += part === '10111010000' || part === '00001011101' ? 40 : 0;
        }
      }
    }
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        on += dark[y][x];
        const block = y && x && dark[y][x] === dark[y - 1][x] && dark[y][x] === dark[y][x - 1]
          && dark[y][x] === dark[y - 1][x - 1];
        sum += block ? 3 : 0;
      }
    }
    return sum + Math.floor(Math.abs(on * 20 / (size * size) - 10)) * 10;
  }

  window.qrSvg = text => {
    const bytes = [...new TextEncoder().encode(text)];
    let version = 1;
    while (version <= BLOCKS.length && bytes.length + (version < 10 ? 2 : 3) > dataCodewords(version)) { version++; }
    if (version > BLOCKS.length) { return ''; }
    const words = codewords(bytes, version);
    let best;
    for (let mask = 0; mask < MASKS.length; mask++) {
      const code = frame(version);
      format(code, mask);
      fill(code, words, mask);
      const points = penalty(code);
      if (!best || points < best.points) { best = { code, points }; }
    }
    const { size, dark } = best.code;
    let path = '';
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) { path += dark[y][x] ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ''; }
    }
    const edge = size + 2 * QUIET;
    return `<svg viewBox="0 0 ${edge} ${edge}" shape-rendering="crispEdges"><path fill="#000" d="${path}"/></svg>`;
  };
})();
