'use strict';

const key = decodeURIComponent(location.pathname.split('/')[2] || '').replace(/^tributary:/, '');
const playlist = `/live/${key}/master.m3u8${location.search}`;
const COLOURS = ['#5cc8b0', '#7aa7f0', '#d9b45b', '#c98be0', '#e08a7a', '#8fcf6a', '#5bb8d9', '#d978a8'];
const BUCKET_COLOUR = '#66757e';
const RETRY_MS = 3000;
const ROWS = 10;
const FAR_BEHIND_SECONDS = 30;

const $ = id => document.getElementById(id);
const video = $('video');
const sources = new Map(); // By name: { colour, bytes }.
let relays = [];
let leftOut = [];
let bucket = '';
let hls;

/** Read by tests of this page: what a viewer saw. */
const seen = window.tributary = { chunks: 0, stalls: 0, errors: [], bytes: { relays: 0, bucket: 0 } };

function show(text) {
  $('message').classList.toggle('hidden', !text);
  $('message').firstElementChild.textContent = text || '';
}

async function describe() {
  try {
    const { meta } = await (await fetch(`/meta/tv/tributary:${key}.json`)).json();
    $('name').textContent = document.title = meta.name;
    $('description').textContent = meta.description === 'Live' ? '' : meta.description;
  } catch {
    $('name').textContent = 'Stream ' + key.slice(0, 8);
  }
}

async function learnRelays() {
  try {
    const query = new URLSearchParams(location.search);
    query.set('stream', key);
    const [stream] = (await (await fetch(`/relays.json?${query}`)).json()).streams;
    if (stream) {
      relays = stream.offered;
      leftOut = stream.leftOut.filter(each => each.role === 'relay');
      bucket = stream.fallback || '';
    }
    drawMap();
  } catch {
    // Names only: the chunks play without.
  }
}

function sourceOf(url) {
  if (bucket && url.startsWith(bucket)) {
    return { name: 'Storage', relay: false };
  }
  const relay = relays.find(r => url.startsWith(r.base + '/'));
  const host = new URL(url).host;
  return { name: relay ? `${relay.relay.slice(0, 6)} · ${host}` : host, relay: true };
}

function colourOf(source) {
  const known = sources.get(source.name);
  if (known) {
    return known;
  }
  const used = [...sources.values()].filter(s => s.colour !== BUCKET_COLOUR).length;
  const fresh = { colour: source.relay ? COLOURS[used % COLOURS.length] : BUCKET_COLOUR, bytes: 0 };
  sources.set(source.name, fresh);
  return fresh;
}

function cell(text, numeric) {
  const td = document.createElement('td');
  td.textContent = text;
  if (numeric) {
    td.className = 'number';
  }
  return td;
}

function swatch(colour) {
  const i = document.createElement('i');
  i.style.background = colour;
  return i;
}

function chunkLoaded(event, { frag, networkDetails }) {
  const url = (networkDetails && networkDetails.responseURL) || frag.url; // The gateway's link leads to a relay.
  const unknown = !relays.some(r => url.startsWith(r.base + '/'));
  if (unknown && !(bucket && url.startsWith(bucket))) {
    learnRelays();
  }
  const source = sourceOf(url);
  const entry = colourOf(source);
  const bytes = frag.stats.total || frag.stats.loaded;
  entry.bytes += bytes;
  seen.chunks++;
  seen.bytes[source.relay ? 'relays' : 'bucket'] += bytes;
  const row = document.createElement('tr');
  const [name, host] = source.name.split(' · ');
  const by = cell(name);
  by.prepend(swatch(entry.colour));
  if (host) {
    by.append(Object.assign(document.createElement('span'), { className: 'host', textContent: host }));
  }
  row.append(cell(frag.sn), by, cell(`${Math.round(bytes / 1000)} kB`, true),
    cell(`${Math.round(frag.stats.loading.end - frag.stats.loading.start)} ms`, true));
  $('chunks').prepend(row);
  while ($('chunks').rows.length > ROWS) {
    $('chunks').lastElementChild.remove();
  }
  drawShare();
}

function drawShare() {
  const total = [...sources.values()].reduce((sum, s) => sum + s.bytes, 0);
  $('share').replaceChildren();
  $('legend').replaceChildren();
  for (const [name, { colour, bytes }] of sources) {
    const part = document.createElement('span');
    part.style.background = colour;
    part.style.flexGrow = bytes / total;
    $('share').append(part);
    const item = document.createElement('li');
    item.append(swatch(colour), `${name}  ${Math.round(100 * bytes / total)} %`);
    $('legend').append(item);
  }
  drawMap();
}

const MAP = { width: 640, height: 300, middle: [320, 150], nearest: 62, farthest: 132, most: 60 };

function shape(tag, attributes, text) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) { node.setAttribute(name, value); }
  if (text) {
    const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    title.textContent = text;
    node.append(title);
  }
  return node;
}

/** A relay keeps its direction, whoever comes and goes: it follows from its key. */
function direction(relayKey) {
  let hash = 0;
  for (const letter of relayKey) { hash = (hash * 31 + letter.charCodeAt(0)) >>> 0; }
  return (hash % 3600) / 3600 * 2 * Math.PI;
}

