// A replica of Stremio's streaming server, as far as a hybrid playlist needs it: GET /<infohash>/<idx>/<name>?tr=tracker:…
// is fetched by torrent-stream, with the peers that peer-search finds by those trackers alone, and sent as it comes.
// engine_server.js FOLDER: says "READY <port>" once it listens, and a line of JSON for each file that it served.
const fs = require('fs');
const http = require('http');
const path = require('path');
const torrentStream = require('torrent-stream');
const PeerSearch = require('peer-search');

const folder = process.argv[2];
const KEPT = 20; // Engines; a real one drops idle ones too.
const engines = new Map();

function engineOf(infoHash, sources) {
  let known = engines.get(infoHash);
  if (!known) { // As with the real one, sources count only here.
    const engine = torrentStream('magnet:?xt=urn:btih:' + infoHash, {
      dht: false, tracker: false, connections: 55, uploads: 5, path: path.join(folder, infoHash),
    });
    known = { engine, search: new PeerSearch(sources.filter((each) => each.startsWith('tracker:')), engine.swarm, { min: 40, max: 200 }) };
    known.ready = new Promise((resolve) => engine.on('ready', resolve));
    engines.set(infoHash, known);
    if (engines.size > KEPT) {
      const [oldest, { engine: old, search }] = engines.entries().next().value;
      engines.delete(oldest);
      search.close();
      old.destroy(() => fs.rm(path.join(folder, oldest), { recursive: true, force: true }, () => {}));
    }
  }
  return known;
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  const [, infoHash, index] = url.pathname.split('/');
  if (!/^[0-9a-f]{40}$/.test(infoHash) || !/^\d+$/.test(index)) {
    response.writeHead(404).end();
    return;
  }
  const began = Date.now();
  const known = engineOf(infoHash, url.searchParams.getAll('tr'));
  await known.ready;
  const file = known.engine.files[Number(index)];
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range || '');
  const start = range ? Number(range[1]) : 0;
  const end = range && range[2] ? Math.min(Number(range[2]), file.length - 1) : file.length - 1;
  response.writeHead(range ? 206 : 200, {
    'access-control-allow-origin': '*', 'accept-ranges': 'bytes', 'content-type': 'video/mp2t', 'content-length': end - start + 1,
    ...(range ? { 'content-range': `bytes ${start}-${end}/${file.length}` } : {}),
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  file.createReadStream({ start, end }).pipe(response)
    .on('finish', () => console.log(JSON.stringify({ file: file.name, bytes: end - start + 1, milliseconds: Date.now() - began })));
});
server.listen(0, '127.0.0.1', () => console.log(`READY ${server.address().port}`));
