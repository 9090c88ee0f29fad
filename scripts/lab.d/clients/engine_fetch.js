// Fetches what a stream answer names as Stremio's engine does: torrent-stream for the swarm, peer-search for the answer's
// sources, and the files in the order in which a player asks: the m3u8 at fileIdx first, then what it lists.
// engine_fetch.js 'STREAM AS JSON' FOLDER SECONDS
const fs = require('fs');
const path = require('path');
const torrentStream = require('torrent-stream');
const PeerSearch = require('peer-search');

const [answer, folder, seconds] = [JSON.parse(process.argv[2]), process.argv[3], Number(process.argv[4])];
const engineFolder = path.join(folder, 'engine');
const fetched = path.join(folder, 'fetched');
fs.mkdirSync(fetched, { recursive: true });

const engine = torrentStream('magnet:?xt=urn:btih:' + answer.infoHash, {
  dht: false, tracker: false, connections: 55, uploads: 5, path: engineFolder,
});
new PeerSearch(answer.sources.filter((source) => source.startsWith('tracker:')), engine.swarm, { min: 40, max: 200 });

setTimeout(() => {
  console.log(`not done after ${seconds} s, ${engine.swarm.wires.length} peers`);
  process.exit(1);
}, seconds * 1000);

function read(file) {
  return new Promise((resolve, reject) => {
    const parts = [];
    file.createReadStream().on('data', (part) => parts.push(part)).on('error', reject)
      .on('end', () => resolve(Buffer.concat(parts)));
  });
}

engine.on('ready', async () => {
  const playlist = (await read(engine.files[answer.fileIdx])).toString();
  for (const name of playlist.split('\n').filter((line) => line && !line.startsWith('#'))) {
    fs.writeFileSync(path.join(fetched, name), await read(engine.files.find((file) => file.name === name)));
  }
  fs.rmSync(engineFolder, { recursive: true, force: true });
  process.exit(0);
});
