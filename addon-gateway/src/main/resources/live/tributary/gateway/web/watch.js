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
      bucket = stream.fallback || '';
    }
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

function chunkLoaded(event, { frag }) {
  const unknown = !relays.some(r => frag.url.startsWith(r.base + '/'));
  if (unknown && !(bucket && frag.url.startsWith(bucket))) {
    learnRelays();
  }
  const source = sourceOf(frag.url);
  const entry = colourOf(source);
  const bytes = frag.stats.total || frag.stats.loaded;
  entry.bytes += bytes;
  seen.chunks++;
  seen.bytes[source.relay ? 'relays' : 'bucket'] += bytes;
  const row = document.createElement('tr');
  const by = cell(source.name);
  by.prepend(swatch(entry.colour));
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
learnRelays().then(start);