/** You in the middle, relays around you, near or far; a line for each that has served you, as thick as its share. */
function drawMap() {
  const map = $('map');
  const total = [...sources.values()].reduce((sum, s) => sum + s.bytes, 0);
  const farthest = Math.max(500, ...relays.map(r => r.kilometres));
  const [x0, y0] = MAP.middle;
  const lines = [];
  const dots = [];
  let serving = 0;
  for (const [place, relay] of [...relays, ...leftOut].slice(0, MAP.most).entries()) {
    const offered = place < relays.length;
    const far = offered ? Math.log1p(relay.kilometres) / Math.log1p(farthest) : 1;
    const radius = MAP.nearest + far * (MAP.farthest - MAP.nearest);
    const angle = direction(relay.relay);
    const x = x0 + 2.1 * radius * Math.cos(angle);
    const y = y0 + radius * Math.sin(angle);
    const source = offered && sources.get(sourceOf(relay.base + '/').name);
    const share = source && total ? source.bytes / total : 0;
    serving += share > 0 ? 1 : 0;
    if (share > 0) {
      lines.push(shape('line', { x1: x0, y1: y0, x2: x, y2: y, stroke: source.colour, 'stroke-width': 1.5 + 8 * share, 'stroke-linecap': 'round', opacity: .75 }));
    }
    const kilometres = relay.kilometres ? `, ${relay.kilometres.toLocaleString()} km away` : '';
    const says = offered ? `${relay.relay.slice(0, 6)}${kilometres}, ${Math.round(100 * share)} % of what you got`
      : `${relay.relay.slice(0, 6)}, left out: ${relay.reason}`;
    const dot = shape('circle', { cx: x, cy: y, r: 6 + 8 * share, class: offered ? 'relay' : 'relay out' }, says);
    if (share > 0) { dot.style.fill = source.colour; }
    dots.push(dot);
  }
  dots.push(shape('circle', { cx: x0, cy: y0, r: 11, class: 'you' }, 'You'));
  map.replaceChildren(shape('ellipse', { cx: x0, cy: y0, rx: 2.1 * MAP.nearest, ry: MAP.nearest, class: 'ring' }),
    shape('ellipse', { cx: x0, cy: y0, rx: 2.1 * MAP.farthest, ry: MAP.farthest, class: 'ring' }), ...lines, ...dots);
  const out = leftOut.length ? `, ${leftOut.length} left out` : '';
  $('map-says').textContent = relays.length + leftOut.length === 0 ? 'No relay carries this stream yet.'
    : `You in the middle; ${relays.length} relay${relays.length === 1 ? '' : 's'} in reach${out}, ${serving} served you so far.`;
}

function drawPosition() {
  const latency = hls ? hls.latency : 0;
  const known = latency > 0 && video.readyState > 1;
  const behind = latency > FAR_BEHIND_SECONDS;
  $('position').classList.toggle('hidden', !known);
  $('position').className = `badge live${behind ? ' behind' : ''}${known ? '' : ' hidden'}`;
  $('position').textContent = `Live · ${latency.toFixed(0)} s behind`;
  $('to-live').classList.toggle('hidden', !(known && behind));
  $('sound').classList.toggle('hidden', !video.muted || video.readyState < 2);
}

function failed(event, data) {
  seen.errors.push(data.details);
  if (!data.fatal) {
    return;
  }
  const status = data.response && data.response.code;
  if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
    hls.recoverMediaError();
    return;
  }
  show(status === 404 ? 'This gateway does not list that stream.'
    : status === 503 ? 'Nothing to play yet: waiting for a relay to hold it …' : 'Lost the way; trying again …');
  setTimeout(start, RETRY_MS);
}

function start() {
  if (hls) {
    hls.destroy();
  }
  if (!window.Hls || !Hls.isSupported()) {
    video.src = playlist; // Safari on a phone plays HLS by itself, and tells nothing of its chunks.
    $('legend').firstElementChild.textContent = 'This browser plays the stream by itself and does not say from where.';
    show('');
    return;
  }
  hls = new Hls({ liveSyncDurationCount: 3, liveMaxLatencyDurationCount: 8, backBufferLength: 60 });
  hls.on(Hls.Events.FRAG_LOADED, chunkLoaded);
  hls.on(Hls.Events.ERROR, failed);
  hls.loadSource(playlist);
  hls.attachMedia(video);
}

video.addEventListener('playing', () => show(''));
video.addEventListener('waiting', () => { if (video.currentTime > 0) { seen.stalls++; } });
$('sound').addEventListener('click', () => { video.muted = false; drawPosition(); });
$('to-live').addEventListener('click', () => { video.currentTime = hls.liveSyncPosition; video.play(); });
$('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText($('command').textContent);
  $('copy').textContent = 'Copied';
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 2000);
});
$('command').textContent = `java -jar relay.jar --stream ${key}`;
setInterval(drawPosition, 500);
describe();
setInterval(describe, 30000);
setInterval(learnRelays, 15000);
learnRelays().then(start);
