// What npm's tracker clients get of one relay: node clients.js HOST:PORT TORRENT-FILE; prints one JSON object for each check.
'use strict'

const fs = require('fs')
const crypto = require('crypto')
const Tracker = require('bittorrent-tracker')
const WebTorrent = require('webtorrent')
const parseTorrent = require('parse-torrent')
const wrtc = require('@roamhq/wrtc')

const PATIENCE = 30000
const rtcConfig = { iceServers: [] } // Nobody outside of this machine is asked.
const leeching = { left: 1000 } // Who says nothing seeds, and seeds are not introduced to each other.
const [relay, file] = process.argv.slice(2)
const torrent = parseTorrent(fs.readFileSync(file))

function told (check, good, detail) {
  console.log(JSON.stringify({ check, good: Boolean(good), detail: String(detail || '') }))
}

// What `event` brings, or an error once the patience is over.
function next (emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within ${PATIENCE} ms`)), PATIENCE)
    emitter.once(event, value => { clearTimeout(timer); resolve(value) })
    for (const failure of ['error', 'warning']) emitter.once(failure, error => { clearTimeout(timer); reject(error) })
  })
}

// A client whose failures are heard by whoever waits for something of it, and else are no reason to end.
function heard (emitter) {
  emitter.on('error', () => {})
  return emitter
}

function client (url, port) {
  return heard(new Tracker({ infoHash: torrent.infoHash, peerId: crypto.randomBytes(20), announce: [url], port, wrtc, rtcConfig }))
}

async function announces (url) {
  const mine = client(url, 40001)
  try {
    const answered = Promise.all([next(mine, 'update'), next(mine, 'peer')])
    mine.start(leeching)
    const [answer, address] = await answered
    told(`bittorrent-tracker announces to ${url.split(':')[0]}`, answer.complete >= 1, `${answer.complete} complete`)
    told(`bittorrent-tracker is given the relay by ${url.split(':')[0]}`, address === relay, address)
    const scrape = next(mine, 'scrape')
    mine.scrape()
    told(`bittorrent-tracker scrapes by ${url.split(':')[0]}`, (await scrape).complete >= 1)
    const gone = next(mine, 'update')
    mine.stop()
    await gone
  } finally {
    mine.destroy()
  }
}

// Two browsers' clients find each other by the tracker alone, and talk. Clients of one process share a connection to one URL, and would
// be one browser to the tracker; it is on any path.
async function meets (url) {
  const one = client(`${url}one`, 40002)
  const other = client(`${url}other`, 40003)
  try {
    const first = next(one, 'update')
    one.start(leeching)
    told('bittorrent-tracker announces to ws', (await first).incomplete >= 1)
    const met = Promise.all([next(one, 'peer'), next(other, 'peer')])
    other.start(leeching)
    const [a, b] = await met
    const [said] = await Promise.all([next(b, 'data'), next(a, 'connect').then(() => a.send('hello'))])
    told('two of them connect by WebRTC over its signalling', String(said) === 'hello')
  } finally {
    one.destroy()
    other.destroy()
  }
}

// A webtorrent fetches the chunk from the relay, by the torrent's HTTP tracker; another has it from the first, by WebRTC.
async function fetches (http, ws) {
  const seed = heard(new WebTorrent({ dht: false, lsd: false, utp: false, tracker: { wrtc, rtcConfig } }))
  const leech = heard(new WebTorrent({ dht: false, lsd: false, utp: false, tcpPool: false, tracker: { wrtc, rtcConfig } }))
  try {
    const first = seed.add({ ...torrent, announce: [http, `${ws}seed`] }, { path: `${file}.seed` })
    await next(first, 'done')
    told('webtorrent fetches a chunk from the relay', first.downloaded >= torrent.length, `${first.downloaded} bytes`)
    const second = leech.add({ ...torrent, announce: [`${ws}leech`] }, { path: `${file}.leech` })
    await next(second, 'done')
    const kinds = second.wires.map(wire => wire.type)
    told('another has it from that one by WebRTC alone', kinds.every(kind => kind === 'webrtc'), kinds)
    const copies = ['seed', 'leech'].map(name => fs.readFileSync(`${file}.${name}/${torrent.name}`))
    told('both copies are equal', copies[0].equals(copies[1]), `${copies[0].length} bytes`)
  } finally {
    seed.destroy()
    leech.destroy()
  }
}

async function main () {
  const checks = [
    ['udp', () => announces(`udp://${relay}/announce`)],
    ['http', () => announces(`http://${relay}/announce`)],
    ['ws', () => meets(`ws://${relay}/`)],
    ['webtorrent', () => fetches(`http://${relay}/announce`, `ws://${relay}/`)]
  ]
  for (const [name, check] of checks) {
    try {
      await check()
    } catch (error) {
      told(name, false, error.message || error)
    }
  }
  process.exit(0)
}

main()
