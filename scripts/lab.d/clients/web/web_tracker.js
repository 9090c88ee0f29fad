// Two browsers' tracker clients (bittorrent-tracker, as WebTorrent has it) that meet by a WebSocket tracker and exchange a word over
// WebRTC. web_tracker.js WS-URL INFOHASH SECONDS; prints what each saw, exit 0 once both have the other's word.
const crypto = require('crypto');
const Client = require('bittorrent-tracker');
const wrtc = require('@roamhq/wrtc');

const [url, infoHash, seconds] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const NAMES = ['first', 'second'];
const heard = new Map();
const warnings = [];

function browser(name) {
  const peerId = Buffer.concat([Buffer.from('-WW0001-'), crypto.randomBytes(12)]);
  const client = new Client({ infoHash: Buffer.from(infoHash, 'hex'), peerId, port: 6881, announce: [url], wrtc, rtcConfig: { iceServers: [] } });
  client.on('error', (error) => warnings.push(`${name}: ${error.message}`));
  client.on('warning', (warning) => warnings.push(`${name}: ${warning.message}`));
  client.on('update', (answer) => console.log(`${name} is told of ${answer.complete} complete, ${answer.incomplete} not`));
  client.on('scrape', (answer) => console.log(`${name} scraped ${answer.complete} complete, ${answer.incomplete} not`));
  client.on('peer', (peer) => {
    peer.on('connect', () => peer.send(`from ${name}`));
    peer.on('data', (data) => {
      heard.set(name, data.toString());
      done();
    });
    peer.on('error', (error) => warnings.push(`${name}'s peer: ${error.message}`));
  });
  return client;
}

const clients = NAMES.map(browser);
clients.forEach((client) => client.start({ left: 1000, numwant: 5 }));

function finish(status) {
  warnings.forEach((warning) => console.log(warning));
  clients.forEach((client) => client.stop());
  setTimeout(() => process.exit(status), 300); // for "stopped" to leave
}

function done() {
  if (heard.get('first') === 'from second' && heard.get('second') === 'from first') {
    clients[0].scrape();
    console.log('each heard the other over WebRTC');
    finish(0);
  }
}

setTimeout(() => {
  console.log(`not done after ${seconds} s: ${JSON.stringify([...heard])}`);
  finish(1);
}, seconds * 1000);
