// Stremio's own client logic, compiled from its source (@stremio/stremio-core-web), in node: installs an add-on, opens what a
// person opens, and says what it kept of what it was sent.
// stremio_core.js STREAM_ID VIDEO_ID|- MANIFEST_URL…: one JSON object a manifest on stdout; a VIDEO_ID is opened in the player too.
const fs = require('fs');

const PATIENCE_MS = 15000;
const [, , streamId, videoId, ...manifestUrls] = process.argv;
const gateway = new URL(manifestUrls[0]).origin;
let manifestUrl; // The add-on that is looked at.

// What the core expects of a browser's worker.
const stored = new Map();
const answered = new Map(); // The bodies that the gateway sent, by path: what is kept is held against them.
globalThis.self = globalThis;
globalThis.document = { baseURI: 'https://web.stremio.com/' };
globalThis.WorkerGlobalScope = class { static [Symbol.hasInstance](value) { return value === globalThis; } };
Object.assign(globalThis, {
  app_version: '5', shell_version: undefined,
  get_location_hash: async () => '',
  local_storage_get_item: async (key) => stored.get(key) ?? null,
  local_storage_set_item: async (key, value) => { stored.set(key, value); },
  local_storage_remove_item: async (key) => { stored.delete(key); },
});
const realFetch = globalThis.fetch;
globalThis.fetch = async (request, options) => {
  const url = typeof request === 'string' ? request : request.url;
  if (new URL(url).origin !== gateway) { // Stremio's own API and its default add-ons: this machine asks nobody.
    return new Response('{}', { status: 503 });
  }
  const answer = await realFetch(request, options);
  const body = await answer.text();
  answered.set(decodeURIComponent(new URL(url).pathname), { status: answer.status, body });
  return new Response(body, { status: answer.status, headers: answer.headers });
};

const core = require('@stremio/stremio-core-web');

async function until(fact, what) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const found = fact();
    if (found) { return found; }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: nothing within ${PATIENCE_MS} ms`);
}

function load(field, model, args) {
  core.dispatch({ action: 'Unload' }, field, '');
  core.dispatch({ action: 'Load', args: { model, args } }, field, '');
}

const path = (resource, id) => ({ resource, type: 'tv', id, extra: [] });
const request = (resource, id) => ({ base: manifestUrl, path: path(resource, id) });
const ready = (loadable) => loadable && loadable.type === 'Ready' ? loadable.content : undefined;
/** What the add-on answered for one of its paths. */
const sent = (resource) => {
  const found = answered.get(decodeURIComponent(new URL(manifestUrl).pathname.replace('manifest.json', resource)));
  return found ? JSON.parse(found.body) : undefined;
};

async function install() {
  load('addon_details', 'AddonDetails', { transportUrl: manifestUrl });
  const remote = await until(() => {
    const details = core.get_state('addon_details');
    return details && details.remoteAddon && ready(details.remoteAddon.content);
  }, 'the manifest');
  core.dispatch({ action: 'Ctx', args: { action: 'InstallAddon', args: remote } }, 'ctx', '');
  await until(() => core.get_state('ctx').profile.addons.some((addon) => addon.transportUrl === manifestUrl), 'the installed add-on');
  return remote;
}

async function catalog() {
  load('discover', 'CatalogWithFilters', { request: request('catalog', 'live-streams') });
  const page = await until(() => {
    const discover = core.get_state('discover');
    return discover.catalog && (Array.isArray(discover.catalog) ? discover.catalog : [discover.catalog])
      .map((entry) => ready(entry.content)).find(Boolean);
  }, 'the catalog');
  const extra = core.get_state('discover').selectable.extra.map((each) => each.name);
  return { kept: page.length, sent: sent('catalog/tv/live-streams.json').metas.length, extra, has: page.some((meta) => meta.id === streamId) };
}

async function details(videoId) {
  load('meta_details', 'MetaDetails', { metaPath: path('meta', streamId), streamPath: path('stream', videoId), guessStream: false });
  const ours = (list) => (list || []).find((entry) => !entry.addon || entry.addon.transportUrl === manifestUrl);
  const meta = await until(() => {
    const item = core.get_state('meta_details').metaItem;
    return item && ready(item.content);
  }, 'the details');
  const streams = await until(() => {
    const entry = ours(core.get_state('meta_details').streams);
    return entry && (ready(entry.content) || (entry.content.type === 'Err' && []));
  }, `the streams of ${videoId}`);
  const wanted = (sent(`stream/tv/${videoId}.json`) || { streams: [] }).streams;
  return {
    video: videoId,
    videos: { kept: meta.videos.length, sent: ((sent(`meta/tv/${streamId}.json`) || {}).meta.videos || []).length },
    streams: { kept: streams.length, sent: wanted.length, names: streams.map((stream) => stream.name) },
    first: wanted[0],
  };
}

/** What the player would go on with: it asks for the next video's streams as it starts, once. */
async function player(videoId, stream) {
  load('player', 'Player', {
    stream, streamRequest: request('stream', videoId), metaRequest: request('meta', streamId), subtitlesPath: null,
  });
  const next = await until(() => core.get_state('player').nextVideo, `the video after ${videoId}`);
  await until(() => sent(`stream/tv/${next.id}.json`), `the streams of ${next.id}`);
  const streams = sent(`stream/tv/${next.id}.json`).streams;
  const group = stream.behaviorHints && stream.behaviorHints.bingeGroup;
  return {
    next: next.id,
    season: next.season,
    episode: next.episode,
    playable: streams.filter((entry) => entry.url || entry.infoHash).length,
    sameGroup: streams.some((entry) => entry.behaviorHints && group && entry.behaviorHints.bingeGroup === group),
  };
}

async function main() {
  const wasm = require.resolve('@stremio/stremio-core-web/stremio_core_web_bg.wasm');
  await core.default({ module_or_path: fs.readFileSync(wasm) });
  await core.initialize_runtime(() => {});
  for (manifestUrl of manifestUrls) {
    const addon = await install();
    const report = { installed: `${addon.manifest.id} ${addon.manifest.version}`, catalog: await catalog(), live: await details(streamId) };
    if (videoId !== '-') {
      const episode = await details(videoId);
      report.episode = { ...episode, then: await player(videoId, episode.first) };
    }
    console.log(JSON.stringify({ manifest: manifestUrl, ...report }));
    core.dispatch({ action: 'Ctx', args: { action: 'UninstallAddon', args: addon } }, 'ctx', '');
    answered.clear();
  }
  process.exit(0);
}

main().catch((failure) => {
  console.error(failure);
  console.error(JSON.stringify([...answered].map(([name, { status, body }]) => [name, status, body.slice(0, 200)])));
  process.exit(1);
});
