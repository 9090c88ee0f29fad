// The add-on SDK's own server (Express) with the gateway's answers, as they would be held in memory by an add-on that does nothing else:
// it ranks nothing, it looks up which relays it would have chosen for the viewer's network, and puts them into the stream's answer.
// addon_sdk.js ANSWERS PICKS: a JSON object of manifest, catalog, metas, streams (each by id), ids, trackers; and for each network and
// id the numbers of three trackers, two bytes each. Says "READY <port>".
const { AsyncLocalStorage } = require('async_hooks');
const fs = require('fs');
const express = require('express');
const { addonBuilder, getRouter } = require('stremio-addon-sdk');

const PICKED = 3;
const answers = JSON.parse(fs.readFileSync(process.argv[2]));
const raw = fs.readFileSync(process.argv[3]);
const picks = new Uint16Array(raw.length / 2);
for (let i = 0; i < picks.length; i++) { picks[i] = raw.readUInt16BE(2 * i); }
const places = new Map(answers.ids.map((id, place) => [id, place]));
const viewer = new AsyncLocalStorage(); // The SDK's handlers are not told who asks.

/** The number of the network in 30.<n / 250>.<n % 250>.<host>. */
function network(request) {
  const [, high, low] = (request.headers['x-forwarded-for'] || '30.0.0.1').split('.');
  return Number(high) * 250 + Number(low);
}

function streamsFor(id) {
  const answer = answers.streams[id];
  const place = PICKED * (viewer.getStore() * answers.ids.length + places.get(id));
  if (place + PICKED > picks.length) { return answer; } // Of a network that was not ranked before: anybody's.
  const chosen = [picks[place], picks[place + 1], picks[place + 2]];
  const sources = chosen.map((relay) => answers.trackers[relay].http).concat(chosen.map((relay) => answers.trackers[relay].udp));
  return { ...answer, streams: answer.streams.map((stream) => (stream.sources ? { ...stream, sources } : stream)) };
}

const builder = new addonBuilder(answers.manifest);
builder.defineCatalogHandler(async () => answers.catalog);
builder.defineMetaHandler(async ({ id }) => answers.metas[id]);
builder.defineStreamHandler(async ({ id }) => streamsFor(id));
const app = express();
app.use((request, response, next) => viewer.run(network(request), next));
app.use(getRouter(builder.getInterface()));
const server = app.listen(0, '127.0.0.1', () => console.log(`READY ${server.address().port}`));
